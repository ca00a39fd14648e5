//! Lines that can't be used: each is counted, few are logged. A server that prints what is not MCP
//! to its stdout may do so ten thousand times a second.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::framing::Framing;
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
    /// What the first line said for which there is a remedy.
    framing: Option<Framing>,
}

impl Junk {
    pub(super) fn new(who: Who) -> Self {
        Self {
            who,
            count: 0,
            total: Counter::default(),
            silent: 0,
            logged: None,
            framing: None,
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

    /// How the server frames its messages, if it does so in a way that no client understands.
    pub(super) fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Counts a line that begins with `head`; `why` follows "it". Says whether it was
    /// logged.
    pub(super) fn note(&mut self, now: Instant, head: &[u8], why: &str) -> bool {
        self.count += 1;
        self.total.inc();
        let framing = Framing::of(head);
        self.framing = self.framing.or(framing);
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
        let remedy = framing.map_or_else(String::new, |framing| format!(" ({framing})"));
        let (who, text) = (&self.who, excerpt(head));
        log::warn!(server = who.server(); "Server {who} wrote a line that can't be used, it {why}{others}: {text}{remedy}");
        true
    }
}

/// [`excerpt`], made only if it is written.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&excerpt(self.0))
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
