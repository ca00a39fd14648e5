//! What was said of refusals lately, so that a client that tries again and again does not fill the log.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// After how long the same is said again: at first, four times that each time, at most.
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// So many texts are told apart for each reason; another takes the place of one that was said
/// so long ago.
const TEXTS: usize = 24;
const FORGOTTEN: Duration = Duration::from_secs(600);

/// Of each reason, what was said.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<HashMap<&'static str, Page>>);

#[derive(Debug, Default)]
struct Page {
    said: Vec<SaidRefusal>,
    /// How many were left out since something was said.
    more: u64,
}

#[derive(Debug)]
struct SaidRefusal {
    text: u64,
    at: Instant,
    pause: Duration,
}

/// What a line ends with: how many were left out before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct More(u64);

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            more => write!(f, " (and {more} more for this reason, not shown)"),
        }
    }
}

impl Book {
    /// Whether a refusal for `reason` with these words is said now; else it is counted.
    pub(super) fn admits(
        &self,
        reason: &'static str,
        words: impl Hash,
        now: Instant,
    ) -> Option<More> {
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages
            .entry(reason)
            .or_default()
            .admits(hasher.finish(), now)
    }
}

impl Page {
    fn admits(&mut self, text: u64, now: Instant) -> Option<More> {
        let is_said = if let Some(known) = self.said.iter_mut().find(|said| said.text == text) {
            known.comes_again(now)
        } else {
            self.has_room(now) && {
                let (at, pause) = (now, PAUSE);
                self.said.push(SaidRefusal { text, at, pause });
                true
            }
        };
        if is_said {
            return Some(More(std::mem::take(&mut self.more)));
        }
        self.more += 1;
        None
    }

    /// Whether one more text can be told apart.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.said.len() >= TEXTS {
            self.said
                .retain(|said| now < said.at + FORGOTTEN.max(said.pause));
        }
        self.said.len() < TEXTS
    }
}

impl SaidRefusal {
    /// Whether it is said once more.
    fn comes_again(&mut self, now: Instant) -> bool {
        let is_due = now >= self.at + self.pause;
        if is_due {
            self.at = now;
            self.pause = (self.pause * 4).min(LONGEST_PAUSE);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_words_come_ever_more_rarely() {
        let (book, start) = (Book::default(), Instant::now());
        let mut said = vec![];
        for second in 0..86_400 {
            let now = start + Duration::from_secs(second);
            said.extend(
                book.admits("host", "evil.com", now)
                    .map(|more| (second, more.0)),
            );
        }
        assert_eq!(said[..4], [(0, 0), (60, 59), (300, 239), (1260, 959)]);
        assert!(said.len() < 30, "{}", said.len());
        assert!(book.admits("host", "other.com", start).is_some());
        assert_eq!(book.admits("host", "other.com", start), None);
        assert_eq!(book.admits("origin", "evil.com", start), Some(More(0)));
    }

    #[tokio::test(start_paused = true)]
    async fn words_that_change_are_few() {
        let (book, start) = (Book::default(), Instant::now());
        let mut said = 0;
        for text in 0..36_000 {
            let now = start + Duration::from_millis(100) * text;
            said += u32::from(book.admits("path", text, now).is_some());
        }
        assert!((24..=24 * 7).contains(&said), "{said} in an hour");
    }

    #[test]
    fn what_was_left_out_is_told() {
        assert_eq!(More(0).to_string(), "");
        assert!(More(3).to_string().contains("3 more"));
    }
}
