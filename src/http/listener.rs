//! The listener actor, root's last child: lends its life to the accept loop and so to every
//! connection. It holds no state worth keeping; the bound socket is `main`'s, so a restart
//! loses connections but never the port.

use super::body::Budget;
use super::{Context, HttpOptions, acceptor, service};
use crate::tree::{Edge, EdgeLinks};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The port as the tree sees it: makes a listener whenever one is needed.
pub struct HttpEdge {
    socket: Arc<std::net::TcpListener>,
    options: HttpOptions,
    /// Bodies read for the last listener are still in flight under the next.
    budget: Budget,
}

impl HttpEdge {
    /// Serves on `socket`, which is bound already.
    pub fn new(socket: std::net::TcpListener, options: HttpOptions) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: Arc::new(socket),
            budget: Budget::new(options.limits.bodies_in_flight, options.metrics.bodies()),
            options,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

impl Edge for HttpEdge {
    type Listener = Listener;

    fn listener(&self, links: EdgeLinks) -> (Listener, ListenerArgs) {
        let args = ListenerArgs {
            socket: self.socket.clone(),
            context: Arc::new(Context {
                sessions: links.sessions,
                status: links.status,
                rules: self.options.rules.clone(),
                limits: self.options.limits.clone(),
                readiness: self.options.readiness.clone(),
                metrics: self.options.metrics.clone(),
                budget: self.budget.clone(),
            }),
        };
        (Listener, args)
    }
}

/// The actor.
#[derive(Debug)]
pub struct Listener;

/// What a listener starts with.
pub struct ListenerArgs {
    /// Cloned at the start, so that a machine out of descriptors fails the start and not the edge.
    socket: Arc<std::net::TcpListener>,
    context: Arc<Context>,
}

/// What a listener is told.
#[derive(Debug)]
pub enum ListenerMsg {
    /// From the accept loop's task as it ends, in whatever way. No answer. Nobody else notices.
    AcceptLoopEnded {
        /// How it ended.
        why: String,
    },
}

/// A running listener. Dropping it ends the accept loop, and that ends every connection.
#[derive(Debug)]
pub struct ListenerState {
    accepting: JoinSet<()>,
    stop: watch::Sender<bool>,
    drain: Duration,
}

/// Connections that did not end in `Limits::drain` are aborted; that takes no longer than this.
const ABORT_TIME: Duration = Duration::from_millis(200);

impl Actor for Listener {
    type Msg = ListenerMsg;
    type State = ListenerState;
    type Arguments = ListenerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<ListenerMsg>,
        args: ListenerArgs,
    ) -> Result<ListenerState, ActorProcessingErr> {
        let ListenerArgs { socket, context } = args;
        let socket = TcpListener::from_std(socket.try_clone()?)?;
        log::debug!("listening on {}", socket.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let drain = context.limits.drain;
        let limits = Arc::new(context.limits.clone());
        let service = service::service(&context);
        let open = context.metrics.connections().clone();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut farewell = Farewell::new(myself);
            if let Err(error) = acceptor::run(socket, service, limits, &open, stopped).await {
                farewell.why = format!("accepting connections failed: {error}");
            }
        });
        Ok(ListenerState {
            accepting,
            stop,
            drain,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<ListenerMsg>,
        message: ListenerMsg,
        _: &mut ListenerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // A listener that accepts nothing must not linger: the supervisor has a fresh one.
            ListenerMsg::AcceptLoopEnded { why } => Err(why.into()),
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<ListenerMsg>,
        state: &mut ListenerState,
    ) -> Result<(), ActorProcessingErr> {
        state.stop.send_replace(true);
        let ended = timeout(state.drain + ABORT_TIME, state.accepting.join_next()).await;
        if ended.is_err() {
            log::warn!("connections did not end in time; they are cut");
        }
        state.accepting.abort_all();
        Ok(())
    }
}

/// Tells the actor that its accept loop is over; by `Drop`, so that a panic is told too.
struct Farewell {
    actor: ActorRef<ListenerMsg>,
    why: String,
}

impl Farewell {
    fn new(actor: ActorRef<ListenerMsg>) -> Self {
        let why = "the accept loop panicked or was cancelled".to_owned();
        Self { actor, why }
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let why = std::mem::take(&mut self.why);
        // The usual end: the actor is stopping and takes no messages any more.
        if let Err(error) = self.actor.cast(ListenerMsg::AcceptLoopEnded { why }) {
            log::trace!("the accept loop ended after its actor: {error}");
        }
    }
}
