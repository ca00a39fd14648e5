//! When the lists are asked for that a server did not declare.

use bytes::Bytes;
use tokio::time::Instant;

use super::{Dialogue, Effect, writes};
use crate::tree::registry::Lessons;

impl Dialogue {
    /// Takes what former lives taught: what ended those is not asked for.
    pub(in super::super) fn on_remember(&mut self, now: Instant, lessons: Lessons) -> Vec<Effect> {
        self.past.remember(lessons);
        self.lists.remember();
        writes(self.look_further(now))
    }

    /// Asks for the next one, once it is ready. One that belongs to a session has nobody to remind
    /// it of former lives.
    pub(super) fn look_further(&mut self, now: Instant) -> Option<Bytes> {
        let is_told = self.past.is_remembered() || self.owner().is_some();
        let is_time = is_told && self.is_ready();
        is_time.then(|| self.lists.try_undeclared(now, &mut self.calls))?
    }

    /// Whether one of them is on its way. Whatever comes of that is no fault.
    pub(in super::super) fn is_looking_further(&self) -> bool {
        self.lists.is_trying()
    }
}
