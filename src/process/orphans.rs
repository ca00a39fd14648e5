//! Orphans that come to us and that no look at all processes sees: those that fork anew and end, over
//! and over, faster than one can look. Only their dead are seen, which are ours to reap.

use std::collections::HashSet;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use tokio::time::Instant;

use super::gateway_run::Marker;
use super::group::Groups;
use super::procfs::{Seen, adopted, any, with_marker};

/// How long they are run after at a time.
const CHASE: Duration = Duration::from_millis(100);

/// The orphans that have come since the first look.
#[derive(Debug, Default)]
pub(super) struct Passing {
    /// What has started later has started since.
    newest: Option<u64>,
    known: HashSet<(i32, u64)>,
}

impl Passing {
    pub(super) fn begin_after(&mut self, seen: &[Seen]) {
        let newest = seen.iter().map(|process| process.started).max();
        self.newest = self.newest.or(newest);
    }

    /// How many have come since the last time, those apart that belong to a child that runs, other
    /// than `serial`.
    pub(super) fn count(&mut self, groups: &Groups, serial: Option<u64>) -> usize {
        let Some(newest) = self.newest else {
            return 0;
        };
        let orphans = groups.orphans();
        let family = groups.family();
        let is_others = |process: &Seen| {
            let ties = [process.group, process.session];
            let owner = ties.iter().find_map(|tie| family.leaders.get(tie));
            let marker = with_marker(process.pid).and_then(|process| process.marker);
            let of = owner.copied().or(marker.map(|marker| marker.serial));
            serial.is_some() && of.is_some_and(|of| Some(of) != serial)
        };
        let fresh = orphans
            .into_iter()
            .filter_map(|pid| any(pid.as_raw()))
            .filter(|process| process.started > newest && !is_others(process))
            .filter(|process| self.known.insert((process.pid, process.started)));
        fresh.count()
    }
}

/// Kills at sight what has a marker that `is_its`. One that is hit before it has forked is the last.
pub(super) fn chase(is_its: impl Fn(Marker) -> bool) {
    let start = Instant::now();
    while start.elapsed() < CHASE {
        // The youngest is the last.
        for pid in adopted().into_iter().rev() {
            let process = with_marker(pid.as_raw()).filter(|process| !process.is_others);
            if process
                .and_then(|process| process.marker)
                .is_some_and(&is_its)
            {
                kill(pid, Signal::SIGKILL).ok();
            }
        }
    }
}
