//! Process groups: every child leads one of its own, so that what it started is killed with it.
//!
//! A group's number can be reused once its leader has been reaped, and then a signal would hit a
//! stranger. So a group ends, killed, *before* its leader is reaped (`exit.rs`), and every signal
//! is sent under the lock of the table. Leaders stay in it until they are reaped: whoever reaps
//! orphans (`reaper.rs`) leaves alone what is in it.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

use super::kin::Family;
use super::life::{Life, Marker};
use super::look::Looks;

/// The process groups alive now, of all children that were spawned with it. Cheap to clone.
///
/// Not actor state, hence the lock: it must be usable when every actor hangs.
#[derive(Clone, Debug)]
pub struct Groups {
    life: Life,
    table: Arc<Mutex<Table>>,
    looks: Arc<Looks>,
}

#[derive(Debug, Default)]
struct Table {
    leaders: BTreeMap<u64, Leader>,
    next: u64,
    is_ending: bool,
    /// Whether orphans come to us.
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
            looks: Arc::default(),
        }
    }
}

impl Groups {
    /// Kills every group (SIGKILL) before it returns, and from then on refuses to spawn. For a
    /// second signal and for giving up, when this process is about to exit without a drain.
    pub fn kill_all(&self) {
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

    /// Spawns a leader, with the marker it is given, and enters its group in one step that
    /// [`Groups::kill_all`] cannot come between. `None` once that was called.
    pub(super) fn enter(
        &self,
        spawn: impl FnOnce(Marker) -> io::Result<Child>,
    ) -> Option<io::Result<(Child, Group)>> {
        let mut table = self.lock();
        if table.is_ending {
            return None;
        }
        let (life, serial) = (self.life, table.next);
        table.next += 1;
        let spawned = spawn(Marker { life, serial }).and_then(|child| {
            let pid = child.id().and_then(|id| i32::try_from(id).ok());
            let pid = pid.ok_or_else(|| io::Error::other("the new process has no id"))?;
            Ok((child, Pid::from_raw(pid)))
        });
        Some(spawned.map(|(child, pgid)| {
            let leader = Leader {
                pid: pgid,
                is_alive: true,
            };
            table.leaders.insert(serial, leader);
            let groups = self.clone();
            let group = Group {
                serial,
                pgid,
                groups,
            };
            (child, group)
        }))
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    pub(super) fn life(&self) -> Life {
        self.life
    }

    /// From now on orphans come to us. The children there are already are never ended.
    pub(super) fn adopt(&self, strangers: HashSet<(i32, u64)>) {
        let mut table = self.lock();
        table.adopts = true;
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
        let table = self.lock();
        let is_leader = |pid: &Pid| table.leaders.values().any(|leader| leader.pid == *pid);
        let orphans = children().into_iter().filter(|pid| !is_leader(pid));
        orphans.for_each(reap);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here can panic half-way; a table with a poisoned lock is whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
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

fn send(pgid: Pid, signal: Signal) {
    // The only failures there can be: no process is left in it, or none that is ours to signal
    // (a set-user-id program). Neither leaves anything to do.
    killpg(pgid, signal).ok();
}
