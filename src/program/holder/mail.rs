//! The signals of the holder: read one after the other, never handled in between.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use signal_hook::flag;
use tokio::time::Instant;

/// Those that mean something. What is blocked waits here even where it is ignored, and in a
/// container's first process.
const HEARD: [Signal; 5] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGUSR2,
    Signal::SIGCHLD,
];

/// Where they come in.
pub(super) struct Mail(SignalFd);

impl Mail {
    pub(super) fn open() -> io::Result<Self> {
        let heard = HEARD.into_iter().collect::<SigSet>();
        heard.thread_set_mask()?;
        // While that is ignored, which can be inherited, the ends of children are lost.
        flag::register(Signal::SIGCHLD as i32, Arc::new(AtomicBool::new(false)))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&heard, flags)?))
    }

    /// Those that have come, after the first has or at the deadline, or when `other` has something.
    pub(super) fn wait(
        &self,
        deadline: Option<Instant>,
        other: Option<&impl AsFd>,
    ) -> io::Result<Vec<Signal>> {
        let wanted = [Some(self.0.as_fd()), other.map(AsFd::as_fd)];
        let to_read = |it| PollFd::new(it, PollFlags::POLLIN);
        let mut wanted: Vec<PollFd<'_>> = wanted.into_iter().flatten().map(to_read).collect();
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        // Whole milliseconds, rounded up: not before the deadline.
        let left = left.map(|left| left.as_nanos().div_ceil(1_000_000));
        let timeout = left.map_or(Ok(PollTimeout::NONE), PollTimeout::try_from);
        match poll(&mut wanted, timeout.unwrap_or(PollTimeout::MAX)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut come = Vec::new();
        while let Some(signal) = self.0.read_signal()? {
            let number = i32::try_from(signal.ssi_signo).unwrap_or_default();
            come.extend(Signal::try_from(number));
        }
        Ok(come)
    }
}
