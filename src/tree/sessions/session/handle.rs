//! A session's handle: for the listener, the upstreams and the registry.

use std::fmt;
use std::sync::Arc;

use ractor::{ActorCell, ActorRef};

use super::message::SessionMsg;
use super::outbox::Gauge;
use super::outbox::Outbound;
use crate::ids::SessionId;
use crate::protocol::jsonrpc::Message;
use crate::protocol::version::Version;
use crate::tree::call::CallError;
use crate::tree::client::{Client, News};
use crate::tree::registry::{RegistryHandle, Routes, Subscriber};

/// One session. Nothing here waits.
#[derive(Clone)]
pub struct SessionHandle {
    actor: ActorRef<SessionMsg>,
    name: Arc<str>,
    queue: Gauge,
}

impl SessionHandle {
    pub(in crate::tree::sessions) fn new(
        actor: ActorRef<SessionMsg>,
        id: &SessionId,
        queue: Gauge,
    ) -> Self {
        Self {
            actor,
            name: id.short().into(),
            queue,
        }
    }

    /// Delivers what the client posted. The answer, if there is to be one, comes on the stream.
    ///
    /// Errors: `UnknownSession` when the session has ended; `Overloaded` for a request whose
    /// answer would have no room on the stream.
    pub fn deliver(&self, message: Message) -> Result<(), CallError> {
        if matches!(message, Message::Request(_)) && self.queue.is_full() {
            return Err(CallError::Overloaded(
                "more waits on the session's stream than may; read it",
            ));
        }
        self.actor
            .cast(SessionMsg::Deliver(message))
            .map_err(|_| CallError::UnknownSession)
    }

    /// Delivers what one POST of Streamable HTTP holds: at least one request. What comes gives
    /// the answers, and before them what belongs to these requests; its last event says so.
    ///
    /// Errors: as [`Self::deliver`].
    pub fn exchange(&self, messages: Vec<Message>) -> Result<Outbound, CallError> {
        drop(messages);
        Err(CallError::UnknownSession)
    }

    /// Opens the standalone stream, or resumes the stream that `last_event` was seen on, after it.
    ///
    /// Errors: `StreamTaken`, `UnknownEvent`, `UnknownSession`, `Timeout`.
    #[expect(clippy::unused_async, reason = "asks the session")]
    pub async fn listen(&self, last_event: Option<&str>) -> Result<Outbound, CallError> {
        drop(last_event);
        Err(CallError::UnknownSession)
    }

    /// Ends the session because its client says so: its id is never taken again.
    pub fn delete(&self) {}

    /// The revision that was agreed on.
    #[must_use]
    pub fn version(&self) -> Version {
        Version::LATEST
    }

    pub(in crate::tree::sessions) fn hello(&self, registry: RegistryHandle) {
        self.send(SessionMsg::Hello(registry));
    }

    pub(in crate::tree::sessions) fn drain(&self) {
        self.send(SessionMsg::Drain);
    }

    pub(super) fn client_gone(&self) {
        self.send(SessionMsg::ClientGone);
    }

    pub(in crate::tree) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    fn send(&self, message: SessionMsg) -> bool {
        self.actor.cast(message).is_ok()
    }
}

impl Client for SessionHandle {
    fn tell(&self, news: News) {
        if !self.send(SessionMsg::News(news)) {
            log::trace!("{self:?} has ended before the news came");
        }
    }
}

impl Subscriber for SessionHandle {
    fn routes_changed(&self, routes: Arc<Routes>) -> bool {
        self.send(SessionMsg::RoutesChanged(routes))
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.name)
    }
}
