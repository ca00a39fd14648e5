//! One list that is being asked for, page by page. Part of [`super::lists`].

use std::mem;

use bytes::Bytes;
use tokio::time::Instant;

use super::who::Who;
use crate::protocol::mcp::item::{self, Item, Kind, Page};

/// A server may hand out cursors for ever: a list is cut after so many pages,
const MAX_PAGES: usize = 1_000;
/// and after so many bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What has been listed so far.
#[derive(Debug)]
pub(super) struct Listing {
    kind: Kind,
    /// The id of the request for the next page.
    pub(super) id: u64,
    /// When that has taken too long.
    pub(super) deadline: Instant,
    pages: usize,
    bytes: usize,
    items: Vec<Item>,
}

/// How a listing goes on after a page.
pub(super) enum Turn {
    /// Ask for the next page with these params.
    Next(Option<Bytes>),
    /// That was all.
    Done(Vec<Item>),
}

impl Listing {
    pub(super) fn new(kind: Kind, id: u64, deadline: Instant) -> Self {
        Self {
            kind,
            id,
            deadline,
            pages: 0,
            bytes: 0,
            items: Vec::new(),
        }
    }

    /// The next page has been asked for.
    pub(super) fn asked(&mut self, id: u64, deadline: Instant) {
        self.id = id;
        self.deadline = deadline;
    }

    /// Takes a page in.
    pub(super) fn turn(&mut self, who: &Who, page: Page) -> Turn {
        let (method, key) = (self.kind.method(), self.kind.key());
        if page.skipped > 0 {
            let skipped = page.skipped;
            log::warn!(
                "Server {who} lists {skipped} entries without a '{key}' ({method}); they are left out"
            );
        }
        self.pages += 1;
        self.bytes += page
            .items
            .iter()
            .map(|item| item.raw().len())
            .sum::<usize>();
        self.items.extend(page.items);
        if let Some(cursor) = page.next_cursor {
            if self.pages < MAX_PAGES && self.bytes < MAX_BYTES {
                return Turn::Next(item::list_params(Some(&cursor)));
            }
            let (items, pages) = (self.items.len(), self.pages);
            log::warn!(
                "Server {who} lists more than {items} entries on {pages} pages ({method}); the rest is left out"
            );
        }
        Turn::Done(mem::take(&mut self.items))
    }
}
