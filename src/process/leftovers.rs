//! Ends what children left behind outside of their groups: found by its marker or its kin
//! (`kin.rs`), asked with SIGTERM, killed if it is still there a moment later.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::group::Groups;
use super::look::{Looks, Seen};

/// From SIGTERM to SIGKILL.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// When it is given up: only what hangs in the kernel, or is not ours to signal, is still there.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// How an ending went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// How many processes were found.
    pub(super) found: usize,
    /// How many of them are still there.
    pub(super) left: usize,
    /// Whether new ones still came at the end.
    pub(super) is_growing: bool,
}

/// Ends what the child `serial` left behind, which started at `since`.
pub(super) async fn end_leftovers(groups: &Groups, serial: u64, since: u64) {
    let ours = groups.clone();
    let find = move |seen: &[Seen]| ours.family().left_by(serial, since, seen);
    let ended = end(groups.looks(), find, GRACE).await;
    if ended.found > 0 {
        log::debug!("a server left processes behind: {ended:?}");
    }
    complain_of(ended);
}

/// Ends everything that any child of `groups` started, children too: for the end of the gateway,
/// which is the end of all of it. At once if `is_forced`, else with a moment for each to end by
/// itself.
pub async fn end_all(groups: &Groups, is_forced: bool) {
    groups.kill_all();
    let ours = groups.clone();
    let find = move |seen: &[Seen]| ours.family().all(seen);
    let grace = if is_forced { Duration::ZERO } else { GRACE };
    complain_of(end(groups.looks(), find, grace).await);
}

/// Ends what `find` finds, until it finds nothing and nothing is left of what it ever found.
pub(super) async fn end(
    looks: &Looks,
    find: impl Fn(&[Seen]) -> Vec<Seen> + Send + Sync + 'static,
    grace: Duration,
) -> Ended {
    let start = Instant::now();
    let find = Arc::new(find);
    let mut hunt = Hunt::default();
    loop {
        let (seen, find) = (looks.look().await, Arc::clone(&find));
        let took = start.elapsed();
        let step = spawn_blocking(move || {
            let ended = hunt.step(find(&seen), took < grace);
            (hunt, ended)
        });
        let Ok((went_on, ended)) = step.await else {
            return Ended::default(); // the runtime ends
        };
        hunt = went_on;
        // What has ended since it was seen may have forked: only a look that finds nothing new ends it.
        if (ended.left == 0 && !ended.is_growing) || took > PATIENCE {
            return ended;
        }
        sleep(PAUSE).await;
    }
}

/// What was found so far.
#[derive(Default)]
struct Hunt {
    known: HashSet<(i32, u64)>,
    alive: Vec<Seen>,
}

impl Hunt {
    /// Signals what still runs: those that were not known politely, or all of them for good. How it
    /// stood before. Looks at each process, and may be slow.
    fn step(&mut self, mut found: Vec<Seen>, is_polite: bool) -> Ended {
        found.retain(|process| self.known.insert((process.pid, process.started)));
        self.alive.extend_from_slice(&found);
        self.alive.retain(Seen::is_alive);
        let (signal, to) = if is_polite {
            (Signal::SIGTERM, &found)
        } else {
            (Signal::SIGKILL, &self.alive)
        };
        for process in to {
            send(process, signal);
        }
        Ended {
            found: self.known.len(),
            left: self.alive.len(),
            is_growing: !found.is_empty(),
        }
    }
}

fn send(process: &Seen, signal: Signal) {
    // Looked at again just before: its number may have got another owner since it was seen. What
    // fails is told by what is left at the end.
    if process.is_alive() {
        kill(Pid::from_raw(process.pid), signal).ok();
    }
}

/// Says what could not be ended.
pub(super) fn complain_of(ended: Ended) {
    if ended.is_growing {
        log::warn!(
            "Processes that servers have left behind keep starting new ones, {} so far; some may \
             still run",
            ended.found
        );
    } else if ended.left > 0 {
        log::warn!(
            "{} processes that servers have left behind can't be ended",
            ended.left
        );
    }
}
