//! How long to wait before a restart, and when restarting has become pointless: the ladder of
//! laddered children and the restart intensity of permanent ones. Pure. Used by
//! `decide`.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The delays between a child's failures: `first`, doubling up to `cap`, for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    first: Duration,
    cap: Duration,
    jitter: f64,
    stable_after: Duration,
    crash_looping_from: u32,
}

/// Why numbers make no ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLadder {
    /// A first delay of zero would restart in a hot loop.
    #[error("the first delay must be longer than zero")]
    NoDelay,
    /// The ladder would go down.
    #[error("the longest delay must not be shorter than the first")]
    CapBelowFirst,
    /// A share of the delay: 0 is none, 1 would allow no delay at all.
    #[error("the jitter must be at least 0 and less than 1")]
    Jitter,
    /// Every run would be stable, and every restart at once.
    #[error("the time after which a run is stable must be longer than zero")]
    NeverUnstable,
    /// A child that never failed would be crash-looping.
    #[error("crash-looping must begin with a failure, so at 1 or later")]
    LoopingFromZero,
}

impl Ladder {
    /// A ladder from `first` up to `cap`, each delay varied by ± `jitter` (0.2 is 20 %), which
    /// starts over after `stable_after` in the ready state. From `crash_looping_from` failures
    /// in a row on the child is called crash-looping.
    pub fn new(
        first: Duration,
        cap: Duration,
        jitter: f64,
        stable_after: Duration,
        crash_looping_from: u32,
    ) -> Result<Self, InvalidLadder> {
        if first.is_zero() {
            return Err(InvalidLadder::NoDelay);
        }
        if cap < first {
            return Err(InvalidLadder::CapBelowFirst);
        }
        if !(0.0..1.0).contains(&jitter) {
            return Err(InvalidLadder::Jitter);
        }
        if stable_after.is_zero() {
            return Err(InvalidLadder::NeverUnstable);
        }
        if crash_looping_from == 0 {
            return Err(InvalidLadder::LoopingFromZero);
        }
        Ok(Self {
            first,
            cap,
            jitter,
            stable_after,
            crash_looping_from,
        })
    }

    /// The same with other times.
    pub fn timed(
        &self,
        first: Duration,
        cap: Duration,
        stable_after: Duration,
    ) -> Result<Self, InvalidLadder> {
        Self::new(
            first,
            cap,
            self.jitter,
            stable_after,
            self.crash_looping_from,
        )
    }

    /// The delay after so many failures in a row, without jitter. No failure: no delay.
    #[must_use]
    pub fn step(&self, failures_in_a_row: u32) -> Duration {
        let Some(doublings) = failures_in_a_row.checked_sub(1) else {
            return Duration::ZERO;
        };
        2u32.checked_pow(doublings)
            .and_then(|factor| self.first.checked_mul(factor))
            .map_or(self.cap, |delay| delay.min(self.cap))
    }

    /// The longest delay.
    #[must_use]
    pub fn last_step(&self) -> Duration {
        self.cap
    }

    /// `delay`, varied so that children which failed together do not come back together.
    #[must_use]
    pub fn jittered(&self, delay: Duration, rng: &mut fastrand::Rng) -> Duration {
        let share = rng.f64().mul_add(2.0, -1.0) * self.jitter;
        delay.mul_f64(1.0 + share)
    }

    /// Whether a run that was ready for so long wipes out the failures before it.
    #[must_use]
    pub fn is_stable(&self, ready_for: Duration) -> bool {
        ready_for >= self.stable_after
    }

    /// How long a child must be ready until its failures are forgotten.
    #[must_use]
    pub fn stable_after(&self) -> Duration {
        self.stable_after
    }

    /// Whether so many failures in a row are a crash loop.
    #[must_use]
    pub fn is_crash_loop(&self, failures_in_a_row: u32) -> bool {
        failures_in_a_row >= self.crash_looping_from
    }
}

impl Default for Ladder {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            cap: Duration::from_secs(60),
            jitter: 0.2,
            stable_after: Duration::from_secs(60),
            crash_looping_from: 5,
        }
    }
}

/// How many restarts of permanent children, all together, are bearable in how much time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intensity {
    /// So many restarts are borne; the next one within `window` is one too many.
    pub max: usize,
    /// The sliding window; a restart exactly so long ago still counts.
    pub window: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self {
            max: 5,
            window: Duration::from_secs(30),
        }
    }
}

/// The restarts of the last while, counted in a sliding window as Erlang's supervisors do.
#[derive(Debug)]
pub(super) struct Restarts {
    intensity: Intensity,
    recent: VecDeque<Instant>,
}

impl Restarts {
    pub(super) fn new(intensity: Intensity) -> Self {
        let recent = VecDeque::with_capacity(intensity.max);
        Self { intensity, recent }
    }

    pub(super) fn intensity(&self) -> &Intensity {
        &self.intensity
    }

    /// Notes a restart at `now`; `false` if it is one too many.
    pub(super) fn permit(&mut self, now: Instant) -> bool {
        let window = self.intensity.window;
        self.recent
            .retain(|at| now.saturating_duration_since(*at) <= window);
        let permitted = self.recent.len() < self.intensity.max;
        if permitted {
            self.recent.push_back(now);
        }
        permitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_ladder_doubles_from_half_a_second_to_a_minute() {
        let ladder = Ladder::default();
        let steps: Vec<_> = (0..10).map(|n| ladder.step(n)).collect();
        let expected = [
            0, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
        ];
        assert_eq!(steps, expected.map(ms));
        assert_eq!(ladder.step(u32::MAX), ms(60_000));
    }

    #[test]
    fn jitter_stays_within_a_fifth_and_uses_all_of_it() {
        let (ladder, mut rng) = (Ladder::default(), fastrand::Rng::with_seed(7));
        let delays: Vec<_> = (0..2000)
            .map(|_| ladder.jittered(ms(1000), &mut rng))
            .collect();
        assert!(delays.iter().all(|d| (ms(800)..=ms(1200)).contains(d)));
        assert!(delays.iter().any(|d| *d < ms(810)) && delays.iter().any(|d| *d > ms(1190)));
        assert_eq!(ladder.jittered(Duration::ZERO, &mut rng), Duration::ZERO);
    }

    #[test]
    fn a_run_is_stable_from_the_full_minute() {
        let ladder = Ladder::default();
        assert!(!ladder.is_stable(ms(59_999)));
        assert!(ladder.is_stable(ms(60_000)));
    }

    #[test]
    fn the_fifth_failure_is_a_crash_loop() {
        let ladder = Ladder::default();
        assert!(!ladder.is_crash_loop(4));
        assert!(ladder.is_crash_loop(5));
    }

    #[test]
    fn nonsense_is_refused() {
        let build = |first, cap, jitter, stable, from| {
            Ladder::new(ms(first), ms(cap), jitter, ms(stable), from)
        };
        assert_eq!(
            build(500, 60_000, 0.2, 60_000, 5),
            Ok(Ladder::default()),
            "the default passes its own check"
        );
        assert_eq!(build(0, 1, 0.2, 1, 1), Err(InvalidLadder::NoDelay));
        assert_eq!(build(2, 1, 0.2, 1, 1), Err(InvalidLadder::CapBelowFirst));
        for jitter in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(build(1, 1, jitter, 1, 1), Err(InvalidLadder::Jitter));
        }
        assert_eq!(build(1, 1, 0.0, 0, 1), Err(InvalidLadder::NeverUnstable));
        assert_eq!(build(1, 1, 0.0, 1, 0), Err(InvalidLadder::LoopingFromZero));
    }

    #[test]
    fn five_restarts_in_thirty_seconds_are_borne_and_the_sixth_is_not() {
        let start = Instant::now();
        let mut restarts = Restarts::new(Intensity::default());
        for n in 0..5 {
            assert!(restarts.permit(start + ms(n)));
        }
        assert!(
            !restarts.permit(start + ms(30_000)),
            "exactly 30 s ago still counts"
        );
        assert!(
            restarts.permit(start + ms(30_001)),
            "the window slides past the first"
        );
        assert!(
            !restarts.permit(start + ms(30_001)),
            "and only past the first"
        );
    }
}
