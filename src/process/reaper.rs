//! Orphans: what a child started outside of its group and left behind comes to the gateway when it
//! is orphaned, is found here (`kin.rs`) and reaped when it ends. In a container the gateway may be
//! the first process, to which all orphans come.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::group::Groups;
use super::look::{children, start_of};

/// Hundreds may end at once, each with a signal; all children are gone through for all that end in
/// this time.
const PAUSE: Duration = Duration::from_millis(50);

/// Makes the orphans of this process's descendants its own children; `PR_SET_CHILD_SUBREAPER` of
/// prctl(2). Call it before the first child of `groups` is spawned: the children there are already
/// (of whoever became the gateway by exec) are never ended, nor is what they leave.
///
/// # Errors
/// If the system can't.
pub fn adopt_orphans(groups: &Groups) -> io::Result<()> {
    set_child_subreaper(true)?;
    let strangers = children().into_iter();
    let named = strangers.filter_map(|child| Some((child.pid.as_raw(), start_of(child.pid)?)));
    groups.adopt(named.collect());
    Ok(())
}

/// Reaps orphans as they end, for ever. Each is waited for by its own number, never all children
/// at once: those that were spawned are waited for by whoever spawned them.
///
/// # Errors
/// If SIGCHLD can't be handled.
pub async fn reap_orphans(groups: Groups) -> io::Result<()> {
    let mut deaths = signal(SignalKind::child())?;
    loop {
        let groups = groups.clone();
        let reaped = spawn_blocking(move || groups.for_orphans(reap)).await;
        if reaped.is_err() || deaths.recv().await.is_none() {
            return Ok(()); // the runtime ends
        }
        sleep(PAUSE).await;
    }
}

/// Reaps one child if it has ended.
fn reap(pid: Pid) {
    match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG) {
        // Gone before it was waited for: SIGCHLD was ignored when it ended.
        Ok(_) | Err(Errno::ECHILD) => {}
        Err(error) => log::debug!("an orphan can't be reaped: {error}"),
    }
}
