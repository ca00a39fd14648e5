//! What is known of a session from all sides without asking it: how much waits on its streams,
//! when its client last took something of it, since when it is idle, and whether it was given up.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::model::Limits;
use crate::telemetry::metrics;
use crate::tree::quota::signed;
use crate::tree::shares::Rest;

/// So much may wait for a client, whatever waits for others.
pub(in super::super) const FAIR: usize = 64 * 1024;
/// In the place of a time: the session is busy.
const BUSY: u64 = u64::MAX;

/// The readings. Times are in milliseconds after `opened`.
#[derive(Debug)]
pub(in crate::tree::sessions) struct SessionLoad {
    opened: Instant,
    most: AtomicUsize,
    queued: AtomicUsize,
    most_of_all: AtomicUsize,
    /// What waits for the clients of all sessions.
    of_all: metrics::Gauge,
    taken_at: AtomicU64,
    /// When its client last said something or had an answer, in the same way.
    heard_at: AtomicU64,
    idle_since: AtomicU64,
    /// Requests of its client without an answer.
    calls: AtomicUsize,
    streams: AtomicU64,
    is_given_up: AtomicBool,
}

impl SessionLoad {
    /// As much may be queued as the limits say, and one message more. `of_all` is for all sessions.
    pub(in crate::tree::sessions) fn new(limits: &Limits, of_all: &metrics::Gauge) -> Self {
        Self {
            opened: Instant::now(),
            most: AtomicUsize::new(limits.max_outgoing_bytes),
            queued: AtomicUsize::new(0),
            most_of_all: AtomicUsize::new(limits.max_outgoing_total_bytes),
            of_all: of_all.clone(),
            taken_at: AtomicU64::new(0),
            heard_at: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            calls: AtomicUsize::new(0),
            streams: AtomicU64::new(0),
            is_given_up: AtomicBool::new(false),
        }
    }

    /// A number that no other stream of this session has; 0 is nobody's.
    pub(in super::super) fn number_stream(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// So much more waits for the client.
    pub(in super::super) fn queue(&self, size: usize) {
        self.of_all.inc_by(signed(size));
        if self.queued.fetch_add(size, Ordering::Relaxed) == 0 {
            self.touch(); // a client can't be late with what was not there
        }
    }

    /// The client took so much of it.
    pub(in super::super) fn take(&self, size: usize) {
        self.withdraw(size);
        self.touch();
    }

    /// So much of it will never be taken.
    pub(in super::super) fn withdraw(&self, size: usize) {
        self.of_all.dec_by(signed(size));
        self.queued.fetch_sub(size, Ordering::Relaxed);
    }

    /// The client took some bytes.
    pub(in super::super) fn touch(&self) {
        self.taken_at.store(self.now(), Ordering::Relaxed);
    }

    /// Whether more is queued than may be: here, or for all clients together and for this one too.
    pub(in super::super) fn is_full(&self) -> bool {
        let queued = self.queued.load(Ordering::Relaxed);
        let most_of_all = self.most_of_all.load(Ordering::Relaxed);
        queued > self.most.load(Ordering::Relaxed)
            || (queued > FAIR && self.of_all.get() > signed(most_of_all))
    }

    /// Whether so much is queued that it may come to be too much without a further word.
    pub(in super::super) fn may_be_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > FAIR || self.is_full()
    }

    /// From now on these limits hold.
    pub(in super::super) fn resize(&self, limits: &Limits) {
        let (most, of_all) = (limits.max_outgoing_bytes, limits.max_outgoing_total_bytes);
        self.most.store(most, Ordering::Relaxed);
        self.most_of_all.store(of_all, Ordering::Relaxed);
    }

    /// How long the client has taken nothing.
    pub(in super::super) fn stalled_for(&self) -> Duration {
        self.since(self.taken_at.load(Ordering::Relaxed))
    }

    /// From now on there is something to do, or a stream is open.
    pub(in crate::tree::sessions) fn set_busy(&self) {
        self.idle_since.store(BUSY, Ordering::Relaxed);
    }

    /// From now on there is not.
    pub(in super::super) fn set_idle(&self) {
        self.idle_since.store(self.now(), Ordering::Relaxed);
    }

    /// How long there has been nothing to do; `None` if there is something.
    pub(in super::super) fn idle_for(&self) -> Option<Duration> {
        let since = self.idle_since.load(Ordering::Relaxed);
        (since != BUSY).then(|| self.since(since))
    }

    /// So many calls have no answer yet.
    pub(in super::super) fn set_calling(&self, calls: usize) {
        if (self.calls.swap(calls, Ordering::Relaxed) > 0) != (calls > 0) {
            self.hear();
        }
    }

    /// How many calls have no answer yet.
    pub(in super::super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// How much waits for the client, in bytes.
    pub(in super::super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// How long the session has been open.
    pub(in super::super) fn open_for(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Its client said something just now.
    pub(in super::super) fn hear(&self) {
        self.heard_at.store(self.now(), Ordering::Relaxed);
    }

    /// Whether it could do with less. One with an open stream is quiet since its client last said
    /// something, or had an answer.
    pub(in super::super) fn rest(&self) -> Rest {
        match self.idle_for() {
            Some(idle) => Rest::Idle(idle.min(self.unheard_for())),
            None if self.calls() > 0 => Rest::Busy,
            None => Rest::Quiet(self.unheard_for()),
        }
    }

    fn unheard_for(&self) -> Duration {
        self.since(self.heard_at.load(Ordering::Relaxed))
    }

    /// From now on nobody gets at the session without asking its supervisor.
    pub(in super::super) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Release);
    }

    /// Whether its client or its supervisor has ended it.
    pub(in super::super) fn is_given_up(&self) -> bool {
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

impl Drop for SessionLoad {
    fn drop(&mut self) {
        // Of a session that ended in whatever way, nothing is left.
        self.of_all.dec_by(signed(*self.queued.get_mut()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_all_clients_is_limited_too() {
        let limits = Limits {
            max_outgoing_bytes: 10 * FAIR,
            max_outgoing_total_bytes: 3 * FAIR,
            ..Limits::default()
        };
        let of_all = metrics::Gauge::default();
        let [one, two, three] = [(); 3].map(|()| SessionLoad::new(&limits, &of_all));
        one.queue(2 * FAIR);
        two.queue(FAIR);
        assert!(!one.is_full() && one.may_be_full(), "that much may be");
        three.queue(1);
        assert!(one.is_full(), "it holds the most of too much");
        assert!(!two.is_full() && !three.is_full(), "they have their share");
        drop(one);
        assert_eq!(of_all.get(), signed(FAIR + 1), "nothing is left of it");
        two.queue(FAIR);
        assert!(!two.is_full(), "there is room again");
        two.withdraw(2 * FAIR);
        assert_eq!(of_all.get(), 1);
    }
}
