//! Lists that could not be read: what stands for them, what is said of it, and answers that come too
//! late, which count all the same.

use bytes::Bytes;
use log::Level;
use tokio::time::Instant;

use super::{Lists, Step};
use crate::protocol::jsonrpc::code;
use crate::protocol::mcp::item::{Item, Kind, Odd};
use crate::tree::registry::Gap;
use crate::tree::upstream::calls::Calls;
use crate::tree::upstream::listing::Listing;
use crate::tree::upstream::server_label::ServerLabel;
use crate::tree::upstream::undeclared::MAY_TAKE;

/// Why a page of a list did not come.
#[derive(Debug)]
pub(in super::super) enum ListFailure {
    /// An error came in its place.
    Refused(Bytes),
    /// What came is no page, for this reason.
    Unfit(String),
    /// Nothing came in time.
    Silent,
}

impl ListFailure {
    /// For the log.
    fn text(&self, label: &ServerLabel) -> String {
        match self {
            Self::Refused(error) => label.excerpt(error),
            Self::Unfit(why) => label.hide(why).into_owned(),
            Self::Silent => self.words(),
        }
    }

    /// In the gateway's own words: what follows a colon may be the server's.
    fn words(&self) -> String {
        match self {
            Self::Refused(error) => match code::of(error) {
                Some(code) => format!("it answered with error {code}"),
                None => "it answered with an error".to_owned(),
            },
            Self::Unfit(why) => why.split(':').next().unwrap_or_default().to_owned(),
            Self::Silent => "it did not answer in time".to_owned(),
        }
    }

    /// Whether the server says that it has no such list.
    fn is_no(&self) -> bool {
        matches!(self, Self::Refused(error) if code::of(error) == Some(code::METHOD_NOT_FOUND))
    }
}

impl Lists {
    /// A page did not come. What came before it is kept, unless something better is known.
    pub(in super::super) fn fail(
        &mut self,
        now: Instant,
        kind: Kind,
        failure: &ListFailure,
        calls: &mut Calls,
    ) -> Step {
        let Some(listing) = self.asked.remove(&kind) else {
            return Step::default();
        };
        let before = self.known.gaps.get(&kind).cloned();
        let pages = listing
            .pages()
            .map(|(items, odd)| (items.to_vec(), odd.clone()));
        let (is_at_its_end, is_undeclared) = (listing.is_at_empty_cursor(), listing.is_undeclared);
        if matches!(failure, ListFailure::Silent) {
            if is_undeclared {
                self.undeclared.rest(now, MAY_TAKE);
            }
            self.await_later(kind, listing, calls);
        }
        let mut is_news = false;
        match pages {
            Some((items, odd)) if is_at_its_end => {
                self.end_at_empty_cursor(kind, items.len(), failure);
                if is_undeclared {
                    self.found(now, kind, items.len());
                }
                self.complete(kind, items, odd, calls);
                is_news = true;
            }
            pages => {
                match &pages {
                    Some((items, _)) if is_undeclared => self.found(now, kind, items.len()),
                    None if is_undeclared => self.has_not(kind, failure),
                    Some(_) | None => {}
                }
                if pages.is_some() || !is_undeclared {
                    self.tear(kind, pages, failure, calls);
                }
            }
        }
        Step {
            lines: self.end(now, kind, calls),
            is_news: is_news || self.known.gaps.get(&kind) != before.as_ref(),
        }
    }

    /// Go's SDK writes a cursor without a text on the last page too, and knows no page after it: the
    /// list is whole.
    fn end_at_empty_cursor(&self, kind: Kind, count: usize, failure: &ListFailure) {
        let (label, method, text) = (&self.label, kind.method(), failure.text(&self.label));
        log::log!(
            label.level(Level::Info),
            server = label.server();
            "Server {label} ends a list of {count} entries with an empty cursor, and has no page there \
             ({method}): {text}"
        );
    }

    /// A list that was not declared did not come. Only a plain no is one for good.
    fn has_not(&mut self, kind: Kind, failure: &ListFailure) {
        let (label, method, text) = (&self.label, kind.method(), failure.text(&self.label));
        if failure.is_no() {
            log::debug!("Server {label} did not declare {method} and has none: {text}");
            self.undeclared.lacks(kind);
            self.known.gaps.remove(&kind);
        } else {
            log::debug!(
                "Server {label} did not declare {method} and could not list it; it is asked again at \
                 its next start: {text}"
            );
            self.known.gaps.insert(kind, Gap::Silent);
        }
    }

    fn tear(
        &mut self,
        kind: Kind,
        pages: Option<(Vec<Item>, Odd)>,
        failure: &ListFailure,
        calls: &Calls,
    ) {
        let words: Box<str> = failure.words().into();
        let gap = match (self.known.gaps.get(&kind), &pages) {
            (None | Some(Gap::Stale(_)), _) => Gap::Stale(words),
            (Some(Gap::Torn(_) | Gap::Paging), None) | (Some(_), Some(_)) => Gap::Torn(words),
            (Some(Gap::Awaited | Gap::Silent | Gap::Unread(_)), None) => Gap::Unread(words),
        };
        let (label, method, text) = (&self.label, kind.method(), failure.text(&self.label));
        match &pages {
            None => log::log!(
                label.level(Level::Warn),
                server = label.server();
                "Server {label} could not list what it offers ({method}): {text}"
            ),
            Some((items, _)) => log::log!(
                label.level(Level::Warn),
                server = label.server();
                "Server {label} lists {} entries, and no page after them ({method}): {text}; they stand \
                 unless more was known",
                items.len()
            ),
        }
        calls.count_unread(kind);
        if let (Gap::Torn(_), Some((items, odd))) = (&gap, pages) {
            self.put(kind, items, odd, calls);
        }
        self.known.gaps.insert(kind, gap);
    }

    /// Its answer counts when it comes, unless it was asked anew.
    fn await_later(&mut self, kind: Kind, listing: Listing, calls: &mut Calls) {
        if let Some(older) = self.late.insert(kind, listing) {
            calls.give_up(older.id);
        }
    }

    /// The list that request `id` was about, which was given up: it has come.
    pub(in super::super) fn revive(&mut self, id: u64) -> Option<Kind> {
        let mut late = self.late.iter();
        let kind = late.find_map(|(kind, listing)| (listing.id == id).then_some(*kind))?;
        let listing = self.late.remove(&kind)?;
        let (label, method) = (&self.label, kind.method());
        log::log!(label.level(Level::Info), server = label.server(); "Server {label} answers {method} late: it counts all the same");
        self.asked.insert(kind, listing);
        Some(kind)
    }
}
