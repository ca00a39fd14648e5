//! Process groups: every child leads one of its own, so that what it started is killed with it.
//!
//! A group's number can be reused once its leader has been reaped, and then a signal would hit a
//! stranger. So a group leaves the table, killed, *before* its leader is reaped (`exit.rs`), and
//! every signal is sent under the lock of that table.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

/// The process groups alive now, of all children that were spawned with it. Cheap to clone.
///
/// Not actor state, hence the lock: it must be usable when every actor hangs.
#[derive(Clone, Debug, Default)]
pub struct Groups(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    groups: BTreeMap<u64, Pid>,
    next: u64,
    is_ending: bool,
}

impl Groups {
    /// Kills every group (SIGKILL) before it returns, and from then on refuses to spawn. For a
    /// second signal and for giving up, when this process is about to exit without a drain.
    pub fn kill_all(&self) {
        let mut table = self.lock();
        table.is_ending = true;
        for pgid in table.groups.values() {
            send(*pgid, Signal::SIGKILL);
        }
    }

    /// How many groups are alive.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().groups.len()
    }

    /// Whether no group is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns a leader and enters its group in one step that [`Groups::kill_all`] cannot come
    /// between. `None` once that was called.
    pub(super) fn enter(
        &self,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> Option<io::Result<(Child, Group)>> {
        let mut table = self.lock();
        if table.is_ending {
            return None;
        }
        let spawned = spawn().and_then(|child| {
            let pid = child.id().and_then(|id| i32::try_from(id).ok());
            let pid = pid.ok_or_else(|| io::Error::other("the new process has no id"))?;
            Ok((child, Pid::from_raw(pid)))
        });
        Some(spawned.map(|(child, pgid)| {
            let serial = table.next;
            table.next += 1;
            table.groups.insert(serial, pgid);
            let groups = self.clone();
            (
                child,
                Group {
                    serial,
                    pgid,
                    groups,
                },
            )
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here can panic half-way; a table with a poisoned lock is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        if table.groups.contains_key(&self.serial) {
            send(self.pgid, signal);
        }
    }

    /// Kills the group and takes it out of the table. Only the first call does anything.
    pub(super) fn end(&self) {
        let mut table = self.groups.lock();
        if table.groups.remove(&self.serial).is_some() {
            send(self.pgid, Signal::SIGKILL);
        }
    }
}

fn send(pgid: Pid, signal: Signal) {
    // The only failures there can be: no process is left in it, or none that is ours to signal
    // (a set-user-id program). Neither leaves anything to do.
    killpg(pgid, signal).ok();
}
