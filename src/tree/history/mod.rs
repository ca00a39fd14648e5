//! What is remembered of one server over all its lives and its sessions' own instances: what it said
//! that was no answer, how it ended, and probably why. Root has one for each server, as long as that is
//! configured; upstreams write to it, the status reads it. All of it is bounded, nothing takes memory
//! before there is something, and no call comes by here.

mod exits;
mod follow;
mod likely;
mod ring;

pub use exits::Exit;
pub use follow::{Follower, LogNews};
pub use likely::Likely;
pub use ring::Line;
pub(in crate::tree) use ring::shown;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Notify;

use self::exits::Exits;
use self::ring::Ring;

/// So many lines of stderr are kept, and so many of them are shown with a server.
const STDERR: usize = 200;
const STDERR_SHOWN: usize = 50;
/// So many lines of stdout that are no message, and so many answers to nobody.
const ODD: usize = 20;

/// What is remembered of one server.
#[derive(Debug)]
pub struct ServerHistory {
    noted: Mutex<Noted>,
    /// There is another line of stderr, or there will be none any more.
    news: Notify,
}

#[derive(Debug)]
struct Noted {
    stderr: Ring,
    junk: Ring,
    dropped: Ring,
    exits: Exits,
    starts: u64,
    /// The server is not configured any more.
    is_over: bool,
}

/// What the server said itself: not for everybody.
#[derive(Debug, Clone, Serialize)]
pub struct ServerLog {
    /// The last lines of its stderr, oldest first.
    pub stderr: Vec<Line>,
    /// The last lines of its stdout that are no message.
    pub junk: Vec<Line>,
    /// Its last answers that were thrown away.
    pub dropped: Vec<DroppedAnswer>,
}

/// An answer that was thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DroppedAnswer {
    /// When, as RFC 3339 has it.
    pub at: String,
    /// Why, and of which request.
    pub reason: String,
}

/// The numbers, for everybody.
#[derive(Debug, Clone, Default)]
pub(in crate::tree) struct Counts {
    pub(in crate::tree) restarts: u64,
    pub(in crate::tree) junk_lines: u64,
    pub(in crate::tree) dropped_answers: u64,
    /// Newest first.
    pub(in crate::tree) exits: Vec<Exit>,
    pub(in crate::tree) likely: Option<Likely>,
}

impl Default for ServerHistory {
    fn default() -> Self {
        let noted = Noted {
            stderr: Ring::of(STDERR),
            junk: Ring::of(ODD),
            dropped: Ring::of(ODD),
            exits: Exits::default(),
            starts: 0,
            is_over: false,
        };
        Self {
            noted: Mutex::new(noted),
            news: Notify::new(),
        }
    }
}

impl ServerHistory {
    /// It wrote this to its stderr.
    pub(in crate::tree) fn stderr(&self, line: &str) {
        self.noted().stderr.push(Timestamp::now(), line.as_bytes());
        self.news.notify_waiters();
    }

    /// It wrote a line to its stdout that begins so and is no message.
    pub(in crate::tree) fn junk(&self, head: &[u8]) {
        self.noted().junk.push(Timestamp::now(), head);
    }

    /// An answer of it was thrown away.
    pub(in crate::tree) fn dropped(&self, reason: &str) {
        self.noted()
            .dropped
            .push(Timestamp::now(), reason.as_bytes());
    }

    /// A life of its shared process begins.
    pub(in crate::tree) fn started(&self) {
        self.noted().starts += 1;
    }

    /// It is not configured any more: who reads its log is told.
    pub(in crate::tree) fn end(&self) {
        self.noted().is_over = true;
        self.news.notify_waiters();
    }

    /// The numbers.
    pub(in crate::tree) fn counts(&self) -> Counts {
        let noted = self.noted();
        Counts {
            restarts: noted.starts.saturating_sub(1),
            junk_lines: noted.junk.count(),
            dropped_answers: noted.dropped.count(),
            exits: noted.exits.newest_first(),
            likely: noted.exits.likely(),
        }
    }

    /// What it said itself.
    #[must_use]
    pub fn log(&self) -> ServerLog {
        let noted = self.noted();
        let dropped = noted.dropped.last(ODD).into_iter();
        let dropped = dropped.map(|Line { at, text: reason }| DroppedAnswer { at, reason });
        ServerLog {
            stderr: noted.stderr.last(STDERR_SHOWN),
            junk: noted.junk.last(ODD),
            dropped: dropped.collect(),
        }
    }

    /// Reads the lines of its stderr, those that are kept first.
    #[must_use]
    pub fn follow(self: &Arc<Self>) -> Follower {
        Follower::of(Arc::clone(self))
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
