//! The decisions of a supervisor as a pure state machine: an event and the time in, effects out.
//! No ractor, no clock, no I/O, so that every rule can be tested, and played with at random,
//! without waiting. `supervisor` carries the effects out; `wanted` is the part that takes a new
//! configuration.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{Intensity, Ladder, Restarts};
use super::child::{AfterStop, Child, Failure, FailureKind, Name, Phase, Policy, Spec, Status};
use super::event::{Batch, ChildTimer, Effect, Event};
use crate::ids::Generation;

/// The numbers of a supervisor. The default is what the program runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The delays of laddered children.
    pub ladder: Ladder,
    /// How many restarts of permanent children are bearable.
    pub intensity: Intensity,
    /// How many laddered children may be in their first start at once.
    pub start_slots: NonZeroUsize,
    /// How long a first start holds its slot at most.
    pub slot_time: Duration,
    /// Up to where a start deadline doubles.
    pub deadline_cap: Duration,
    /// How long a child may take to stop before it is killed.
    pub stop_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ladder: Ladder::default(),
            intensity: Intensity::default(),
            start_slots: NonZeroUsize::MIN.saturating_add(3),
            slot_time: Duration::from_secs(2),
            deadline_cap: Duration::from_secs(300),
            // Drain 5 s, close stdin 1.5 s, SIGTERM 1.5 s, and some air.
            stop_within: Duration::from_secs(10),
        }
    }
}

/// All children of a supervisor, and what is to become of them.
#[derive(Debug)]
pub struct Children<K, S> {
    pub(super) settings: Settings,
    pub(super) by_id: BTreeMap<K, Child<K, S>>,
    /// The laddered children that are wanted, in the wanted order.
    pub(super) wanted: Vec<K>,
    /// The laddered children that came one by one, beside those, in the order they came.
    pub(super) added: Vec<K>,
    /// The permanent children, in their start order.
    pub(super) permanent: Vec<K>,
    restarts: Restarts,
    rng: fastrand::Rng,
    pub(super) last_generation: u64,
    pub(super) is_closed: bool,
}

impl<K: Name, S: Spec> Children<K, S> {
    /// Nobody yet. `seed` makes the jitter repeatable.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            restarts: Restarts::new(settings.intensity.clone()),
            settings,
            by_id: BTreeMap::new(),
            wanted: Vec::new(),
            added: Vec::new(),
            permanent: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
            last_generation: 0,
            is_closed: false,
        }
    }

    /// Adds a permanent child after the ones already there and starts it. With `restarted_with`,
    /// an earlier permanent child, it is restarted whenever that one dies. A name that is taken
    /// changes nothing.
    pub fn add_permanent(
        &mut self,
        id: K,
        spec: S,
        restarted_with: Option<K>,
    ) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        if !self.by_id.contains_key(&id) {
            let policy = Policy::Permanent { restarted_with };
            let child = Child::new(policy, spec, Duration::ZERO);
            self.by_id.insert(id.clone(), child);
            self.start_permanent(&id, &mut batch);
            self.permanent.push(id);
        }
        batch.finish()
    }

    /// Changes the delays of laddered children and the time that any has to stop. What waits
    /// already waits as long as it was told.
    pub fn set_pace(&mut self, ladder: Ladder, stop_within: Duration) {
        self.settings.ladder = ladder;
        self.settings.stop_within = stop_within;
    }

    /// Takes what happened and says what to do about it.
    pub fn on(&mut self, now: Instant, event: Event<K>) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        match event {
            Event::Initialised { id, generation } => self.free_slot(&id, generation),
            Event::Ready { id, generation } => self.on_ready(now, &id, generation, &mut batch),
            Event::Exited {
                id,
                generation,
                failure,
            } => {
                let child = self.by_id.get(&id);
                if child.and_then(Child::live) == Some(generation) {
                    self.on_exited(now, &id, failure, &mut batch);
                }
            }
            Event::TimerElapsed {
                id,
                generation,
                timer,
            } => match timer {
                ChildTimer::Backoff => self.on_backoff_over(&id, generation, &mut batch),
                ChildTimer::Slot => self.free_slot(&id, generation),
                ChildTimer::Stop => self.on_stop_overdue(&id, generation, &mut batch),
                ChildTimer::Stable => self.on_stable(&id, generation, &mut batch),
            },
        }
        self.fill_slots(&mut batch);
        batch.finish()
    }

    /// Every child's name, in the order of names.
    pub fn ids(&self) -> impl Iterator<Item = &K> {
        self.by_id.keys()
    }

    /// From now on nothing is started any more, whatever happens; what runs goes on until it is
    /// asked to stop, and then has `within` for it. The first step of a shutdown.
    pub fn shut_down(&mut self, within: Duration) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        self.settings.stop_within = within;
        self.close(&mut batch);
        batch.finish()
    }

    /// Asks every laddered child to stop, at once, also those which are stopping already. They
    /// are not started again: part of a shutdown, which begins with it if it has not begun.
    pub fn stop_all_laddered(&mut self) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        self.close(&mut batch);
        let laddered = self.by_id.iter().filter(|(_, c)| c.is_laddered());
        for id in laddered.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.stop_for_good(&id, &mut batch);
        }
        batch.finish()
    }

    /// Asks one child to stop; it is not started again. For a shutdown in order.
    pub fn stop_child(&mut self, id: &K) -> Vec<Effect<K, S>> {
        let mut batch = Batch::new();
        self.stop_for_good(id, &mut batch);
        self.fill_slots(&mut batch);
        batch.finish()
    }

    /// Where a child is. `None`: there is no such child (any more).
    #[must_use]
    pub fn status(&self, id: &K) -> Option<Status> {
        let child = self.by_id.get(id)?;
        Some(child.status(&self.settings))
    }

    /// The wanted laddered children, in the wanted order, without those that came one by one.
    pub fn laddered(&self) -> impl Iterator<Item = (&K, Status)> {
        let child = |id| self.by_id.get_key_value(id);
        let wanted = self.wanted.iter().filter_map(child);
        wanted.map(|(id, child)| (id, child.status(&self.settings)))
    }

    /// The laddered children that came one by one, in the order they came: [`Children::add`].
    #[must_use]
    pub fn added(&self) -> &[K] {
        &self.added
    }

    /// What a child is (to be) started from. `None` also for one that is on its way out.
    #[must_use]
    pub fn spec(&self, id: &K) -> Option<&S> {
        let child = self.by_id.get(id)?;
        (child.stopping() != Some(AfterStop::Remove)).then_some(&child.spec)
    }

    /// How often in a row a child has failed.
    #[must_use]
    pub fn failures(&self, id: &K) -> u32 {
        self.by_id.get(id).map_or(0, |child| child.failures)
    }

    /// Whether this is a permanent child.
    #[must_use]
    pub fn is_permanent(&self, id: &K) -> bool {
        self.permanent.contains(id)
    }

    /// How many laddered children there are with an instance, those which are stopping included.
    #[must_use]
    pub fn live_laddered(&self) -> usize {
        let is_live = |child: &&Child<K, S>| child.is_laddered() && child.live().is_some();
        self.by_id.values().filter(is_live).count()
    }

    /// Whether no child has an instance.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.by_id.values().all(|child| child.live().is_none())
    }

    fn free_slot(&mut self, id: &K, of: Generation) {
        if let Some(Phase::Starting {
            generation,
            holds_slot,
        }) = self.by_id.get_mut(id).map(|child| &mut child.phase)
            && *generation == of
        {
            *holds_slot = false;
        }
    }

    fn on_ready(&mut self, now: Instant, id: &K, of: Generation, batch: &mut Batch<K, S>) {
        let stable_after = self.settings.ladder.stable_after();
        if let Some(child) = self.by_id.get_mut(id)
            && matches!(child.phase, Phase::Starting { generation, .. } if generation == of)
        {
            child.note_ready();
            child.phase = Phase::Ready {
                generation: of,
                since: now,
            };
            if child.failures > 0 {
                batch.arm(id, of, ChildTimer::Stable, stable_after);
            }
            batch.touch(id);
        }
    }

    fn on_exited(&mut self, now: Instant, id: &K, failure: Failure, batch: &mut Batch<K, S>) {
        let Some(child) = self.by_id.get(id) else {
            return;
        };
        match (child.stopping(), child.is_laddered()) {
            (Some(AfterStop::Start), true) => self.start_laddered(id, batch),
            (Some(AfterStop::Start), false) => self.start_permanent(id, batch),
            (Some(AfterStop::Rest), _) => self.rest(id, batch),
            (Some(AfterStop::Sleep), _) => self.fall_asleep(id, batch),
            (Some(AfterStop::Remove), _) => self.forget(id, batch),
            (None, _) if self.is_closed => self.rest(id, batch),
            (None, true) => self.on_laddered_failed(now, id, failure, batch),
            (None, false) => self.on_permanent_failed(now, id, &failure, batch),
        }
    }

    fn on_laddered_failed(
        &mut self,
        now: Instant,
        id: &K,
        failure: Failure,
        batch: &mut Batch<K, S>,
    ) {
        let ladder = &self.settings.ladder;
        let Some(child) = self.by_id.get_mut(id) else {
            return;
        };
        let Some(generation) = child.live() else {
            return;
        };
        let ready_for = |since| now.saturating_duration_since(since);
        let was_stable =
            matches!(child.phase, Phase::Ready { since, .. } if ladder.is_stable(ready_for(since)));
        let is_at_once = was_stable && failure.wait.is_none();
        // A key may have been replaced while it was let in: who starts anew reads it.
        if is_at_once || failure.kind == FailureKind::Finished {
            child.failures = 0;
            return self.start(id, batch);
        }
        if was_stable {
            child.failures = 0;
        }
        let step = if failure.kind == FailureKind::Unauthorized {
            ladder.last_step()
        } else {
            child.note_failure(failure.kind);
            ladder.step(child.failures)
        };
        let delay = ladder.jittered(step, &mut self.rng);
        let delay = delay.max(failure.wait.unwrap_or_default());
        child.phase = Phase::Backoff {
            generation,
            until: now + delay,
            last: failure,
        };
        batch.arm(id, generation, ChildTimer::Backoff, delay);
        batch.touch(id);
    }

    fn on_permanent_failed(
        &mut self,
        now: Instant,
        id: &K,
        failure: &Failure,
        batch: &mut Batch<K, S>,
    ) {
        if !self.restarts.permit(now) {
            self.close(batch);
            self.rest(id, batch);
            let Intensity { max, window } = self.restarts.intensity();
            let reason = format!("more than {max} restarts within {window:?}; at last: {failure}");
            let id = id.clone();
            return batch.push(Effect::GiveUp { id, reason });
        }
        for dependent in self.restarted_with(id).iter().rev() {
            if self.by_id.get(dependent).is_some_and(Child::is_up) {
                self.stop(dependent, AfterStop::Start, batch);
            }
        }
        self.start_permanent(id, batch);
    }

    fn on_backoff_over(&mut self, id: &K, of: Generation, batch: &mut Batch<K, S>) {
        let phase = self.by_id.get(id).map(|child| &child.phase);
        if matches!(phase, Some(Phase::Backoff { generation, .. }) if *generation == of) {
            self.start(id, batch);
        }
    }

    fn on_stop_overdue(&mut self, id: &K, of: Generation, batch: &mut Batch<K, S>) {
        let phase = self.by_id.get(id).map(|child| &child.phase);
        if matches!(phase, Some(Phase::Stopping { generation, .. }) if *generation == of) {
            let (id, generation) = (id.clone(), of);
            batch.push(Effect::Kill { id, generation });
        }
    }

    fn on_stable(&mut self, id: &K, of: Generation, batch: &mut Batch<K, S>) {
        if let Some(child) = self.by_id.get_mut(id)
            && matches!(child.phase, Phase::Ready { generation, .. } if generation == of)
        {
            child.failures = 0;
            batch.touch(id);
        }
    }
}
