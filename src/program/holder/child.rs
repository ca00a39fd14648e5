//! The gateway as the holder's child, and the orphans that come to it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::process;
use crate::service::{Relay, Sockets};

/// What the child must not get, or it would hold the port too.
const FLAG: &str = "--hold-port";
const VARIABLE: &str = "MCPROXY_HOLD_PORT";
/// This program, whatever is at its path now.
const MYSELF: &str = "/proc/self/exe";
/// The end by a signal that has no name, whichever.
const UNKNOWN: i32 = 64;

/// The gateway, if it runs, and what it is started with.
pub(super) struct Child {
    sockets: Sockets,
    relay: Option<Relay>,
    /// Where this program lay at the start: after an upgrade the new one lies there.
    program: PathBuf,
    name: OsString,
    arguments: Vec<OsString>,
    pid: Option<Pid>,
}

impl Child {
    pub(super) fn new(sockets: Sockets, relay: Option<Relay>) -> Self {
        // What servers of a killed gateway leave is reaped here, also where the first process does not.
        if let Err(error) = set_child_subreaper(true) {
            log::debug!("orphans go to the first process: {error}");
        }
        let mut arguments = std::env::args_os();
        Self {
            sockets,
            relay,
            program: std::env::current_exe().unwrap_or_else(|_| MYSELF.into()),
            name: arguments.next().unwrap_or_default(),
            arguments: arguments.filter(|argument| argument != FLAG).collect(),
            pid: None,
        }
    }

    /// Starts it, in its own version if the one at its path can't be started.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let pid = self
            .spawn(&self.program)
            .or_else(|error| self.spawn(Path::new(MYSELF)).map_err(|_| error))?;
        self.pid = Some(pid);
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "there are no workers here")]
    fn spawn(&self, program: &Path) -> io::Result<Pid> {
        let mut command = Command::new(program);
        command
            .arg0(&self.name)
            .args(&self.arguments)
            .env_remove(VARIABLE);
        self.sockets.hand_on(&mut command)?;
        if let Some(relay) = &self.relay {
            relay.stand_between(&mut command);
        }
        // Waited for by `reap`.
        let number = command.spawn()?.id();
        i32::try_from(number)
            .map(Pid::from_raw)
            .map_err(io::Error::other)
    }

    pub(super) fn signal(&self, signal: Signal) {
        // It is not reaped yet, so its number is its own.
        if let Some(pid) = self.pid {
            kill(pid, signal).ok();
        }
    }

    /// It is the last: with its own sockets they close, and nobody waits at them in vain.
    pub(super) fn let_go(&mut self) {
        self.sockets.let_go();
    }

    /// What the servers of a gateway have left, and has come to this process.
    pub(super) fn orphans(&self) -> Vec<Pid> {
        let mut all = process::adopted_from_servers();
        all.retain(|pid| self.pid != Some(*pid));
        all
    }

    pub(super) fn relay(&self) -> Option<&Relay> {
        self.relay.as_ref()
    }

    /// Passes on what it has told the service manager.
    pub(super) fn pass_on(&self, is_last: bool) {
        if let (Some(relay), Some(pid)) = (&self.relay, self.pid) {
            relay.pass_on(pid.as_raw(), is_last);
        }
    }

    /// Reaps all that have ended. How the gateway did, if it is among them.
    pub(super) fn reap(&mut self) -> Option<ExitStatus> {
        let mut ended = None;
        loop {
            let (pid, status) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, code << 8),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, signal as i32),
                // By a signal without a name: whose end it was is seen below.
                Err(Errno::EINVAL) => continue,
                Ok(_) | Err(_) => break,
            };
            if self.pid == Some(pid) {
                ended = Some(status);
            }
        }
        let is_gone = |pid| kill(pid, None) == Err(Errno::ESRCH);
        let status = ended.or_else(|| self.pid.is_some_and(is_gone).then_some(UNKNOWN))?;
        self.pid = None;
        Some(ExitStatus::from_raw(status))
    }
}
