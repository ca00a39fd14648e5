//! How often a server is asked for its lists again when it says that they changed: at once, and
//! then less and less often while it goes on, and never so often that reading them takes more than
//! a small part of the time. Part of [`super::lists`].

use std::time::Duration;

use tokio::time::Instant;

/// A server that has changed a list may be about to say so again.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// One that goes on saying so is asked this often at least.
const SLOWEST: Duration = Duration::from_secs(2);
/// The lists' share of the time is one in so many.
const SHARE: u32 = 50;
/// What a page costs, about: to ask for it, to read it, to merge it and to keep it.
const PER_PAGE: Duration = Duration::from_micros(200);
/// And each byte on it.
const PER_BYTE: Duration = Duration::from_nanos(15);
/// What was dear long ago holds nothing up for longer.
const AT_MOST: Duration = Duration::from_secs(120);

/// When lists may be asked for again.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When they were asked for last because of a change.
    last: Option<Instant>,
    /// How long after that at the earliest they are again.
    gap: Duration,
    /// When what was read since has had its share of the time.
    paid: Option<Instant>,
}

impl Pace {
    /// A page of so many bytes came. What is listed first, nobody asked to be listed again.
    pub(super) fn spent(&mut self, now: Instant, bytes: usize) {
        if self.last.is_none() {
            return;
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let cost = (PER_PAGE + PER_BYTE.saturating_mul(bytes)).saturating_mul(SHARE);
        let paid = self.paid.map_or(now, |paid| paid.max(now)) + cost;
        self.paid = Some(paid.min(now + AT_MOST));
    }

    /// How long they must not be asked for yet.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        let due = self.last.map(|last| last + self.gap).max(self.paid);
        due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now))
    }

    /// How long after a change they are asked for.
    pub(super) fn wait_for_more(&self, now: Instant) -> Duration {
        self.wait(now).max(DEBOUNCE)
    }

    /// They are asked for because of a change. One soon after another makes the next wait longer.
    pub(super) fn asked(&mut self, now: Instant) {
        let due = self.last.map(|last| last + self.gap).max(self.paid);
        let is_soon = due.is_some_and(|due| now < due + self.gap);
        self.gap = if is_soon {
            (self.gap * 2).min(SLOWEST)
        } else {
            DEBOUNCE
        };
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a server that never stops saying that its list of so many bytes changed is asked
    /// for it in so many seconds.
    fn asked(bytes: usize, seconds: u64) -> u32 {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let (mut now, mut count) = (start, 0);
        while now < start + Duration::from_secs(seconds) {
            let wait = pace.wait(now);
            if wait.is_zero() {
                pace.asked(now);
                pace.spent(now, bytes);
                count += 1;
            }
            now += wait.max(Duration::from_millis(1));
        }
        count
    }

    #[test]
    fn the_first_change_is_looked_at_at_once_and_so_is_one_after_a_quiet_time() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..5 {
            assert_eq!(pace.wait(now), Duration::ZERO);
            assert_eq!(pace.wait_for_more(now), DEBOUNCE);
            pace.asked(now);
            pace.spent(now, 1_000);
            now += Duration::from_secs(10);
        }
    }

    #[test]
    fn a_flood_is_looked_at_ever_less_often_and_never_not_at_all() {
        let count = asked(1_000, 100);
        assert!((50..60).contains(&count), "{count}");
    }

    #[test]
    fn what_is_dear_to_read_is_read_less_often() {
        let (mib, hour) = (1 << 20, 3_600);
        let costs = |bytes: usize| PER_BYTE * u32::try_from(bytes).unwrap();
        for bytes in [mib, 16 * mib, 64 * mib] {
            let spent = costs(bytes) * asked(bytes, hour);
            assert!(spent < Duration::from_secs(hour) / 40, "{bytes}: {spent:?}");
        }
        assert!(asked(1 << 30, hour) >= 30);
    }

    #[test]
    fn what_comes_late_counts_too_and_what_was_listed_first_does_not() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.spent(now, 100 << 20);
        assert_eq!(pace.wait(now), Duration::ZERO);
        pace.asked(now);
        let late = now + Duration::from_secs(5);
        pace.spent(late, 16 << 20);
        assert!(pace.wait(late) > Duration::from_secs(10));
    }
}
