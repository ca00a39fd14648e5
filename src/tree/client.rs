//! A session as upstreams and root see it: what they tell it, what a server asks its client, and
//! what a session wants to hear of a server.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::call::{Answer, RoutedRequest};
use super::registry::{Catalogue, RouteState};
use super::shares::Rest;
use super::upstream::{Hold, UpstreamHandle};
use crate::ids::{CallId, Generation, Holder, ServerName};
use crate::protocol::jsonrpc::{self, RequestId, code};
use crate::protocol::mcp::lifecycle::ClientCapabilities;
use crate::protocol::mcp::logging::Level;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::tasks::Told;

/// What a session is told by upstreams and by root.
#[derive(Debug)]
pub(crate) enum SessionEvent {
    /// The one and only answer.
    Answered {
        /// The call it belongs to.
        call: CallId,
        /// The answer.
        answer: Answer,
    },
    /// The server never saw the call: it may be sent again, to a later generation.
    Undelivered {
        /// The call it belongs to.
        call: CallId,
        /// The request, untouched.
        routed: Box<RoutedRequest>,
        /// The generation that did not take it.
        generation: Generation,
    },
    /// A `notifications/progress` under the client's own token, ready to be sent.
    Progress {
        /// The call it belongs to.
        call: CallId,
        /// The whole notification.
        notification: Bytes,
    },
    /// A server logged something. Told to sessions with a call in flight there or a level set.
    Logged {
        /// Which server.
        server: ServerName,
        /// Its level, if it is one of MCP's.
        level: Option<Level>,
        /// Whether some session has set a level there: what one without a level hears may then be
        /// more than the server would say on its own.
        is_amplified: bool,
        /// The whole notification, with `logger` under the server's name already; one for all who
        /// are told.
        notification: Bytes,
    },
    /// A resource that this session subscribed to has changed.
    Updated {
        /// Which server.
        server: ServerName,
        /// The params of `notifications/resources/updated`, as the server wrote them.
        params: Bytes,
    },
    /// A task that this request listens for has changed.
    TaskChanged {
        /// Which server.
        server: ServerName,
        /// What it said.
        told: Arc<Told>,
    },
    /// The session's own instance of a server asks its client something.
    ServerRequested(ServerRequest),
    /// The instance asked for what its client has not declared, and was refused.
    AskedInVain {
        /// The capability that would have to be declared.
        missing: &'static str,
    },
    /// The instance does not want the answer to its request any more.
    ServerRequestCancelled {
        /// Which server.
        server: ServerName,
        /// The params of its `notifications/cancelled`.
        params: Bytes,
    },
    /// A notification of the session's own instance that its client gets as it is
    /// (`notifications/elicitation/complete`).
    Notified {
        /// Which server.
        server: ServerName,
        /// The whole notification.
        notification: Bytes,
    },
    /// From root: what became of the session's own instance of a server. That it is ready, its
    /// catalogue says.
    Instance {
        /// Which server.
        server: ServerName,
        /// `Starting` or `Down`; `None` when there is no such server any more.
        state: Option<RouteState>,
    },
    /// From root: there is no room for an instance of this server now, or not any more.
    NoRoom {
        /// Which server.
        server: ServerName,
        /// What its client is told.
        why: Box<str>,
    },
    /// From the session's own instance of a server: it is ready and offers this; `None` if it
    /// takes calls but could not say what it offers.
    Offers {
        /// The instance.
        handle: UpstreamHandle,
        /// What it offers.
        catalogue: Option<Arc<Catalogue>>,
    },
}

impl SessionEvent {
    /// How much of it has to be read or copied. What an answer costs depends on more.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Updated { params, .. } | Self::ServerRequestCancelled { params, .. } => {
                params.len()
            }
            Self::ServerRequested(ask) => ask.request.params.as_ref().map_or(0, Bytes::len),
            Self::Offers { catalogue, .. } => catalogue.as_deref().map_or(0, Catalogue::size),
            Self::Answered { .. }
            | Self::Undelivered { .. }
            | Self::Progress { .. }
            | Self::Logged { .. }
            | Self::TaskChanged { .. }
            | Self::Notified { .. }
            | Self::Instance { .. }
            | Self::AskedInVain { .. }
            | Self::NoRoom { .. } => 0,
        }
    }
}

/// A session's handle, for those who tell it something. Never waits; a session that has gone has
/// no use for events.
pub(crate) trait SessionSink: Send + Sync + 'static {
    /// Passes `event` on.
    fn tell(&self, event: SessionEvent);

    /// Whether it has a use now for what others want too.
    fn rest(&self) -> Rest;

    /// Who it belongs to, whatever profile it shows.
    fn holder(&self) -> Holder;
}

/// What a session wants to hear of a server beside the answers to its calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    /// The level its client set, if it did.
    pub(super) level: Option<Level>,
    /// The resources its client subscribed to, by the server's own URIs.
    pub(super) uris: BTreeSet<Arc<str>>,
    /// Whether its client seems to have gone: no server stays awake for it.
    pub(super) has_left: bool,
}

/// The session that a server's instance belongs to (`isolation: "session"`).
#[derive(Clone)]
pub(crate) struct InstanceOwner {
    /// The session's serial number.
    pub(crate) session: u64,
    /// What the log calls it.
    pub(super) name: Arc<str>,
    /// Who is told and asked.
    pub(super) client: Arc<dyn SessionSink>,
    /// What the client can be asked for: declared to the server as the gateway's own.
    pub(super) capabilities: ClientCapabilities,
    /// The extensions that it knows: declared likewise.
    pub(super) extensions: Extensions,
}

impl fmt::Debug for InstanceOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.name)
    }
}

/// A request of a server to its client. Dropping it answers it with an error, so that no server
/// waits for a client that has gone.
pub(crate) struct ServerRequest {
    /// The request, under the server's own id.
    pub(super) request: jsonrpc::Request,
    /// How long the client has.
    pub(super) timeout: Duration,
    upstream: UpstreamHandle,
    /// Keeps a server that would fall asleep awake.
    hold: Option<Hold>,
    is_open: bool,
}

impl ServerRequest {
    pub(super) fn new(
        upstream: UpstreamHandle,
        timeout: Duration,
        request: jsonrpc::Request,
    ) -> Self {
        Self {
            request,
            timeout,
            upstream,
            hold: None,
            is_open: true,
        }
    }

    /// The same, of a server that may fall asleep.
    pub(super) fn holding(mut self, hold: Hold) -> Self {
        self.hold = Some(hold);
        self
    }

    /// The instance that asks.
    pub(super) fn upstream(&self) -> &UpstreamHandle {
        &self.upstream
    }

    /// The server's own id for it.
    pub(super) fn id(&self) -> &RequestId {
        &self.request.id
    }

    /// Answers with the client's raw result or raw error.
    pub(super) fn answer(mut self, outcome: Result<Bytes, Bytes>) {
        self.send(outcome);
    }

    /// Answers with an error of the gateway's own.
    pub(super) fn refuse(self, code: i64, text: &str) {
        self.answer(Err(jsonrpc::error_object(code, text)));
    }

    /// The server withdrew it: no answer is wanted.
    pub(super) fn close(mut self) {
        self.is_open = false;
    }

    fn send(&mut self, outcome: Result<Bytes, Bytes>) {
        self.is_open = false;
        let id = self.request.id.clone();
        self.upstream.answer(jsonrpc::Response {
            id: Some(id),
            outcome,
        });
    }
}

impl fmt::Debug for ServerRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, id) = (&self.request.method, &self.request.id);
        write!(f, "{method} {id} of {:?}", self.upstream)
    }
}

impl Drop for ServerRequest {
    fn drop(&mut self) {
        if self.is_open {
            let text = "the client has gone, or did not answer";
            self.send(Err(jsonrpc::error_object(code::INTERNAL_ERROR, text)));
        }
    }
}
