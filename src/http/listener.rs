//! The listener actor, root's last child: lends its life to the accept loop and so to every
//! connection. It holds no state worth keeping; the bound socket is `main`'s, so a restart
//! loses connections but never the port.

use super::acceptor::Acceptor;
use super::handlers::status::{self, log::READERS};
use super::page::{Feed, Feeder};
use super::pot::Pot;
use super::profile::{self, Remarks, Strangers};
use super::refused::Refusals;
use super::{Context, HttpOptions, Tokens, acceptor, operators, service};
use crate::config::model;
use crate::tree::{Beat, Frontend, FrontendLinks, Part, Quota, SessionsHandle};
use crate::turn::Kind;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The port as the tree sees it: makes a listener whenever one is needed.
pub struct HttpFrontend {
    /// None any more once they were left to the next process.
    sockets: Mutex<Arc<[std::net::TcpListener]>>,
    options: HttpOptions,
    /// Bodies read for the last listener are still in flight under the next.
    budget: Quota,
    control: Option<ControlDoor>,
}

/// The control socket, and what by it the program itself is asked for.
#[derive(Debug, Clone)]
pub struct ControlDoor {
    /// It does not block.
    pub socket: Arc<std::os::unix::net::UnixListener>,
    /// Is told that the configuration and all that is read with it are to be read again.
    pub reload: mpsc::UnboundedSender<()>,
    /// The configuration in use.
    pub config: PathBuf,
    /// Where what lasts is kept, if anywhere.
    pub state_dir: Option<PathBuf>,
}

impl HttpFrontend {
    /// Serves on `sockets`, which listen already: all of them, alike.
    pub fn new(sockets: Vec<std::net::TcpListener>, options: HttpOptions) -> io::Result<Self> {
        for socket in &sockets {
            socket.set_nonblocking(true)?;
        }
        let most = model::Limits::default().max_bodies_in_flight_bytes;
        Ok(Self {
            sockets: Mutex::new(sockets.into()),
            budget: Quota::counted_in(options.metrics.bodies(), most),
            options,
            control: None,
        })
    }

    /// Serves the operator too.
    #[must_use]
    pub fn with_control(self, control: Option<ControlDoor>) -> Self {
        Self { control, ..self }
    }

    /// Where it listens.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let sockets = self.sockets();
        let addresses = sockets.iter().map(std::net::TcpListener::local_addr);
        addresses.collect()
    }

    pub(super) fn sockets(&self) -> MutexGuard<'_, Arc<[std::net::TcpListener]>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frontend for HttpFrontend {
    type Listener = Listener;

    fn listener(&self, links: FrontendLinks) -> (Listener, ListenerArgs) {
        let (feed, feeder) = Feed::new();
        let args = ListenerArgs {
            feeder,
            sockets: self.sockets().clone(),
            control: self.control.as_ref().map(|door| door.socket.clone()),
            context: Arc::new(Context {
                sessions: links.sessions,
                status: links.status,
                steering: links.steering,
                door: self.control.clone(),
                rules: self.options.rules.clone(),
                times: self.options.times.clone(),
                limits: links.limits,
                serving: links.serving,
                profiles: links.profiles,
                strangers: Strangers::default(),
                tokens: self.options.tokens.clone(),
                readiness: self.options.readiness.clone(),
                log_readers: Quota::new(READERS),
                shown: Quota::new(status::tools::SHOWN),
                metrics: self.options.metrics.clone(),
                held: self.options.held.clone(),
                budget: self.budget.clone(),
                pot: Pot::default(),
                feed,
                refusals: Refusals::new(self.options.metrics.clone()),
            }),
        };
        (Listener, args)
    }

    fn let_go(&self, listener: Option<&ActorRef<ListenerMsg>>) {
        *self.sockets() = Arc::default();
        if listener.is_some_and(|listener| listener.cast(ListenerMsg::LetGo).is_err()) {
            log::trace!("the listener has gone already");
        }
    }

    fn has_successor(&self) -> bool {
        self.options.held.is_so()
    }

    fn beat(listener: &ActorRef<ListenerMsg>, beat: Beat) {
        if listener.cast(ListenerMsg::Beat(beat)).is_err() {
            log::trace!("the listener is being restarted");
        }
    }
}

/// The actor.
#[derive(Debug)]
pub struct Listener;

/// What a listener starts with.
pub struct ListenerArgs {
    /// Cloned at the start, so that a machine out of descriptors fails the start and not the frontend.
    sockets: Arc<[std::net::TcpListener]>,
    control: Option<Arc<std::os::unix::net::UnixListener>>,
    context: Arc<Context>,
    feeder: Feeder,
}

/// What a listener is told.
#[derive(Debug)]
pub enum ListenerMsg {
    /// From the accept loop's task as it ends, in whatever way. No answer. Nobody else notices.
    AcceptLoopEnded {
        /// How it ended.
        why: String,
    },
    /// From root, as the gateway stops: nobody new is taken. No answer.
    LetGo,
    /// From root: to be answered, and by the accept loop too.
    Beat(Beat),
}

impl Kind for ListenerMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::AcceptLoopEnded { .. } => "AcceptLoopEnded",
            Self::LetGo => "LetGo",
            Self::Beat(_) => "Beat",
        }
    }
}

/// A running listener. Dropping it ends the accept loop, and that ends every connection.
#[derive(Debug)]
pub struct ListenerState {
    accepting: JoinSet<()>,
    /// The accept loop of the control socket.
    operators: JoinSet<()>,
    /// Tells the sessions whose tokens are valid; ends with the state.
    _minding: JoinSet<()>,
    /// Makes what open pages read; their streams end with it.
    feeding: JoinSet<()>,
    beats: mpsc::UnboundedSender<Beat>,
    /// Has the accept loop let its sockets go.
    let_go: Arc<Notify>,
    stop: watch::Sender<bool>,
    drain: Duration,
}

/// Connections that did not end in `Times::drain` are aborted; that takes no longer than this.
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
        let ListenerArgs {
            sockets,
            control,
            context,
            feeder,
        } = args;
        let clone = |socket: &std::net::TcpListener| TcpListener::from_std(socket.try_clone()?);
        let own: Vec<TcpListener> = sockets.iter().map(clone).collect::<io::Result<_>>()?;
        drop(sockets);
        let let_go = Arc::new(Notify::new());
        let door = Acceptor::new(own, (let_go.clone(), context.held.clone()));
        let (stop, stopped) = watch::channel(false);
        let (beats, beaten) = mpsc::unbounded_channel();
        let drain = context.times.drain;
        let service = service::service(&context);
        let mut minding = JoinSet::new();
        minding.spawn(mind(context.tokens.clone(), context.sessions.clone()));
        let known = context.profiles.clone();
        minding.spawn(remark(context.tokens.clone(), known));
        let mut operators = JoinSet::new();
        if let Some(socket) = control {
            let socket = UnixListener::from_std(socket.try_clone()?)?;
            let (service, context) = (service.clone(), context.clone());
            let stopped = stopped.clone();
            operators.spawn(async move {
                operators::run(socket, service, &context, stopped).await;
            });
        }
        let mut feeding = JoinSet::new();
        let shown = context.clone();
        feeding.spawn(feeder.run(async move || status::text(&shown).await.ok()));
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut farewell = Farewell::new(myself);
            if let Err(error) = acceptor::run(door, service, &context, stopped, beaten).await {
                farewell.why = format!("accepting connections failed: {error}");
            }
        });
        Ok(ListenerState {
            accepting,
            operators,
            _minding: minding,
            feeding,
            beats,
            let_go,
            stop,
            drain,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<ListenerMsg>,
        message: ListenerMsg,
        state: &mut ListenerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            // A listener that accepts nothing must not linger: the supervisor has a fresh one.
            ListenerMsg::AcceptLoopEnded { why } => Err(why.into()),
            ListenerMsg::LetGo => {
                state.let_go.notify_one();
                Ok(())
            }
            ListenerMsg::Beat(beat) => {
                beat.passed(Part::Listener);
                // If the loop is over, its end is on the way here.
                drop(state.beats.send(beat));
                Ok(())
            }
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<ListenerMsg>,
        state: &mut ListenerState,
    ) -> Result<(), ActorProcessingErr> {
        state.stop.send_replace(true);
        state.feeding.abort_all();
        let (accepting, operators) = (&mut state.accepting, &mut state.operators);
        let both = async { tokio::join!(accepting.join_next(), operators.join_next()) };
        let ended = timeout(state.drain + ABORT_TIME, both).await;
        if ended.is_err() {
            log::warn!("connections did not end in time; they are cut");
        }
        state.accepting.abort_all();
        state.operators.abort_all();
        Ok(())
    }
}

/// Has sessions end with their token, those that are open now and those to come.
async fn mind(mut tokens: watch::Receiver<Tokens>, sessions: SessionsHandle) {
    loop {
        let owners = tokens.borrow_and_update().owners();
        sessions.keep_owners(owners);
        if tokens.changed().await.is_err() {
            // Nobody is left to change them.
            return;
        }
    }
}

/// Says what is to be said of the profiles and the tokens together, as they change.
async fn remark(mut tokens: watch::Receiver<Tokens>, mut profiles: profile::Known) {
    let mut remarks = Remarks::default();
    loop {
        let known = profiles.borrow_and_update().clone();
        let asked_for = tokens.borrow_and_update().clone();
        if let Some(known) = known {
            remarks.say(&known, &asked_for);
        }
        let changed = tokio::select! {
            changed = tokens.changed() => changed,
            changed = profiles.changed() => changed,
        };
        if changed.is_err() {
            // Nobody is left to change them.
            return;
        }
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

#[cfg(test)]
impl ListenerState {
    /// As one is whose accept loop does not go round: its beats stay unread.
    pub(super) fn stuck() -> (Self, mpsc::UnboundedReceiver<Beat>) {
        let (beats, unread) = mpsc::unbounded_channel();
        let state = Self {
            accepting: JoinSet::new(),
            operators: JoinSet::new(),
            _minding: JoinSet::new(),
            feeding: JoinSet::new(),
            beats,
            let_go: Arc::default(),
            stop: watch::Sender::new(false),
            drain: Duration::ZERO,
        };
        (state, unread)
    }
}
