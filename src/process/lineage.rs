//! Which process belongs to which child: by its marker, else by its group, its parent or its
//! session, else because it is an orphan that came to us and can be no other's. Pure.

use std::collections::{HashMap, HashSet};

use super::gateway_run::GatewayRun;
use super::procfs::Seen;

/// What is known of our own children at a look.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) life: GatewayRun,
    /// Our own process number.
    pub(super) own: i32,
    /// The children that were started and are not reaped yet, with their serial numbers.
    pub(super) leaders: HashMap<i32, u64>,
    /// Whether orphans come to us, and from our children alone.
    pub(super) adopts: bool,
    /// The children we had before we started any: not ours to end. By number and start.
    pub(super) strangers: HashSet<(i32, u64)>,
}

impl Family {
    /// Whatever the child `serial`, which started at `since` and has ended, left behind. Orphans
    /// that nothing ties to any child go with the last one that may have left them.
    pub(super) fn left_by(&self, serial: u64, since: u64, seen: &[Seen]) -> Vec<Seen> {
        let others: Vec<u64> = seen
            .iter()
            .filter(|process| {
                self.leaders
                    .get(&process.pid)
                    .is_some_and(|of| *of != serial)
            })
            .map(|leader| leader.started)
            .collect();
        let is_its = |orphan: &Seen| {
            let is_older = |other: &u64| *other <= orphan.started;
            since <= orphan.started && !others.iter().any(is_older)
        };
        let owners = self.owners(seen, serial, is_its);
        let is_its = |process: &&Seen| owners.get(&process.pid) == Some(&serial);
        seen.iter().filter(is_its).copied().collect()
    }

    /// The orphans that started after `since`, which nothing ties to any child, and which so are spared: they
    /// may be of one that runs, or of nobody.
    pub(super) fn maybe_left(&self, since: u64, seen: &[Seen]) -> Vec<Seen> {
        let owners = self.owners_among(seen);
        let is_unsure = |process: &&Seen| {
            process.parent == self.own
                && since <= process.started
                && !owners.contains_key(&process.pid)
                && !self.strangers.contains(&(process.pid, process.started))
        };
        seen.iter().filter(is_unsure).copied().collect()
    }

    /// Whatever comes from us, the children themselves too.
    pub(super) fn all(&self, seen: &[Seen]) -> Vec<Seen> {
        let owners = self.owners(seen, u64::MAX, |_| true);
        let is_ours = |process: &&Seen| owners.contains_key(&process.pid);
        seen.iter().filter(is_ours).copied().collect()
    }

    /// The serial number of the child that each of these belongs to, as far as something ties it to one.
    pub(super) fn owners_among(&self, seen: &[Seen]) -> HashMap<i32, u64> {
        self.owners(seen, u64::MAX, |_| false)
    }

    /// The serial number of the child that every process of ours belongs to. `heir` has those
    /// orphans of unknown descent that are `its`.
    fn owners(&self, seen: &[Seen], heir: u64, its: impl Fn(&Seen) -> bool) -> HashMap<i32, u64> {
        let mut owners = self.leaders.clone();
        owners.extend(seen.iter().filter_map(|process| {
            let marker = process.marker.filter(|marker| marker.life == self.life)?;
            // Another user's word is not enough, but it says which child left an orphan of ours.
            let is_ours = !process.is_others || process.parent == self.own;
            is_ours.then_some((process.pid, marker.serial))
        }));
        spread(self.own, seen, &mut owners);
        let unknown = seen.iter().filter(|process| {
            self.is_adopted(process) && !owners.contains_key(&process.pid) && its(process)
        });
        let unknown: Vec<i32> = unknown.map(|process| process.pid).collect();
        owners.extend(unknown.into_iter().map(|pid| (pid, heir)));
        spread(self.own, seen, &mut owners);
        owners
    }

    /// Whether it came to us as an orphan of some child's. To a container's first process
    /// everybody's come, those too of what was started in the container by hand.
    fn is_adopted(&self, process: &Seen) -> bool {
        self.adopts
            && self.own != 1
            && process.parent == self.own
            && !self.strangers.contains(&(process.pid, process.started))
    }
}

/// Whatever comes from gateways that were killed, ourselves and our ancestors apart: we may have
/// been started by a server of one.
pub(super) fn of_lives(lives: &[GatewayRun], own: i32, seen: &[Seen]) -> Vec<Seen> {
    let spared = line_of(own, seen);
    let theirs = seen
        .iter()
        .filter(|process| is_of(lives, process) && !spared.contains(&process.pid));
    let mut owners: HashMap<i32, u64> = theirs.map(|process| (process.pid, 0)).collect();
    spread(own, seen, &mut owners);
    let is_owned =
        |process: &&Seen| owners.contains_key(&process.pid) && !spared.contains(&process.pid);
    seen.iter().filter(is_owned).copied().collect()
}

/// Those of `lives` that are in use, whatever their files prove: a gateway that runs is above one of
/// their processes. Those that we come from do not count, for orphans come to them.
pub(super) fn in_use(
    lives: &[GatewayRun],
    own: i32,
    seen: &[Seen],
    is_gateway: impl Fn(i32) -> bool,
) -> HashSet<GatewayRun> {
    let ours = line_of(own, seen);
    let has_gateway = |process: &&Seen| {
        let mut above = line_of(process.parent, seen);
        above.retain(|pid| !ours.contains(pid));
        let above = seen.iter().filter(|other| above.contains(&other.pid));
        let mut strangers = above.filter(|other| !is_of(lives, other));
        strangers.any(|other| is_gateway(other.pid))
    };
    let theirs = seen.iter().filter(|process| is_of(lives, process));
    let used = theirs.filter(has_gateway);
    used.filter_map(|process| Some(process.marker?.life))
        .collect()
}

/// Whether it says that it comes from one of these, and is to be believed.
fn is_of(lives: &[GatewayRun], process: &Seen) -> bool {
    let mut marker = process.marker.iter();
    !process.is_others && marker.any(|marker| lives.contains(&marker.life))
}

/// A process and its ancestors.
fn line_of(pid: i32, seen: &[Seen]) -> HashSet<i32> {
    let mut line = HashSet::from([pid]);
    let mut at = pid;
    while let Some(process) = seen.iter().find(|process| process.pid == at) {
        at = process.parent;
        if !line.insert(at) {
            break;
        }
    }
    line
}

/// Gives to each owner the children of what it has, and the groups and sessions led by it. A group
/// or session without its leader ties nobody: who else is in it cannot be known.
fn spread(own: i32, seen: &[Seen], owners: &mut HashMap<i32, u64>) {
    loop {
        let free = seen
            .iter()
            .filter(|process| process.pid != own && !owners.contains_key(&process.pid));
        let found: Vec<(i32, u64)> = free
            .filter_map(|process| {
                let ties = [process.group, process.parent, process.session];
                let owner = ties.iter().find_map(|tie| owners.get(tie));
                owner.map(|owner| (process.pid, *owner))
            })
            .collect();
        if found.is_empty() {
            return;
        }
        owners.extend(found);
    }
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
