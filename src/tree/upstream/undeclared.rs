//! The lists that a server may have although it did not declare them. Clients that people know ask
//! for tools anyway, and servers exist that count on it. Part of [`super::lists`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::past::Past;
use crate::protocol::mcp::item::Kind;
use crate::tree::registry::Gap;

/// Silence is an answer too: there is none, for now. Whoever was silent is left alone for as long.
pub(super) const MAY_TAKE: Duration = Duration::from_secs(5);
/// Calls that wait for the server to be ready come first.
pub(super) const QUIET: Duration = Duration::from_millis(100);
/// So do those of clients that have just heard of what came.
pub(super) const RUSH: Duration = Duration::from_secs(1);
/// While it is at a call, it is looked this often whether it still is.
const BUSY: Duration = Duration::from_secs(1);

/// Which of them are still to be asked for, one after the other.
#[derive(Debug)]
pub(super) struct Undeclared {
    past: Arc<Past>,
    left: VecDeque<Kind>,
    /// When the next one may be asked for.
    due: Option<Instant>,
}

impl Undeclared {
    pub(super) fn new(past: Arc<Past>) -> Self {
        Self {
            past,
            left: VecDeque::new(),
            due: None,
        }
    }

    /// Tools are always asked for; the others, if nothing at all was declared. What a former life
    /// did not have, or two died of, is not asked for again. Gives those that are.
    pub(super) fn declare(&mut self, declared: &[Kind]) -> &VecDeque<Kind> {
        let is_worth_it = |kind: &Kind| *kind == Kind::Tools || declared.is_empty();
        let wanted = Kind::ALL.into_iter().filter(is_worth_it);
        let wanted = wanted.filter(|kind| !declared.contains(kind));
        self.left = wanted.filter(|kind| !self.past.lacks(*kind)).collect();
        &self.left
    }

    /// Leaves out what is known by now to be missing; it is not awaited then either.
    pub(super) fn remember(&mut self, gaps: &mut BTreeMap<Kind, Gap>) {
        let past = &self.past;
        let is_missing = |kind: &Kind| past.lacks(*kind);
        gaps.retain(|kind, _| !(self.left.contains(kind) && is_missing(kind)));
        self.left.retain(|kind| !is_missing(kind));
    }

    /// The next one, which is asked for now, unless the server is busy or is to be left alone.
    pub(super) fn next(&mut self, now: Instant, is_busy: bool) -> Option<Kind> {
        if self.left.is_empty() {
            self.due = None;
            return None;
        }
        if is_busy {
            self.due = Some(now + BUSY);
        }
        if *self.due.get_or_insert(now + QUIET) > now {
            return None;
        }
        self.due = None;
        self.left.pop_front()
    }

    /// When the next one may be asked for.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A call goes first.
    pub(super) fn put_off(&mut self, now: Instant) {
        self.due = self.due.map(|due| due.max(now + QUIET));
    }

    /// The server is left alone for so long at least.
    pub(super) fn rest(&mut self, now: Instant, wait: Duration) {
        if !self.left.is_empty() {
            self.due = self.due.max(Some(now + wait));
        }
    }

    /// The server says that it has none.
    pub(super) fn lacks(&self, kind: Kind) {
        self.past.learn_lack(kind);
    }

    /// It came.
    pub(super) fn found(&mut self, now: Instant, kind: Kind) {
        self.past.has(kind);
        self.rest(now, RUSH);
    }

    /// Whether it came in this life or a former one.
    pub(super) fn has_come(&self, kind: Kind) -> bool {
        self.past.has_found(kind)
    }

    /// See [`Past::note_offers`].
    pub(super) fn note_offers(&self, is_nothing: bool) -> bool {
        self.past.note_offers(is_nothing)
    }
}
