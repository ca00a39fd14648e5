//! One supervised child as the decision core sees it: its policy, the phase it is in, how it
//! last ended, and what of that others may see. Pure; moved only by `decide`.

use std::fmt::{self, Debug};
use std::mem;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::Instant;

use super::decide::Settings;
use crate::ids::Generation;

/// What a child is called by: any ordinary value.
pub trait Name: Clone + Ord + Debug + Send + 'static {}
impl<T: Clone + Ord + Debug + Send + 'static> Name for T {}

/// What a child is started from. Two that are equal need no restart between them.
pub trait Spec: Clone + PartialEq + Send + 'static {}
impl<T: Clone + PartialEq + Send + 'static> Spec for T {}

/// What happens when a child ends unasked. The table is in the [module's page](super).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy<K> {
    /// Restarted at once, within the supervisor's intensity.
    Permanent {
        /// An earlier permanent child: when it dies, this one is stopped, and started after it.
        restarted_with: Option<K>,
    },
    /// Restarted for ever, with growing delays; never escalates.
    Ladder,
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind, for decisions.
    pub kind: FailureKind,
    /// The gateway's own words, which anybody may read: `exited with code 1`.
    pub summary: String,
    /// Why, in the words of the child or the system, which may hold a path or a secret.
    pub cause: Option<String>,
    /// More that is only for the log.
    pub detail: Option<String>,
    /// How its process ended, if that was seen.
    pub status: Option<ExitStatus>,
    /// It is not tried again before that, whatever its ladder says.
    pub wait: Option<Duration>,
}

impl Failure {
    /// A failure of this kind, in the gateway's own words.
    #[must_use]
    pub fn new(kind: FailureKind, summary: impl Into<String>) -> Self {
        Self {
            kind,
            summary: summary.into(),
            cause: None,
            detail: None,
            status: None,
            wait: None,
        }
    }

    /// It could not be started, and why.
    #[must_use]
    pub fn of_start(cause: impl Into<String>) -> Self {
        Self::new(FailureKind::StartFailed, "could not be started").because(cause)
    }

    /// It panicked, or gave up with an error that its hooks cannot read.
    #[must_use]
    pub fn of_fault(cause: impl Into<String>) -> Self {
        let summary = "was ended by a fault of the gateway";
        Self::new(FailureKind::Panicked, summary).because(cause)
    }

    /// The same, and why.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

/// The kinds of ending. Three are treated differently: [`FailureKind::StartTimedOut`] lengthens the
/// start deadline, [`FailureKind::Finished`] is none, and [`FailureKind::Unauthorized`] is tried again at
/// the ladder's end. A clean end is a failure like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// It ended by itself, cleanly or not.
    Exited,
    /// It ran into its start deadline.
    StartTimedOut,
    /// It could not be started at all.
    StartFailed,
    /// It panicked, or gave up with an error that its hooks cannot read.
    Panicked,
    /// It was killed from outside, or its task was cancelled.
    Killed,
    /// It was alive and did not react.
    Hung,
    /// Its end was no failure: its work was done, or it is to begin anew. It is needed again at once.
    Finished,
    /// It does not let the gateway in: somebody has to do something about it. It is no crash.
    Unauthorized,
}

/// What a child is told at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// How long it may take to become ready, counted from now. Zero for permanent children,
    /// which have none.
    pub deadline: Duration,
    /// How often in a row it has failed so far.
    pub failures: u32,
    /// Whether this is its first start, the one that takes a start slot.
    pub first: bool,
}

/// Where a child is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Waits for a start slot; a permanent child: for the one it is restarted with.
    Queued,
    /// Not running until somebody wants it: that is no failure.
    Asleep,
    /// Spawned, not ready yet.
    Starting {
        /// Which life.
        generation: Generation,
        /// Whether it failed so often in a row that it counts as crash-looping.
        crash_looping: bool,
    },
    /// At work.
    Ready {
        /// Which life.
        generation: Generation,
        /// Since when.
        since: Instant,
        /// Whether it was crash-looping and has not been ready for long enough since.
        crash_looping: bool,
    },
    /// Failed; started again later.
    Backoff {
        /// When it is tried again.
        until: Instant,
        /// How often in a row it has failed.
        failures: u32,
        /// Whether this is the ladder's first step, so short that callers may wait it out.
        first_step: bool,
        /// Whether it failed so often in a row that it counts as crash-looping.
        crash_looping: bool,
        /// How it ended.
        last: Failure,
    },
    /// Asked to stop, not gone yet.
    Stopping {
        /// Which life.
        generation: Generation,
        /// Whether it is started again once it is gone.
        restarts: bool,
        /// Whether it sleeps then.
        sleeps: bool,
    },
    /// Not running and not to be started: shut down, or given up.
    Stopped,
}

impl Status {
    /// Whether the child failed so often in a row that it counts as crash-looping.
    #[must_use]
    pub fn is_crash_looping(&self) -> bool {
        match self {
            Self::Starting { crash_looping, .. }
            | Self::Ready { crash_looping, .. }
            | Self::Backoff { crash_looping, .. } => *crash_looping,
            Self::Queued | Self::Asleep | Self::Stopping { .. } | Self::Stopped => false,
        }
    }

    /// Whether there is an instance.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self {
            Self::Starting { .. } | Self::Ready { .. } | Self::Stopping { .. } => true,
            Self::Queued | Self::Asleep | Self::Backoff { .. } | Self::Stopped => false,
        }
    }
}

/// The states of a child, with what each needs and nothing else.
#[derive(Debug, Clone)]
pub(super) enum Phase {
    Queued,
    Asleep,
    Starting {
        generation: Generation,
        holds_slot: bool,
    },
    Ready {
        generation: Generation,
        since: Instant,
    },
    /// `generation` is the life that ended; it tells this wait's timer from earlier ones.
    Backoff {
        generation: Generation,
        until: Instant,
        last: Failure,
    },
    Stopping {
        generation: Generation,
        then: AfterStop,
    },
    Stopped,
}

/// What follows once a stopping child is gone. It may change while the child drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterStop {
    /// Start it, from the spec it has by then.
    Start,
    /// Forget it.
    Remove,
    /// Keep the name, start nothing.
    Rest,
    /// The same until somebody wants it.
    Sleep,
}

#[derive(Debug)]
pub(super) struct Child<K, S> {
    pub(super) policy: Policy<K>,
    pub(super) spec: S,
    pub(super) phase: Phase,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Whether the first start has begun: later ones take no slot.
    pub(super) was_started: bool,
    start: StartDeadline,
}

/// The entry's deadline, and by how much experience has lengthened it.
#[derive(Debug)]
struct StartDeadline {
    configured: Duration,
    timeouts: u32,
    /// A server that was ready once has finished installing: from then on a start that takes
    /// too long is a fault. What the deadline had grown to stays, since it was needed.
    was_ready: bool,
}

impl<K, S> Child<K, S> {
    pub(super) fn new(policy: Policy<K>, spec: S, start_deadline: Duration) -> Self {
        Self {
            policy,
            spec,
            phase: Phase::Queued,
            failures: 0,
            was_started: false,
            start: StartDeadline::new(start_deadline),
        }
    }

    /// Takes another spec and gives the old one; what was learnt of that is forgotten.
    pub(super) fn replace_spec(&mut self, spec: S, start_deadline: Duration) -> S {
        self.failures = 0;
        self.start = StartDeadline::new(start_deadline);
        mem::replace(&mut self.spec, spec)
    }

    /// Takes another start deadline, if it is another.
    pub(super) fn set_start_deadline(&mut self, configured: Duration) {
        if self.start.configured != configured {
            self.start = StartDeadline::new(configured);
        }
    }

    pub(super) fn is_laddered(&self) -> bool {
        matches!(self.policy, Policy::Ladder)
    }

    /// The generation of the living instance.
    pub(super) fn live(&self) -> Option<Generation> {
        match self.phase {
            Phase::Starting { generation, .. }
            | Phase::Ready { generation, .. }
            | Phase::Stopping { generation, .. } => Some(generation),
            Phase::Queued | Phase::Asleep | Phase::Backoff { .. } | Phase::Stopped => None,
        }
    }

    /// Whether there is an instance that is to stay.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Starting { .. } | Phase::Ready { .. })
    }

    /// What follows its stop, if it is stopping.
    pub(super) fn stopping(&self) -> Option<AfterStop> {
        match self.phase {
            Phase::Stopping { then, .. } => Some(then),
            Phase::Queued
            | Phase::Asleep
            | Phase::Starting { .. }
            | Phase::Ready { .. }
            | Phase::Backoff { .. }
            | Phase::Stopped => None,
        }
    }

    pub(super) fn holds_slot(&self) -> bool {
        matches!(
            self.phase,
            Phase::Starting {
                holds_slot: true,
                ..
            }
        )
    }

    pub(super) fn note_ready(&mut self) {
        self.start.was_ready = true;
    }

    /// Counts a failure of a run that was not stable.
    pub(super) fn note_failure(&mut self, kind: FailureKind) {
        self.failures = self.failures.saturating_add(1);
        if kind == FailureKind::StartTimedOut && !self.start.was_ready {
            self.start.timeouts = self.start.timeouts.saturating_add(1);
        }
    }

    pub(super) fn start_deadline(&self, cap: Duration) -> Duration {
        self.start.effective(cap)
    }

    pub(super) fn status(&self, settings: &Settings) -> Status {
        let crash_looping = settings.ladder.is_crash_loop(self.failures);
        match &self.phase {
            Phase::Queued => Status::Queued,
            Phase::Asleep => Status::Asleep,
            Phase::Starting { generation, .. } => Status::Starting {
                generation: *generation,
                crash_looping,
            },
            Phase::Ready { generation, since } => Status::Ready {
                generation: *generation,
                since: *since,
                crash_looping,
            },
            Phase::Backoff { until, last, .. } => Status::Backoff {
                until: *until,
                failures: self.failures,
                first_step: self.failures <= 1
                    && last.wait.is_none()
                    && last.kind != FailureKind::Unauthorized,
                crash_looping,
                last: last.clone(),
            },
            Phase::Stopping { generation, then } => Status::Stopping {
                generation: *generation,
                restarts: *then == AfterStop::Start,
                sleeps: *then == AfterStop::Sleep,
            },
            Phase::Stopped => Status::Stopped,
        }
    }
}

impl StartDeadline {
    fn new(configured: Duration) -> Self {
        Self {
            configured,
            timeouts: 0,
            was_ready: false,
        }
    }

    /// Doubled per timeout up to `cap`, which never shortens what the entry asks for.
    fn effective(&self, cap: Duration) -> Duration {
        let cap = cap.max(self.configured);
        2u32.checked_pow(self.timeouts)
            .and_then(|factor| self.configured.checked_mul(factor))
            .map_or(cap, |deadline| deadline.min(cap))
    }
}
