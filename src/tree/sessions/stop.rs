//! How far the stop of the gateway has come, as the sessions' supervisor sees it: which of them has a
//! call without an answer.

use std::collections::HashSet;

use ractor::ActorId;

use super::Stop;

/// The stop, and who has a call without an answer meanwhile.
#[derive(Debug, Default)]
pub(super) struct Stopping {
    pub(super) step: Stop,
    calling: HashSet<ActorId>,
    told: Option<bool>,
}

impl Stopping {
    /// Goes on to the next step. Who `lives` may have a call until it knows of that and says that it has none.
    pub(super) fn go_on(&mut self, step: Stop, lives: impl Iterator<Item = ActorId>) {
        *self = Self {
            step,
            calling: lives.collect(),
            told: None,
        };
    }

    /// A session that knows of `step` has said whether it has a call without an answer, or has ended.
    pub(super) fn note(&mut self, session: ActorId, step: Stop, is_calling: bool) {
        if is_calling {
            self.calling.insert(session);
        } else if step >= self.step {
            self.calling.remove(&session);
        }
    }

    /// Whether any has one, if that is news to root.
    pub(super) fn news(&mut self) -> Option<bool> {
        let is_calling = !self.calling.is_empty();
        let is_news = self.step != Stop::No && self.told != Some(is_calling);
        is_news.then(|| *self.told.insert(is_calling))
    }
}
