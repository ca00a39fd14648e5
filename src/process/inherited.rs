//! What whoever started the gateway left in it, and its children must not get: ignored and blocked
//! signals, open descriptors. Both live on through fork and exec; see execve(2).

use std::fs;
use std::io;

use nix::sys::signal::{SigSet, Signal};
use tokio::signal::unix::{SignalKind, signal};

/// The first descriptor that no child gets.
const FIRST_FD: i32 = 3;

/// Lets no descriptor beyond 0, 1 and 2 reach a child, whoever opened it: the sockets a service
/// manager passes among them. They stay open here. For a moment with one thread.
pub fn keep_descriptors() {
    close_fds::set_fds_cloexec(FIRST_FD, &[]);
}

/// Unblocks all signals of the calling thread, and of those it starts: the standard library
/// unblocks them in children, but the gateway waits for some itself.
///
/// # Errors
/// If the system refuses, which no known one does.
pub fn unblock_signals() -> io::Result<()> {
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Handles, by doing nothing, what is ignored: for the gateway that is the same, but handlers are
/// not inherited, and so children have the default. SIGPIPE is left to the standard library,
/// which ignores it here and not in children.
///
/// # Panics
/// Outside of a tokio runtime with I/O.
#[expect(
    clippy::disallowed_methods,
    reason = "at the start, beside the workers"
)]
pub fn keep_ignored_signals() {
    let ignored = fs::read_to_string("/proc/self/status").map_or(0, |status| ignored(&status));
    let numbers = (1..32).filter(|number| ignored >> (number - 1) & 1 == 1);
    for number in numbers.filter(|number| *number != Signal::SIGPIPE as i32) {
        // The handler outlives the stream that is dropped here.
        if let Err(error) = signal(SignalKind::from_raw(number)) {
            log::debug!("signal {number} stays ignored in servers too: {error}");
        }
    }
}

/// The mask of ignored signals in the text of `/proc/PID/status`; see proc(5).
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_found() {
        let status = "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001006\nSigCgt:\t0\n";
        assert_eq!(ignored(status), 0x1006);
        assert_eq!(ignored("Name:\tx\n"), 0);
    }
}
