//! Lines of a server's stdout that are no messages: each is counted, and now and then one is logged
//! for all. Pure; used by the dialogue.

use std::time::Duration;

use tokio::time::Instant;

/// A server that prints to its stdout does so all the time.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The count, and when something was said of it.
#[derive(Debug, Default)]
pub(super) struct Junk {
    count: u64,
    logged: u64,
    logged_at: Option<Instant>,
}

impl Junk {
    /// Counts one line. `Some` when it is time to log: how many came since the last time, with it.
    pub(super) fn count(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        let is_due = |at: Instant| now.saturating_duration_since(at) >= LOG_EVERY;
        if !self.logged_at.is_none_or(is_due) {
            return None;
        }
        let fresh = self.count - self.logged;
        self.logged = self.count;
        self.logged_at = Some(now);
        Some(fresh)
    }

    /// How many there were.
    pub(super) fn total(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_logged_and_then_one_in_ten_seconds_for_all() {
        let start = Instant::now();
        let mut junk = Junk::default();
        assert_eq!(junk.count(start), Some(1));
        for _ in 0..99 {
            assert_eq!(junk.count(start + LOG_EVERY / 2), None);
        }
        assert_eq!(junk.count(start + LOG_EVERY), Some(100));
        assert_eq!(junk.count(start + LOG_EVERY), None);
        assert_eq!(junk.total(), 102);
    }
}
