//! One connection: socket options, hyper with its timers, and a soft end when the listener stops.

use super::limits::Current;
use super::linger::Lingering;
use super::service::HttpService;
use super::strangers::Presence;
use crate::config::model::Limits;
use crate::ids::{Holder, Owner};
use crate::tree::SessionHandle;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

/// Bytes that the kernel holds and has not sent yet (`TCP_NOTSENT_LOWAT`). With more, up to 4 MiB by
/// default, a slow reader would let us write only every few seconds and be taken for one that hangs.
const UNSENT: u32 = 128 << 10;

/// Bytes that hyper buffers of a connection in either direction, if all headers fit.
const BUFFER: usize = 128 << 10;

/// Where a client comes from that has gone already.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What a request carries beside its own words: what those on one connection share, and whose it is.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    /// Cuts the connection: its client does not read a reply, or its stream makes room for another.
    pub(super) cut: Arc<Notify>,
    /// The first session that was found for a request: most connections never need another, and
    /// so don't have to ask for it each time.
    pub(super) session: Arc<OnceLock<SessionHandle>>,
    /// What the connection showed of who is at its other end.
    pub(super) presence: Arc<Presence>,
    /// The limits as they are for this request.
    pub(super) limits: Arc<Limits>,
    /// Whose this one request is.
    pub(super) owner: Owner,
    /// Where they all come from.
    peer: IpAddr,
}

impl Wire {
    fn from(peer: IpAddr) -> Self {
        Self {
            cut: Arc::default(),
            session: Arc::default(),
            presence: Arc::default(),
            limits: Arc::default(),
            owner: Owner::ANYBODY,
            peer,
        }
    }

    /// Who this one request is from.
    pub(super) fn holder(&self) -> Holder {
        Holder::new(self.owner, self.peer)
    }

    /// Makes `session` the one that is known here, unless there is one.
    pub(super) fn remember(&self, session: &SessionHandle) {
        self.session.get_or_init(|| session.clone());
        self.presence.is_known();
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::from(NOWHERE)
    }
}

/// For a request that was on its way when the listener stopped.
const LATE: Duration = Duration::from_millis(100);

/// Serves `socket` until its client or a limit ends it. When `stop` says so, what was on its way is
/// answered, and no other request is read. When `presence` has it make room, it is closed at once.
pub(super) async fn serve(
    socket: TcpStream,
    service: impl HttpService,
    presence: Arc<Presence>,
    (limits, mut stop): (watch::Receiver<Arc<Limits>>, watch::Receiver<bool>),
) {
    let current = Current::new(limits);
    let limits = current.now();
    if let Err(error) = tune(&socket, limits.peer_timeout) {
        // The client may have gone already; what remains to be seen is seen by reading.
        log::debug!("socket options could not be set: {error}");
    }
    let peer = socket.peer_addr().map(|peer| peer.ip());
    let io = TokioIo::new(Lingering::new(socket, stop.clone()));
    let mut wire = Wire::from(peer.unwrap_or(NOWHERE));
    wire.presence = presence;
    let this = wire.clone();
    let is_over = stop.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let limits = current.now();
        this.presence.spoke();
        request.extensions_mut().insert(Wire {
            limits,
            ..this.clone()
        });
        let reply = service.call(request);
        let is_over = is_over.clone();
        async move {
            let mut reply = reply.await?;
            if *is_over.borrow() {
                let close = HeaderValue::from_static("close");
                reply.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(reply)
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.max_header_bytes)
        .max_buf_size(BUFFER.max(limits.max_header_bytes))
        .serve_connection(io, service);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = wire.cut.notified() => {
            log::debug!("connection cut: its client does not read, or its stream made room");
            return;
        }
        () = wire.presence.told_to_leave() => {
            log::debug!("connection closed to make room: it showed no token and no session");
            if wire.presence.is_silent() {
                connection.into_parts().io.into_inner().say(&no_room());
            }
            return;
        }
        () = until_late(&mut stop) => {
            Pin::new(&mut connection).graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("connection ended: {error}");
    }
}

/// Returns a moment after `stop` says so. The sender is the listener's: that it is gone means the same.
async fn until_late(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|is_over| *is_over).await.is_err() {
        log::trace!("the listener has gone");
    }
    sleep(LATE).await;
}

/// What a client is told that came, asked for nothing and has to go.
fn no_room() -> String {
    let words =
        "all connections are in use; those that show a token or a session within 2 seconds stay\n";
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\nretry-after: 5\r\nconnection: close\r\n\r\n{words}",
        words.len()
    )
}

/// Small events go out at once, what a client takes is seen soon, and a peer that vanished without a word is noticed:
/// it acknowledges nothing for `peer_timeout`, whether we have something to say to it (`TCP_USER_TIMEOUT`) or not
/// (half the time of silence, then three probes).
fn tune(socket: &TcpStream, peer_timeout: Duration) -> io::Result<()> {
    let second = Duration::from_secs(1);
    socket.set_nodelay(true)?;
    let socket = SockRef::from(socket);
    let probes = TcpKeepalive::new()
        .with_time((peer_timeout / 2).max(second))
        .with_interval((peer_timeout / 6).max(second))
        .with_retries(3);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_notsent_lowat(UNSENT)?;
    socket.set_tcp_user_timeout(Some(peer_timeout))
}
