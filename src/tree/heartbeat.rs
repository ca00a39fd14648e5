//! The heartbeat: a message from outside to root, from root to each of its permanent children, and
//! from each of them back. A child that is dead needs none: root restarts it, and its successor
//! answers the next beat. One that lives and handles nothing is seen by nobody else.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::root::RootHandle;
use crate::turn::Kind;

/// Who has not answered yet is asked again after this: it may be another by then.
const AGAIN: Duration = Duration::from_millis(100);

/// Who answers a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Root.
    Root,
    /// The config actor.
    Config,
    /// The registry.
    Registry,
    /// The sessions' supervisor.
    Sessions,
    /// The listener.
    Listener,
    /// The listener's own task, which takes connections.
    AcceptLoop,
}

impl Part {
    const ALL: [Self; 6] = [
        Self::Root,
        Self::Config,
        Self::Registry,
        Self::Sessions,
        Self::Listener,
        Self::AcceptLoop,
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Config => "config",
            Self::Registry => "registry",
            Self::Sessions => "sessions",
            Self::Listener => "listener",
            Self::AcceptLoop => "accept loop",
        })
    }
}

/// One beat, on its way through the house.
#[derive(Debug, Clone)]
pub struct Beat(UnboundedSender<Part>);

impl Kind for Beat {}

impl Beat {
    /// Whoever gets it says so to `answers`.
    #[must_use]
    pub fn new(answers: UnboundedSender<Part>) -> Self {
        Self(answers)
    }

    /// `part` handles messages. Nobody may be waiting to hear it any more.
    pub fn passed(&self, part: Part) {
        if self.0.send(part).is_err() {
            log::trace!("a late heartbeat of the {part}");
        }
    }
}

/// Who sends the beats and hears the answers.
#[derive(Debug, Clone)]
pub struct Pulse(RootHandle);

impl Pulse {
    pub(super) fn new(root: RootHandle) -> Self {
        Self(root)
    }

    /// Returns once every part has answered. `late` is told, once, who has not after `deadline`.
    pub async fn round(&self, deadline: Duration, late: impl FnOnce(&BTreeSet<Part>)) {
        let (sender, mut answers) = mpsc::unbounded_channel();
        let mut missing = BTreeSet::from(Part::ALL);
        let (mut late, deadline) = (Some(late), Instant::now() + deadline);
        let mut beats = interval(AGAIN);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !missing.is_empty() {
            tokio::select! {
                biased;
                Some(part) = answers.recv() => {
                    missing.remove(&part);
                }
                _ = beats.tick() => self.0.beat(Beat::new(sender.clone())),
                () = sleep_until(deadline), if late.is_some() => {
                    if let Some(late) = late.take() {
                        late(&missing);
                    }
                }
            }
        }
    }
}
