//! Where lives begin and end: the part of the decision core that starts and stops instances, one
//! child or several that depend on one another. Pure, like all of `decide`, which calls it.

use super::child::{AfterStop, Name, Phase, Policy, Spec, Start};
use super::decide::Children;
use super::event::{Batch, ChildTimer, Effect};
use crate::ids::Generation;

impl<K: Name, S: Spec> Children<K, S> {
    /// The permanent children that go down with `id`, in start order: those restarted with it,
    /// those restarted with these, and so on.
    pub(super) fn restarted_with(&self, id: &K) -> Vec<K> {
        let mut falling = vec![id.clone()];
        for later in &self.permanent {
            if self.dependency(later).is_some_and(|d| falling.contains(d)) {
                falling.push(later.clone());
            }
        }
        falling.remove(0);
        falling
    }

    fn dependency(&self, id: &K) -> Option<&K> {
        match &self.by_id.get(id)?.policy {
            Policy::Permanent { restarted_with } => restarted_with.as_ref(),
            Policy::Ladder => None,
        }
    }

    /// Starts a permanent child, and after it those that waited for it; or lets it wait itself.
    pub(super) fn start_permanent(&mut self, id: &K, batch: &mut Batch<K, S>) {
        let waits = self.dependency(id).is_some_and(|on| {
            let on = self.by_id.get(on);
            on.is_some_and(|child| !child.is_up())
        });
        if waits && !self.is_closed {
            return self.queue(id, batch);
        }
        self.start(id, batch);
        for later in self.restarted_with(id) {
            let later_child = self.by_id.get(&later);
            if later_child.is_some_and(|c| matches!(c.phase, Phase::Queued)) {
                self.start_permanent(&later, batch);
            }
        }
    }

    /// Starts a laddered child whose predecessor is gone: a first start waits for a slot.
    pub(super) fn start_laddered(&mut self, id: &K, batch: &mut Batch<K, S>) {
        if self.by_id.get(id).is_some_and(|c| c.was_started) {
            self.start(id, batch);
        } else {
            self.queue(id, batch);
        }
    }

    /// Gives free start slots to those who wait, in the wanted order; after them to those who
    /// came one by one, in the order they came.
    pub(super) fn fill_slots(&mut self, batch: &mut Batch<K, S>) {
        let held = self.by_id.values().filter(|c| c.holds_slot()).count();
        let free = self.settings.start_slots.get().saturating_sub(held);
        let is_queued = |id: &&K| {
            let child = self.by_id.get(*id);
            child.is_some_and(|c| matches!(c.phase, Phase::Queued))
        };
        let all = self.wanted.iter().chain(&self.added);
        let next = all.filter(is_queued).take(free);
        for id in next.cloned().collect::<Vec<_>>() {
            self.start(&id, batch);
        }
    }

    /// The one place where a life begins.
    pub(super) fn start(&mut self, id: &K, batch: &mut Batch<K, S>) {
        if self.is_closed {
            return self.rest(id, batch);
        }
        let Some(child) = self.by_id.get_mut(id) else {
            return;
        };
        self.last_generation += 1;
        let generation = Generation(self.last_generation);
        let first = !child.was_started;
        let holds_slot = first && child.is_laddered();
        child.was_started = true;
        child.phase = Phase::Starting {
            generation,
            holds_slot,
        };
        batch.push(Effect::Spawn {
            id: id.clone(),
            generation,
            spec: child.spec.clone(),
            start: Start {
                deadline: child.start_deadline(self.settings.deadline_cap),
                failures: child.failures,
                first,
            },
        });
        if holds_slot {
            batch.arm(id, generation, ChildTimer::Slot, self.settings.slot_time);
        }
        batch.touch(id);
    }

    /// Asks the instance to stop, and notes what follows. If it has been asked already, only what
    /// follows is new. Without an instance a name is at its end at once.
    pub(super) fn stop(&mut self, id: &K, next: AfterStop, batch: &mut Batch<K, S>) {
        let Some(child) = self.by_id.get_mut(id) else {
            return;
        };
        match &mut child.phase {
            Phase::Starting { generation, .. } | Phase::Ready { generation, .. } => {
                let generation = *generation;
                let then = next;
                child.phase = Phase::Stopping { generation, then };
                self.ask_to_stop(id, generation, batch);
            }
            Phase::Stopping { then, .. } => *then = next,
            Phase::Queued | Phase::Asleep | Phase::Backoff { .. } | Phase::Stopped => match next {
                AfterStop::Start | AfterStop::Sleep => {}
                AfterStop::Rest => self.rest(id, batch),
                AfterStop::Remove => return self.forget(id, batch),
            },
        }
        batch.touch(id);
    }

    /// Stops without a successor. Who is stopping already is asked again: this time it is urgent,
    /// and the time for it may be shorter than the first time.
    pub(super) fn stop_for_good(&mut self, id: &K, batch: &mut Batch<K, S>) {
        let Some(child) = self.by_id.get(id) else {
            return;
        };
        match (child.stopping(), child.live()) {
            (Some(then), Some(generation)) => {
                if matches!(then, AfterStop::Start | AfterStop::Sleep) {
                    self.stop(id, AfterStop::Rest, batch);
                }
                self.ask_to_stop(id, generation, batch);
            }
            (_, _) => self.stop(id, AfterStop::Rest, batch),
        }
    }

    fn ask_to_stop(&mut self, id: &K, generation: Generation, batch: &mut Batch<K, S>) {
        batch.arm(id, generation, ChildTimer::Stop, self.settings.stop_within);
        let id = id.clone();
        batch.push(Effect::Stop { id, generation });
    }

    pub(super) fn forget(&mut self, id: &K, batch: &mut Batch<K, S>) {
        self.by_id.remove(id);
        batch.removed(id);
    }

    pub(super) fn queue(&mut self, id: &K, batch: &mut Batch<K, S>) {
        if let Some(child) = self.by_id.get_mut(id) {
            child.phase = Phase::Queued;
            batch.touch(id);
        }
    }

    pub(super) fn rest(&mut self, id: &K, batch: &mut Batch<K, S>) {
        if let Some(child) = self.by_id.get_mut(id) {
            child.phase = Phase::Stopped;
            batch.touch(id);
        }
    }

    /// From here on nothing is started. Who waits for a start rests, who drains is not replaced.
    pub(super) fn close(&mut self, batch: &mut Batch<K, S>) {
        self.is_closed = true;
        for (id, child) in &mut self.by_id {
            match &mut child.phase {
                phase @ (Phase::Queued | Phase::Asleep | Phase::Backoff { .. }) => {
                    *phase = Phase::Stopped;
                }
                Phase::Stopping { then, .. }
                    if matches!(then, AfterStop::Start | AfterStop::Sleep) =>
                {
                    *then = AfterStop::Rest;
                }
                Phase::Starting { .. }
                | Phase::Ready { .. }
                | Phase::Stopping { .. }
                | Phase::Stopped => continue,
            }
            batch.touch(id);
        }
    }
}
