//! A page of a server's list as it is read, and how pages are asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::super::super::raw;
use super::{Item, Kind, Odd};

/// How long a list is good (MCP 2026-07-28, "Caching"), in milliseconds.
const TTL: &str = "ttlMs";

/// One page of a server's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the server's order.
    pub items: Vec<Item>,
    /// The raw JSON of the cursor to ask for the next page with; `""` is one like any other.
    pub next_cursor: Option<String>,
    /// How long the list is good, if it says so (`ttlMs`, MCP 2026-07-28, "Caching").
    pub ttl: Option<Duration>,
    /// Entries that are not as MCP has them.
    pub odd: Odd,
    /// How much memory the entries share.
    pub size: usize,
    /// The server wrote no entries as something else than an empty array.
    pub is_odd: bool,
}

/// Reads the result of a list request. The error says why it is none.
pub fn page(kind: Kind, result: &Bytes) -> Result<Page, String> {
    let member = kind.member();
    let text = raw::text(result, "the result's bytes")?;
    let [items, cursor, ttl] = raw::pick(text, [member, "nextCursor", TTL])
        .map_err(|error| format!("the result is unusable: {error}"))?;
    let written = items.value(member)?;
    let is_odd = match written {
        Some(written) => is_empty_object(written),
        None if is_none(text, member) => true,
        None => return Err(format!("the result has no '{member}'")),
    };
    let list = written.filter(|_| !is_odd).unwrap_or("[]");
    let entries: Vec<&RawValue> =
        serde_json::from_str(list).map_err(|error| format!("'{member}' is unusable: {error}"))?;
    let mut odd = Odd::default();
    let mut items = Vec::with_capacity(entries.len());
    for (position, entry) in entries.iter().enumerate() {
        items.extend(odd.take(kind, position, &result.slice_ref(entry.get().as_bytes())));
    }
    let cursor = cursor.value("nextCursor")?;
    if cursor.is_some_and(|raw| !raw.starts_with('"')) {
        return Err("'nextCursor' is not a string".to_owned());
    }
    // Whatever else it may be is no time.
    let ttl = ttl.value(TTL).ok().flatten();
    Ok(Page {
        ttl: ttl
            .and_then(|raw| raw.parse().ok())
            .map(Duration::from_millis),
        odd,
        size: result.len(),
        next_cursor: cursor.map(str::to_owned),
        items,
        is_odd,
    })
}

/// An empty table is an object to PHP and Lua.
fn is_empty_object(raw: &str) -> bool {
    let inner = raw.strip_prefix('{').and_then(|raw| raw.strip_suffix('}'));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// Whether a result says that there are no entries: `member` is `null`, as Go writes a list
/// without any, or left out. A result that says something else instead is another one.
fn is_none(result: &str, member: &str) -> bool {
    let members: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(result);
    let known = [
        member,
        "nextCursor",
        "_meta",
        "resultType",
        TTL,
        "cacheScope",
    ];
    members.is_ok_and(|members| members.keys().all(|name| known.contains(&&**name)))
}

/// The params that ask for the page at `cursor`, raw JSON as [`Page`] has it.
#[must_use]
pub fn list_params(cursor: Option<&str>) -> Option<Bytes> {
    cursor.map(|cursor| format!("{{\"cursor\":{cursor}}}").into())
}

/// The cursor that a client's list request asks for; `null` and `""` count as absent, as languages
/// write it that have no other way. The error says why it is none.
pub fn list_cursor(params: Option<&Bytes>) -> Result<Option<String>, String> {
    let Some(params) = params else {
        return Ok(None);
    };
    let text = raw::text(params, "the params' bytes")?;
    let [cursor] =
        raw::pick(text, ["cursor"]).map_err(|error| format!("the params are unusable: {error}"))?;
    let cursor = cursor.value("cursor")?.map(raw::string);
    match cursor {
        None => Ok(None),
        Some(Some(cursor)) => Ok(Some(cursor.into()).filter(|cursor: &String| !cursor.is_empty())),
        Some(None) => Err("'cursor' is not a string".to_owned()),
    }
}
