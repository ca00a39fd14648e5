//! The accept loop: takes connections as long as there are slots for them, and outlives every
//! shortage. It owns the connections; when its task ends, they end.

use super::connection;
use super::limits::Limits;
use super::service::HttpService;
use crate::telemetry::metrics::{Gauge, Held};
use nix::errno::Errno;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};

/// How long to wait for what the machine is short of: first, doubling, at most.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A trouble that comes and goes is logged this often at most.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// Accepts until `stop` changes, then gives open connections `Limits::drain` to end. They are
/// counted in `open`. An error means that the socket is of no use any more.
pub(super) async fn run(
    listener: TcpListener,
    service: impl HttpService,
    limits: Arc<Limits>,
    open: &Gauge,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut door = Door::new(listener, limits.connections);
    loop {
        tokio::select! {
            // The sender is the actor's: that it is gone means the same.
            _ = stop.changed() => break,
            Some(ended) = connections.join_next() => note(&ended),
            accepted = door.next() => {
                let (socket, slot) = accepted?;
                let served = connection::serve(socket, service.clone(), limits.clone(), stop.clone());
                let counted = Held::one(open);
                connections.spawn(async move {
                    served.await;
                    drop((slot, counted));
                });
            }
        }
    }
    drop(door);
    let deadline = Instant::now() + limits.drain;
    while let Ok(Some(ended)) = timeout_at(deadline, connections.join_next()).await {
        note(&ended);
    }
    connections.shutdown().await;
    Ok(())
}

/// A panic in a handler ends its own connection only; that it happened must be known.
fn note(ended: &Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        log::error!("a connection's task panicked: {error}");
    }
}

/// The listening socket, its slots, and what it has been short of lately.
struct Door {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    limit: usize,
    pause: Duration,
    shortage_logged: Option<Instant>,
    full_logged: Option<Instant>,
}

impl Door {
    fn new(listener: TcpListener, limit: usize) -> Self {
        Self {
            listener,
            slots: Arc::new(Semaphore::new(limit)),
            limit,
            pause: PAUSE,
            shortage_logged: None,
            full_logged: None,
        }
    }

    /// The next connection and its slot. May be dropped and called again at any time.
    async fn next(&mut self) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
        let slot = self.slot().await?;
        loop {
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    self.pause = PAUSE;
                    return Ok((socket, slot));
                }
                Err(error) => match Trouble::from(&error) {
                    Trouble::Connection => {
                        log::debug!("a client left before it was served: {error}");
                    }
                    Trouble::Shortage => self.wait_for_better(&error).await,
                    Trouble::Socket => return Err(error),
                },
            }
        }
    }

    async fn slot(&mut self) -> io::Result<OwnedSemaphorePermit> {
        if self.slots.available_permits() == 0 && is_due(&mut self.full_logged) {
            let limit = self.limit;
            log::warn!("all {limit} connections are in use; further clients wait");
        }
        let slot = self.slots.clone().acquire_owned().await;
        slot.map_err(io::Error::other)
    }

    async fn wait_for_better(&mut self, error: &io::Error) {
        if is_due(&mut self.shortage_logged) {
            log::warn!(
                "no new connections can be accepted for now: {error}; trying again until it works"
            );
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        sleep(pause).await;
    }
}

/// Whether to log now, if it was last done at `logged`.
fn is_due(logged: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    let is_due = logged.is_none_or(|last| now.duration_since(last) >= LOG_PAUSE);
    if is_due {
        *logged = Some(now);
    }
    is_due
}

/// What a failed `accept` means (accept(2)).
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    /// That one connection is lost; take the next.
    Connection,
    /// The process or the machine has no descriptor or memory left.
    Shortage,
    /// The socket itself cannot be used.
    Socket,
}

impl From<&io::Error> for Trouble {
    fn from(error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => Self::Shortage,
            Some(
                Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP | Errno::EFAULT,
            )
            | None => Self::Socket,
            // Errors of the network on the way to that client, and a firewall's (EPERM).
            Some(_) => Self::Connection,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_accept_are_told_apart() {
        let trouble = |errno: Errno| Trouble::from(&io::Error::from(errno));
        assert_eq!(trouble(Errno::EMFILE), Trouble::Shortage);
        assert_eq!(trouble(Errno::ENFILE), Trouble::Shortage);
        assert_eq!(trouble(Errno::ECONNABORTED), Trouble::Connection);
        assert_eq!(trouble(Errno::EHOSTUNREACH), Trouble::Connection);
        assert_eq!(trouble(Errno::EBADF), Trouble::Socket);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shortage_is_waited_out_longer_and_longer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut door = Door::new(listener, 1);
        let mut pauses = vec![];
        for _ in 0..7 {
            let before = Instant::now();
            door.wait_for_better(&Errno::EMFILE.into()).await;
            pauses.push(before.elapsed().as_millis());
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
    }
}
