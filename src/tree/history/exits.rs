//! How the last lives of a server ended, and the probable cause of its last failure.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::ServerHistory;
use super::likely::{self, Evidence, Likely};
use super::ring::shown;
use crate::supervise::Failure;

/// So many are kept.
const KEPT: usize = 8;
/// Its first words may have come so long before it was known that its process runs.
const SLACK: SignedDuration = SignedDuration::from_secs(1);

/// How one life ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exit {
    /// When, as RFC 3339 has it.
    pub at: String,
    /// How, in the gateway's own words.
    pub why: String,
    /// With which code, if it did.
    pub code: Option<i32>,
    /// By which signal, if it was.
    pub signal: Option<i32>,
    /// How long its process had run.
    pub lived_seconds: f64,
}

#[derive(Debug, Default)]
pub(super) struct Exits {
    kept: VecDeque<Exit>,
    likely: Option<Likely>,
}

impl Exits {
    pub(super) fn newest_first(&self) -> Vec<Exit> {
        self.kept.iter().rev().cloned().collect()
    }

    pub(super) fn likely(&self) -> Option<Likely> {
        self.likely
    }

    fn push(&mut self, exit: Exit) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(exit);
    }
}

impl ServerHistory {
    /// A life of it ended, whose process had run for so long. `was_asked`: that is no failure, and says
    /// nothing of the last one.
    pub(in crate::tree) fn exited(&self, failure: &Failure, lived: Duration, was_asked: bool) {
        let now = Timestamp::now();
        let (code, signal) = failure
            .status
            .map_or((None, None), |status| (status.code(), status.signal()));
        let lived_seconds = (lived.as_secs_f64() * 10.0).round() / 10.0;
        let mut noted = self.noted();
        if !was_asked {
            let lived = SignedDuration::try_from(lived).unwrap_or_default();
            let began = now.checked_sub(lived + SLACK).unwrap_or(Timestamp::MIN);
            let said: Vec<String> = noted.stderr.since(began).collect();
            noted.exits.likely = likely::of(&Evidence {
                cause: failure.cause.as_deref(),
                said: &said,
                code,
                signal,
            });
        }
        noted.exits.push(Exit {
            at: shown(now),
            why: failure.summary.clone(),
            code,
            signal,
            lived_seconds,
        });
    }
}
