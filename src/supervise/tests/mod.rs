//! Tests of the supervision room: the decision core rule by rule and against a model, the
//! executor with real actors. Here: the bench on which the core is tried, with a clock of its own.

mod actors;
mod added;
mod asleep;
mod book;
mod crashes;
mod ladder;
mod model;
mod permanent;
mod policy;
mod restart;
mod slots;
mod steps;
mod toy;
mod wanted;

use std::time::Duration;

use tokio::time::Instant;

use super::{Begin, Want, Wanted};
use super::{
    ChildTimer, Children, Diff, Effect, Event, Failure, FailureKind, Ladder, Settings, Start,
    Status,
};
use crate::ids::Generation;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, format!("{kind:?}"))
}

/// A wanted child with a start deadline of 30 s.
fn run<K>(id: K, spec: u32) -> Want<K, u32> {
    run_from(id, spec, Begin::Now)
}

fn run_from<K>(id: K, spec: u32, begin: Begin) -> Want<K, u32> {
    let start_deadline = secs(30);
    let what = Wanted::Run {
        spec,
        start_deadline,
        begin,
    };
    Want { id, what }
}

fn keep<K>(id: K) -> Want<K, u32> {
    let what = Wanted::Keep;
    Want { id, what }
}

/// What a test sees of a batch of effects.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Did {
    Spawn(&'static str, u32),
    Stop(&'static str),
    Kill(&'static str),
    Removed(&'static str),
    GiveUp(&'static str),
}

/// Children with a clock, and every instance's generation by its name.
struct Bench {
    children: Children<&'static str, u32>,
    now: Instant,
    /// The effects of the last call.
    effects: Vec<Effect<&'static str, u32>>,
    diff: Option<Diff<&'static str, u32>>,
}

impl Bench {
    fn new() -> Self {
        Self {
            children: Children::new(Settings::default(), 1),
            now: Instant::now(),
            effects: Vec::new(),
            diff: None,
        }
    }

    fn pass(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    fn want(&mut self, wanted: &[Want<&'static str, u32>]) -> Vec<Did> {
        self.want_or_retry(wanted, false)
    }

    fn want_or_retry(&mut self, wanted: &[Want<&'static str, u32>], retry: bool) -> Vec<Did> {
        let (diff, effects) = self.children.want(wanted.to_vec(), retry);
        self.diff = Some(diff);
        self.see(effects)
    }

    fn add(&mut self, id: &'static str, spec: u32) -> Vec<Did> {
        let effects = self.children.add(id, spec, secs(30));
        self.see(effects)
    }

    fn remove(&mut self, id: &'static str) -> Vec<Did> {
        let effects = self.children.remove(&id);
        self.see(effects)
    }

    fn restart(&mut self, id: &'static str) -> Option<Vec<Did>> {
        let effects = self.children.restart(&id)?;
        Some(self.see(effects))
    }

    fn permanent(&mut self, id: &'static str, restarted_with: Option<&'static str>) -> Vec<Did> {
        let effects = self.children.add_permanent(id, 0, restarted_with);
        self.see(effects)
    }

    fn ready(&mut self, id: &'static str) -> Vec<Did> {
        let generation = self.generation(id);
        self.on(Event::Ready { id, generation })
    }

    fn exits(&mut self, id: &'static str, kind: FailureKind) -> Vec<Did> {
        let generation = self.generation(id);
        let failure = failure(kind);
        self.on(Event::Exited {
            id,
            generation,
            failure,
        })
    }

    fn timer(&mut self, id: &'static str, generation: Generation, timer: ChildTimer) -> Vec<Did> {
        self.on(Event::TimerElapsed {
            id,
            generation,
            timer,
        })
    }

    fn on(&mut self, event: Event<&'static str>) -> Vec<Did> {
        let effects = self.children.on(self.now, event);
        self.see(effects)
    }

    fn see(&mut self, effects: Vec<Effect<&'static str, u32>>) -> Vec<Did> {
        self.effects = effects;
        let did = |effect: &Effect<&'static str, u32>| match effect {
            Effect::Spawn { id, spec, .. } => Some(Did::Spawn(id, *spec)),
            Effect::Stop { id, .. } => Some(Did::Stop(id)),
            Effect::Kill { id, .. } => Some(Did::Kill(id)),
            Effect::Removed { id } => Some(Did::Removed(id)),
            Effect::GiveUp { id, .. } => Some(Did::GiveUp(id)),
            Effect::Arm { .. } | Effect::StatusChanged { .. } => None,
        };
        self.effects.iter().filter_map(did).collect()
    }

    /// The generation of the living instance, or of the one that ended last.
    fn generation(&self, id: &'static str) -> Generation {
        match self.children.by_id[id].phase {
            super::child::Phase::Starting { generation, .. }
            | super::child::Phase::Ready { generation, .. }
            | super::child::Phase::Backoff { generation, .. }
            | super::child::Phase::Stopping { generation, .. } => generation,
            super::child::Phase::Queued
            | super::child::Phase::Asleep
            | super::child::Phase::Stopped => Generation(0),
        }
    }

    fn status(&self, id: &'static str) -> Option<Status> {
        self.children.status(&id)
    }

    /// What the last call armed for a timer.
    fn armed(&self, wanted: ChildTimer) -> Option<Duration> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Arm { timer, after, .. } if *timer == wanted => Some(*after),
            Effect::Spawn { .. }
            | Effect::Stop { .. }
            | Effect::Kill { .. }
            | Effect::Arm { .. }
            | Effect::StatusChanged { .. }
            | Effect::Removed { .. }
            | Effect::GiveUp { .. } => None,
        })
    }

    /// Under which conditions the last call started a child.
    fn start(&self) -> Option<Start> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Spawn { start, .. } => Some(*start),
            Effect::Stop { .. }
            | Effect::Kill { .. }
            | Effect::Arm { .. }
            | Effect::StatusChanged { .. }
            | Effect::Removed { .. }
            | Effect::GiveUp { .. } => None,
        })
    }

    /// Lets the ladder's delay pass.
    fn wait_out(&mut self, id: &'static str) -> Vec<Did> {
        let Some(Status::Backoff { until, .. }) = self.status(id) else {
            panic!("'{id}' is not in backoff: {:?}", self.status(id));
        };
        self.now = until;
        let generation = self.generation(id);
        self.timer(id, generation, ChildTimer::Backoff)
    }

    /// Fails so often in a row, each time waiting until it is started again.
    fn fail_times(&mut self, id: &'static str, times: u32) {
        for _ in 0..times {
            self.exits(id, FailureKind::Exited);
            self.wait_out(id);
        }
    }
}
