//! The accept loop: takes connections as long as there are slots for them, and outlives every
//! shortage. It owns the connections; when its task ends, they end.

use super::crowd::Crowd;
use super::places::Places;
use super::service::HttpService;
use super::{Context, SharedSockets, connection};
use crate::config::model::Limits;
use crate::ids::{Holder, Owner};
use crate::telemetry::metrics::GaugeGuard;
use crate::tree::{Beat, Part};
use crate::turn;
use futures_util::FutureExt as _;
use nix::errno::Errno;
use socket2::SockRef;
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How long to wait for what the machine is short of: first, doubling, at most.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// So many more connections than `max_connections` are let in where a token is asked for: those of
/// strangers, who have none, must not keep out who has one.
const RESERVE: usize = 64;
/// A trouble that comes and goes is logged this often at most.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// Accepts until `stop` says so, takes who had come by then, and gives open connections
/// `Times::drain` to end. At `max_connections`, and the reserve where there is one, nothing is accepted before somebody can make
/// room: clients wait in the kernel's queue. An error means that a socket is of no use any more. Answers
/// `beats`, which shows that it goes round.
pub(super) async fn run(
    mut door: Acceptor,
    service: impl HttpService,
    context: &Context,
    mut stop: watch::Receiver<bool>,
    mut beats: UnboundedReceiver<Beat>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut crowd = Crowd::new(Places::none());
    let mut limits = context.limits.clone();
    let mut most = take_over(&mut limits, context, &crowd);
    let mut waiting = None;
    let told = (limits.clone(), stop.clone());
    let take_in = |(socket, peer), connections: &mut JoinSet<()>, crowd: &mut Crowd| {
        let presence = crowd.admit(connections.len(), peer);
        let (told, service) = (told.clone(), service.clone());
        let refusals = context.refusals.clone();
        let counted = GaugeGuard::one(context.metrics.connections());
        let served = connection::serve(socket, service, presence, told, refusals);
        let served = served.map(|()| drop(counted));
        connections.spawn(turn::of("connection", "what comes", served));
    };
    loop {
        let staying = connections.len() - crowd.leaving();
        if staying >= most {
            door.note_full(most);
        }
        let reserve = reserve(context);
        if reserve > 0 && staying > most && crowd.put_out_stranger() {
            continue;
        }
        let has_room = staying < most + reserve;
        // Somebody may wait here if who was to make room for them has been asked again meanwhile.
        let enters = |_: &mut _| staying < most || crowd.put_out() || has_room;
        if let Some(newcomer) = waiting.take_if(enters) {
            take_in(newcomer, &mut connections, &mut crowd);
            continue;
        }
        let has_room = waiting.is_none() && (has_room || crowd.has_spare());
        let chance = (staying >= most).then(|| crowd.next_chance()).flatten();
        tokio::select! {
            // The sender is the actor's: that it is gone means the same.
            _ = stop.changed() => break,
            Some(ended) = connections.join_next() => note(&ended),
            Some(beat) = beats.recv() => beat.passed(Part::AcceptLoop),
            Ok(()) = limits.changed() => most = take_over(&mut limits, context, &crowd),
            () = at(chance) => {}
            () = crowd.clear_places() => {}
            accepted = door.next(), if has_room => waiting = Some(accepted?),
        }
    }
    if let Some(newcomer) = waiting {
        take_in(newcomer, &mut connections, &mut crowd);
    }
    let deadline = Instant::now() + context.times.drain;
    // Nobody stays for long now: the limit is for those who would.
    while let Some(newcomer) = door.last(deadline, &mut connections).await {
        take_in(newcomer, &mut connections, &mut crowd);
    }
    drop(door);
    drain(connections, deadline).await;
    Ok(())
}

/// Gives what is open until then to end.
pub(super) async fn drain(mut connections: JoinSet<()>, deadline: Instant) {
    while let Ok(Some(ended)) = timeout_at(deadline, connections.join_next()).await {
        note(&ended);
    }
    connections.shutdown().await;
}

/// Follows a change of the limits; how many connections there may be now.
fn take_over(limits: &mut watch::Receiver<Arc<Limits>>, context: &Context, crowd: &Crowd) -> usize {
    let now = limits.borrow_and_update();
    context.budget.resize(now.max_bodies_in_flight_bytes);
    crowd.resize(now.max_connections);
    now.max_connections
}

/// How many connections beyond the limit are let in for a while.
fn reserve(context: &Context) -> usize {
    let asks = context.tokens.borrow().are_asked_for();
    if asks { RESERVE } else { 0 }
}

/// Returns then, if ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// A panic in a handler ends its own connection only; that it happened must be known.
pub(super) fn note(ended: &Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        log::error!("a connection's task panicked: {error}");
    }
}

/// The listening sockets, and what they have been short of lately.
pub(super) struct Acceptor {
    /// None any more once they were let go.
    listeners: Vec<TcpListener>,
    /// Who waited in the kernel then.
    last: VecDeque<(TcpStream, SocketAddr)>,
    /// Notified when others are to have who comes from now on.
    let_go: Arc<Notify>,
    /// Whether they have the sockets too: who waits in the kernel is theirs then.
    held: SharedSockets,
    pause: Duration,
    shortage_logged: Option<Instant>,
    full_logged: Option<Instant>,
}

impl Acceptor {
    pub(super) fn new(
        listeners: Vec<TcpListener>,
        (let_go, held): (Arc<Notify>, SharedSockets),
    ) -> Self {
        Self {
            listeners,
            last: VecDeque::new(),
            let_go,
            held,
            pause: PAUSE,
            shortage_logged: None,
            full_logged: None,
        }
    }

    /// The next connection, and where it comes from. May be dropped and called again at any time.
    async fn next(&mut self) -> io::Result<(TcpStream, Holder)> {
        loop {
            match self.accept().await {
                Ok((socket, peer)) => {
                    self.pause = PAUSE;
                    return Ok((socket, Holder::new(Owner::ANYBODY, peer.ip())));
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

    /// The next connection of any socket. Who gave the last one is asked last.
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            if let Some(newcomer) = self.last.pop_front() {
                return Ok(newcomer);
            }
            let accepted = poll_fn(|context| {
                let mut sockets = self.listeners.iter().enumerate();
                let found = sockets.find_map(|(index, socket)| match socket.poll_accept(context) {
                    Poll::Ready(accepted) => Some((index, accepted)),
                    Poll::Pending => None,
                });
                found.map_or(Poll::Pending, Poll::Ready)
            });
            tokio::select! {
                biased;
                () = self.let_go.notified() => self.leave(),
                (index, accepted) = accepted => {
                    self.listeners.rotate_left(index + 1);
                    return accepted;
                }
            }
        }
    }

    /// Takes who waits in the kernel, unless others have the sockets too, and lets these go. The kernel itself is
    /// asked: what the runtime knows of a socket is a moment old, and who came in that moment would be reset. Where
    /// the machine is short of something the sockets stay, for another try.
    fn leave(&mut self) {
        let last = &mut self.last;
        let is_held = self.held.is_so();
        self.listeners
            .retain(|listener| !is_held && !is_drained(listener, last));
    }

    /// The next of those who wait as the sockets are let go. Descriptors that it takes come back as `connections` end.
    async fn last(
        &mut self,
        deadline: Instant,
        connections: &mut JoinSet<()>,
    ) -> Option<(TcpStream, Holder)> {
        self.leave();
        while self.last.is_empty() {
            if self.listeners.is_empty() || Instant::now() >= deadline {
                return None;
            }
            tokio::select! {
                Some(ended) = connections.join_next() => note(&ended),
                () = sleep(PAUSE) => {}
            }
            self.leave();
        }
        let (socket, peer) = self.last.pop_front()?;
        Some((socket, Holder::new(Owner::ANYBODY, peer.ip())))
    }

    fn note_full(&mut self, limit: usize) {
        if is_due(&mut self.full_logged) {
            log::warn!(
                "all {limit} connections are in use; idle ones and those without a token or session make room, further clients wait"
            );
        }
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

/// No kernel has more waiting: whoever still comes then is a flood, which is not waited for.
const MOST_WAITING: usize = 4096;

/// Takes who waits at `listener`. Whether the socket may be let go; not where the machine is short of something.
fn is_drained(listener: &TcpListener, taken: &mut VecDeque<(TcpStream, SocketAddr)>) -> bool {
    let listener = SockRef::from(listener);
    for _ in 0..MOST_WAITING {
        let accepted = listener.accept().and_then(|(socket, peer)| {
            socket.set_nonblocking(true)?;
            let peer = peer.as_socket().ok_or(io::ErrorKind::InvalidData)?;
            Ok((TcpStream::from_std(socket.into())?, peer))
        });
        match accepted {
            Ok(newcomer) => taken.push_back(newcomer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(error) => match Trouble::from(&error) {
                Trouble::Connection => {}
                Trouble::Shortage => return false,
                Trouble::Socket => return true,
            },
        }
    }
    true
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
        let mut door = Acceptor::new(vec![listener], (Arc::default(), false.into()));
        let mut pauses = vec![];
        for _ in 0..7 {
            let before = Instant::now();
            door.wait_for_better(&Errno::EMFILE.into()).await;
            pauses.push(before.elapsed().as_millis());
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
    }
}
