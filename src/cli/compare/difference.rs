//! What differs between two lists: entries are matched by their names or URIs and compared as JSON, in which
//! some things mean nothing: the order of members and of what is `required`, how a number is written, and a
//! member that is `null`.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::Offered;
use crate::client::Entry;
use crate::protocol::mcp::item::Kind;

/// An entry that is not the same in both.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) list: Kind,
    pub(super) name: String,
    pub(super) how: How,
}

#[derive(Debug, PartialEq)]
pub(super) enum How {
    OnlyOld,
    OnlyNew,
    Differs(Vec<Place>),
}

/// A place in an entry, and what is there in each.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    /// `inputSchema.properties.path`
    pub(super) at: String,
    pub(super) old: Option<Value>,
    pub(super) new: Option<Value>,
}

/// All that differs, by list and name.
pub(super) fn differences(old: &Offered, new: &Offered) -> Vec<Difference> {
    let pairs = old.lists.iter().zip(&new.lists);
    let each = Kind::ALL.into_iter().zip(pairs);
    each.flat_map(|(list, (old, new))| between(list, old, new))
        .collect()
}

fn between(list: Kind, old: &[Entry], new: &[Entry]) -> Vec<Difference> {
    let (mut old, new) = (by_name(list, old), by_name(list, new));
    let mut found = BTreeMap::new();
    for (name, new) in new {
        let how = match old.remove(&name) {
            None => How::OnlyNew,
            Some(old) => {
                let mut places = Vec::new();
                compare("", Some(old), Some(new), &mut places);
                if places.is_empty() {
                    continue;
                }
                How::Differs(places)
            }
        };
        found.insert(name, how);
    }
    found.extend(old.into_keys().map(|name| (name, How::OnlyOld)));
    let of = |((name, _), how)| Difference { list, name, how };
    found.into_iter().map(of).collect()
}

/// Where the whole of an entry is meant.
const WHOLE: &str = "the entry, which cannot be read as a JSON object";

/// What an entry is known by; of those with the same name, the how manieth it is.
type Known = (String, usize);

fn by_name(list: Kind, entries: &[Entry]) -> BTreeMap<Known, Value> {
    let member = list.key();
    let mut named = BTreeMap::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for entry in entries {
        // What is nested too deep for a reader differs from whatever is written otherwise.
        let value = serde_json::from_str(entry.get());
        let value = value.map_or_else(|_| Value::String(entry.get().to_owned()), normal);
        let name = name(entry, member);
        let count = counts.entry(name.clone()).or_default();
        named.insert((name, *count), value);
        *count += 1;
    }
    named
}

/// What an entry is called, whatever else is in it.
fn name(entry: &Entry, member: &str) -> String {
    let members: HashMap<String, &RawValue> = serde_json::from_str(entry.get()).unwrap_or_default();
    let name = members.get(member).map(|raw| raw.get());
    let read = name.and_then(|raw| serde_json::from_str(raw).ok());
    read.unwrap_or_else(|| "(without a name)".to_owned())
}

/// A value without what means nothing.
fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        Value::Array(values) => values.into_iter().map(normal).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            let members = members.map(|(name, value)| {
                let mut value = normal(value);
                if let (true, Value::Array(names)) = (name == "required", &mut value) {
                    names.sort_by_cached_key(Value::to_string);
                }
                (name, value)
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        plain @ (Value::Null | Value::Bool(_) | Value::String(_)) => plain,
    }
}

/// `1` for `1.0`, as far as such numbers are exact.
fn whole(number: &Number) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = number.as_f64().filter(|_| number.is_f64())?;
    let is_whole = value.fract() == 0.0 && value.abs() < EXACT;
    is_whole.then(|| format!("{value:.0}").parse().ok())?
}

fn compare(at: &str, old: Option<Value>, new: Option<Value>, places: &mut Vec<Place>) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(mut new))) => {
            let below = |name: &str| {
                let name: String = name.chars().flat_map(char::escape_debug).collect();
                match at {
                    "" => name,
                    at => format!("{at}.{name}"),
                }
            };
            for (name, value) in old {
                let other = new.remove(&name);
                compare(&below(&name), Some(value), other, places);
            }
            for (name, value) in new {
                compare(&below(&name), None, Some(value), places);
            }
        }
        (old, new) if old == new => {}
        (old, new) => places.push(Place {
            at: if at.is_empty() { WHOLE } else { at }.to_owned(),
            old,
            new,
        }),
    }
}
