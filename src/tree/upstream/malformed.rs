//! Lines that can't be used: each is counted, few are logged. A server that prints what is not MCP
//! to its stdout may do so ten thousand times a second, or once in each of ten thousand lives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::framing::Framing;
use super::past::Past;
use super::server_label::{LASTS, ServerLabel};
use crate::telemetry::metrics::Counter;
use crate::tree::history::ServerHistory;

/// One line in the log in this time, at most.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// So much of a line is shown.
const SHOWN: usize = 200;

/// The count, and what of it is not in the log yet.
#[derive(Debug)]
pub(super) struct MalformedLines {
    label: ServerLabel,
    past: Arc<Past>,
    begun: Instant,
    /// Whether this life says what it writes, once it is known.
    is_said: Option<bool>,
    count: u64,
    /// The same over all lives of the server.
    total: Counter,
    silent: u64,
    logged: Option<Instant>,
    history: Arc<ServerHistory>,
    /// What the first line said for which there is a remedy.
    framing: Option<Framing>,
}

impl MalformedLines {
    pub(super) fn new(label: ServerLabel, past: Arc<Past>) -> Self {
        Self {
            label,
            past,
            begun: Instant::now(),
            is_said: None,
            count: 0,
            total: Counter::default(),
            silent: 0,
            logged: None,
            history: Arc::default(),
            framing: None,
        }
    }

    /// They are counted there too.
    pub(super) fn count_in(&mut self, total: Counter) {
        self.total = total;
    }

    /// The last of them are kept there.
    pub(super) fn remember_in(&mut self, history: Arc<ServerHistory>) {
        self.history = history;
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
        let hides = self.label.hides();
        self.history.junk(&hides.bytes(head));
        let framing = Framing::of(head);
        self.framing = self.framing.or(framing);
        let is_due = self.due().is_none_or(|due| due <= now);
        if !self.is_said(now) || !is_due {
            self.silent += 1;
            return false;
        }
        let others = match std::mem::take(&mut self.silent) + self.past.take_unsaid_junk() {
            0 => String::new(),
            more => format!(" ({more} others since the last such message)"),
        };
        self.logged = Some(now);
        let remedy = framing.map_or_else(String::new, |framing| format!(" ({framing})"));
        let (label, text) = (&self.label, self.label.excerpt(head));
        let why = label.hide(why);
        log::warn!(server = label.server(); "Server {label} wrote a line that can't be used, it {why}{others}: {text}{remedy}");
        true
    }

    /// When [`Self::say_rest`] has something to say.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.due().filter(|_| self.silent > 0)
    }

    /// Says how many there were since the last that was shown: nothing comes any more, or not soon. A life
    /// that says nothing leaves them to the next one that does.
    pub(super) fn say_rest(&mut self, now: Instant) {
        let more = std::mem::take(&mut self.silent);
        if self.is_said != Some(true) {
            return self.past.keep_unsaid_junk(more);
        }
        let more = more + self.past.take_unsaid_junk();
        if more > 0 {
            self.logged = Some(now);
            let (label, lines) = (&self.label, if more == 1 { "line" } else { "lines" });
            log::warn!(server = label.server(); "Server {label} wrote {more} more {lines} that can't be used");
        }
    }

    /// When the next may be logged.
    fn due(&self) -> Option<Instant> {
        self.logged.map(|logged| logged + LOG_EVERY)
    }

    /// Of lives that are like each other the first, the second, the fourth … say so.
    fn is_said(&mut self, now: Instant) -> bool {
        if now.duration_since(self.begun) >= LASTS {
            self.past.forget_junk();
            self.is_said = Some(true);
        }
        *self
            .is_said
            .get_or_insert_with(|| self.past.has_junk().is_power_of_two())
    }
}

/// [`ServerLabel::excerpt`], made only if it is written.
pub(super) struct Shown<'a>(pub(super) &'a ServerLabel, pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.excerpt(self.1))
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
