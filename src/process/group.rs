//! Process groups: every child leads one of its own, so that what it started is killed with it.
//!
//! A group's number can be reused once its leader has been reaped, and then a signal would hit a
//! stranger. So a group ends, killed, *before* its leader is reaped (`exit.rs`), and every signal
//! is sent under the lock of the table. Leaders stay in it until they are reaped: whoever reaps
//! orphans (`reaper.rs`) leaves alone what is in it.
//!
//! The table's lock is held for signals and for nothing that could take long: who ends the process
//! while all else hangs needs it. A spawn may hang (a program on a file system that has gone), so it
//! is only noted which thread is in one: what that thread has started is not known yet.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, gettid};
use tokio::process::Child;

use super::gateway_run::{GatewayRun, Marker};
use super::leftovers::Late;
use super::lineage::Family;
use super::procfs::{Looks, OwnChild, children, start_of};
use super::starts::Starts;

/// How often the end of everything looks whether spawns under way are over, and how long in between.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// The process groups alive now, of all children that were spawned with it. Cheap to clone.
///
/// Not actor state, hence the lock: it must be usable when every actor hangs.
#[derive(Clone, Debug)]
pub struct Groups {
    life: GatewayRun,
    table: Arc<Mutex<Table>>,
    looks: Arc<Looks>,
    starts: Arc<Starts>,
}

#[derive(Debug, Default)]
struct Table {
    leaders: BTreeMap<u64, Leader>,
    /// The threads that are in a spawn now, by the number of the child.
    spawning: BTreeMap<u64, Pid>,
    next: u64,
    is_ending: bool,
    /// Whether orphans come to us, and from our children alone.
    adopts: bool,
    /// Those that were reaped lately, and whose leftovers were ended.
    late: Vec<Late>,
    /// How many processes that may have been left behind were told of.
    unsure: usize,
    /// The children there were before any of these, by number and start.
    strangers: HashSet<(i32, u64)>,
}

/// A child that is not reaped yet.
#[derive(Debug)]
struct Leader {
    pid: Pid,
    name: Arc<str>,
    /// Whether its group may be signalled.
    is_alive: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            life: GatewayRun::new(),
            table: Arc::default(),
            looks: Arc::default(),
            starts: Arc::default(),
        }
    }
}

impl Groups {
    /// Kills every group (SIGKILL) before it returns, and from then on refuses to spawn. For a
    /// second signal and for giving up, when this process is about to exit without a drain. It is
    /// not held up by a spawn that hangs: what that has started so far is killed too.
    #[expect(
        clippy::disallowed_methods,
        reason = "the end of the program, for a moment"
    )]
    pub fn kill_all(&self) {
        {
            let mut table = self.lock();
            table.is_ending = true;
            for leader in table.leaders.values().filter(|leader| leader.is_alive) {
                send(leader.pid, Signal::SIGKILL);
            }
        }
        for _ in 0..LOOKS {
            if self.lock().spawning.is_empty() {
                return;
            }
            for (pid, _) in self.being_spawned() {
                kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
            }
            thread::park_timeout(PAUSE);
        }
    }

    /// How many groups are alive.
    #[must_use]
    pub fn len(&self) -> usize {
        let table = self.lock();
        let alive = table.leaders.values().filter(|leader| leader.is_alive);
        alive.count()
    }

    /// Whether no group is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns a leader, with the marker it is given, and enters its group, with nothing for
    /// [`Groups::kill_all`] to miss in between. `None` once that was called.
    pub(super) fn enter(
        &self,
        name: &str,
        spawn: impl FnOnce(Marker) -> io::Result<Child>,
    ) -> Option<io::Result<(Child, Group)>> {
        let serial = self.begin()?;
        let life = self.life;
        let spawned = spawn(Marker { life, serial }).and_then(|child| {
            let pid = child.id().and_then(|id| i32::try_from(id).ok());
            let pid = pid.ok_or_else(|| io::Error::other("the new process has no id"))?;
            Ok((child, Pid::from_raw(pid)))
        });
        // While its number is its own for certain.
        let started = spawned.as_ref().ok().and_then(|(_, pid)| start_of(*pid));
        let mut table = self.lock();
        table.spawning.remove(&serial);
        let (child, pgid) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => return Some(Err(error)),
        };
        if table.is_ending {
            send(pgid, Signal::SIGKILL);
            return None;
        }
        let is_alive = true;
        let name: Arc<str> = name.into();
        let leader = Leader {
            pid: pgid,
            name: Arc::clone(&name),
            is_alive,
        };
        table.leaders.insert(serial, leader);
        let groups = self.clone();
        let group = Group {
            serial,
            pgid,
            started: started.unwrap_or(0),
            name,
            groups,
        };
        Some(Ok((child, group)))
    }

    /// The number of the next child, which this thread spawns now; `None` if there is to be none.
    fn begin(&self) -> Option<u64> {
        let mut table = self.lock();
        if table.is_ending {
            return None;
        }
        let serial = table.next;
        table.next += 1;
        table.spawning.insert(serial, gettid());
        Some(serial)
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    pub(super) fn starts(&self) -> &Starts {
        &self.starts
    }

    pub(super) fn life(&self) -> GatewayRun {
        self.life
    }

    /// From now on orphans come to us. The children there are already are never ended, nor is what
    /// nothing ties to a child of ours: it may be theirs.
    pub(super) fn adopt(&self, strangers: HashSet<(i32, u64)>) {
        let mut table = self.lock();
        table.adopts = strangers.is_empty();
        table.strangers = strangers;
    }

    /// What is known now. Ask *after* a look at the processes: a child that was seen while it was
    /// being spawned is in it then, or is a stranger still.
    pub(super) fn family(&self) -> Family {
        let spawned = self.being_spawned();
        let table = self.lock();
        let leaders = table.leaders.iter();
        let mut strangers = table.strangers.clone();
        strangers.extend(spawned);
        Family {
            life: self.life,
            own: std::process::id().cast_signed(),
            leaders: leaders
                .map(|(serial, leader)| (leader.pid.as_raw(), *serial))
                .collect(),
            adopts: table.adopts,
            strangers,
        }
    }

    /// The children that are not in the table yet, by number and start.
    fn being_spawned(&self) -> Vec<(i32, u64)> {
        if self.lock().spawning.is_empty() {
            return Vec::new();
        }
        let children = children();
        let table = self.lock();
        let spawning: HashSet<&Pid> = table.spawning.values().collect();
        let spawned = children
            .iter()
            .filter(|child| spawning.contains(&child.thread));
        let named = spawned.filter_map(|child| Some((child.pid.as_raw(), start_of(child.pid)?)));
        named.collect()
    }

    /// What `late` left behind is looked for once more, when the next process ends.
    pub(super) fn look_again(&self, late: Late) {
        self.lock().late.push(late);
    }

    pub(super) fn take_late(&self) -> Vec<Late> {
        std::mem::take(&mut self.lock().late)
    }

    /// Whether there are more of those that may have been left behind than were told of.
    pub(super) fn is_more(&self, unsure: usize) -> bool {
        let mut table = self.lock();
        unsure > std::mem::replace(&mut table.unsure, unsure)
    }

    /// What this child is called, unless it is reaped.
    pub(super) fn name_of(&self, serial: u64) -> Option<Arc<str>> {
        let table = self.lock();
        let leader = table.leaders.get(&serial)?;
        Some(Arc::clone(&leader.name))
    }

    /// Those of our children that are no servers, those that have ended among them.
    pub(super) fn orphans(&self) -> Vec<Pid> {
        let mut orphans = Vec::new();
        self.for_orphans(|pid| orphans.push(pid));
        orphans
    }

    /// Calls `reap` for those of our children that nobody else waits for.
    pub(super) fn for_orphans(&self, mut reap: impl FnMut(Pid)) {
        let children = children();
        // Locked to the end: no child is spawned that could get the number of one that is reaped.
        let table = self.lock();
        let leaders: HashSet<Pid> = table.leaders.values().map(|leader| leader.pid).collect();
        let spawning: HashSet<Pid> = table.spawning.values().copied().collect();
        let is_orphan =
            |child: &&OwnChild| !leaders.contains(&child.pid) && !spawning.contains(&child.thread);
        let orphans = children.iter().filter(is_orphan);
        orphans.for_each(|orphan| reap(orphan.pid));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        whole(self.table.lock())
    }
}

/// One group in the table; knows whether it is still there, also when its number has a new owner.
#[derive(Clone, Debug)]
pub(super) struct Group {
    serial: u64,
    pgid: Pid,
    /// When the leader was started; zero if that could not be seen.
    started: u64,
    /// What the child is called in the log.
    name: Arc<str>,
    groups: Groups,
}

impl Group {
    /// The leader's process id, which is the group's number.
    pub(super) fn leader(&self) -> Pid {
        self.pgid
    }

    /// Signals every process of the group, unless the group has ended.
    pub(super) fn signal(&self, signal: Signal) {
        let table = self.groups.lock();
        let leader = table.leaders.get(&self.serial);
        if leader.is_some_and(|leader| leader.is_alive) {
            send(self.pgid, signal);
        }
    }

    /// Kills the group, which then has ended. Only the first call does anything.
    pub(super) fn end(&self) {
        let mut table = self.groups.lock();
        let leader = table.leaders.get_mut(&self.serial);
        if let Some(leader) = leader.filter(|leader| leader.is_alive) {
            leader.is_alive = false;
            send(self.pgid, Signal::SIGKILL);
        }
    }

    /// The leader was reaped, its number is free.
    pub(super) fn reaped(&self) {
        self.groups.lock().leaders.remove(&self.serial);
    }

    /// What is known of it when it has been reaped.
    pub(super) fn late(&self) -> Late {
        Late {
            serial: self.serial,
            since: self.started,
            name: Arc::clone(&self.name),
        }
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }
}

/// Nothing in here can panic half-way: what a poisoned lock guards is whole.
pub(super) fn whole<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

fn send(pgid: Pid, signal: Signal) {
    // The only failures there can be: no process is left in it, or none that is ours to signal
    // (a set-user-id program). Neither leaves anything to do.
    killpg(pgid, signal).ok();
}
