//! What a child process tells its owner, and the gate through which all of it goes.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Something that a child said or that happened to it. The last four arrive in any order: a
/// grandchild may hold a pipe open for long, and a child may close one and live on.
#[derive(Debug)]
pub enum Output {
    /// A line of stdout: valid UTF-8, not blank, without line end and byte order mark.
    Line {
        /// The line. It shares memory with its neighbours (16 KiB, or its own length if that is
        /// more): copy what is to be kept for long.
        bytes: Bytes,
        /// Hold it while the line is being handled.
        permit: LinePermit,
    },
    /// A line of stdout that cannot be used, reduced to its ends. If it has at most 8 KiB, `head`
    /// and `tail` together are the whole line.
    Unusable {
        /// Its first 4 KiB at most.
        head: Bytes,
        /// The last 4 KiB at most of what follows the head.
        tail: Bytes,
        /// Its length in bytes, as the child wrote it, without the newline.
        length: u64,
        /// What is wrong with it.
        why: UnusableLine,
        /// Hold it while the line is being handled.
        permit: LinePermit,
    },
    /// A line of stderr, fit for a log: control characters escaped, capped, at a limited rate.
    Stderr(String),
    /// So many lines of stderr were kept back by the rate limit; a line that says so follows.
    StderrDropped(u64),
    /// The child's stdout is at its end.
    StdoutClosed,
    /// The child's stderr is at its end: all that it said there was delivered before.
    StderrClosed,
    /// The child's stdin can't be written any more. What was handed over may have been read.
    StdinFailed(StdinFailure),
    /// The child ended and was reaped; its process group was killed before.
    Exited(ExitStatus),
}

/// What is wrong with a line of stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusableLine {
    /// Longer than [`Limits::line`](super::Limits::line).
    TooLong,
    /// Not UTF-8.
    NotUtf8,
    /// Stdout ended in the middle of it.
    Partial,
}

impl fmt::Display for UnusableLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "is too long",
            Self::NotUtf8 => "is not UTF-8",
            Self::Partial => "ends without a newline",
        })
    }
}

/// Why a child's stdin can't be written any more.
#[derive(Debug, thiserror::Error)]
pub enum StdinFailure {
    /// The pipe broke: the child closed it or ended.
    #[error("its stdin is closed: {0}")]
    Broken(#[source] io::Error),
    /// The child accepted no byte for [`Limits::write_stall`](super::Limits::write_stall).
    #[error("it does not read its stdin")]
    Stalled,
}

/// A share of [`Limits::buffered`](super::Limits::buffered). While all of it is held the child's
/// stdout is not read, so that a child that floods waits at its pipe and not in our memory.
pub struct LinePermit(
    #[expect(dead_code, reason = "it is held for its drop")] OwnedSemaphorePermit,
);

impl LinePermit {
    /// Takes a share.
    #[must_use]
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(permit)
    }
}

/// The shares that a server's lines take, of so many bytes.
#[derive(Debug)]
pub struct Budget {
    all: u32,
    free: Arc<Semaphore>,
}

/// What a line costs beside its bytes: the time it takes to handle. Without it an answer would wait
/// behind a flood of short lines for seconds, and they would take hundreds of times the memory that
/// was meant.
const OVERHEAD: usize = 16 * 1024;

impl Budget {
    /// All of it is free.
    #[must_use]
    pub fn new(buffered: usize) -> Self {
        let all = u32::try_from(buffered).unwrap_or(u32::MAX).max(1);
        let free = Arc::new(Semaphore::new(all as usize));
        Self { all, free }
    }

    /// Waits for the share of a line of so many bytes. One larger than the budget takes all of it: it
    /// waits until every other is handled.
    pub async fn take(&self, bytes: usize) -> Option<LinePermit> {
        let cost = u32::try_from(bytes + OVERHEAD).unwrap_or(u32::MAX);
        let cost = cost.min(self.all);
        // Only a closed semaphore fails, and nobody closes this one.
        let permit = Arc::clone(&self.free).acquire_many_owned(cost).await.ok()?;
        Some(LinePermit(permit))
    }
}

impl fmt::Debug for LinePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinePermit")
    }
}

/// The way to the owner, shared by the tasks of one child. Once [`Outlet::close`] has returned
/// nothing goes through it any more, whatever the tasks are doing at that moment.
#[derive(Clone)]
pub(super) struct Outlet {
    is_open: Arc<Mutex<bool>>,
    sink: Arc<dyn Fn(Output) + Send + Sync>,
}

impl Outlet {
    pub(super) fn new(sink: impl Fn(Output) + Send + Sync + 'static) -> Self {
        Self {
            is_open: Arc::new(Mutex::new(true)),
            sink: Arc::new(sink),
        }
    }

    pub(super) fn deliver(&self, output: Output) {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_open {
            (self.sink)(output);
        }
    }

    pub(super) fn close(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}
