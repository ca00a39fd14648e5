//! Drains a child's stderr, always and at any speed, so that the child never waits for it. What is
//! said reaches the owner at a limited rate, fit for a log; the last lines are kept in any case.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, sleep_until};

use super::printable::printable;
use crate::process::output::{Outlet, Output};
use crate::throttle::{Pace, Throttle};

/// How many lines are kept, for what is said last.
const KEPT: usize = 50;
/// Each server keeps one, and few say much.
const BLOCK: usize = 4 * 1024;

/// Reads to the end, then delivers [`Output::StderrClosed`]. Lines longer than `cap` bytes are cut;
/// about `rate` a second are delivered.
pub(in crate::process) async fn drain(
    mut stderr: impl AsyncRead + Unpin,
    cap: usize,
    rate: usize,
    outlet: Outlet,
) {
    let mut block = vec![0; BLOCK];
    let mut cutter = Cutter::new(cap);
    let pace = Pace {
        rate,
        burst: Duration::from_secs(5),
        relief: Duration::from_secs(1),
    };
    let mut log = Log {
        cap,
        tail: Tail::default(),
        outlet,
        throttle: Throttle::new(Instant::now(), pace),
    };
    loop {
        let opens_at = log.throttle.opens_at();
        let read = tokio::select! {
            read = stderr.read(&mut block) => read.unwrap_or(0),
            // The note about what was suppressed must not wait for the next line.
            () = sleep_until(opens_at.unwrap_or_else(Instant::now)), if opens_at.is_some() => {
                log.note_suppressed(Instant::now());
                continue;
            }
        };
        let Some(said) = block.get(..read).filter(|said| !said.is_empty()) else {
            break;
        };
        let now = Instant::now();
        cutter.feed(said, |line, is_cut| log.line(now, line, is_cut));
    }
    cutter.finish(|line, is_cut| log.line(Instant::now(), line, is_cut));
    if let Some(count) = log.throttle.finish() {
        log.say_suppressed(count);
        // Why a child ends is what it says last, however much it said before.
        for line in log.tail.unsaid() {
            log.outlet.deliver(Output::Stderr(line));
        }
    }
    log.outlet.deliver(Output::StderrClosed);
}

struct Log {
    cap: usize,
    tail: Tail,
    outlet: Outlet,
    throttle: Throttle,
}

impl Log {
    fn line(&mut self, now: Instant, line: &[u8], is_cut: bool) {
        if line.trim_ascii().is_empty() {
            return;
        }
        self.note_suppressed(now);
        let is_said = self.throttle.admits(now);
        self.tail.push(line, is_cut, is_said);
        if is_said {
            let text = printable(line, self.cap, is_cut);
            self.throttle.pay(now, text.len());
            self.outlet.deliver(Output::Stderr(text));
        }
    }

    fn note_suppressed(&mut self, now: Instant) {
        if let Some(count) = self.throttle.relief(now) {
            self.throttle.pay(now, 0);
            self.say_suppressed(count);
        }
    }

    fn say_suppressed(&self, count: u64) {
        let lines = if count == 1 { "line" } else { "lines" };
        let note = format!("… {count} {lines} suppressed");
        self.outlet.deliver(Output::StderrDropped(count));
        self.outlet.deliver(Output::Stderr(note));
    }
}

/// The last lines of a child's stderr, those included that the rate limit suppressed.
#[derive(Default)]
struct Tail(VecDeque<StderrLine>);

/// As it came: making it printable is left to the reader, of whom there is one per crash.
#[derive(Default)]
struct StderrLine {
    line: Vec<u8>,
    is_cut: bool,
    is_said: bool,
}

impl Tail {
    fn push(&mut self, line: &[u8], is_cut: bool, is_said: bool) {
        let mut oldest = match self.0.len() {
            KEPT.. => self.0.pop_front().unwrap_or_default(),
            _ => StderrLine::default(),
        };
        oldest.line.clear();
        oldest.line.extend_from_slice(line);
        oldest.is_cut = is_cut;
        oldest.is_said = is_said;
        self.0.push_back(oldest);
    }

    /// Those of them that the rate limit suppressed after the last one that passed.
    fn unsaid(&self) -> Vec<String> {
        let said = self.0.iter().rposition(|line| line.is_said);
        let first_unsaid = said.map_or(0, |at| at + 1);
        self.0
            .iter()
            .skip(first_unsaid)
            .map(StderrLine::text)
            .collect()
    }
}

impl StderrLine {
    fn text(&self) -> String {
        printable(&self.line, self.line.len(), self.is_cut)
    }
}

/// Cuts a stream into lines of at most `cap` bytes; the rest of a longer one is skipped. What
/// returns to the start of its line, as progress bars do, replaces what stood there.
struct Cutter {
    cap: usize,
    line: Vec<u8>,
    is_skipping: bool,
    /// A carriage return was the last that came.
    has_returned: bool,
}

impl Cutter {
    fn new(cap: usize) -> Self {
        Self {
            cap: cap.max(1),
            line: Vec::new(),
            is_skipping: false,
            has_returned: false,
        }
    }

    fn feed(&mut self, mut said: &[u8], mut emit: impl FnMut(&[u8], bool)) {
        while let Some(at) = memchr(b'\n', said) {
            let (part, rest) = said.split_at(at);
            self.part(part, &mut emit);
            self.finish(&mut emit);
            self.is_skipping = false;
            said = rest.get(1..).unwrap_or_default();
        }
        self.part(said, &mut emit);
    }

    fn finish(&mut self, mut emit: impl FnMut(&[u8], bool)) {
        if !self.is_skipping {
            emit(&self.line, false);
        }
        self.line.clear();
        self.has_returned = false;
    }

    fn part(&mut self, part: &[u8], emit: &mut impl FnMut(&[u8], bool)) {
        for (position, state) in part.split(|byte| *byte == b'\r').enumerate() {
            self.has_returned |= position > 0;
            self.state(state, emit);
        }
    }

    fn state(&mut self, part: &[u8], emit: &mut impl FnMut(&[u8], bool)) {
        if self.is_skipping || part.is_empty() {
            return;
        }
        if mem::take(&mut self.has_returned) {
            self.line.clear();
        }
        let room = self.cap - self.line.len();
        if let Some((fits, _)) = part.split_at_checked(room).filter(|_| part.len() > room) {
            // Said at once: the end of an endless line would never come.
            self.line.extend_from_slice(fits);
            emit(&self.line, true);
            self.line.clear();
            self.is_skipping = true;
        } else {
            self.line.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(cap: usize, reads: &[&[u8]]) -> Vec<(String, bool)> {
        let mut cutter = Cutter::new(cap);
        let mut lines = Vec::new();
        let mut emit = |line: &[u8], is_cut| {
            lines.push((String::from_utf8_lossy(line).into_owned(), is_cut));
        };
        for read in reads {
            cutter.feed(read, &mut emit);
        }
        cutter.finish(&mut emit);
        lines
    }

    #[test]
    fn long_lines_are_cut_at_once_and_their_rest_is_skipped() {
        let expected = [
            ("12345".to_owned(), false),
            ("12345".to_owned(), true),
            ("next".to_owned(), false),
        ];
        assert_eq!(cut(5, &[b"12345\n1234567\nnext"]), expected);
        assert_eq!(
            cut(5, &[b"123", b"45", b"\n12345", b"67", b"8\nne", b"xt"]),
            expected
        );
    }

    #[test]
    fn a_progress_bar_is_told_by_its_last_state() {
        let one = |text: &str| [(text.to_owned(), false)];
        for read in [
            "\r 1%\r 50%\r100%\n",
            " 1%\r 50%\r100%\r\n",
            " 1%\r 50%\r100%\r",
            "1234567\r100%\n",
        ] {
            let (read, bytes) = (read.as_bytes(), read.bytes());
            assert_eq!(cut(7, &[read])[0].0.trim_end(), "100%");
            let single: Vec<[u8; 1]> = bytes.map(|byte| [byte]).collect();
            let single: Vec<&[u8]> = single.iter().map(|byte| &byte[..]).collect();
            assert_eq!(
                cut(7, &single),
                cut(7, &[read]),
                "as one byte after the other"
            );
        }
        assert_eq!(cut(9, &[b"a\r\n"])[..1], one("a"));
        let bar = "\rstate of a bar".repeat(1000);
        assert_eq!(cut(100, &[bar.as_bytes()]), one("state of a bar"));
    }

    #[test]
    fn the_last_lines_are_kept() {
        let mut tail = Tail::default();
        for number in 0..120 {
            tail.push(format!("line {number}").as_bytes(), false, number < 100);
        }
        let unsaid = tail.unsaid();
        assert_eq!((unsaid.len(), &*unsaid[0]), (20, "line 100"));
        for number in 120..180 {
            tail.push(format!("line {number}").as_bytes(), false, false);
        }
        let unsaid = tail.unsaid();
        assert_eq!((unsaid.len(), &*unsaid[0]), (KEPT, "line 130"));
    }
}
