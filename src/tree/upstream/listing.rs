//! One list that is being asked for, page by page. Part of [`super::lists`].

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::mem;

use bytes::Bytes;
use log::Level;
use tokio::time::Instant;

use super::server_label::ServerLabel;
use crate::config::model::Limits;
use crate::protocol::mcp::item::{self, Item, Kind, Odd, Page};

/// A server may hand out cursors for ever: a list ends after so many pages in a row with nothing on
/// them. A few are none of its fault: a filter may leave a page empty.
const MAX_EMPTY_PAGES: usize = 10;

/// So many things that are wrong with entries are said of one list.
const MAX_REASONS: usize = 10;

/// How much lists may hold (`max_catalogue_items`, `max_catalogue_bytes`), and instructions beside
/// them (`max_instructions_bytes`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    items: usize,
    bytes: usize,
    instructions: usize,
}

impl Room {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            items: limits.max_catalogue_items,
            bytes: limits.max_catalogue_bytes,
            instructions: limits.max_instructions_bytes,
        }
    }

    /// What is left of it beside `items`.
    pub(super) fn less(self, items: &[Item]) -> Self {
        Self {
            items: self.items.saturating_sub(items.len()),
            bytes: self.bytes.saturating_sub(bytes(items)),
            ..self
        }
    }

    /// As much of `text` as instructions may have, and whether that is all of it.
    pub(super) fn cut(self, mut text: String) -> (String, bool) {
        let mut end = self.instructions.min(text.len());
        let is_whole = end == text.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.shrink_to_fit();
        (text, is_whole)
    }

    /// How many of `items`, the first of them, fit.
    fn fits(self, items: &[Item]) -> usize {
        let mut bytes = 0usize;
        let fitting = items.iter().take(self.items).take_while(|item| {
            bytes = bytes.saturating_add(item.raw().len());
            bytes <= self.bytes
        });
        fitting.count()
    }
}

fn bytes(items: &[Item]) -> usize {
    items.iter().map(|item| item.raw().len()).sum()
}

/// What has been listed so far.
#[derive(Debug)]
pub(super) struct Listing {
    kind: Kind,
    /// The id of the request for the next page.
    pub(super) id: u64,
    /// When that has taken too long.
    pub(super) deadline: Instant,
    /// It was not declared.
    pub(super) is_undeclared: bool,
    is_at_empty_cursor: bool,
    has_pages: bool,
    empty_pages: usize,
    items: Vec<Item>,
    odd: Odd,
    /// Marks of the cursors and keys that have come, while there is a next page: a server may make
    /// them as long as it likes.
    seen: HashSet<u64>,
}

/// How a listing goes on after a page.
pub(super) enum Turn {
    /// Ask for the next page with these params.
    Next(Option<Bytes>),
    /// That was all, and what was odd about it.
    Done(Vec<Item>, Odd),
}

impl Listing {
    pub(super) fn new(kind: Kind, id: u64, deadline: Instant) -> Self {
        Self {
            kind,
            id,
            deadline,
            is_undeclared: false,
            is_at_empty_cursor: false,
            has_pages: false,
            empty_pages: 0,
            items: Vec::new(),
            odd: Odd::default(),
            seen: HashSet::new(),
        }
    }

    /// The same of a list that was not declared.
    pub(super) fn undeclared(self) -> Self {
        let is_undeclared = true;
        Self {
            is_undeclared,
            ..self
        }
    }

    /// The next page has been asked for, with these params.
    pub(super) fn asked(&mut self, id: u64, params: Option<&Bytes>, deadline: Instant) {
        self.id = id;
        self.deadline = deadline;
        self.is_at_empty_cursor = params == item::list_params(Some("\"\"")).as_ref();
    }

    /// Whether the page that was asked for is the one at a cursor without a text.
    pub(super) fn is_at_empty_cursor(&self) -> bool {
        self.is_at_empty_cursor
    }

    /// What the pages hold that have come, if any has.
    pub(super) fn pages(&self) -> Option<(&[Item], &Odd)> {
        self.has_pages.then_some((&*self.items, &self.odd))
    }

    /// Takes a page in, as far as the list has `room`.
    pub(super) fn turn(&mut self, label: &ServerLabel, mut page: Page, room: Room) -> Turn {
        let method = self.kind.method();
        self.has_pages = true;
        self.odd.add(mem::take(&mut page.odd));
        if page.is_odd {
            log::log!(
                label.level(Level::Info),
                server = label.server();
                "Server {label} writes a list without entries as null, {{}} or not at all ({method}); \
                 it is taken as empty"
            );
        }
        let listed = self.items.len() + page.items.len();
        let is_repeated = self.repeats(&mut page);
        let room = room.less(&self.items);
        let fitting = room.fits(&page.items);
        let is_cut = fitting < page.items.len();
        page.items.truncate(fitting);
        let is_empty = page.items.is_empty();
        self.empty_pages = if is_empty { self.empty_pages + 1 } else { 0 };
        // What is left out, or is no entry, must not stay with those that are kept.
        if bytes(&page.items) < page.size / 2 {
            let detached = page.items.into_iter().map(Item::detached);
            self.items.extend(detached);
        } else {
            self.items.extend(page.items);
        }
        let has_more = page.next_cursor.is_some();
        if let Some(cursor) = page.next_cursor
            && !is_cut
            && !is_repeated
            && self.empty_pages < MAX_EMPTY_PAGES
        {
            return Turn::Next(item::list_params(Some(&cursor)));
        }
        if has_more && !is_cut {
            let kept = self.items.len();
            log::log!(
                label.level(Level::Warn),
                server = label.server();
                "Server {label} lists pages for ever ({method}): its cursor does not advance, or a \
                 page has nothing new; the list ends there, with {kept} entries"
            );
        } else if is_cut {
            let (kept, more) = (self.items.len(), if has_more { " or more" } else { "" });
            log::log!(
                label.level(Level::Warn),
                server = label.server();
                "Server {label} lists {listed}{more} entries ({method}), more than it may; the first {kept} are kept \
                 (max_catalogue_items, max_catalogue_bytes)"
            );
        }
        Turn::Done(mem::take(&mut self.items), mem::take(&mut self.odd))
    }

    /// Whether `page` leads nowhere: its cursor was seen before, or all of its entries. Those that
    /// were are left out.
    fn repeats(&mut self, page: &mut Page) -> bool {
        let hasher = self.seen.hasher().clone();
        let mark = |item: &Item| hasher.hash_one((false, item.key()));
        let has_entries = !page.items.is_empty();
        page.items.retain(|item| !self.seen.contains(&mark(item)));
        let Some(cursor) = &page.next_cursor else {
            return false;
        };
        self.seen.extend(page.items.iter().map(mark));
        let is_seen = !self.seen.insert(hasher.hash_one((true, cursor)));
        is_seen || (has_entries && page.items.is_empty())
    }
}

/// Says which entries are not passed on as they were written, one line for each reason.
pub(super) fn say_odd(label: &ServerLabel, kind: Kind, odd: &Odd) {
    let method = kind.method();
    for (fault, named) in odd.left_out().take(MAX_REASONS) {
        let names = named.to_string();
        let names = label.hide(&names);
        let all = if named.is_long() {
            "; /status names them (left_out)"
        } else {
            ""
        };
        log::log!(
            label.level(Level::Warn),
            server = label.server();
            "Server {label} lists what clients refuse together with all other entries ({method}), \
             {fault}: {names}; left out{all}"
        );
    }
    let rest: usize = odd
        .left_out()
        .skip(MAX_REASONS)
        .map(|(_, named)| named.count)
        .sum();
    let more = rest + odd.others();
    if more > 0 {
        log::log!(
            label.level(Level::Warn),
            server = label.server();
            "Server {label} lists {more} more entries with other such faults ({method}); left out; \
             /status names them (left_out)"
        );
    }
    for (member, named) in odd.mended() {
        let names = named.to_string();
        let names = label.hide(&names);
        log::log!(
            label.level(Level::Warn),
            server = label.server();
            "Server {label} lists members that are null, which clients refuse ({method}), '{member}' \
             of {names}; they are passed on without them"
        );
    }
    if let Some(named) = odd.misheaded() {
        let names = named.to_string();
        let names = label.hide(&names);
        log::log!(
            label.level(Level::Warn),
            server = label.server();
            "Server {label} wants arguments repeated in headers that can't be (x-mcp-header): {names}; clients \
             may leave such a tool out, and these headers are not checked"
        );
    }
}
