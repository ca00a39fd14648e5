//! A session's handle: for the listener, the upstreams and the registry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorCell, ActorRef, ActorStatus};
use tokio::sync::oneshot;

use super::super::conversation::Stop;
use super::super::delivery::load::SessionLoad;
use super::message::SessionMsg;
use super::outbound::Outbound;
use super::profile::{Key, Profile};
use super::seen::SessionSeen;
use crate::config::model::Limits;
use crate::ids::{Holder, Owner, ProfileId, SessionId};
use crate::protocol::jsonrpc::Message;
use crate::protocol::mcp::method;
use crate::protocol::version::Version;
use crate::tree::call::CallError;
use crate::tree::client::{SessionEvent, SessionSink};
use crate::tree::registry::{RegistryHandle, Routes, Subscriber};
use crate::tree::shares::Rest;

/// A session looks into its own state only; if it takes this long, it has ended or is stuck.
const ANSWER: Duration = Duration::from_secs(5);
const FULL: &str = "more than max_outgoing_bytes waits on the session's stream; read it";

/// One session. Nothing here waits but [`SessionHandle::listen`] and
/// [`SessionHandle::agreed_version`].
#[derive(Clone)]
pub struct SessionHandle {
    actor: ActorRef<SessionMsg>,
    profile: Arc<Profile>,
}

impl SessionHandle {
    pub(in crate::tree::sessions) fn new(
        actor: ActorRef<SessionMsg>,
        profile: Arc<Profile>,
    ) -> Self {
        Self { actor, profile }
    }

    /// Delivers what the client posted. The answer, if there is to be one, comes on the stream.
    ///
    /// Errors: `UnknownSession` when the session has ended; `Overloaded` for a request whose
    /// answer would have no room on the stream.
    pub fn deliver(&self, message: Message) -> Result<(), CallError> {
        if matches!(message, Message::Request(_)) && self.load().is_full() {
            return Err(CallError::Overloaded(FULL));
        }
        self.load().hear();
        self.actor
            .cast(SessionMsg::Deliver(message))
            .map_err(|_| CallError::UnknownSession)
    }

    /// Delivers what the client posted together: all of it or nothing.
    ///
    /// Errors: as [`Self::deliver`].
    pub fn deliver_all(&self, messages: Vec<Message>) -> Result<(), CallError> {
        let mut all = messages.iter();
        if self.load().is_full() && all.any(|message| matches!(message, Message::Request(_))) {
            return Err(CallError::Overloaded(FULL));
        }
        for message in messages {
            let sent = self.actor.cast(SessionMsg::Deliver(message));
            sent.map_err(|_| CallError::UnknownSession)?;
        }
        Ok(())
    }

    /// Delivers what one POST of Streamable HTTP holds: at least one request. What comes gives
    /// the answers, and before them what belongs to these requests, and news of lists that its
    /// client had no stream for (if it `may_stream`); its last event says so. An
    /// end without that is one of the session, unless nothing was said ([`Outbound::is_forgone`]).
    ///
    /// Errors: as [`Self::deliver`].
    pub fn exchange(
        &self,
        messages: Vec<Message>,
        may_stream: bool,
    ) -> Result<Outbound, CallError> {
        if self.load().is_full() {
            return Err(CallError::Overloaded(FULL));
        }
        self.load().hear();
        if !messages.iter().all(is_greeting) {
            self.load().set_used();
        }
        let number = self.load().number_stream();
        let (answer, first_reply) = oneshot::channel();
        let exchange = SessionMsg::Exchange {
            number,
            messages,
            may_stream,
            answer,
        };
        let sent = self.actor.cast(exchange);
        sent.map_err(|_| CallError::UnknownSession)?;
        Ok(Outbound::post(self.clone(), number, first_reply))
    }

    /// Opens the standalone stream, or resumes the stream that `last_event` was seen on, after it.
    ///
    /// Errors: `UnknownEvent`, `UnknownSession`, `Timeout`.
    pub async fn listen(&self, last_event: Option<&str>) -> Result<Outbound, CallError> {
        self.load().set_used();
        let last_event = last_event.map(Box::from);
        let listen = |reply| SessionMsg::Listen { last_event, reply };
        match self.actor.call(listen, Some(ANSWER)).await {
            Ok(CallResult::Success(answer)) => answer,
            Ok(CallResult::Timeout) => Err(CallError::Timeout),
            Ok(CallResult::SenderError) | Err(_) => Err(CallError::UnknownSession),
        }
    }

    /// The revision that was agreed on by what was delivered so far, over either transport.
    ///
    /// Errors: `UnknownSession`, `Timeout`.
    pub async fn agreed_version(&self) -> Result<Version, CallError> {
        match self.actor.call(SessionMsg::GetVersion, Some(ANSWER)).await {
            Ok(CallResult::Success(version)) => Ok(version),
            Ok(CallResult::Timeout) => Err(CallError::Timeout),
            Ok(CallResult::SenderError) | Err(_) => Err(CallError::UnknownSession),
        }
    }

    /// Whether this is the SSE session `id` of `owner` and goes on: who knows that need not find it.
    #[must_use]
    pub fn is_sse(&self, id: &SessionId, owner: Owner) -> bool {
        let key = &self.profile.key;
        matches!(key, Key::Sse(own, its) if own == id && *its == owner) && self.goes_on()
    }

    /// Whether this is the Streamable HTTP session `id` of `owner` and goes on: who knows that need
    /// not find it.
    #[must_use]
    pub fn is_streamable(&self, id: &str, owner: Owner) -> bool {
        let key = &self.profile.key;
        matches!(key, Key::Streamable(own, its) if **own == *id && *its == owner) && self.goes_on()
    }

    fn goes_on(&self) -> bool {
        let is_alive = self.actor.get_status() <= ActorStatus::Upgrading;
        is_alive && !self.load().is_given_up()
    }

    /// The revision that was agreed on; the latest for an SSE session, which is opened before.
    #[must_use]
    pub fn version(&self) -> Version {
        self.profile.version
    }

    pub(in crate::tree::sessions) fn hello(&self, registry: RegistryHandle) {
        self.send(SessionMsg::Hello(registry));
    }

    pub(in crate::tree::sessions) fn limits(&self, limits: Arc<Limits>) {
        self.load().resize(&limits);
        self.send(SessionMsg::Limits(limits));
    }

    pub(in crate::tree::sessions) fn stop(&self, step: Stop) {
        self.send(SessionMsg::Stop(step));
    }

    /// From the session itself, for its supervisor.
    pub(super) fn report_calling(&self, step: Stop, is_calling: bool) {
        let session = self.actor.get_id();
        self.profile.call_watch.calling(session, step, is_calling);
    }

    pub(in crate::tree::sessions) fn end(&self, why: &'static str) {
        self.load().give_up();
        self.send(SessionMsg::End { why });
    }

    /// How long it has had nothing to do; `None` if it has.
    pub(in crate::tree::sessions) fn idle_for(&self) -> Option<Duration> {
        self.load().idle_for()
    }

    /// Whether its client has asked for anything but to be let in.
    pub(in crate::tree::sessions) fn is_used(&self) -> bool {
        self.load().is_used()
    }

    pub(in crate::tree) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// What the status says of it.
    pub(in crate::tree::sessions) fn seen(&self) -> SessionSeen {
        SessionSeen::of(&self.profile)
    }

    /// What its client calls itself, raw.
    pub(super) fn introduce(&self, info: Option<&Arc<str>>) {
        self.profile.introduce(info);
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> Owner {
        self.profile.key.owner()
    }

    /// The profile that its client is shown.
    pub(super) fn shown(&self) -> Option<ProfileId> {
        self.owner().profile()
    }

    /// What the log calls it.
    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.profile.name)
    }

    pub(super) fn load(&self) -> &Arc<SessionLoad> {
        &self.profile.load
    }

    pub(super) fn send(&self, message: SessionMsg) -> bool {
        self.actor.cast(message).is_ok()
    }
}

impl SessionSink for SessionHandle {
    fn tell(&self, event: SessionEvent) {
        if !self.send(SessionMsg::Event(event)) {
            log::trace!("{self:?} has ended before the event came");
        }
    }

    fn rest(&self) -> Rest {
        self.load().rest()
    }

    fn holder(&self) -> Holder {
        self.profile.holder
    }
}

impl Subscriber for SessionHandle {
    fn routes_changed(&self, routes: Arc<Routes>) -> bool {
        self.send(SessionMsg::RoutesChanged(routes))
    }
}

/// Whether a client only asks to be let in.
fn is_greeting(message: &Message) -> bool {
    matches!(message, Message::Request(request) if *request.method == *method::INITIALIZE)
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.profile.name)
    }
}
