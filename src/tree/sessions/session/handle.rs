//! A session's handle: for the listener, the upstreams and the registry.

use std::fmt;
use std::sync::Arc;

use ractor::{ActorCell, ActorRef};

use super::message::SessionMsg;
use super::outbox::Gauge;
use crate::ids::SessionId;
use crate::protocol::jsonrpc::Message;
use crate::tree::call::{CallError, Reply, ReplyTo};
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

    pub(in crate::tree::sessions) fn hello(&self, registry: RegistryHandle) {
        self.tell(SessionMsg::Hello(registry));
    }

    pub(in crate::tree::sessions) fn drain(&self) {
        self.tell(SessionMsg::Drain);
    }

    pub(super) fn client_gone(&self) {
        self.tell(SessionMsg::ClientGone);
    }

    pub(in crate::tree) fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    fn tell(&self, message: SessionMsg) -> bool {
        self.actor.cast(message).is_ok()
    }
}

impl ReplyTo for SessionHandle {
    fn reply(&self, reply: Reply) {
        if !self.tell(SessionMsg::Reply(reply)) {
            log::trace!("{self:?} has ended before its answer came");
        }
    }
}

impl Subscriber for SessionHandle {
    fn routes_changed(&self, routes: Arc<Routes>) -> bool {
        self.tell(SessionMsg::RoutesChanged(routes))
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.name)
    }
}
