//! Laddered children that run only while somebody wants them. One sleeps from its beginning, if that
//! is wanted, and again when it says that nobody has a use for it; it is woken by whoever has one. Pure, a
//! part of the decision core.
//!
//! No wake is lost: it starts whoever sleeps or is queued, and whoever is on its way to sleep once it is
//! gone. Anybody else is at work, on its way there, or on the ladder, and climbs that as all do until it
//! is ready once.

use super::child::{AfterStop, Name, Phase, Spec};
use super::decide::Children;
use super::event::{Batch, Effect};
use crate::ids::Generation;

impl<K: Name, S: Spec> Children<K, S> {
    /// Has a child that is at work stopped, to sleep until it is wanted. Nothing happens if it is
    /// another life.
    pub fn sleep(&mut self, id: &K, of: Generation) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        let child = self.by_id.get(id).filter(|child| child.is_laddered());
        let phase = child.map(|child| &child.phase);
        if matches!(phase, Some(Phase::Ready { generation, .. }) if *generation == of) {
            let next = if self.is_closed {
                AfterStop::Rest
            } else {
                AfterStop::Sleep
            };
            self.stop(id, next, &mut batch);
        }
        batch.finish()
    }

    /// Somebody waits for this child: it is started at once, without a start slot.
    pub fn wake(&mut self, id: &K) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        let child = self.by_id.get_mut(id).filter(|child| child.is_laddered());
        if let Some(child) = child
            && matches!(child.phase, Phase::Asleep | Phase::Queued)
        {
            child.was_started = true;
            self.start(id, &mut batch);
        }
        self.start_after_sleep(id, &mut batch);
        batch.finish()
    }

    /// It is to say what it offers, for which nobody waits: it is started when there is a start slot.
    pub fn rouse(&mut self, id: &K) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        let phase = self.by_id.get(id).map(|child| &child.phase);
        if matches!(phase, Some(Phase::Asleep)) {
            self.queue(id, &mut batch);
        }
        self.start_after_sleep(id, &mut batch);
        self.fill_slots(&mut batch);
        batch.finish()
    }

    fn start_after_sleep(&mut self, id: &K, batch: &mut Batch<K, S>) {
        let child = self.by_id.get(id);
        if child.is_some_and(|child| child.stopping() == Some(AfterStop::Sleep)) {
            self.stop(id, AfterStop::Start, batch);
        }
    }

    /// It is not to sleep any more.
    pub(super) fn end_sleep(&mut self, id: &K, batch: &mut Batch<K, S>) {
        if matches!(
            self.by_id.get(id).map(|child| &child.phase),
            Some(Phase::Asleep)
        ) {
            self.start_laddered(id, batch);
        }
        self.start_after_sleep(id, batch);
    }

    pub(super) fn fall_asleep(&mut self, id: &K, batch: &mut Batch<K, S>) {
        if let Some(child) = self.by_id.get_mut(id) {
            child.failures = 0;
            child.phase = Phase::Asleep;
            batch.touch(id);
        }
    }
}
