//! Laddered children that come and go one by one, beside the full set that `wanted` takes: no
//! configuration names them. They climb the same ladder. Pure, a part of the decision core.
//!
//! Their first starts share the start slots with everybody else's and come after those of the
//! full set, so that many that come at once neither overrun the machine nor delay a boot. One
//! with another spec is a new child: its start takes a slot again, since a change of what many
//! are started from changes all of them at once.

use std::time::Duration;

use super::child::{AfterStop, Child, Name, Phase, Spec};
use super::decide::Children;
use super::event::{Batch, Effect};
use super::wanted::Begin;

impl<K: Name, S: Spec> Children<K, S> {
    /// Sees to it that there is this laddered child beside those of [`Children::want`], and that it
    /// runs from this spec, or sleeps until it is to, if it does now. Nothing happens if that is so already, if the name is that of a
    /// child of another kind, and after a shutdown began.
    pub fn add(&mut self, id: K, spec: S, start_deadline: Duration) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        let is_added = self.added.contains(&id);
        let known = self.spec(&id);
        if self.is_closed || known.is_some() != is_added {
            return batch.finish();
        }
        if known == Some(&spec) {
            if let Some(child) = self.by_id.get_mut(&id) {
                child.spec = spec;
            }
            return batch.finish();
        }
        if self.by_id.get(&id).is_some_and(Child::is_up) {
            self.stop(&id, AfterStop::Start, &mut batch);
        }
        let phase = self.by_id.get(&id).map(|child| &child.phase);
        let begin = match phase {
            Some(Phase::Asleep) => Begin::Asleep,
            Some(_) | None => Begin::Now,
        };
        self.add_laddered(&id, spec, (start_deadline, begin), &mut batch);
        if !is_added {
            self.added.push(id);
        }
        self.fill_slots(&mut batch);
        batch.finish()
    }

    /// Stops a child that was added, for good; its name goes with it.
    pub fn remove(&mut self, id: &K) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        if let Some(place) = self.added.iter().position(|added| added == id) {
            self.added.remove(place);
            self.stop(id, AfterStop::Remove, &mut batch);
            self.fill_slots(&mut batch);
        }
        batch.finish()
    }
}
