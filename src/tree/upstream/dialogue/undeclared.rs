//! When the lists are asked for that a server did not declare.

use bytes::Bytes;
use tokio::time::Instant;

use super::{Dialogue, Effect, writes};
use crate::protocol::mcp::item::Kind;
use crate::tree::registry::Lessons;

impl Dialogue {
    /// Takes what former lives taught: what ended those is not asked for.
    pub(in super::super) fn on_remember(&mut self, now: Instant, lessons: Lessons) -> Vec<Effect> {
        self.past.remember(lessons);
        self.lists.remember();
        let mut effects = writes(self.look_further(now));
        if self.lists.next_deadline().is_some() {
            effects.push(Effect::Watch);
        }
        effects
    }

    /// Asks for the next one, once it is ready. One that belongs to a session has nobody to remind
    /// it of former lives.
    pub(super) fn look_further(&mut self, now: Instant) -> Option<Bytes> {
        let is_told = self.past.is_remembered() || self.owner().is_some();
        let is_time = is_told && self.is_ready();
        is_time.then(|| self.lists.try_undeclared(now, &mut self.calls))?
    }

    /// The one of them that is on its way and has never come. An end there is no fault.
    pub(in super::super) fn looks_further_for(&self) -> Option<Kind> {
        self.lists.trying()
    }

    /// The list that the server did not declare, was asked for and was silent or wrong about: what
    /// it fails of later may still be that.
    pub(in super::super) fn looked_further_for(&self) -> Option<Kind> {
        self.lists.tried()
    }
}
