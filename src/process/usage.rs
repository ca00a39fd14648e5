//! What the processes of each child use: its own and all that come from it. Read from `/proc`, which takes some
//! milliseconds and may hang: not on a worker.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

use super::group::Groups;
use super::procfs::{self, Used};

/// What a child and its descendants use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Which child: no other of this gateway has the number, ever.
    pub child: u64,
    /// What it is called in the log.
    pub name: Arc<str>,
    /// How many processes they are.
    pub processes: u64,
    /// What they hold in memory; what several share counts for each.
    pub memory: u64,
    /// What they have used of cores, with those that have ended and were waited for.
    pub cpu: Duration,
    /// How long the child has run.
    pub age: Duration,
}

impl Groups {
    /// What each child uses now. Nothing for one whose processes can't be seen.
    #[must_use]
    pub fn usage(&self) -> Vec<Usage> {
        let seen = procfs::look();
        let family = self.family();
        let owners = family.owners_among(&seen);
        let (scale, uptime) = (Scale::of_this_machine(), procfs::uptime());
        let mut all: HashMap<u64, Usage> = HashMap::new();
        for process in seen {
            let Some(child) = owners.get(&process.pid).copied() else {
                continue;
            };
            let used = procfs::used(process.pid, process.started);
            let (Some(used), Some(name)) = (used, self.name_of(child)) else {
                continue;
            };
            let usage = all.entry(child).or_insert_with(|| Usage::none(child, name));
            usage.add(&used, scale);
            if family.leaders.get(&process.pid) == Some(&child) {
                usage.age = uptime.saturating_sub(scale.time(process.started));
            }
        }
        all.into_values().collect()
    }
}

impl Usage {
    fn none(child: u64, name: Arc<str>) -> Self {
        Self {
            child,
            name,
            processes: 0,
            memory: 0,
            cpu: Duration::ZERO,
            age: Duration::ZERO,
        }
    }

    fn add(&mut self, used: &Used, scale: Scale) {
        self.processes += 1;
        self.memory += used.pages.saturating_mul(scale.page);
        self.cpu += scale.time(used.ticks);
    }
}

/// What the kernel counts in.
#[derive(Debug, Clone, Copy)]
struct Scale {
    ticks_per_second: u64,
    page: u64,
}

impl Scale {
    fn of_this_machine() -> Self {
        let value = |name| sysconf(name).ok().flatten().and_then(|n| n.try_into().ok());
        Self {
            ticks_per_second: value(SysconfVar::CLK_TCK).unwrap_or(100),
            page: value(SysconfVar::PAGE_SIZE).unwrap_or(4096),
        }
    }

    fn time(self, ticks: u64) -> Duration {
        Duration::from_millis(ticks.saturating_mul(1000) / self.ticks_per_second.max(1))
    }
}
