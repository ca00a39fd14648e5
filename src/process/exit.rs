//! How a child ends: noticed by waiting for it (its pipes may be held open by others), its group
//! killed while its number is still its own, then reaped; then what it left behind is ended.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::watch;

use super::group::Group;
use super::leftovers::end_leftovers;
use super::output::{Outlet, Output};

/// Waits for the end of `child`, kills its group, reaps it, tells, and ends what it started outside
/// of its group. `deaths` must have been registered (SIGCHLD) before the child was spawned.
pub(super) async fn watch_end(
    mut child: Child,
    mut deaths: tokio::signal::unix::Signal,
    group: Group,
    exit: watch::Sender<Option<ExitStatus>>,
    outlet: Outlet,
) {
    while is_running(group.leader()) {
        if deaths.recv().await.is_none() {
            break; // the runtime ends, and with it everything that could look after the child
        }
    }
    group.end();
    // Fails only if somebody else reaped the child, which nothing here does. How it ended is lost
    // then; that it ended must be told all the same.
    let status = child.wait().await;
    group.reaped();
    let status = status.unwrap_or_else(|_| ExitStatus::from_raw(255 << 8));
    exit.send_replace(Some(status));
    outlet.deliver(Output::Exited(status));
    end_leftovers(group.groups(), group.late()).await;
}

/// Whether `pid`, a child of ours, has not ended yet. If it has it is left unreaped, and its
/// number stays taken.
fn is_running(pid: Pid) -> bool {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(pid), look) == Ok(WaitStatus::StillAlive)
}

/// How a process ended, to follow its name: `exited with code 1`, `was killed by signal 9
/// (SIGKILL)`.
#[must_use]
pub fn describe(status: &ExitStatus) -> String {
    if let Some(code) = status.code() {
        return format!("exited with code {code}");
    }
    let Some(number) = status.signal() else {
        return format!("ended: {status}");
    };
    let name = Signal::try_from(number).map_or("an unnamed one", Signal::as_str);
    let core = if status.core_dumped() {
        ", core dumped"
    } else {
        ""
    };
    format!("was killed by signal {number} ({name}{core})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_described() {
        let raw = |raw| describe(&ExitStatus::from_raw(raw));
        assert_eq!(raw(0), "exited with code 0");
        assert_eq!(raw(3 << 8), "exited with code 3");
        assert_eq!(raw(9), "was killed by signal 9 (SIGKILL)");
        assert_eq!(
            raw(6 | 0x80),
            "was killed by signal 6 (SIGABRT, core dumped)"
        );
        assert_eq!(raw(40), "was killed by signal 40 (an unnamed one)");
    }
}
