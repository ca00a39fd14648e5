//! The heartbeat: a message from outside to root, from root to each of its permanent children, and
//! from each of them back. A child that is dead needs none: root restarts it, and its successor
//! answers the next beat. One that lives and handles nothing is seen by nobody else.

use std::fmt;

use tokio::sync::mpsc::UnboundedSender;

use crate::turn::Kind;

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
    pub(super) const ALL: [Self; 6] = [
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
