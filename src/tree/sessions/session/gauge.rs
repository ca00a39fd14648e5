//! What is known of a session from all sides without asking it: how much waits on its streams,
//! when its client last took something of it, since when it is idle, and whether it was given up.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// In the place of a time: the session is busy.
const BUSY: u64 = u64::MAX;

/// The readings. Times are in milliseconds after `opened`.
#[derive(Debug)]
pub(in crate::tree::sessions) struct Gauge {
    opened: Instant,
    most: AtomicUsize,
    queued: AtomicUsize,
    taken_at: AtomicU64,
    idle_since: AtomicU64,
    streams: AtomicU64,
    is_given_up: AtomicBool,
}

impl Gauge {
    /// `most` bytes may be queued, and one message more.
    pub(in crate::tree::sessions) fn new(most: usize) -> Self {
        Self {
            opened: Instant::now(),
            most: AtomicUsize::new(most),
            queued: AtomicUsize::new(0),
            taken_at: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            streams: AtomicU64::new(0),
            is_given_up: AtomicBool::new(false),
        }
    }

    /// A number that no other stream of this session has; 0 is nobody's.
    pub(super) fn number_stream(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// So much more waits for the client.
    pub(super) fn queue(&self, size: usize) {
        if self.queued.fetch_add(size, Ordering::Relaxed) == 0 {
            self.touch(); // a client can't be late with what was not there
        }
    }

    /// The client took so much of it.
    pub(super) fn take(&self, size: usize) {
        self.withdraw(size);
        self.touch();
    }

    /// So much of it will never be taken.
    pub(super) fn withdraw(&self, size: usize) {
        self.queued.fetch_sub(size, Ordering::Relaxed);
    }

    /// The client took some bytes.
    pub(super) fn touch(&self) {
        self.taken_at.store(self.now(), Ordering::Relaxed);
    }

    /// Whether more is queued than may be.
    pub(super) fn is_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > self.most.load(Ordering::Relaxed)
    }

    /// From now on so many bytes may be queued.
    pub(super) fn resize(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// How long the client has taken nothing.
    pub(super) fn stalled_for(&self) -> Duration {
        self.since(self.taken_at.load(Ordering::Relaxed))
    }

    /// From now on there is something to do, or a stream is open.
    pub(super) fn set_busy(&self) {
        self.idle_since.store(BUSY, Ordering::Relaxed);
    }

    /// From now on there is not.
    pub(super) fn set_idle(&self) {
        self.idle_since.store(self.now(), Ordering::Relaxed);
    }

    /// How long there has been nothing to do; `None` if there is something.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let since = self.idle_since.load(Ordering::Relaxed);
        (since != BUSY).then(|| self.since(since))
    }

    /// From now on nobody gets at the session without asking its supervisor.
    pub(super) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Release);
    }

    /// Whether its client or its supervisor has ended it.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Acquire)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }

    fn since(&self, at: u64) -> Duration {
        let at = Duration::from_millis(at);
        self.opened.elapsed().saturating_sub(at)
    }
}
