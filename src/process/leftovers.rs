//! Ends what children left behind outside of their groups: found by its marker or its kin
//! (`kin.rs`), asked with SIGTERM, killed if it is still there a moment later.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::gateway_run::{GatewayRun, Marker};
use super::group::Groups;
use super::lineage::of_lives;
use super::orphans::{Passing, chase};
use super::procfs::Seen;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_millis(500);
/// When it is given up: only what hangs in the kernel, or is not ours to signal, is still there.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// From the next death to a look whether those found were all.
const SECOND_LOOK: Duration = Duration::from_millis(500);

/// How an ending went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// How many processes were found.
    pub(super) found: usize,
    /// How many of them are still there.
    pub(super) left: usize,
    /// Whether new ones still came at the end.
    pub(super) is_growing: bool,
    /// How many others may belong to it, or to another child that runs, and so were spared.
    pub(super) unsure: usize,
}

/// Whose processes are to be ended.
#[derive(Debug, Clone)]
pub(super) enum Of {
    /// A child's that has ended, which started at `since`.
    Child { serial: u64, since: u64 },
    /// All children's, and themselves.
    Everyone,
    /// Those of gateways that were killed.
    Former(Vec<GatewayRun>),
}

impl Of {
    fn find(&self, groups: &Groups, seen: &[Seen]) -> Vec<Seen> {
        match self {
            Self::Child { serial, since } => groups.family().left_by(*serial, *since, seen),
            Self::Everyone => groups.family().all(seen),
            Self::Former(lives) => of_lives(lives, std::process::id().cast_signed(), seen),
        }
    }

    fn unsure(&self, groups: &Groups, seen: &[Seen]) -> usize {
        match self {
            Self::Child { since, .. } => {
                let mut unsure = groups.family().maybe_left(*since, seen);
                // Other children, too, that were seen as they ended and have been reaped meanwhile.
                unsure.retain(Seen::is_alive);
                unsure.len()
            }
            Self::Everyone | Self::Former(_) => 0,
        }
    }

    /// Whether a process with this marker is one of them.
    fn has(&self, groups: &Groups, marker: Marker) -> bool {
        match self {
            Self::Child { serial, .. } => marker.life == groups.life() && marker.serial == *serial,
            Self::Everyone => marker.life == groups.life(),
            Self::Former(lives) => lives.contains(&marker.life),
        }
    }
}

/// A child that has ended, and is reaped.
#[derive(Debug, Clone)]
pub(super) struct Late {
    pub(super) serial: u64,
    /// When it was started.
    pub(super) since: u64,
    pub(super) name: Arc<str>,
}

/// Ends what `late` left behind. What forks anew without end is not seen where it got no processor
/// at that moment, so the reaper looks once more.
pub(super) async fn end_leftovers(groups: &Groups, late: Late) {
    end_what_is_seen(groups, &late).await;
    groups.look_again(late);
}

/// Ends what `late` left behind and was not seen then, if anything.
pub(super) async fn end_rest(groups: Groups, late: Late) {
    sleep(SECOND_LOOK).await;
    end_what_is_seen(&groups, &late).await;
}

async fn end_what_is_seen(groups: &Groups, late: &Late) {
    let Late {
        serial,
        since,
        ref name,
    } = *late;
    let ended = end(groups, Of::Child { serial, since }, GRACE).await;
    if ended.found > 0 {
        log::debug!("{name} left processes behind: {ended:?}");
    }
    complain_of(ended, &format!("server '{name}' has"));
    if groups.is_more(ended.unsure) {
        log::warn!(
            "{} processes stay that server '{name}', or another that runs, has left behind: nothing ties \
             them to either. They end with the last that may have left them",
            ended.unsure
        );
    }
}

/// Ends everything that any child of `groups` started, children too: for the end of the gateway,
/// which is the end of all of it. At once if `is_forced`, else with a moment for each to end by
/// itself.
pub async fn end_all(groups: &Groups, is_forced: bool) {
    groups.kill_all();
    let grace = if is_forced { Duration::ZERO } else { GRACE };
    complain_of(end(groups, Of::Everyone, grace).await, "servers have");
}

/// Ends what gateways that were killed have left behind.
pub(super) async fn end_former(groups: &Groups, lives: Vec<GatewayRun>) -> Ended {
    let ended = end(groups, Of::Former(lives), GRACE).await;
    complain_of(ended, "servers of a former gateway have");
    ended
}

/// Ends them, until a look finds nothing and nothing is left of what was ever found.
async fn end(groups: &Groups, of: Of, grace: Duration) -> Ended {
    let start = Instant::now();
    let mut hunt = Hunt::new(groups.clone(), of);
    loop {
        let seen = groups.looks().look().await;
        let took = start.elapsed();
        let step = spawn_blocking(move || {
            let ended = hunt.step(&seen, took < grace);
            (hunt, ended)
        });
        let Ok((went_on, mut ended)) = step.await else {
            return Ended::default(); // the runtime ends
        };
        sleep(PAUSE).await;
        // What has ended since it was seen may have forked: only a look that finds nothing new ends it.
        if (ended.left == 0 && !ended.is_growing) || took > PATIENCE {
            // And what forks anew faster than one can look is not seen, but leaves its dead.
            let step = spawn_blocking(move || {
                let mut hunt = went_on;
                let came = hunt.passing.count(&hunt.groups, hunt.serial());
                (hunt, came)
            });
            let Ok((went_on, came)) = step.await else {
                return ended;
            };
            if came == 0 || took > PATIENCE {
                ended.is_growing |= came > 0;
                return ended;
            }
            hunt = went_on;
        } else {
            hunt = went_on;
        }
    }
}

/// What was found so far.
struct Hunt {
    groups: Groups,
    of: Of,
    known: HashSet<(i32, u64)>,
    alive: Vec<Seen>,
    passing: Passing,
}

impl Hunt {
    fn new(groups: Groups, of: Of) -> Self {
        Self {
            groups,
            of,
            known: HashSet::new(),
            alive: Vec::new(),
            passing: Passing::default(),
        }
    }

    /// Signals what still runs: those that were not known politely, or all of them for good. How it
    /// stood before. Looks at each process, and may be slow.
    fn step(&mut self, seen: &[Seen], is_polite: bool) -> Ended {
        let mut found = self.of.find(&self.groups, seen);
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
        self.passing.begin_after(seen);
        if !is_polite && self.passing.count(&self.groups, self.serial()) > 0 {
            chase(|marker| self.of.has(&self.groups, marker));
        }
        Ended {
            found: self.known.len(),
            left: self.alive.len(),
            is_growing: !found.is_empty(),
            unsure: self.of.unsure(&self.groups, seen),
        }
    }

    fn serial(&self) -> Option<u64> {
        match &self.of {
            Of::Child { serial, .. } => Some(*serial),
            Of::Everyone | Of::Former(_) => None,
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

/// Says what could not be ended, and `who` has left it.
fn complain_of(ended: Ended, who: &str) {
    if ended.is_growing {
        log::warn!(
            "Processes that {who} left behind keep starting new ones, {} were seen; some may still run",
            ended.found
        );
    } else if ended.left > 0 {
        log::warn!(
            "{} processes that {who} left behind can't be ended",
            ended.left
        );
    }
}
