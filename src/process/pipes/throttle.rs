//! A limit on how much of a child's stderr reaches the log, in lines and in bytes at once.

use std::time::Duration;

use tokio::time::Instant;

/// A line of more bytes than this pays by the byte.
const SHORT: u32 = 500;
/// What may be owed: at 20 lines a second, 100 short lines or 50 KB at once.
const BURST: Duration = Duration::from_secs(5);
/// How much of that must be paid back before lines pass again, so that a flood is a few lines
/// and one note each second and not a note after every line.
const RELIEF: Duration = Duration::from_secs(1);

/// The state of the limit. Every line that passes moves `paid_at` into the future; what is ahead
/// of now is owed.
#[derive(Debug)]
pub(super) struct Throttle {
    paid_at: Instant,
    /// What a line pays, and a byte of a long one.
    line: Duration,
    byte: Duration,
    suppressed: u64,
}

impl Throttle {
    /// Lets about `rate` lines pass in a second.
    pub(super) fn new(now: Instant, rate: usize) -> Self {
        let line = Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX).max(1);
        Self {
            paid_at: now,
            line,
            byte: line / SHORT,
            suppressed: 0,
        }
    }

    /// Whether a line may pass now; if not it is counted. Ask [`Throttle::relief`] first.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        let admits = self.suppressed == 0 && self.paid_at < now + BURST;
        if !admits {
            self.suppressed += 1;
        }
        admits
    }

    /// Pays for a line of `length` bytes that passed.
    pub(super) fn pay(&mut self, now: Instant, length: usize) {
        let bytes = self
            .byte
            .saturating_mul(u32::try_from(length).unwrap_or(u32::MAX));
        self.paid_at = self.paid_at.max(now) + bytes.max(self.line);
    }

    /// When lines will pass again, if they don't now.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        let opens_at = self.paid_at.checked_sub(BURST)? + RELIEF;
        (self.suppressed > 0).then_some(opens_at)
    }

    /// How many lines were suppressed, once, when lines may pass again.
    pub(super) fn relief(&mut self, now: Instant) -> Option<u64> {
        let is_open = self.opens_at().is_some_and(|opens_at| opens_at <= now);
        is_open.then(|| self.finish()).flatten()
    }

    /// How many lines are suppressed at the end.
    pub(super) fn finish(&mut self) -> Option<u64> {
        let suppressed = std::mem::take(&mut self.suppressed);
        (suppressed > 0).then_some(suppressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut throttle = Throttle::new(start, 20);
        assert_eq!(passed(&mut throttle, start, 1000, 80), 100);
        assert_eq!(throttle.relief(start), None);

        let opens_at = throttle.opens_at().expect("lines were suppressed");
        assert_eq!(opens_at, start + RELIEF);
        assert_eq!(throttle.relief(opens_at), Some(900));
        assert_eq!(passed(&mut throttle, opens_at, 1000, 80), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn long_lines_pay_for_their_bytes() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(now, 20);
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
        let mut throttle = Throttle::new(now, 20);
        for _ in 0..10_000 {
            assert_eq!(passed(&mut throttle, now, 1, 200), 1);
            now += Duration::from_millis(50);
        }
        assert_eq!(throttle.finish(), None);
    }
}
