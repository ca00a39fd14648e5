//! Where a connection is between its requests, and for how long it may be there. hyper has one time
//! for the wait for a request and for its headers, which is too long for the one or too short for
//! the other: here they are two. hyper says when it waits for headers, and when it has them, by the
//! timer that it asks for and drops; the socket says when bytes come.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt;
use tokio::time::{Instant, sleep_until};

use super::limits::Current;
use crate::config::model::Limits;

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing has come yet.
    Fresh,
    /// A part of a request's headers has come.
    Header,
    /// A request is being answered.
    Request,
    /// All that was asked has been answered.
    Idle,
}

impl Phase {
    const BITS: u32 = 2;

    fn of(bits: u64) -> Self {
        match bits & 3 {
            0 => Self::Fresh,
            1 => Self::Header,
            2 => Self::Request,
            _ => Self::Idle,
        }
    }
}

/// The phase of one connection, and since when.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    /// Milliseconds after `began`, and the phase in the lowest bits.
    now: AtomicU64,
    /// Whether hyper may hold bytes that belong to no request that it knows.
    holds: AtomicBool,
    /// Whether it has more to write than the client takes.
    is_stuck: AtomicBool,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            now: AtomicU64::new(Phase::Fresh as u64),
            holds: AtomicBool::new(false),
            is_stuck: AtomicBool::new(false),
        }
    }
}

impl Clock {
    /// The phase, and since when it is the one.
    pub(super) fn read(&self) -> (Phase, Instant) {
        let now = self.now.load(Ordering::Relaxed);
        let since = Duration::from_millis(now >> Phase::BITS);
        (Phase::of(now), self.began + since)
    }

    /// How long all that was asked has been answered, and the answers written, if they have.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let (phase, since) = self.read();
        let is_idle = phase == Phase::Idle && !self.is_stuck.load(Ordering::Relaxed);
        is_idle.then(|| since.elapsed())
    }

    /// The client took some of what is written, or no more for now.
    pub(super) fn wrote(&self, is_stuck: bool) {
        if self.is_stuck.load(Ordering::Relaxed) == is_stuck {
            return;
        }
        self.is_stuck.store(is_stuck, Ordering::Relaxed);
        if self.read().0 == Phase::Idle {
            self.enter(Phase::Idle, Instant::now());
        }
    }

    /// hyper was given bytes.
    pub(super) fn fed(&self) {
        self.holds.store(true, Ordering::Relaxed);
        match self.read() {
            // The time before the first byte counts: both together are the time for the first header.
            (Phase::Fresh, since) => self.enter(Phase::Header, since),
            (Phase::Idle, _) => self.enter(Phase::Header, Instant::now()),
            (Phase::Header | Phase::Request, _) => {}
        }
    }

    /// hyper asked for bytes and there were none. Within a request it asks only if it holds none.
    pub(super) fn starved(&self) {
        if self.read().0 == Phase::Request {
            self.holds.store(false, Ordering::Relaxed);
        }
    }

    /// hyper waits for the headers of the next request, or for the rest of what it has of them.
    fn awaits_header(&self) {
        if self.read().0 == Phase::Request {
            let has_begun = self.holds.load(Ordering::Relaxed);
            let next = if has_begun {
                Phase::Header
            } else {
                Phase::Idle
            };
            self.enter(next, Instant::now());
        }
    }

    /// The time goes on from where its header began.
    fn has_header(&self) {
        self.enter(Phase::Request, self.read().1);
    }

    fn enter(&self, phase: Phase, since: Instant) {
        let since = since.duration_since(self.began).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX >> Phase::BITS);
        let now = since << Phase::BITS | phase as u64;
        self.now.store(now, Ordering::Relaxed);
    }

    /// Until when it may be where it is.
    fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let (phase, since) = self.read();
        match phase {
            Phase::Fresh | Phase::Header => Some(since + limits.header_timeout),
            Phase::Idle => Some(since + limits.connection_idle_timeout),
            Phase::Request => None,
        }
    }
}

/// Returns when a connection has been where it is for as long as it may, and where that is. To be
/// polled after the connection, by the same task: only then has what has come been seen.
pub(super) async fn outstayed(clock: Arc<Clock>, limits: Current) -> Phase {
    let first = clock.began + limits.now().header_timeout;
    let mut timer = Box::pin(sleep_until(first));
    std::future::poll_fn(move |cx| {
        let Some(deadline) = clock.deadline(&limits.now()) else {
            return Poll::Pending;
        };
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        // A later deadline is looked at when the timer has come to its own.
        while timer.as_mut().poll(cx).is_ready() {
            if deadline <= timer.deadline() {
                return Poll::Ready(clock.read().0);
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await
}

/// What hyper takes for a timer of its headers' time.
#[derive(Debug)]
pub(super) struct Ear(pub(super) Arc<Clock>);

#[expect(
    clippy::disallowed_types,
    reason = "hyper's trait is written with it; no time is taken from it"
)]
impl rt::Timer for Ear {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.0.awaits_header();
        Box::pin(Wait(self.0.clone()))
    }

    fn sleep_until(&self, _: std::time::Instant) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep(Duration::ZERO)
    }

    /// Asked before every wait; nobody needs to know.
    fn now(&self) -> std::time::Instant {
        self.0.began.into_std()
    }

    fn reset(&self, _: &mut Pin<Box<dyn rt::Sleep>>, _: std::time::Instant) {
        self.0.awaits_header();
    }
}

/// hyper's wait for headers, which it drops when it has them.
#[derive(Debug)]
struct Wait(Arc<Clock>);

impl rt::Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.has_header();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt::Timer as _;
    use tokio::time::advance;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_a_reply_is_the_next_header() {
        let clock = Arc::new(Clock::default());
        let ear = Ear(clock.clone());
        let began = Instant::now();
        let wait = ear.sleep(SECOND);
        advance(SECOND).await;
        assert_eq!(clock.read(), (Phase::Fresh, began));
        clock.fed();
        assert_eq!(clock.read(), (Phase::Header, began));
        drop(wait);
        clock.starved();
        assert_eq!(clock.read().0, Phase::Request);
        let wait = ear.sleep(SECOND);
        assert_eq!(clock.read(), (Phase::Idle, began + SECOND));
        clock.starved();
        advance(SECOND).await;
        assert_eq!(clock.idle_for(), Some(SECOND));
        clock.fed();
        assert_eq!(clock.read(), (Phase::Header, began + 2 * SECOND));
        drop(wait);
        // It came with a part of the next.
        let _wait = ear.sleep(SECOND);
        assert_eq!(clock.read(), (Phase::Header, began + 2 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_time() {
        let limits = Limits {
            header_timeout: 10 * SECOND,
            connection_idle_timeout: 180 * SECOND,
            ..Limits::default()
        };
        let (_change, limits) = tokio::sync::watch::channel(Arc::new(limits));
        let began = Instant::now();
        let start = || {
            let clock = Arc::new(Clock::default());
            let waits = outstayed(clock.clone(), Current::new(limits.clone()));
            (clock, Box::pin(waits))
        };
        let (_, fresh) = start();
        assert_eq!((fresh.await, began.elapsed()), (Phase::Fresh, 10 * SECOND));
        let (clock, mut idle) = start();
        let began = Instant::now();
        clock.fed();
        let ear = Ear(clock.clone());
        drop(ear.sleep(SECOND));
        clock.starved();
        assert!(futures_util::poll!(idle.as_mut()).is_pending(), "busy");
        advance(60 * SECOND).await;
        let _wait = ear.sleep(SECOND);
        assert!(futures_util::poll!(idle.as_mut()).is_pending(), "idle");
        advance(179 * SECOND).await;
        assert!(futures_util::poll!(idle.as_mut()).is_pending(), "idle");
        clock.fed();
        assert_eq!(idle.await, Phase::Header);
        assert_eq!(began.elapsed(), (60 + 179 + 10) * SECOND);
    }
}
