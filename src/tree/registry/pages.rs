//! A merged list as it is sent: the results of a list request, page by page, prepared once per
//! change. A page is put together from slices of what each server's part was laid out to, so that
//! a change of one server copies nothing of another's.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::cost::Cost;
use crate::protocol::mcp::item::{self, Kind};

/// A page holds so many entries,
const MAX_ITEMS: usize = 1_000;
/// and no more than about so many bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// What the cursors of the gateway begin with. The rest is the number of a page.
const CURSOR: &str = "mcproxy-page-";

/// Raw entries one after the other, with a comma after each.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    text: Bytes,
    /// Where each ends, comma included.
    ends: Box<[usize]>,
}

/// Entries that are being laid out.
#[derive(Debug, Default)]
pub(super) struct Laying {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Laying {
    pub(super) fn push(&mut self, entry: &[u8]) {
        item::push_entry(&mut self.text, entry);
        self.text.push(b',');
        self.ends.push(self.text.len());
    }

    pub(super) fn has_any(&self) -> bool {
        !self.ends.is_empty()
    }

    pub(super) fn done(mut self) -> Entries {
        self.text.shrink_to_fit();
        Entries {
            text: self.text.into(),
            ends: self.ends.into(),
        }
    }
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// In bytes.
    pub(super) fn size(&self) -> usize {
        self.text.len()
    }

    /// The entries that `shows` says by their positions, in pieces of what is laid out here.
    pub(super) fn only(&self, shows: impl Iterator<Item = bool>) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut from = None;
        for (position, is_shown) in shows.chain([false]).enumerate() {
            match (from, is_shown) {
                (None, true) => from = Some(position),
                (Some(begin), false) => {
                    pieces.push(self.piece(begin..position));
                    from = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
        pieces
    }

    fn piece(&self, range: Range<usize>) -> Self {
        let (start, end) = (self.start(range.start), self.start(range.end));
        let ends = self.ends.get(range).unwrap_or_default();
        Self {
            text: self.text.slice(start..end),
            ends: ends.iter().map(|end| end - start).collect(),
        }
    }

    /// Each of them.
    pub(super) fn each(&self) -> impl Iterator<Item = Bytes> {
        (0..self.len()).map(|position| self.slice(&(position..position + 1)))
    }

    fn start(&self, position: usize) -> usize {
        let before = position.checked_sub(1);
        let before = before.and_then(|before| self.ends.get(before));
        before.copied().unwrap_or_default()
    }

    /// How many from `position` on have room in so many entries and bytes, and their bytes.
    fn fitting(&self, position: usize, items: usize, bytes: usize) -> (usize, usize) {
        let start = self.start(position);
        let rest = self.ends.get(position..).unwrap_or_default();
        let rest = rest.get(..items.min(rest.len())).unwrap_or_default();
        let count = rest.partition_point(|end| end - start <= bytes);
        (count, self.start(position + count) - start)
    }

    /// These entries, without a comma after the last.
    fn slice(&self, range: &Range<usize>) -> Bytes {
        let end = self.start(range.end).saturating_sub(1);
        self.text.slice(self.start(range.start)..end)
    }
}

/// One page: the raw result, in pieces that it shares with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page(Vec<Bytes>);

impl Page {
    /// The raw result, piece by piece.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.0.iter().map(|piece| &**piece)
    }

    /// The raw result with `head` in the place of the brace that it begins with.
    pub(crate) fn after<'a>(&'a self, head: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
        let first = self.0.first().map_or(&[][..], |first| first);
        let first = first.strip_prefix(b"{").unwrap_or(first);
        let rest = self.0.iter().skip(1).map(|piece| &**piece);
        [head, first].into_iter().chain(rest)
    }

    /// The raw result in one piece.
    #[cfg(test)]
    pub(crate) fn whole(&self) -> Bytes {
        self.0.concat().into()
    }
}

/// The pages of one list; there is always a first one.
#[derive(Debug, Clone)]
pub(crate) struct Pages(Arc<[Page]>, Cost);

impl Pages {
    /// Puts together what is laid out already.
    pub(super) fn of(kind: Kind, parts: &[&Entries]) -> Self {
        let mut cost = Cost::default();
        for part in parts {
            cost.tools += part.len();
            cost.bytes += part.size();
        }
        let mut rest = Rest { parts, position: 0 };
        let mut pages = Vec::new();
        loop {
            let mut pieces = vec![item::list_head(kind).into()];
            pieces.extend(rest.take_page());
            let cursor = format!("{CURSOR}{}", pages.len() + 1);
            let is_last = rest.is_done();
            pieces.push(item::list_tail((!is_last).then_some(&*cursor)).into());
            pages.push(Page(pieces));
            if is_last {
                return Self(pages.into(), cost);
            }
        }
    }

    /// The page at `cursor`, the first without one; `None` if the cursor is none of the gateway's.
    #[must_use]
    pub(crate) fn get(&self, cursor: Option<&str>) -> Option<&Page> {
        let number = match cursor {
            None => 0,
            Some(cursor) => cursor.strip_prefix(CURSOR)?.parse().ok()?,
        };
        self.0.get::<usize>(number)
    }

    /// What it costs a model, if it is of tools.
    pub(crate) fn cost(&self) -> Cost {
        self.1
    }

    /// The pages of `before`, if they say the same: compared here once, that nobody has to again.
    pub(super) fn sharing(self, before: &Self) -> Self {
        if self.0 == before.0 {
            before.clone()
        } else {
            self
        }
    }

    /// Whether these are the same pages, not merely pages that say the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Which lists differ between two merges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// The tools.
    pub tools: bool,
    /// The prompts.
    pub prompts: bool,
    /// The resources or the resource templates.
    pub resources: bool,
}

impl Changes {
    /// Those too.
    pub(crate) fn add(&mut self, others: Self) {
        self.tools |= others.tools;
        self.prompts |= others.prompts;
        self.resources |= others.resources;
    }
}

/// What is on no page yet.
struct Rest<'a> {
    parts: &'a [&'a Entries],
    /// In the first of them.
    position: usize,
}

impl Rest<'_> {
    fn is_done(&mut self) -> bool {
        while let Some((part, others)) = self.parts.split_first()
            && self.position >= part.len()
        {
            (self.parts, self.position) = (others, 0);
        }
        self.parts.is_empty()
    }

    /// The pieces of the next page; one entry at least, if there is one.
    fn take_page(&mut self) -> Vec<Bytes> {
        let (mut items, mut bytes) = (MAX_ITEMS, MAX_BYTES);
        let mut pieces: Vec<Bytes> = Vec::new();
        while !self.is_done()
            && let Some(part) = self.parts.first()
        {
            let (mut count, size) = part.fitting(self.position, items, bytes);
            if count == 0 && pieces.is_empty() {
                count = 1;
            }
            if count == 0 {
                break;
            }
            if !pieces.is_empty() {
                pieces.push(Bytes::from_static(b","));
            }
            pieces.push(part.slice(&(self.position..self.position + count)));
            self.position += count;
            (items, bytes) = (items - count, bytes.saturating_sub(size));
            if self.position < part.len() {
                break;
            }
        }
        pieces
    }
}
