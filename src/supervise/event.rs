//! What goes into the decision core and what comes out of it: events, timers, effects. Data only;
//! made and read by `decide` and `supervisor`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::child::{Failure, Name, Start};
use crate::ids::Generation;

/// What happened to a child. An event of another generation than the living one's is stale and
/// does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<K> {
    /// It got through the costly part of its start: its start slot is free.
    Initialised {
        /// Whose.
        id: K,
        /// Which life's.
        generation: Generation,
    },
    /// It is at work.
    Ready {
        /// Whose.
        id: K,
        /// Which life's.
        generation: Generation,
    },
    /// It is gone, wholly: its state has been dropped.
    Exited {
        /// Whose.
        id: K,
        /// Which life's.
        generation: Generation,
        /// How, whether it was asked to or not.
        failure: Failure,
    },
    /// A timer that an [`Effect::Arm`] asked for has run out.
    TimerElapsed {
        /// Whose.
        id: K,
        /// Of the life that it was armed for.
        generation: Generation,
        /// Which one.
        timer: ChildTimer,
    },
}

/// The timers of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChildTimer {
    /// The ladder's delay is over.
    Backoff,
    /// The first start has held its slot for long enough.
    Slot,
    /// The child had its time to stop.
    Stop,
    /// The child has been ready for long enough to forget its failures.
    Stable,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<K, S> {
    /// Start an instance.
    Spawn {
        /// Whose.
        id: K,
        /// Which life it will be.
        generation: Generation,
        /// From what.
        spec: S,
        /// Under which conditions.
        start: Start,
    },
    /// Ask it to stop in its own way. May come twice for one life: the second time it is urgent.
    Stop {
        /// Whose.
        id: K,
        /// Which life.
        generation: Generation,
    },
    /// End it by force.
    Kill {
        /// Whose.
        id: K,
        /// Which life.
        generation: Generation,
    },
    /// Send [`Event::TimerElapsed`] with the same id, generation and timer after this time.
    Arm {
        /// Whose.
        id: K,
        /// Of which life.
        generation: Generation,
        /// Which one.
        timer: ChildTimer,
        /// In what time.
        after: Duration,
    },
    /// The child's [`Status`](super::Status) may be another than before. Comes after the effects that made it so.
    StatusChanged {
        /// Whose.
        id: K,
    },
    /// The child is gone for good, and with it its name.
    Removed {
        /// Whose.
        id: K,
    },
    /// Too many restarts of permanent children. Nothing is started any more; the program should end.
    GiveUp {
        /// The child that was one too many.
        id: K,
        /// What happened, in words.
        reason: String,
    },
}

/// The effects of one event. `StatusChanged` comes last and once per child.
pub(super) struct Batch<K, S> {
    effects: Vec<Effect<K, S>>,
    touched: BTreeSet<K>,
}

impl<K: Name, S> Batch<K, S> {
    pub(super) fn new() -> Self {
        let (effects, touched) = (Vec::new(), BTreeSet::new());
        Self { effects, touched }
    }

    pub(super) fn push(&mut self, effect: Effect<K, S>) {
        self.effects.push(effect);
    }

    pub(super) fn removed(&mut self, id: &K) {
        self.touched.remove(id);
        self.push(Effect::Removed { id: id.clone() });
    }

    pub(super) fn touch(&mut self, id: &K) {
        self.touched.insert(id.clone());
    }

    pub(super) fn arm(
        &mut self,
        id: &K,
        generation: Generation,
        timer: ChildTimer,
        after: Duration,
    ) {
        let id = id.clone();
        self.push(Effect::Arm {
            id,
            generation,
            timer,
            after,
        });
    }

    pub(super) fn finish(mut self) -> Vec<Effect<K, S>> {
        let changed = self.touched.into_iter();
        self.effects
            .extend(changed.map(|id| Effect::StatusChanged { id }));
        self.effects
    }
}
