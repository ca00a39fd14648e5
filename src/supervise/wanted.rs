//! Takes the full set of laddered children that are wanted, finds what differs from the set
//! before, and touches only that. Pure, a part of the decision core: called when a configuration
//! arrives.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use super::child::{AfterStop, Child, FailureKind, Name, Phase, Policy, Spec};
use super::decide::Children;
use super::event::{Batch, Effect};

/// One wanted child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want<K, S> {
    /// Its name.
    pub id: K,
    /// What is wanted of it.
    pub what: Wanted<S>,
}

/// What is wanted of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted<S> {
    /// That it runs, from this spec.
    Run {
        /// What it is started from. Another one than before means a restart; one that is equal stands for
        /// it from the next start on.
        spec: S,
        /// How long its start may take at first, counted from the spawn.
        start_deadline: Duration,
        /// When that begins.
        begin: Begin,
    },
    /// That it stays as it is: running, failing or not there. For a name whose new spec is
    /// unusable.
    Keep,
}

/// When a child is started that is new, or sleeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Begin {
    /// As soon as there is a start slot.
    #[default]
    Now,
    /// Once somebody wants it: [`Children::wake`], [`Children::rouse`].
    Asleep,
}

/// What a new wanted set changed. Each list is in the wanted order, `removed` in the order before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff<K, S> {
    /// New names.
    pub added: Vec<K>,
    /// Names with another spec: the old one and the new one.
    pub changed: Vec<(K, S, S)>,
    /// Names that are gone.
    pub removed: Vec<K>,
    /// Names that nothing happened to.
    pub unchanged: Vec<K>,
}

impl Begin {
    fn after_stop(self) -> AfterStop {
        match self {
            Self::Now => AfterStop::Start,
            Self::Asleep => AfterStop::Sleep,
        }
    }
}

impl<K, S> Diff<K, S> {
    fn none() -> Self {
        Self {
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
            unchanged: Vec::new(),
        }
    }

    /// Whether the set is the same as before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl<K: Name, S: Spec> Children<K, S> {
    /// Makes `wanted` the full set of laddered children, but for those that came one by one
    /// ([`Children::add`]). A name that comes twice counts once, the first time; the name of a
    /// permanent child or of one that was added is ignored. With `retry`, children in backoff, the
    /// added ones too, are tried at once and their ladder starts over. After a shutdown began,
    /// nothing happens.
    pub fn want(
        &mut self,
        wanted: Vec<Want<K, S>>,
        retry: bool,
    ) -> (Diff<K, S>, Vec<Effect<K, S>>) {
        let (mut diff, mut batch) = (Diff::none(), Batch::new());
        if self.is_closed {
            return (diff, batch.finish());
        }
        let before = mem::take(&mut self.wanted);
        let was_wanted: BTreeSet<K> = before.iter().cloned().collect();
        let mut is_wanted = BTreeSet::new();
        for Want { id, what } in wanted {
            let known = was_wanted.contains(&id);
            let is_kept_without_being = matches!(what, Wanted::Keep) && !known;
            let is_another = !known && self.spec(&id).is_some();
            if is_kept_without_being || is_another || !is_wanted.insert(id.clone()) {
                continue;
            }
            self.wanted.push(id.clone());
            match what {
                Wanted::Keep => diff.unchanged.push(id),
                Wanted::Run {
                    spec,
                    start_deadline,
                    begin,
                } if known => match self.compare(&id, &spec, (start_deadline, begin), &mut batch) {
                    Some(old) => diff.changed.push((id, old, spec)),
                    None => diff.unchanged.push(id),
                },
                Wanted::Run {
                    spec,
                    start_deadline,
                    begin,
                } => {
                    self.add_laddered(&id, spec, (start_deadline, begin), &mut batch);
                    diff.added.push(id);
                }
            }
        }
        let is_gone = |id: &K| !is_wanted.contains(id);
        diff.removed.extend(before.into_iter().filter(is_gone));
        for id in &diff.removed {
            self.stop(id, AfterStop::Remove, &mut batch);
        }
        self.retry(retry, &mut batch);
        self.fill_slots(&mut batch);
        (diff, batch.finish())
    }

    /// A new name; or one whose removed predecessor still drains and must be gone first.
    pub(super) fn add_laddered(
        &mut self,
        id: &K,
        spec: S,
        (start_deadline, begin): (Duration, Begin),
        batch: &mut Batch<K, S>,
    ) {
        let mut child = Child::new(Policy::Ladder, spec, start_deadline);
        if let Some(generation) = self.by_id.get(id).and_then(Child::live) {
            let then = begin.after_stop();
            child.phase = Phase::Stopping { generation, then };
        } else if begin == Begin::Asleep {
            child.phase = Phase::Asleep;
        }
        self.by_id.insert(id.clone(), child);
        batch.touch(id);
    }

    /// Gives the old spec if it was another, and then sees to it that the new one is started.
    fn compare(
        &mut self,
        id: &K,
        spec: &S,
        (start_deadline, begin): (Duration, Begin),
        batch: &mut Batch<K, S>,
    ) -> Option<S> {
        let child = self.by_id.get_mut(id)?;
        if child.spec == *spec {
            child.set_start_deadline(start_deadline);
            child.spec = spec.clone();
            if begin == Begin::Now {
                self.end_sleep(id, batch);
            }
            return None;
        }
        let old = child.replace_spec(spec.clone(), start_deadline);
        match &child.phase {
            Phase::Stopping { then, .. } if *then == AfterStop::Sleep => {
                self.stop(id, begin.after_stop(), batch);
            }
            Phase::Starting { .. } | Phase::Ready { .. } | Phase::Stopping { .. } => {
                self.stop(id, AfterStop::Start, batch);
            }
            Phase::Backoff { .. } | Phase::Stopped => self.start(id, batch),
            Phase::Asleep if begin == Begin::Asleep => batch.touch(id),
            Phase::Asleep => self.start_laddered(id, batch),
            Phase::Queued => {}
        }
        Some(old)
    }

    /// Has a laddered child stopped in order and started again, or started now if it is not running;
    /// its failures are forgotten. `None` where there is no such child, or none that stays.
    pub fn restart(&mut self, id: &K) -> Option<Vec<Effect<K, S>>> {
        let mut batch = Batch::new();
        self.spec(id).filter(|_| !self.is_closed)?;
        let child = self.by_id.get_mut(id).filter(|child| child.is_laddered())?;
        child.failures = 0;
        match child.phase {
            Phase::Starting { .. } | Phase::Ready { .. } | Phase::Stopping { .. } => {
                self.stop(id, AfterStop::Start, &mut batch);
            }
            Phase::Asleep | Phase::Backoff { .. } | Phase::Stopped => self.start(id, &mut batch),
            Phase::Queued => {}
        }
        self.fill_slots(&mut batch);
        Some(batch.finish())
    }

    /// Tries all in backoff, or those who do not let in: what they were refused for may have been changed.
    fn retry(&mut self, is_all: bool, batch: &mut Batch<K, S>) {
        let all = self.wanted.iter().chain(&self.added);
        for id in all.cloned().collect::<Vec<_>>() {
            if let Some(child) = self.by_id.get_mut(&id)
                && matches!(&child.phase, Phase::Backoff { last, .. } if is_all || last.kind == FailureKind::Unauthorized)
            {
                child.failures = 0;
                self.start(&id, batch);
            }
        }
    }
}
