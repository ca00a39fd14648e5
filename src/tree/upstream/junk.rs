//! Lines that can't be used: each is counted, few are logged. A server that prints what is not MCP
//! to its stdout may do so ten thousand times a second.

use std::time::Duration;

use tokio::time::Instant;

use super::who::Who;
use crate::telemetry::metrics::Counter;

/// One line in the log in this time, at most.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// So much of a line is shown.
const SHOWN: usize = 200;

/// The count, and what of it is not in the log yet.
#[derive(Debug)]
pub(super) struct Junk {
    who: Who,
    count: u64,
    /// The same over all lives of the server.
    total: Counter,
    silent: u64,
    logged: Option<Instant>,
}

impl Junk {
    pub(super) fn new(who: Who) -> Self {
        Self {
            who,
            count: 0,
            total: Counter::default(),
            silent: 0,
            logged: None,
        }
    }

    /// They are counted there too.
    pub(super) fn count_in(&mut self, total: Counter) {
        self.total = total;
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Counts a line that begins with `head`; `why` follows "it". Says whether it was
    /// logged.
    pub(super) fn note(&mut self, now: Instant, head: &[u8], why: &str) -> bool {
        self.count += 1;
        self.total.inc();
        let is_due = |last| now.duration_since(last) >= LOG_EVERY;
        if !self.logged.is_none_or(is_due) {
            self.silent += 1;
            return false;
        }
        let others = match std::mem::take(&mut self.silent) {
            0 => String::new(),
            more => format!(" ({more} others since the last such message)"),
        };
        self.logged = Some(now);
        let (who, text) = (&self.who, excerpt(head));
        log::warn!(server = who.server(); "Server {who} wrote a line that can't be used, it {why}{others}: {text}");
        true
    }
}

/// A piece of a peer's text that is fit for a log line or an error.
pub(super) fn excerpt(text: &[u8]) -> String {
    let head = text.get(..SHOWN).unwrap_or(text);
    let mut text = String::new();
    for c in String::from_utf8_lossy(head).chars() {
        // Quotes are harmless, and JSON has so many that it would be unreadable.
        if matches!(c, '"' | '\'') {
            text.push(c);
        } else {
            text.extend(c.escape_debug());
        }
    }
    text.chars().take(SHOWN).collect()
}

/// The first and the last 4 KiB of a line.
pub(super) fn ends(line: &[u8]) -> (&[u8], &[u8]) {
    const PIECE: usize = 4096;
    let head = line.get(..PIECE).unwrap_or(line);
    let tail = line.get(line.len().saturating_sub(PIECE)..).unwrap_or(line);
    (head, tail)
}
