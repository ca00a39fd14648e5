//! The last texts of a kind, bounded in number and in bytes. What came is kept as it came; making it
//! harmless is left to the reader, of whom there are few.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::process::printable;

/// So much is kept of a text, in bytes; with what says that it was cut it has no more than 1 KiB.
const LONGEST: usize = 1000;

/// A text, and when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When, as RFC 3339 has it.
    pub at: String,
    /// It, without what acts on a terminal.
    pub text: String,
}

/// The last texts.
#[derive(Debug)]
pub(super) struct Ring {
    most: usize,
    kept: VecDeque<Kept>,
    count: u64,
}

#[derive(Debug, Default)]
struct Kept {
    at: Timestamp,
    text: Vec<u8>,
    is_cut: bool,
}

impl Ring {
    /// Keeps so many, and takes no memory before there is one.
    pub(super) const fn of(most: usize) -> Self {
        let kept = VecDeque::new();
        Self {
            most,
            kept,
            count: 0,
        }
    }

    pub(super) fn push(&mut self, at: Timestamp, text: &[u8]) {
        let mut kept = if self.kept.len() < self.most {
            Kept::default()
        } else {
            self.kept.pop_front().unwrap_or_default()
        };
        let head = text.get(..LONGEST).unwrap_or(text);
        kept.at = at;
        kept.text.clear();
        kept.text.extend_from_slice(head);
        kept.is_cut = head.len() < text.len();
        self.kept.push_back(kept);
        self.count += 1;
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The last of them, so many at most, oldest first.
    pub(super) fn last(&self, most: usize) -> Vec<Line> {
        let left_out = self.kept.len().saturating_sub(most);
        self.kept.iter().skip(left_out).map(Kept::line).collect()
    }

    /// The texts since then, oldest first.
    pub(super) fn since(&self, at: Timestamp) -> impl Iterator<Item = String> {
        let is_later = move |kept: &&Kept| kept.at >= at;
        self.kept.iter().filter(is_later).map(Kept::text)
    }

    /// Those that came after the first `count`, as far as they are kept.
    pub(super) fn after(&self, count: u64) -> Vec<Line> {
        let news = self.count.saturating_sub(count);
        self.last(usize::try_from(news).unwrap_or(usize::MAX))
    }
}

impl Kept {
    fn text(&self) -> String {
        printable(&self.text, LONGEST, self.is_cut)
    }

    fn line(&self) -> Line {
        Line {
            at: shown(self.at),
            text: self.text(),
        }
    }
}

/// A time as RFC 3339 has it, to the millisecond.
pub(in crate::tree) fn shown(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_kept_bounded_and_harmless() {
        let mut ring = Ring::of(3);
        for number in 0..100_000 {
            ring.push(Timestamp::UNIX_EPOCH, format!("line {number}").as_bytes());
        }
        let texts = |lines: Vec<Line>| lines.into_iter().map(|line| line.text).collect::<Vec<_>>();
        assert_eq!(ring.count(), 100_000);
        let last = texts(ring.last(2));
        assert_eq!(last, ["line 99998", "line 99999"]);
        assert_eq!(texts(ring.after(99_999)), ["line 99999"]);
        assert_eq!(ring.after(0).len(), 3, "no more are there");
        assert!(ring.after(100_000).is_empty());
        ring.push(
            "2026-01-02T03:04:05.678901Z".parse().unwrap(),
            "a\u{1b}[31m\u{7}\u{202e}b".as_bytes(),
        );
        let line = ring.last(1).remove(0);
        assert_eq!(line.at, "2026-01-02T03:04:05.678Z");
        assert_eq!(line.text, r"a\u{7}\u{202e}b");
        ring.push(Timestamp::UNIX_EPOCH, &vec![0x1b; 1 << 20]);
        let held = ring.kept.iter().map(|kept| kept.text.capacity());
        assert!(held.sum::<usize>() <= 4 * LONGEST);
        let text = &ring.last(1)[0].text;
        assert!(
            text.len() <= 1024 && text.ends_with("(cut)"),
            "{}",
            text.len()
        );
    }
}
