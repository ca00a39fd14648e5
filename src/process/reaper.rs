//! Orphans: what a child started outside of its group and left behind comes to the gateway when it
//! is orphaned, is found here (`kin.rs`) and reaped when it ends. In a container the gateway may be
//! the first process, to which all orphans come.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::group::Groups;
use super::leftovers::end_rest;
use super::procfs::{children, start_of, with_marker};

/// Hundreds may end at once, each with a signal; all children are gone through for all that end in
/// this time.
const PAUSE: Duration = Duration::from_millis(50);
/// How long none may end before all are counted again.
const COUNT: Duration = Duration::from_secs(10);
/// So many orphans that run on are nothing to speak of; then twice as many are, and so on.
const MANY: usize = 32;

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
/// at once: those that were spawned are waited for by whoever spawned them. Says when those that run
/// on pile up, and ends what was not seen when its child ended.
///
/// # Errors
/// If SIGCHLD can't be handled.
pub async fn reap_orphans(groups: Groups) -> io::Result<()> {
    let mut deaths = signal(SignalKind::child())?;
    let mut allowed = MANY;
    let mut late = JoinSet::new();
    loop {
        let of_all = groups.clone();
        let count = spawn_blocking(move || {
            let mut count = 0;
            of_all.for_orphans(|pid| count += usize::from(!reap(pid)));
            if count > allowed {
                complain_of(&of_all, count);
            }
            count
        });
        let Ok(count) = count.await else {
            return Ok(()); // the runtime ends
        };
        while count > allowed {
            allowed *= 2;
        }
        while late.try_join_next().is_some() {}
        for left in groups.take_late() {
            late.spawn(end_rest(groups.clone(), left));
        }
        // Those that came without a death of our own are counted, too.
        if let Ok(None) = timeout(COUNT, deaths.recv()).await {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

/// Says how many there are, and who has left most of them, as far as their markers tell.
fn complain_of(groups: &Groups, count: usize) {
    let orphans = groups.orphans().into_iter();
    let seen = orphans.filter_map(|pid| with_marker(pid.as_raw()));
    let ours = seen.filter_map(|process| process.marker);
    let mut by_child: HashMap<u64, usize> = HashMap::new();
    for marker in ours.filter(|marker| marker.life == groups.life()) {
        *by_child.entry(marker.serial).or_default() += 1;
    }
    let most = by_child.into_iter().max_by_key(|(_, count)| *count);
    let of_most = most.and_then(|(serial, of)| Some((groups.name_of(serial)?, of)));
    let whose = of_most.map_or_else(
        || "nothing ties them to one of them".to_owned(),
        |(name, of)| format!("{of} by '{name}'"),
    );
    log::warn!(
        "{count} processes that servers have left behind run on, {whose}; they end with the last \
         server that may have left them"
    );
}

/// Reaps one child if it has ended. Whether it is gone.
fn reap(pid: Pid) -> bool {
    match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG) {
        Ok(WaitStatus::StillAlive) => false,
        // Gone before it was waited for: SIGCHLD was ignored when it ended.
        Ok(_) | Err(Errno::ECHILD) => true,
        Err(error) => {
            log::debug!("an orphan can't be reaped: {error}");
            false
        }
    }
}
