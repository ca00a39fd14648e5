//! What the log was told of what is offered: each thing once, as long as it is so.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::job::Tables;
use super::remark::Remark;
use crate::ids::ServerName;

/// Between two lines about what clients are offered: lists may change as often as they like.
const PAUSE: Duration = Duration::from_secs(5);
/// Where there was something before.
const NOTHING: &str = "Clients are offered no tools";

/// What was logged.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// What is odd about what servers list.
    pub(super) oddities: BTreeSet<(ServerName, Remark)>,
    /// The same of what is about no server by itself.
    warnings: BTreeSet<Remark>,
    offered: Announcement,
}

impl Reports {
    /// Logs what is odd now and was not before, and forgets what is not odd any more.
    pub(super) fn take(&mut self, fresh: &Tables) {
        for (server, oddity) in fresh.oddities.difference(&self.oddities) {
            log::warn!(server = server.as_str(); "{oddity}");
        }
        self.oddities.clone_from(&fresh.oddities);
        for warning in fresh.warnings.difference(&self.warnings) {
            log::warn!("{warning}");
        }
        self.warnings.clone_from(&fresh.warnings);
        self.offered.is_now(fresh.offered.as_deref());
    }

    /// Logs what clients are offered, if that is something else than was logged. The error is how long
    /// that has to wait.
    pub(super) fn announce(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(line) = self.offered.due(now)? {
            log::info!("{line}");
        }
        Ok(())
    }
}

/// A line that is logged when it says something new, and not too often.
#[derive(Debug, Default)]
struct Announcement {
    said: String,
    at: Option<Instant>,
    now: String,
}

impl Announcement {
    fn is_now(&mut self, line: Option<&str>) {
        let nothing = if self.said.is_empty() { "" } else { NOTHING };
        line.unwrap_or(nothing).clone_into(&mut self.now);
    }

    fn due(&mut self, now: Instant) -> Result<Option<&str>, Duration> {
        if self.now == self.said {
            return Ok(None);
        }
        let wait = self.at.map_or(Duration::ZERO, |at| {
            (at + PAUSE).saturating_duration_since(now)
        });
        if !wait.is_zero() {
            return Err(wait);
        }
        self.at = Some(now);
        self.said.clone_from(&self.now);
        Ok(Some(&self.said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_said_when_it_is_another_and_not_too_often() {
        let (mut offered, start) = (Announcement::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut said = |line: Option<&str>, seconds: u64| {
            offered.is_now(line);
            let due = offered.due(at(seconds));
            due.map(|line| line.map(str::to_owned))
        };
        let line = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(said(None, 0), Ok(None), "there was nothing before");
        assert_eq!(said(Some("1"), 0), line("1"));
        assert_eq!(said(Some("1"), 9), Ok(None), "it is the same");
        assert_eq!(said(Some("2"), 9), line("2"));
        for seconds in 10..14 {
            let wait = Duration::from_secs(14 - seconds);
            assert_eq!(said(Some("3"), seconds), Err(wait));
            assert_eq!(said(Some("2"), seconds), Ok(None), "it is as it was");
        }
        assert_eq!(said(Some("4"), 14), line("4"));
        assert_eq!(said(None, 20), line(NOTHING));
        assert_eq!(said(None, 30), Ok(None));
    }
}
