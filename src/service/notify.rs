//! The words for the service manager and the way to it: one datagram each, sent without waiting to
//! the socket that `NOTIFY_SOCKET` names; see `sd_notify(3)`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, sleep};

/// A manager that is busy reads the rest of its mail first; after this long it is not worth
/// waiting for.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// What the manager can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotifyState<'a> {
    /// The start, or a reload, is over.
    Ready,
    /// A reload begins.
    Reloading,
    /// The stop begins, and may take so long; without a time as long as the manager allows.
    Stopping(Option<Duration>),
    /// All is well: the watchdog need not bite for another while.
    Watchdog,
    /// For people.
    Status(&'a str),
}

impl NotifyState<'_> {
    /// What [`NotifyState::Stopping`] begins with.
    pub(super) const STOPPING: &'static str = "STOPPING=1";

    fn text(self) -> String {
        match self {
            Self::Ready => "READY=1".to_owned(),
            // The time tells the manager which of its own requests this answers.
            Self::Reloading => match monotonic() {
                Some(now) => format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()),
                None => "RELOADING=1".to_owned(),
            },
            Self::Stopping(within) => {
                let extended =
                    within.map(|within| format!("\nEXTEND_TIMEOUT_USEC={}", within.as_micros()));
                let extended = extended.unwrap_or_default();
                format!("{}\nSTATUS=stopping{extended}", Self::STOPPING)
            }
            Self::Watchdog => "WATCHDOG=1".to_owned(),
            Self::Status(line) => format!("STATUS={line}"),
        }
    }
}

/// The manager's own clock, `CLOCK_MONOTONIC`. Tokio's is the same one: neither goes on while the
/// machine is suspended, so no beat is missed in its sleep.
fn monotonic() -> Option<Duration> {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .ok()
        .map(Duration::from)
}

/// The way to the manager.
#[derive(Debug, Clone)]
pub(super) struct Notifier(SocketAddr);

impl Notifier {
    /// `name` as in `NOTIFY_SOCKET`: a path, or after `@` a name without a file.
    pub(super) fn to(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(Path::new(name))?,
            _ => return Err(io::Error::other("neither a path nor an abstract name")),
        };
        Ok(Self(address))
    }

    /// Sends `word`, at once or not at all. A socket of its own each time: the manager may have
    /// made its own anew.
    pub(super) fn try_say(&self, word: NotifyState<'_>) -> io::Result<()> {
        self.try_send(word.text().as_bytes())
    }

    /// The same with what somebody else has put into words.
    pub(super) fn try_send(&self, text: &[u8]) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect_addr(&self.0)?;
        socket.send(text).map(drop)
    }

    /// Sends `word`; waits a while for a manager whose queue is full.
    pub(super) async fn say(&self, word: NotifyState<'_>) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.try_say(word) {
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < deadline =>
                {
                    sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }
}

/// How often the manager wants to hear [`NotifyState::Watchdog`], at the least; `None` if it does not,
/// or means another process. See `sd_watchdog_enabled(3)`.
pub(super) fn watchdog(pid: u32, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<Duration> {
    let number = |name: &str| -> Option<u64> { variable(name)?.to_str()?.parse().ok() };
    let every = number("WATCHDOG_USEC").filter(|&every| every > 0)?;
    let is_meant = match variable("WATCHDOG_PID") {
        Some(_) => number("WATCHDOG_PID") == Some(u64::from(pid)),
        None => true,
    };
    is_meant.then_some(Duration::from_micros(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_kinds_lead_to_a_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let name = format!("mcproxy-test-{}", std::process::id());
        let hidden = SocketAddr::from_abstract_name(&name).unwrap();
        let sockets = [
            (UnixDatagram::bind(&path), path.into_os_string()),
            (UnixDatagram::bind_addr(&hidden), format!("@{name}").into()),
        ];
        for (socket, name) in sockets {
            let notifier = Notifier::to(&name).unwrap();
            notifier.try_say(NotifyState::Status("fine")).unwrap();
            let mut buffer = [0; 64];
            let length = socket.unwrap().recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"STATUS=fine");
            notifier.try_say(NotifyState::Ready).unwrap_err(); // it has gone, which is no panic
        }
        for name in ["vsock:2:1", "relative", ""] {
            Notifier::to(OsStr::new(name)).unwrap_err();
        }
    }

    #[test]
    fn a_reload_has_its_time() {
        let before = monotonic().unwrap().as_micros();
        let text = NotifyState::Reloading.text();
        let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(time.parse::<u128>().unwrap() >= before);
    }

    #[test]
    fn only_the_process_that_is_meant_feeds_the_watchdog() {
        let with = |usec: &str, pid: Option<&str>| {
            let variable = |name: &str| match name {
                "WATCHDOG_USEC" => Some(usec.into()),
                _ => pid.map(OsString::from),
            };
            watchdog(7, &variable)
        };
        let every = Some(Duration::from_secs(3));
        assert_eq!(with("3000000", None), every);
        assert_eq!(with("3000000", Some("7")), every);
        for (usec, pid) in [
            ("3000000", Some("8")),
            ("3000000", Some("")),
            ("0", None),
            ("", None),
            ("-1", Some("7")),
        ] {
            assert_eq!(with(usec, pid), None, "{usec} {pid:?}");
        }
        assert_eq!(watchdog(7, &|_| None), None);
    }
}
