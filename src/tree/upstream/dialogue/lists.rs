//! The lists, as the dialogue has them: when they are asked for again, and what is told of them.

use tokio::time::Instant;

use super::{Dialogue, Effect, Phase, Step, writes};
use crate::protocol::mcp::item::Kind;

impl Dialogue {
    /// A client wants this list: is it too old?
    pub(in super::super) fn wanted(&mut self, now: Instant, kind: Kind) -> Vec<Effect> {
        let is_due = self.is_ready() && self.lists.note_wanted(now, kind);
        let wait = is_due.then(|| self.lists.pace().wait(now));
        wait.map(Effect::ListChanged).into_iter().collect()
    }

    /// Asks for the lists that have changed.
    pub(in super::super) fn relist(&mut self, now: Instant) -> Vec<Effect> {
        let asked = self.lists.ask_changed(now, &mut self.calls);
        asked.map_or_else(|wait| vec![Effect::ListChanged(wait)], writes)
    }

    /// A step was made towards the lists: is the server ready by it, or does it offer something
    /// else now?
    pub(super) fn listed(&mut self, now: Instant, step: Step) -> Vec<Effect> {
        let is_waiting = self.lists.awaited().next().is_some();
        let offer = match self.phase {
            Phase::Ready => step.is_news.then(|| self.ready()),
            Phase::Opening | Phase::Listing(_) if !is_waiting => Some(self.ready()),
            Phase::Opening | Phase::Listing(_) => None,
        };
        let lines = step.lines.into_iter().chain(self.look_further(now));
        offer.into_iter().chain(writes(lines)).collect()
    }

    pub(super) fn ready(&mut self) -> Effect {
        self.phase = Phase::Ready;
        Effect::Listed(self.lists.catalogue())
    }
}
