//! What travels between a session and an upstream: the ticket of one call, which cannot be lost,
//! and what comes back for it. Sessions issue tickets; upstreams answer them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::ids::{CallId, Generation};
use crate::protocol::mcp::tools::ToolCall;

/// Why a room's handle could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No session has this id, or it has ended.
    #[error("could not find session: it has ended or never existed; connect to /sse again")]
    UnknownSession,
    /// A limit is reached; the text says which.
    #[error("busy: {0}")]
    Overloaded(&'static str),
    /// The gateway is shutting down.
    #[error("the gateway is stopping")]
    Stopping,
    /// The room is being restarted, or has ended.
    #[error("the gateway is restarting a part of itself; try again")]
    Gone,
    /// The room did not answer in time.
    #[error("the gateway did not answer in time; try again")]
    Timeout,
}

/// One `tools/call` on its way: which tool of its server, and the client's `params`.
#[derive(Debug)]
pub(super) struct ToolRequest {
    /// The tool's own name, without the server's prefix.
    pub(super) tool: Box<str>,
    /// The `params` as the client sent them.
    pub(super) params: ToolCall,
}

/// How a call ended, as its upstream saw it.
#[derive(Debug)]
pub(super) enum Answer {
    /// The raw `result` member.
    Result(Bytes),
    /// The raw `error` member.
    Error(Bytes),
    /// There will be none from the server; the text says why, for the model to read.
    Failed(String),
}

/// What an upstream tells the session that issued a ticket.
#[derive(Debug)]
pub(super) enum Reply {
    /// The one and only answer.
    Answered {
        /// The call it belongs to.
        call: CallId,
        /// The answer.
        answer: Answer,
    },
    /// The server never saw the call: it may be sent again, to a later generation.
    Bounced {
        /// The call it belongs to.
        call: CallId,
        /// The request, untouched.
        request: ToolRequest,
        /// The generation that did not take it.
        generation: Generation,
    },
    /// A `notifications/progress` under the client's own token, ready to be sent.
    Progress {
        /// The whole notification.
        notification: Bytes,
    },
}

/// Where the replies of a ticket go: a session's handle. Never waits; a session that has gone
/// has no use for its replies.
pub(super) trait ReplyTo: Send + Sync + 'static {
    /// Passes `reply` on.
    fn reply(&self, reply: Reply);
}

/// The promise that a call is answered exactly once. Dropping a ticket answers it: as bounced
/// while its request was never handed to the server's stdin, as failed afterwards. So no death of
/// an actor, no full mailbox and no failed cast leaves a caller hanging.
pub(super) struct Ticket {
    call: CallId,
    generation: Generation,
    reply_to: Arc<dyn ReplyTo>,
    request: Option<ToolRequest>,
    permit: Option<OwnedSemaphorePermit>,
    is_open: bool,
}

impl Ticket {
    /// Issues the ticket of `call`, addressed to `generation` of an upstream.
    #[must_use]
    pub(super) fn new(
        call: CallId,
        generation: Generation,
        request: ToolRequest,
        permit: OwnedSemaphorePermit,
        reply_to: Arc<dyn ReplyTo>,
    ) -> Self {
        Self {
            call,
            generation,
            reply_to,
            request: Some(request),
            permit: Some(permit),
            is_open: true,
        }
    }

    /// The call's id.
    #[must_use]
    pub(super) fn call(&self) -> CallId {
        self.call
    }

    /// The request, as long as it was not handed over.
    #[must_use]
    pub(super) fn request(&self) -> Option<&ToolRequest> {
        self.request.as_ref()
    }

    /// From here on the call may have run: it is never sent again.
    pub(super) fn handed_over(&mut self) {
        self.request = None;
    }

    /// Passes a progress notification on.
    pub(super) fn progress(&self, notification: Bytes) {
        self.reply_to.reply(Reply::Progress { notification });
    }

    /// Takes the permit out, for a call that its server may still be working on when it is
    /// answered or cancelled.
    pub(super) fn take_permit(&mut self) -> Option<OwnedSemaphorePermit> {
        self.permit.take()
    }

    /// Answers the call. Its permit is free before anybody hears of it.
    pub(super) fn answer(mut self, answer: Answer) {
        self.is_open = false;
        self.permit = None;
        let call = self.call;
        self.reply_to.reply(Reply::Answered { call, answer });
    }

    /// Closes the ticket without an answer: its own client cancelled it.
    pub(super) fn close(mut self) {
        self.is_open = false;
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ticket of {:?} for {}", self.call, self.generation)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        self.permit = None;
        let call = self.call;
        let reply = match self.request.take() {
            Some(request) => Reply::Bounced {
                call,
                request,
                generation: self.generation,
            },
            None => Reply::Answered {
                call,
                answer: Answer::Failed(
                    "the server was restarted while the call ran; it may or may not have taken effect".into(),
                ),
            },
        };
        self.reply_to.reply(reply);
    }
}
