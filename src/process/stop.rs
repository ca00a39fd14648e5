//! Ends a child: stdin closed, wait, SIGTERM to the group, wait, SIGKILL to the group. Many servers
//! do not end at the end of their stdin, so SIGTERM is a normal step and not an alarm.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Signal;
use super::spawn::Process;

/// How long the dead may take to be reaped. Only a process in an uninterruptible wait of the
/// kernel needs more than an instant.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// How long each step of a stop may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// From the end of stdin to SIGTERM.
    pub eof: Duration,
    /// From SIGTERM to SIGKILL.
    pub term: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            eof: Duration::from_millis(1500),
            term: Duration::from_millis(1500),
        }
    }
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopReport {
    /// How the child ended; `None` if it hangs in the kernel, killed but not gone.
    pub exit: Option<ExitStatus>,
    /// Whether SIGKILL was needed.
    pub forced: bool,
    /// How long it took.
    pub took: Duration,
}

impl Process {
    /// Ends the child, in at most `grace.eof + grace.term` and a second. Its group is killed in
    /// any case, at the latest when the child itself has ended. What it says meanwhile is still
    /// delivered; dropping the future kills at once.
    pub async fn stop(mut self, grace: Grace) -> StopReport {
        let start = Instant::now();
        self.close_stdin();
        let mut exit = self.exit_within(grace.eof).await;
        if exit.is_none() {
            self.signal(Signal::SIGTERM);
            exit = self.exit_within(grace.term).await;
        }
        let forced = exit.is_none();
        if forced {
            self.kill_group();
            exit = self.exit_within(AFTER_KILL).await;
        }
        StopReport {
            exit,
            forced,
            took: start.elapsed(),
        }
    }

    async fn exit_within(&mut self, grace: Duration) -> Option<ExitStatus> {
        let ended = timeout(grace, self.exit.wait_for(Option::is_some)).await;
        ended.ok().and_then(Result::ok).and_then(|status| *status)
    }
}
