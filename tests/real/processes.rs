//! Processes as `/proc` shows them: a gateway's descendants, and which of them runs which server.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// One process; the start time tells it from a later one with the same pid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    started: u64,
    state: char,
    pub(crate) command: String,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, so the fields are counted from its end.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            state: fields.first()?.chars().next()?,
            command: String::from_utf8_lossy(&command).replace('\0', " "),
        })
    }

    /// Whether this very process still runs; a zombie does not.
    pub(crate) fn is_alive(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started && now.state != 'Z')
    }

    /// Sends `signal` to this one process, if it is still the one that was seen.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        ensure!(self.is_alive(), "pid {} is gone already", self.pid);
        Ok(kill(Pid::from_raw(self.pid.cast_signed()), signal)?)
    }
}

/// Every process below `root`, itself not included.
pub(crate) fn descendants(root: u32) -> Result<Vec<Process>> {
    let mut by_parent: HashMap<u32, Vec<Process>> = HashMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        if let Some(process) = pid.and_then(Process::read) {
            by_parent.entry(process.parent).or_default().push(process);
        }
    }
    let mut found: Vec<Process> = by_parent.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let children = by_parent.remove(&process.pid).unwrap_or_default();
        found.extend(children);
        next += 1;
    }
    Ok(found)
}

/// The child of `gateway` itself whose command line has `marker`.
pub(crate) fn child_of(gateway: u32, marker: &str) -> Result<Process> {
    let mut children = descendants(gateway)?;
    children.retain(|process| process.parent == gateway && process.command.contains(marker));
    ensure!(
        children.len() == 1,
        "one child with {marker:?} expected, not {children:?}"
    );
    children.pop().context("none")
}
