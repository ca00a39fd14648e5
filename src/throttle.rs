//! A limit on how much reaches the log, in lines and in bytes at once: of a child's stderr, and of
//! each place in the program that logs what others cause.

use std::time::Duration;

use tokio::time::Instant;

/// A line of more bytes than this pays by the byte.
const SHORT: u32 = 500;
/// Nobody is silenced for longer than this, whatever passed.
const LONGEST: Duration = Duration::from_secs(300);

/// How much may pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Lines in a second.
    pub(crate) rate: usize,
    /// What may be owed: at 20 lines a second, 5 s are 100 short lines or 50 KB at once.
    pub(crate) burst: Duration,
    /// How much of that must be paid back before lines pass again, so that a flood is a few lines
    /// and one note in this time and not a note after every line.
    pub(crate) relief: Duration,
}

/// The state of the limit. Every line that passes moves `paid_at` into the future; what is ahead
/// of now is owed.
#[derive(Debug)]
pub(crate) struct Throttle {
    paid_at: Instant,
    /// What a line pays, and a byte of a long one.
    line: Duration,
    byte: Duration,
    pace: Pace,
    suppressed: u64,
}

impl Throttle {
    /// Nothing is owed.
    pub(crate) fn new(now: Instant, pace: Pace) -> Self {
        let rate = u32::try_from(pace.rate).unwrap_or(u32::MAX);
        let line = Duration::from_secs(1) / rate.max(1);
        Self {
            paid_at: now,
            line,
            byte: line / SHORT,
            pace,
            suppressed: 0,
        }
    }

    /// Whether a line may pass now; if not it is counted. Ask [`Throttle::relief`] first.
    pub(crate) fn admits(&mut self, now: Instant) -> bool {
        let admits = self.has_room(now);
        if !admits {
            self.suppressed += 1;
        }
        admits
    }

    /// Whether a line would pass now.
    pub(crate) fn has_room(&self, now: Instant) -> bool {
        self.suppressed == 0 && self.paid_at < now + self.pace.burst
    }

    /// How far what is owed goes beyond what may be owed.
    pub(crate) fn excess(&self, now: Instant) -> Duration {
        let limit = now + self.pace.burst;
        self.paid_at.saturating_duration_since(limit)
    }

    /// Whether nothing is owed or to be told any more: it is as good as a new one.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        self.suppressed == 0 && self.paid_at <= now
    }

    /// Pays for a line of `length` bytes that passed.
    pub(crate) fn pay(&mut self, now: Instant, length: usize) {
        self.pay_times(now, length, 1);
    }

    /// The same, so many times as much.
    pub(crate) fn pay_times(&mut self, now: Instant, length: usize, times: u32) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let bytes = self.byte.saturating_mul(length);
        let cost = bytes.max(self.line).saturating_mul(times);
        let longest = self.pace.burst + LONGEST;
        let owed = self.paid_at.saturating_duration_since(now);
        self.paid_at = now + owed.saturating_add(cost).min(longest);
    }

    /// When lines will pass again, if they don't now.
    pub(crate) fn opens_at(&self) -> Option<Instant> {
        let opens_at = self.paid_at.checked_sub(self.pace.burst)? + self.pace.relief;
        (self.suppressed > 0).then_some(opens_at)
    }

    /// How many lines were suppressed, once, when lines may pass again.
    pub(crate) fn relief(&mut self, now: Instant) -> Option<u64> {
        let is_open = self.opens_at().is_some_and(|opens_at| opens_at <= now);
        is_open.then(|| self.finish()).flatten()
    }

    /// How many lines are suppressed at the end.
    pub(crate) fn finish(&mut self) -> Option<u64> {
        let suppressed = std::mem::take(&mut self.suppressed);
        (suppressed > 0).then_some(suppressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        rate: 20,
        burst: Duration::from_secs(5),
        relief: Duration::from_secs(1),
    };

    fn passed(throttle: &mut Throttle, now: Instant, lines: usize, length: usize) -> usize {
        let admitted = |_: &usize| {
            let admits = throttle.admits(now);
            if admits {
                throttle.pay(now, length);
            }
            admits
        };
        (0..lines).filter(admitted).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_a_hundred_then_twenty_a_second() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start, PACE);
        assert_eq!(passed(&mut throttle, start, 1000, 80), 100);
        assert_eq!(throttle.relief(start), None);

        let opens_at = throttle.opens_at().expect("lines were suppressed");
        assert_eq!(opens_at, start + PACE.relief);
        assert_eq!(throttle.relief(opens_at), Some(900));
        assert_eq!(passed(&mut throttle, opens_at, 1000, 80), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn long_lines_pay_for_their_bytes() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(now, PACE);
        let mut lines = 0;
        for _ in 0..600 {
            throttle.relief(now);
            lines += passed(&mut throttle, now, 100, 8192);
            now += Duration::from_millis(100);
        }
        // Below 1 MB in the first minute, the burst included.
        assert!(lines * 8192 < 1_000_000, "{lines} lines of 8 KiB passed");
        assert!(lines * 8192 > 500_000, "{lines} lines of 8 KiB passed");
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_lines_are_never_suppressed() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(now, PACE);
        for _ in 0..10_000 {
            assert_eq!(passed(&mut throttle, now, 1, 200), 1);
            now += Duration::from_millis(50);
        }
        assert_eq!(throttle.finish(), None);
    }
}
