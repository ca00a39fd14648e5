//! Process groups: every child leads one of its own, so that what it started is killed with it.
//!
//! A group's number can be reused once its leader has been reaped, and then a signal would hit a
//! stranger. So a group ends, killed, *before* its leader is reaped (`exit.rs`), and every signal
//! is sent under the lock of the table. Leaders stay in it until they are reaped: whoever reaps
//! orphans (`reaper.rs`) leaves alone what is in it.
//!
//! The table's lock is held for signals and for nothing that could take long: who ends the process
//! while all else hangs needs it. A spawn may hang (a program on a file system that has gone), so it
//! has a lock of its own.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

use super::kin::Family;
use super::life::{Life, Marker};
use super::look::Looks;

/// How often the end of everything looks whether a spawn under way is over, and how long in between.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// The process groups alive now, of all children that were spawned with it. Cheap to clone.
///
/// Not actor state, hence the lock: it must be usable when every actor hangs.
#[derive(Clone, Debug)]
pub struct Groups {
    life: Life,
    table: Arc<Mutex<Table>>,
    /// Held while a child is spawned, and while orphans are told from children.
    spawning: Arc<Mutex<()>>,
    looks: Arc<Looks>,
}

#[derive(Debug, Default)]
struct Table {
    leaders: BTreeMap<u64, Leader>,
    next: u64,
    is_ending: bool,
    /// Whether orphans come to us, and from our children alone.
    adopts: bool,
    /// The children there were before any of these, by number and start.
    strangers: HashSet<(i32, u64)>,
}

/// A child that is not reaped yet.
#[derive(Debug)]
struct Leader {
    pid: Pid,
    /// Whether its group may be signalled.
    is_alive: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            life: Life::new(),
            table: Arc::default(),
            spawning: Arc::default(),
            looks: Arc::default(),
        }
    }
}

impl Groups {
    /// Kills every group (SIGKILL) before it returns, and from then on refuses to spawn. For a
    /// second signal and for giving up, when this process is about to exit without a drain. It is
    /// not held up by a spawn that hangs: that child is killed as soon as it is there.
    pub fn kill_all(&self) {
        let _nobody_spawns = self.spawning_is_over();
        let mut table = self.lock();
        table.is_ending = true;
        for leader in table.leaders.values().filter(|leader| leader.is_alive) {
            send(leader.pid, Signal::SIGKILL);
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
        spawn: impl FnOnce(Marker) -> io::Result<Child>,
    ) -> Option<io::Result<(Child, Group)>> {
        let _spawning = whole(self.spawning.lock());
        let serial = self.next()?;
        let life = self.life;
        let spawned = spawn(Marker { life, serial }).and_then(|child| {
            let pid = child.id().and_then(|id| i32::try_from(id).ok());
            let pid = pid.ok_or_else(|| io::Error::other("the new process has no id"))?;
            Ok((child, Pid::from_raw(pid)))
        });
        let (child, pgid) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => return Some(Err(error)),
        };
        let mut table = self.lock();
        if table.is_ending {
            send(pgid, Signal::SIGKILL);
            return None;
        }
        let is_alive = true;
        let leader = Leader {
            pid: pgid,
            is_alive,
        };
        table.leaders.insert(serial, leader);
        let groups = self.clone();
        let group = Group {
            serial,
            pgid,
            groups,
        };
        Some(Ok((child, group)))
    }

    /// The number of the next child; `None` if there is to be none.
    fn next(&self) -> Option<u64> {
        let mut table = self.lock();
        if table.is_ending {
            return None;
        }
        let serial = table.next;
        table.next += 1;
        Some(serial)
    }

    /// Waits a moment for a spawn under way.
    fn spawning_is_over(&self) -> Option<MutexGuard<'_, ()>> {
        for _ in 0..LOOKS {
            match self.spawning.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
                Err(TryLockError::WouldBlock) => thread::park_timeout(PAUSE),
            }
        }
        None
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    pub(super) fn life(&self) -> Life {
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
    /// being spawned is in it then.
    pub(super) fn family(&self) -> Family {
        let table = self.lock();
        let leaders = table.leaders.iter();
        Family {
            life: self.life,
            own: std::process::id().cast_signed(),
            leaders: leaders
                .map(|(serial, leader)| (leader.pid.as_raw(), *serial))
                .collect(),
            adopts: table.adopts,
            strangers: table.strangers.clone(),
        }
    }

    /// Calls `reap` for those of `children()` that nobody else waits for, while none is spawned.
    pub(super) fn for_orphans(&self, children: impl FnOnce() -> Vec<Pid>, reap: impl Fn(Pid)) {
        let _nobody_spawns = whole(self.spawning.lock());
        let mut orphans = children();
        {
            let table = self.lock();
            let leaders: HashSet<Pid> = table.leaders.values().map(|leader| leader.pid).collect();
            orphans.retain(|pid| !leaders.contains(pid));
        }
        orphans.into_iter().for_each(reap);
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

    /// Which child it is, and of which gateway.
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }
}

/// Nothing in here can panic half-way: what a poisoned lock guards is whole.
fn whole<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

fn send(pgid: Pid, signal: Signal) {
    // The only failures there can be: no process is left in it, or none that is ours to signal
    // (a set-user-id program). Neither leaves anything to do.
    killpg(pgid, signal).ok();
}
