//! How the amount of a limit is written and read: a count, bytes or seconds. Inside it is one
//! number: the count, the bytes, the milliseconds.

use std::time::Duration;

use super::limits::Row;

/// What a limit is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Of something.
    Count,
    /// An integer, or a text such as `16MiB`.
    Bytes,
    /// A number, fractions allowed, or a text such as `5m`.
    Seconds,
}

/// A whole number of seconds.
pub(super) const fn s(seconds: u64) -> u64 {
    seconds * 1000
}

/// A whole number of mebibytes.
pub(super) const fn mib(mib: u64) -> u64 {
    mib << 20
}

/// The type that a limit has in the program.
pub(super) trait Amount {
    fn of(amount: u64) -> Self;
    fn amount(&self) -> u64;
}

impl Amount for usize {
    fn of(amount: u64) -> Self {
        Self::try_from(amount).unwrap_or(Self::MAX)
    }

    fn amount(&self) -> u64 {
        u64::try_from(*self).unwrap_or(u64::MAX)
    }
}

impl Amount for Duration {
    fn of(amount: u64) -> Self {
        Self::from_millis(amount)
    }

    fn amount(&self) -> u64 {
        u64::try_from(self.as_millis()).unwrap_or(u64::MAX)
    }
}

const SIZES: [(&str, u64); 4] = [
    ("GiB", mib(1024)),
    ("MiB", mib(1)),
    ("KiB", 1 << 10),
    ("B", 1),
];

const TIMES: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", s(1)),
    ("m", s(60)),
    ("min", s(60)),
    ("h", s(3600)),
    ("d", s(86_400)),
];

/// A time such as `30s`, `1.5h` or `500ms`. `None` without a unit, too.
pub(super) fn time_with_unit(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(number.len()..)?;
    let (_, length) = TIMES.iter().find(|(name, _)| *name == unit)?;
    let number: f64 = number.trim_end().parse().ok()?;
    let length = Duration::from_millis(*length).as_secs_f64();
    Duration::try_from_secs_f64(number * length).ok()
}

/// A time in seconds, or with a unit.
///
/// # Errors
/// It is neither; the text says what is accepted.
pub fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let seconds = || Duration::try_from_secs_f64(text.parse().ok()?).ok();
    time_with_unit(text)
        .or_else(seconds)
        .ok_or_else(|| "seconds are needed, or a time such as 30s, 5m or 500ms".to_owned())
}

/// How long a command may wait: from a second to a day.
///
/// # Errors
/// It is no such time; the text says what is accepted.
pub fn patience(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_secs(1)..=Duration::from_secs(86_400);
    let time = time(text)?;
    let is_meant = bounds.contains(&time);
    is_meant
        .then_some(time)
        .ok_or_else(|| "from 1s to 24h can be meant".to_owned())
}

impl Unit {
    /// An amount as it can be written: `1000`, `16MiB`, `0.5`.
    #[must_use]
    pub fn show(self, amount: u64) -> String {
        match self {
            Self::Count => amount.to_string(),
            Self::Bytes => {
                let fits =
                    |(_, size): &&(&str, u64)| amount >= *size && amount.is_multiple_of(*size);
                let (name, size) = SIZES.iter().find(fits).unwrap_or(&("B", 1));
                match *name {
                    "B" => amount.to_string(),
                    name => format!("{}{name}", amount / size),
                }
            }
            Self::Seconds => Duration::from_millis(amount).as_secs_f64().to_string(),
        }
    }

    fn read(self, text: &str) -> Option<u64> {
        let text = text.trim();
        match self {
            Self::Count => text.parse().ok(),
            Self::Bytes => {
                let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let name = text.get(digits.len()..)?;
                let is_it = |(known, _): &&(&str, u64)| known.eq_ignore_ascii_case(name);
                let size = match name {
                    "" => 1,
                    _ => SIZES.iter().find(is_it)?.1,
                };
                digits.trim_end().parse::<u64>().ok()?.checked_mul(size)
            }
            Self::Seconds => u64::try_from(time(text).ok()?.as_millis()).ok(),
        }
    }
}

impl Row {
    /// Reads an amount. An error says what is accepted.
    pub fn read(&self, text: &str) -> Result<u64, String> {
        let bounds = self.least..=self.most;
        let read = self.unit.read(text);
        read.filter(|amount| bounds.contains(amount))
            .ok_or_else(|| self.expected(read))
    }

    fn expected(&self, read: Option<u64>) -> String {
        let (least, most) = (self.unit.show(self.least), self.unit.show(self.most));
        match self.unit {
            Unit::Count => format!("a whole number from {least} to {most} is needed"),
            Unit::Bytes => {
                format!(
                    "a number of bytes or a size such as 16MiB is needed, from {least} to {most}"
                )
            }
            Unit::Seconds => {
                let meant = read.map(|read| read / 1000).unwrap_or_default();
                let hint = if meant > 0 && (self.least..=self.most).contains(&meant) {
                    format!(
                        "; if milliseconds were meant, write {}",
                        self.unit.show(meant)
                    )
                } else {
                    String::new()
                };
                format!("a number of seconds from {least} to {most} is needed{hint}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::limits::TABLE;

    fn row(name: &str) -> &'static Row {
        TABLE.iter().find(|row| row.name == name).unwrap()
    }

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        for (text, seconds) in [("60", 60), ("90s", 90), ("5m", 300), ("24h", 86_400)] {
            assert_eq!(patience(text), Ok(Duration::from_secs(seconds)));
        }
        assert!(patience("soon").unwrap_err().contains("such as 30s"));
        for text in ["0", "999ms", "25h"] {
            assert!(patience(text).unwrap_err().contains("from 1s to 24h"));
        }
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (name, text, amount) in [
            ("max_sessions", "500", 500),
            ("max_body_bytes", "1048576", 1 << 20),
            ("max_body_bytes", "1MiB", 1 << 20),
            ("max_body_bytes", " 64 kib ", 64 << 10),
            ("max_body_bytes", "2048B", 2048),
            ("drain_timeout", "0", 0),
            ("drain_timeout", "2.5", 2500),
            ("restart_delay", "0.05", 50),
            ("restart_delay", "500ms", 500),
            ("drain_timeout", "30s", 30_000),
            ("drain_timeout", " 1.5 m ", 90_000),
            ("drain_timeout", "2min", 120_000),
            ("session_idle_timeout", "2h", 7_200_000),
            ("session_idle_timeout", "7d", 604_800_000),
        ] {
            assert_eq!(row(name).read(text), Ok(amount), "{name} {text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_can() {
        for (name, text, expected) in [
            (
                "max_sessions",
                "0",
                "a whole number from 1 to 1000000 is needed",
            ),
            ("max_sessions", "-1", "a whole number from 1 to"),
            ("max_sessions", "1.5", "a whole number from 1 to"),
            ("max_sessions", "many", "a whole number from 1 to"),
            (
                "max_body_bytes",
                "16MB",
                "such as 16MiB is needed, from 1KiB to 1GiB",
            ),
            ("max_body_bytes", "99999999999GiB", "such as 16MiB"),
            ("max_body_bytes", "1", "from 1KiB"),
            (
                "peer_timeout",
                "nan",
                "a number of seconds from 1 to 3600 is needed",
            ),
            ("peer_timeout", "-1", "a number of seconds from 1 to 3600"),
            ("peer_timeout", "-1s", "a number of seconds from 1 to 3600"),
            (
                "peer_timeout",
                "500ms",
                "a number of seconds from 1 to 3600",
            ),
            ("peer_timeout", "5 parsecs", "a number of seconds from 1 to"),
            ("peer_timeout", "s", "a number of seconds from 1 to 3600"),
            ("peer_timeout", "infd", "a number of seconds from 1 to 3600"),
            (
                "peer_timeout",
                "30000",
                "if milliseconds were meant, write 30",
            ),
        ] {
            let why = row(name).read(text).unwrap_err();
            assert!(why.contains(expected), "{name} {text}: {why}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for row in TABLE {
            for amount in [row.least, row.default, row.most] {
                assert_eq!(row.read(&row.unit.show(amount)), Ok(amount), "{}", row.name);
            }
        }
    }
}
