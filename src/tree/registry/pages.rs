//! A merged list as it is sent: the results of a list request, prepared once per change.

use bytes::Bytes;

use crate::protocol::mcp::item::{self, Kind};

/// A page holds so many entries,
const MAX_ITEMS: usize = 1_000;
/// and no more than about so many bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What the cursors of the gateway begin with. The rest is the number of a page.
const CURSOR: &str = "mcproxy-page-";

/// The pages of one list; there is always a first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pages(Vec<Bytes>);

impl Pages {
    /// Lays out `items`, raw entries.
    pub(super) fn build(kind: Kind, items: &[Vec<u8>]) -> Self {
        let mut pages = Vec::new();
        let mut rest = items;
        loop {
            let (page, after) = rest.split_at(fitting(rest));
            let cursor = format!("{CURSOR}{}", pages.len() + 1);
            let next = (!after.is_empty()).then_some(&*cursor);
            pages.push(item::list_result(
                kind,
                page.iter().map(Vec::as_slice),
                next,
            ));
            rest = after;
            if rest.is_empty() {
                return Self(pages);
            }
        }
    }

    /// The page at `cursor`, the first without one; `None` if the cursor is none of the gateway's.
    #[must_use]
    pub(crate) fn get(&self, cursor: Option<&str>) -> Option<&Bytes> {
        let number = match cursor {
            None => 0,
            Some(cursor) => cursor.strip_prefix(CURSOR)?.parse().ok()?,
        };
        self.0.get::<usize>(number)
    }
}

/// How many of `items` fit on a page: one at least.
fn fitting(items: &[Vec<u8>]) -> usize {
    let mut bytes = 0;
    let fits = |item: &&Vec<u8>| {
        bytes += item.len();
        bytes <= MAX_BYTES
    };
    let count = items.iter().take(MAX_ITEMS).take_while(fits).count();
    count.max(1).min(items.len())
}
