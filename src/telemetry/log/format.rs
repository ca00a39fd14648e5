//! The two line formats, to the letter, and what makes one record one line: control characters
//! are escaped and the length is bounded. Pure; the time is an argument.

use std::fmt::{self, Write as _};
use std::io;

use ::log::Level;
use jiff::Zoned;
use syslog::{Facility, Severity};

use super::zone;

/// The name in front of every syslog line; `journalctl -t mcp-gateway` finds it.
pub(super) const IDENT: &str = "mcp-gateway";

/// Bytes of text in one line, after escaping. With what stands around it a line stays under
/// 8 KiB, which is what rsyslog takes by default.
pub(super) const TEXT_LIMIT: usize = 8000;

/// How a record becomes a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    /// `<30>Feb 05 10:30:45 mcp-gateway[12345]: [INFO] text`. The host name is added by syslogd.
    Syslog { pid: u32 },
    /// `2025-02-05 10:30:45,123 [INFO] text`
    Stdout,
}

impl Format {
    /// Writes one line with its newline. `at` is in the time zone to be shown.
    pub(super) fn write(
        self,
        out: &mut impl io::Write,
        at: &Zoned,
        level: Level,
        text: fmt::Arguments<'_>,
    ) -> io::Result<()> {
        match self {
            Self::Syslog { pid } => {
                let (priority, time) = (priority(level), at.strftime("%b %d %H:%M:%S"));
                write!(out, "<{priority}>{time} {IDENT}[{pid}]: [{level}] ")?;
            }
            Self::Stdout => {
                let time = at.strftime("%Y-%m-%d %H:%M:%S,%3f");
                write!(out, "{time} [{level}] ")?;
            }
        }
        write_text(out, text)?;
        out.write_all(b"\n")
    }

    /// The same as bytes, with the local time of now.
    pub(super) fn line(self, level: Level, text: fmt::Arguments<'_>) -> Vec<u8> {
        let mut line = Vec::with_capacity(128);
        match self.write(&mut line, &zone::now(), level, text) {
            Ok(()) => line,
            Err(_) => Vec::new(), // a Vec takes every write
        }
    }
}

/// The line as a terminal or a file should show it: without syslog's `<priority>`.
pub(super) fn without_priority(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| *byte == b'>');
    match (line.first(), end.and_then(|end| line.get(end + 1..))) {
        (Some(b'<'), Some(rest)) => rest,
        _ => line,
    }
}

/// Facility and severity as RFC 3164 §4.1.1 packs them: 27, 28, 30 and 31.
fn priority(level: Level) -> u8 {
    let severity = match level {
        Level::Error => Severity::LOG_ERR,
        Level::Warn => Severity::LOG_WARNING,
        Level::Info => Severity::LOG_INFO,
        Level::Debug | Level::Trace => Severity::LOG_DEBUG,
    };
    Facility::LOG_DAEMON as u8 | severity as u8
}

/// The beginning of a text, as a line shows it.
pub(super) fn beginning(text: fmt::Arguments<'_>, limit: usize) -> String {
    let mut shown = Vec::with_capacity(limit);
    let mut escaped = Escaped {
        out: &mut shown,
        left: limit,
        failed: None,
    };
    // An `Err` is the limit: what was written before it is the beginning.
    escaped.write_fmt(text).ok();
    String::from_utf8_lossy(&shown).into_owned()
}

fn write_text(out: &mut impl io::Write, text: fmt::Arguments<'_>) -> io::Result<()> {
    let mut escaped = Escaped {
        out,
        left: TEXT_LIMIT,
        failed: None,
    };
    // An `Err` means that the limit was reached, that `out` failed, or that some `Display` gave
    // up in the middle: in each case what is written so far is the line.
    let whole = escaped.write_fmt(text).is_ok();
    if let Some(error) = escaped.failed {
        return Err(error);
    }
    if whole {
        Ok(())
    } else {
        out.write_all(" … (cut)".as_bytes())
    }
}

/// Passes text on with everything escaped that could forge or garble a line; stops the formatting
/// when the limit is reached, so that a huge value costs no more than what is shown of it.
struct Escaped<'a, W> {
    out: &'a mut W,
    left: usize,
    failed: Option<io::Error>,
}

impl<W: io::Write> Escaped<'_, W> {
    fn put(&mut self, text: &str) -> fmt::Result {
        self.left = self.left.checked_sub(text.len()).ok_or(fmt::Error)?;
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.failed = Some(error);
            fmt::Error
        })
    }
}

impl<W: io::Write> fmt::Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left && !text.contains(is_unsafe) {
            return self.put(text);
        }
        let mut buffer = [0; 4];
        for c in text.chars() {
            if is_unsafe(c) {
                self.put(&c.escape_default().to_string())?;
            } else {
                self.put(c.encode_utf8(&mut buffer))?;
            }
        }
        Ok(())
    }
}

/// Control characters (newline and ESC above all), what reorders or breaks a line in Unicode, and
/// what takes no room on it, by which two names can look the same.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::datetime;
    use jiff::tz::TimeZone;

    fn line(format: Format, level: Level, text: &str) -> String {
        let at = datetime(2025, 2, 5, 10, 30, 45, 123_999_999)
            .to_zoned(TimeZone::fixed(jiff::tz::offset(-5)))
            .unwrap();
        let mut line = Vec::new();
        format
            .write(&mut line, &at, level, format_args!("{text}"))
            .unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn both_formats_to_the_letter() {
        let started = "Server 'playwright' started";
        assert_eq!(
            line(Format::Syslog { pid: 12345 }, Level::Info, started),
            "<30>Feb 05 10:30:45 mcp-gateway[12345]: [INFO] Server 'playwright' started\n"
        );
        assert_eq!(
            line(Format::Stdout, Level::Info, started),
            "2025-02-05 10:30:45,123 [INFO] Server 'playwright' started\n"
        );
    }

    #[test]
    fn the_severity_follows_the_level() {
        let cases = [
            (Level::Error, "<27>", "[ERROR] x\n"),
            (Level::Warn, "<28>", "[WARN] x\n"),
            (Level::Info, "<30>", "[INFO] x\n"),
            (Level::Debug, "<31>", "[DEBUG] x\n"),
            (Level::Trace, "<31>", "[TRACE] x\n"),
        ];
        for (level, start, end) in cases {
            let line = line(Format::Syslog { pid: 1 }, level, "x");
            assert!(line.starts_with(start) && line.ends_with(end), "{line}");
            assert!(without_priority(line.as_bytes()).starts_with(b"Feb 05"));
        }
        assert_eq!(without_priority(b"2025 a > b"), b"2025 a > b");
    }

    #[test]
    fn a_record_cannot_forge_a_second_line() {
        let forged = line(
            Format::Stdout,
            Level::Info,
            "a\nb\r\u{1b}[31m\u{0}\u{202e}z ä\u{61c}\u{200b}\u{feff}",
        );
        assert_eq!(
            forged.split_once("] ").unwrap().1,
            "a\\nb\\r\\u{1b}[31m\\u{0}\\u{202e}z ä\\u{61c}\\u{200b}\\u{feff}\n"
        );
    }

    #[test]
    fn a_record_is_cut_at_the_limit() {
        let whole = line(Format::Stdout, Level::Info, &"x".repeat(TEXT_LIMIT));
        assert!(whole.ends_with("xx\n"));
        for long in ["ä".repeat(TEXT_LIMIT), "\n".repeat(1 << 20)] {
            let cut = line(Format::Syslog { pid: u32::MAX }, Level::Error, &long);
            assert!(cut.ends_with(" … (cut)\n"), "{}", &cut[cut.len() - 40..]);
            assert!(cut.len() <= 8192, "{}", cut.len());
        }
    }
}
