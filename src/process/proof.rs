//! Whether the gateway that wrote a life file is dead. A lock that is free proves nothing: a copy
//! of a running gateway's file is not locked.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use nix::unistd::Pid;

use super::procfs::{is_running, start_of};

/// What a file proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Alive,
    /// It is gone; what its servers left may run.
    Dead,
    /// Nothing of it runs: the system was started anew, or it was the first process of a namespace,
    /// with which all others go. Or this is a copy of the file of one that runs elsewhere. What has
    /// its marker here is none of its.
    Past,
    /// Its processes are numbered apart from ours.
    Apart,
    /// Written by an older release, or torn.
    Unknown,
}

/// The number of the first process of a namespace.
const FIRST: i32 = 1;

/// A process for good: its number, its start, and where and when those numbers are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    pid: i32,
    started: u64,
    boot: String,
    /// The inode of the pid namespace.
    namespace: u64,
}

impl Identity {
    fn own() -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let pid = Pid::this();
        Some(Self {
            pid: pid.as_raw(),
            started: start_of(pid)?,
            boot: boot.trim().to_owned(),
            namespace: fs::metadata("/proc/self/ns/pid").ok()?.ino(),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let identity = Self {
            pid: words.next()?.parse().ok().filter(|pid| *pid > 0)?,
            started: words.next()?.parse().ok()?,
            boot: words.next()?.to_owned(),
            namespace: words.next()?.parse().ok()?,
        };
        (identity.boot.len() == 36 && words.next().is_none()).then_some(identity)
    }

    fn text(&self) -> String {
        let Self {
            pid,
            started,
            boot,
            namespace,
        } = self;
        format!("{pid} {started} {boot} {namespace}\n")
    }

    fn standing(&self, own: &Self) -> Standing {
        let is_apart = self.namespace != own.namespace;
        if self.boot != own.boot || (is_apart && self.pid == FIRST) {
            Standing::Past
        } else if is_apart {
            Standing::Apart
        } else if is_running(self.pid, self.started) {
            Standing::Alive
        } else {
            Standing::Dead
        }
    }
}

/// What this gateway's file says; empty, which proves nothing, if `/proc` can't be read.
pub(super) fn of_own() -> String {
    Identity::own().map_or_else(String::new, |own| own.text())
}

/// What the file of some gateway proves.
pub(super) fn standing(text: &str) -> Standing {
    let known = Identity::parse(text).zip(Identity::own());
    known.map_or(Standing::Unknown, |(it, own)| it.standing(&own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn death_is_proved() {
        let own = Identity::own().unwrap();
        assert_eq!(standing(&of_own()), Standing::Alive);
        let mut other = own.clone();
        other.started += 1;
        assert_eq!(standing(&other.text()), Standing::Dead, "a recycled number");
        other.namespace += 1;
        assert_eq!(standing(&other.text()), Standing::Apart);
        let first = Identity {
            pid: FIRST,
            ..other.clone()
        };
        assert_eq!(standing(&first.text()), Standing::Past, "a container's");
        other.boot = "0".repeat(36);
        assert_eq!(standing(&other.text()), Standing::Past, "another boot");
        for text in ["", "1\n", own.text().trim_end()] {
            assert_eq!(standing(text), Standing::Unknown, "{text}");
        }
    }
}
