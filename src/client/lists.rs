//! Whole lists, page by page.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Client, ClientError};
use crate::protocol::mcp::item::Kind;

/// An entry of a list, as the server wrote it.
pub type Entry = Box<RawValue>;

/// One page: a list among other members, the cursor of the next one too.
#[derive(Deserialize)]
struct Page<'a>(#[serde(borrow)] HashMap<String, &'a RawValue>);

impl Client {
    /// Every entry of a list; none if the server does not offer such a list.
    ///
    /// # Errors
    /// As of a request, or that there is no end to the list.
    pub async fn list_all(&mut self, list: Kind) -> Result<Vec<Entry>, ClientError> {
        let (method, bounds) = (list.method(), self.bounds);
        let (mut entries, mut bytes) = (Vec::new(), 0);
        let mut cursors = HashSet::new();
        if !self.server.offers(list) {
            return Ok(entries);
        }
        let mut params = None;
        for _ in 0..bounds.pages {
            let page = self.request(method, params.as_deref()).await?;
            bytes += page.len();
            if bytes > bounds.list {
                return Err(endless(method, bounds.list, "bytes"));
            }
            let (more, cursor) = read(list, &page)?;
            entries.extend(more);
            if entries.len() > bounds.entries {
                return Err(endless(method, bounds.entries, "entries"));
            }
            let Some(cursor) = cursor else {
                return Ok(entries);
            };
            params = Some(json!({ "cursor": cursor }).to_string().into_bytes());
            if !cursors.insert(cursor) {
                let again = format!("the pages of '{method}' go round in circles");
                return Err(ClientError::Protocol(again));
            }
        }
        Err(endless(method, bounds.pages, "pages"))
    }
}

fn read(list: Kind, page: &[u8]) -> Result<(Vec<Entry>, Option<String>), ClientError> {
    let member = list.member();
    let unusable = |error: serde_json::Error| {
        let method = list.method();
        ClientError::Protocol(format!("the answer to '{method}' is unusable: {error}"))
    };
    let Page(members) = serde_json::from_slice(page).map_err(unusable)?;
    let missing = || {
        let method = list.method();
        ClientError::Protocol(format!("the answer to '{method}' has no member '{member}'"))
    };
    let entries = members.get(member).ok_or_else(missing)?;
    let entries = serde_json::from_str(entries.get()).map_err(unusable)?;
    let cursor = members.get("nextCursor").map(|cursor| cursor.get());
    let cursor: Option<String> = match cursor {
        Some(cursor) => serde_json::from_str(cursor).map_err(unusable)?,
        None => None,
    };
    Ok((entries, cursor))
}

fn endless(method: &str, most: usize, of: &str) -> ClientError {
    ClientError::TooLarge {
        what: format!("answers '{method}'"),
        most: format!("{most} {of}"),
    }
}
