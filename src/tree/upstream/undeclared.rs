//! The lists that a server may have although it did not declare them. Clients that people know ask
//! for tools anyway, and servers exist that count on it. Part of [`super::lists`].

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::past::Past;
use crate::protocol::mcp::item::Kind;

/// Silence is an answer too: there is none.
pub(super) const UNDECLARED_MAY_TAKE: Duration = Duration::from_secs(5);

/// Which of them are still to be asked for, one after the other, and which is.
#[derive(Debug)]
pub(super) struct Undeclared {
    past: Arc<Past>,
    left: VecDeque<Kind>,
    asked: Option<Kind>,
}

impl Undeclared {
    pub(super) fn new(past: Arc<Past>) -> Self {
        Self {
            past,
            left: VecDeque::new(),
            asked: None,
        }
    }

    /// Tools are always asked for; the others, if nothing at all was declared. What a former life
    /// did not have, or died of, is not asked for again. Gives those that are.
    pub(super) fn declare(&mut self, declared: &[Kind]) -> &VecDeque<Kind> {
        let is_worth_it = |kind: &Kind| *kind == Kind::Tools || declared.is_empty();
        let wanted = Kind::ALL.into_iter().filter(is_worth_it);
        let wanted = wanted.filter(|kind| !declared.contains(kind));
        self.left = wanted.filter(|kind| !self.past.lacks(*kind)).collect();
        &self.left
    }

    /// Leaves out what is known by now to be missing; it is not `unlisted` then either.
    pub(super) fn remember(&mut self, unlisted: &mut BTreeSet<Kind>) {
        let past = &self.past;
        let is_missing = |kind: &Kind| past.lacks(*kind);
        unlisted.retain(|kind| !(self.left.contains(kind) && is_missing(kind)));
        self.left.retain(|kind| !is_missing(kind));
    }

    /// The next one, which is asked for now.
    pub(super) fn next(&mut self) -> Option<Kind> {
        self.asked = self.left.pop_front();
        self.asked.inspect(|kind| self.past.tries(*kind))
    }

    /// `is_there` says what has come of `kind`, if it is the one that was asked for. Says then whether it
    /// has come for the first time.
    pub(super) fn ends(&mut self, kind: Kind, is_there: bool) -> Option<bool> {
        self.asked.take_if(|asked| *asked == kind)?;
        Some(is_there && self.past.has(kind))
    }

    /// Whether one is on its way that has never come before: it will not be asked for again.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some_and(|kind| self.past.lacks(kind))
    }

    /// See [`Past::note_offers`].
    pub(super) fn note_offers(&self, is_nothing: bool) -> bool {
        self.past.note_offers(is_nothing)
    }
}
