//! One connection: socket options, hyper with its timers, and a soft end when the listener stops.

use super::limits::Current;
use super::linger::{self, Lingering};
use super::phase::{self, Ear, Phase};
use super::places::Places;
use super::presence::Presence;
use super::refused::Refusals;
use super::service::HttpService;
use super::socket::Socket;
use super::trust::Trust;
use crate::config::model::Limits;
use crate::ids::{Holder, Owner};
use crate::tree::{CallError, SessionHandle};
use futures_util::TryFutureExt as _;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, Version};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

/// Bytes that hyper buffers of a connection in either direction, if all headers fit.
const BUFFER: usize = 128 << 10;

/// What a request carries beside its own words: what those on one connection share, and whose it is.
#[derive(Debug, Clone)]
pub(super) struct RequestContext {
    /// Cuts the connection: its client does not read a reply, or its stream makes room for another.
    pub(super) cut: Arc<Notify>,
    /// The first session that was found for a request: most connections never need another, and
    /// so don't have to ask for it each time.
    pub(super) session: Arc<OnceLock<SessionHandle>>,
    /// What the connection showed of who is at its other end.
    pub(super) presence: Arc<Presence>,
    /// The limits as they are for this request.
    pub(super) limits: Arc<Limits>,
    /// Of HTTP, in which this request came.
    pub(super) version: Version,
    /// Whose this one request is, and the profile that it is for.
    pub(super) owner: Owner,
    /// What it may see. Of a connection that is the operator's, each of its requests is.
    pub(super) trust: Trust,
}

impl RequestContext {
    fn of(presence: Arc<Presence>) -> Self {
        let owner = presence.peer().owner();
        let trust = if owner.is_operator() {
            Trust::Operator
        } else {
            Trust::Anybody
        };
        Self {
            cut: Arc::default(),
            session: Arc::default(),
            presence,
            limits: Arc::default(),
            version: Version::HTTP_11,
            owner,
            trust,
        }
    }

    /// Where it comes from.
    pub(super) fn peer(&self) -> IpAddr {
        self.presence.peer().address()
    }

    /// Who this one request is from, whatever profile it is for: what is shared is counted so.
    pub(super) fn holder(&self) -> Holder {
        if self.owner.is_anybody() {
            self.presence.peer()
        } else {
            Holder::of(self.owner.in_profile(None))
        }
    }

    /// The same with the profile that it is for: whose sessions it may use.
    pub(super) fn client(&self) -> Holder {
        self.holder().in_profile(self.owner.profile())
    }

    /// The request showed a valid token. Without a place it stays a stranger's until its route asks.
    pub(super) fn may_be_known(&self) {
        let _has_place = self.presence.is_known(self.holder());
    }

    /// The request showed a valid token, or a session.
    ///
    /// Errors: `Overloaded` if whose it is has as many connections in use as it may, and none of them
    /// becomes idle soon.
    pub(super) async fn is_known(&self) -> Result<(), CallError> {
        if self.presence.is_known(self.holder()) {
            return Ok(());
        }
        // Apart, as hardly any connection needs the memory for it.
        Box::pin(self.comes_to_a_place()).await
    }

    /// Those that are idle are asked for their places when there is none.
    async fn comes_to_a_place(&self) -> Result<(), CallError> {
        let give_up = Instant::now() + FOR_A_PLACE;
        while !self.presence.is_known(self.holder()) {
            if Instant::now() >= give_up {
                return Err(CallError::Overloaded(
                    "this client has so many of the connections (max_connections) in use that the rest is for others",
                ));
            }
            sleep(NEXT_TRY).await;
        }
        Ok(())
    }

    /// Makes `session` the one that is known here, unless there is one.
    ///
    /// Errors: as [`Self::is_known`].
    pub(super) async fn remember(&self, session: &SessionHandle) -> Result<(), CallError> {
        self.session.get_or_init(|| session.clone());
        self.is_known().await
    }
}

impl Default for RequestContext {
    fn default() -> Self {
        let nobody = Presence::of(Holder::of(Owner::ANYBODY), &Places::none());
        Self::of(Arc::new(nobody))
    }
}

/// How long a request waits for a place, and how often it looks.
const FOR_A_PLACE: Duration = Duration::from_secs(1);
const NEXT_TRY: Duration = Duration::from_millis(50);
/// For a request that was on its way when the listener stopped.
const LATE: Duration = Duration::from_millis(100);

/// Serves `socket` until its client or a limit ends it. When `stop` says so, what was on its way is
/// answered, and no other request is read. When `presence` has it make room, it is closed at once.
// Not an `async fn`, in which each connection would keep all that it was made of.
pub(super) fn serve(
    socket: impl Socket,
    service: impl HttpService,
    presence: Arc<Presence>,
    (limits, mut stop): (watch::Receiver<Arc<Limits>>, watch::Receiver<bool>),
    refusals: Refusals,
) -> impl Future<Output = ()> + Send {
    let limits_of_phases = Current::new(limits.clone());
    let current = Current::new(limits);
    let (limits, peer) = (current.now(), presence.peer().address());
    if let Err(error) = socket.tune(limits.peer_timeout) {
        // The client may have gone already; what remains to be seen is seen by reading.
        log::debug!("socket options could not be set: {error}");
    }
    let lingering = Lingering::new(socket, presence.clock.clone(), stop.clone());
    let request_context = RequestContext::of(presence.clone());
    let cut = request_context.cut.clone();
    let service = knowing(request_context, (current, stop.clone()), service);
    let mut connection = http1::Builder::new()
        .timer(Ear(presence.clock.clone()))
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.max_header_bytes)
        .max_buf_size(BUFFER.max(limits.max_header_bytes))
        .serve_connection(TokioIo::new(lingering), service);
    async move {
        let end = tokio::select! {
            // In this order: what has come is seen before it is judged that nothing has.
            biased;
            ended = &mut connection => End::Over(ended),
            end = told_to_end(&cut, &presence, limits_of_phases, &mut stop) => end,
        };
        let ended = match end {
            End::Over(ended) => ended,
            End::Cut(why) => return log::debug!("connection cut: {why}"),
            End::Slow => return refusals.slow(peer),
            End::Leave => {
                log::debug!("connection closed to make room");
                if presence.is_silent() {
                    connection.into_parts().io.into_inner().say(&no_room());
                }
                return;
            }
            End::Soft => {
                Pin::new(&mut connection).graceful_shutdown();
                // What was answered may not have been read: that must not hold it for ever.
                let ended = timeout(2 * linger::TIME, &mut connection).await;
                ended.unwrap_or(Ok(()))
            }
            End::Stop => {
                Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        if let Err(error) = ended {
            log::debug!("connection ended: {error}");
            if error.is_parse() {
                let first = connection.into_parts().io.into_inner().first_bytes();
                refusals.unreadable(peer, &error, (first, limits.max_header_bytes));
            }
        }
    }
}

/// `service`, whose requests carry what is known of their connection.
fn knowing(
    request_context: RequestContext,
    (limits, stop): (Current, watch::Receiver<bool>),
    service: impl HttpService,
) -> impl Service<Request<Incoming>, Response = warp::reply::Response, Error = Infallible, Future: Send>
{
    service_fn(move |mut request: Request<Incoming>| {
        let (limits, version) = (limits.now(), request.version());
        request_context.presence.spoke();
        request.extensions_mut().insert(RequestContext {
            limits,
            version,
            ..request_context.clone()
        });
        let stop = stop.clone();
        let reply = service.call(request);
        reply.map_ok(move |reply| last_if(*stop.borrow(), reply))
    })
}

/// The reply, which says whether it is the last on its connection.
fn last_if<B>(is_last: bool, mut reply: Response<B>) -> Response<B> {
    if is_last {
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(CONNECTION, close);
    }
    reply
}

/// Returns when something else than its client ends the connection.
async fn told_to_end(
    cut: &Notify,
    presence: &Presence,
    limits: Current,
    stop: &mut watch::Receiver<bool>,
) -> End {
    let mut outstayed = pin!(phase::outstayed(presence.clock.clone(), limits));
    loop {
        tokio::select! {
            biased;
            () = cut.notified() => return End::Cut("its client does not read, or its stream made room"),
            () = presence.told_to_leave() => if presence.leaves() { return End::Leave },
            phase = &mut outstayed => return match phase {
                Phase::Idle | Phase::Request => End::Soft,
                Phase::Fresh => End::Cut("nothing came in time"),
                Phase::Header => End::Slow,
            },
            () = until_late(stop) => return End::Stop,
        }
    }
}

/// Why a connection is not served any more.
enum End {
    /// Its client closed it, or broke it.
    Over(hyper::Result<()>),
    /// It is closed at once.
    Cut(&'static str),
    /// The same: its headers came too slowly.
    Slow,
    /// It makes room.
    Leave,
    /// It has been idle for long enough: a client that sends its next request now is to see that it
    /// was closed, and not that it broke.
    Soft,
    /// The listener stops.
    Stop,
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
