//! A catalogue that is being asked for, page by page. Part of the dialogue.

use std::mem;

use bytes::Bytes;
use tokio::time::Instant;

use crate::ids::ServerName;
use crate::protocol::mcp::item::{self, Item, Page};
use crate::tree::registry::Catalogue;

/// A server may hand out cursors for ever: a catalogue is cut after so many pages,
const MAX_PAGES: usize = 1_000;
/// and after so many bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What has been listed so far.
#[derive(Debug)]
pub(super) struct Listing {
    /// The id of the request for the next page.
    pub(super) id: u64,
    /// When that has taken too long.
    pub(super) deadline: Instant,
    pages: usize,
    bytes: usize,
    tools: Vec<Item>,
}

/// How a listing goes on after a page.
pub(super) enum Turn {
    /// Ask for the next page with these params.
    Next(Option<Bytes>),
    /// That was all.
    Done(Catalogue),
}

impl Listing {
    pub(super) fn new(id: u64, deadline: Instant) -> Self {
        Self {
            id,
            deadline,
            pages: 0,
            bytes: 0,
            tools: Vec::new(),
        }
    }

    /// The next page has been asked for.
    pub(super) fn asked(&mut self, id: u64, deadline: Instant) {
        self.id = id;
        self.deadline = deadline;
    }

    /// Takes a page in.
    pub(super) fn turn(&mut self, server: &ServerName, page: Page) -> Turn {
        if page.skipped > 0 {
            log::warn!(
                "Server '{server}' lists {} tools without a name; they are left out",
                page.skipped
            );
        }
        self.pages += 1;
        self.bytes += page
            .items
            .iter()
            .map(|tool| tool.raw().len())
            .sum::<usize>();
        self.tools.extend(page.items);
        if let Some(cursor) = page.next_cursor {
            if self.pages < MAX_PAGES && self.bytes < MAX_BYTES {
                return Turn::Next(item::list_params(Some(&cursor)));
            }
            log::warn!(
                "Server '{server}' lists more than {} tools on {} pages; the rest is left out",
                self.tools.len(),
                self.pages
            );
        }
        let tools = mem::take(&mut self.tools);
        Turn::Done(Catalogue {
            tools,
            ..Catalogue::default()
        })
    }
}
