//! The two ends of `--hold-port`: what the process that holds the sockets gives to the gateway that it
//! starts, and what that one makes of it. The sockets go the way of `sd_listen_fds(3)`, but the number
//! of a child is not known before it is there: so it is the holder that is named.

use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

use super::Sockets;

/// Names the holder and says whose the sockets are. No server gets it.
const HOLDER: &str = "MCPROXY_HOLDER";
/// They end with the holder.
const OWN: &str = "own";
/// A service manager has them too.
const PASSED: &str = "passed";

/// The process that started this one, and holds its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Whether they outlive it.
    pub(super) are_passed: bool,
}

/// The holder has gone before this process was ready to end with it.
#[derive(Debug, thiserror::Error)]
#[error("the process that holds the port ({HOLDER}) is not this one's parent, or has ended")]
pub struct HolderGone;

impl Holder {
    /// That of this process, if it has one: from now on SIGTERM comes when it ends, however it does.
    ///
    /// # Errors
    /// If it has ended already.
    pub fn follow() -> Result<Option<Self>, HolderGone> {
        let Some(text) = std::env::var_os(HOLDER) else {
            return Ok(None);
        };
        // First, so that an end after the look at the parent is heard of.
        set_pdeathsig(Signal::SIGTERM).map_err(|_| HolderGone)?;
        Self::parse(&text, getppid().as_raw())
            .map(Some)
            .ok_or(HolderGone)
    }

    fn parse(text: &OsString, parent: i32) -> Option<Self> {
        let (pid, whose) = text.to_str()?.split_once(' ')?;
        let are_passed = match whose {
            OWN => false,
            PASSED => true,
            _ => return None,
        };
        (pid.parse() == Ok(parent)).then_some(Self { are_passed })
    }
}

impl Sockets {
    /// Has `child` inherit them, and what says so. For a process without other threads that start
    /// children.
    ///
    /// # Errors
    /// If the system refuses, which no known one does.
    pub fn hand_on(&self, child: &mut Command) -> io::Result<()> {
        for socket in &self.listeners {
            fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        let numbers = || self.listeners.iter().map(TcpListener::as_raw_fd);
        let (first, last) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(-1));
        let whose = if self.are_passed { PASSED } else { OWN };
        // What is between them and is none of them can't be served, and is not open in the child.
        child
            .env("LISTEN_FDS", (last - first + 1).to_string())
            .env("LISTEN_FDS_FIRST_FD", first.to_string())
            .env_remove("LISTEN_PID")
            .env(HOLDER, format!("{} {whose}", std::process::id()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_parent_holds() {
        let parse = |text: &str| Holder::parse(&text.into(), 7);
        assert_eq!(parse("7 own"), Some(Holder { are_passed: false }));
        assert_eq!(parse("7 passed"), Some(Holder { are_passed: true }));
        for other in ["", "7", "8 own", "7 else", "own", "7 own "] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
