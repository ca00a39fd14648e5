//! How a server is, in one word: the same one in the status, for programs, and in the line for
//! people.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::supervise::{FailureKind, Status};

/// How a server is. What is worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It failed so often in a row that somebody should look. It is tried again, for ever.
    CrashLooping,
    /// It does not let the gateway in. It is tried again, for ever.
    Unauthorized,
    /// It failed, and waits for its next start.
    Backoff,
    /// It is on its way up.
    Starting,
    /// It waits until others have started.
    Queued,
    /// It is on its way out.
    Stopping,
    /// It has ended, as it should.
    Stopped,
    /// It runs when somebody wants it.
    Asleep,
    /// It takes calls.
    Ready,
}

impl Standing {
    pub(in crate::tree::root) fn of(status: &Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Backoff { last, .. } if last.kind == FailureKind::Unauthorized => {
                Self::Unauthorized
            }
            Status::Asleep => Self::Asleep,
            Status::Ready { .. } => Self::Ready,
            Status::Starting { .. } | Status::Backoff { .. } if status.is_crash_looping() => {
                Self::CrashLooping
            }
            Status::Starting { .. } => Self::Starting,
            Status::Backoff { .. } => Self::Backoff,
            Status::Stopping { .. } => Self::Stopping,
            Status::Stopped => Self::Stopped,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CrashLooping => "crash-looping",
            Self::Unauthorized => "unauthorized",
            Self::Backoff => "backoff",
            Self::Starting => "starting",
            Self::Queued => "queued",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Asleep => "asleep",
            Self::Ready => "ready",
        })
    }
}

impl Serialize for Standing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
