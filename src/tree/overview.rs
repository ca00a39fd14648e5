//! What the house looks like from outside, for people: written by root and the sessions'
//! supervisor as it changes, watched by whoever tells the service manager.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::ids::ServerName;
use crate::supervise::Status;

/// The house at a glance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Every configured server.
    pub servers: BTreeMap<ServerName, Standing>,
    /// How many sessions there are.
    pub sessions: usize,
    /// How often somebody asked for the configuration to be read again.
    pub reloads: u64,
    /// How often it was taken from what was read; one that can't be used changes nothing, and
    /// counts.
    pub readings: u64,
    /// Whether one of them could be used.
    pub is_configured: bool,
    /// Whether something in the file, or all of it, can't be used as it is now.
    pub is_faulty: bool,
}

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes calls.
    Ready,
    /// It is on its way up, or between two lives.
    Starting,
    /// It failed, and waits for its next start.
    Down,
    /// The same, after so many failures that somebody should look.
    CrashLooping,
    /// It is on its way out.
    Stopping,
}

impl Standing {
    fn of(status: &Status) -> Self {
        match status {
            Status::Ready { .. } => Self::Ready,
            Status::Starting { .. } | Status::Backoff { .. } if status.is_crash_looping() => {
                Self::CrashLooping
            }
            Status::Queued | Status::Starting { .. } => Self::Starting,
            Status::Backoff { .. } => Self::Down,
            Status::Stopping { .. } | Status::Stopped => Self::Stopping,
        }
    }
}

/// Notes what became of a server; `None`: it is configured no more.
pub(super) fn server_changed(
    overview: &watch::Sender<Overview>,
    server: &ServerName,
    status: Option<&Status>,
) {
    let now = status.map(Standing::of);
    overview.send_if_modified(|overview| {
        let before = match now {
            Some(now) => overview.servers.insert(server.clone(), now),
            None => overview.servers.remove(server),
        };
        before != now
    });
}

/// Notes how many sessions there are.
pub(super) fn sessions_changed(overview: &watch::Sender<Overview>, count: usize) {
    overview.send_if_modified(|overview| {
        let before = std::mem::replace(&mut overview.sessions, count);
        before != count
    });
}
