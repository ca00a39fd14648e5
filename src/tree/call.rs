//! What travels between a session and an upstream: the reply token of one call, which cannot be lost,
//! and what comes back for it. Sessions issue reply tokens; upstreams answer them, and tell sessions
//! what their servers say and ask.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::client::{SessionEvent, SessionSink};
use super::quota::Share;
use super::upstream::Hold;
use crate::ids::{CallId, Generation};
use crate::protocol::Era;
use crate::protocol::mcp::logging::Level;
use crate::protocol::mcp::request::{ClientRequest, Server};
use crate::protocol::modern::asker::Asker;

/// What is said of a request that was sent on and whose end nobody knows. The text before it ends with what
/// it is said of.
macro_rules! uncertain {
    ($text:literal) => {
        concat!($text, " may or may not have taken effect")
    };
}
pub(crate) use uncertain;

/// Why a room's handle could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No session has this id, or it has ended.
    #[error("could not find session: it has ended or never existed; connect to /sse again")]
    UnknownSession,
    /// The event id of a resumption is none of this session's.
    #[error("Invalid event id: there is no such stream in this session")]
    UnknownEvent,
    /// A limit is reached; the text says which.
    #[error("busy: {0}")]
    Overloaded(&'static str),
    /// The room is being restarted, or has ended.
    #[error("the gateway is restarting a part of itself; try again")]
    Gone,
    /// The room did not answer in time.
    #[error("the gateway did not answer in time; try again")]
    Timeout,
}

/// One request on its way: what its server knows its subject by, and the client's `params`.
#[derive(Debug)]
pub(crate) struct RoutedRequest {
    /// The tool's or prompt's own name without the prefix, or the server's own URI.
    pub(super) key: Box<str>,
    /// The request as the client sent it.
    pub(super) request: ClientRequest,
    /// Who asks.
    pub(super) asker: Asker,
}

impl RoutedRequest {
    /// The server's entry has roots for it: they can be asked for.
    pub(super) fn with_roots(&mut self) {
        self.asker.capabilities = self.asker.capabilities.with_roots();
    }

    /// The params for a server of that era; `token` is the server's own for its progress.
    pub(super) fn params(&self, era: Era, token: Option<u64>) -> Bytes {
        let server = match era {
            Era::Legacy => Server::Legacy,
            Era::Modern => Server::Modern(&self.asker),
        };
        self.request.rewrite(&self.key, token, server)
    }

    /// From which level on its client wants to hear the log while it runs, if it says so with every
    /// request. Sessions say it once.
    pub(super) fn log_level(&self) -> Option<Level> {
        let is_modern = self.request.era() == Era::Modern;
        self.asker.log_level.filter(|_| is_modern)
    }
}

/// How a call ended, as its upstream saw it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The raw `result` member.
    Result(Bytes),
    /// The same, which only clients understand that know an extension of this server's.
    Extended(Bytes),
    /// The raw `error` member.
    Error(Bytes),
    /// The server asks something first, of a client with a handshake, which can be asked.
    InputRequired(Box<InputRequired>),
    /// There will be none from the server; the text says why, for the model to read.
    Failed(Failure, String),
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing was run for the call, or what came back can't be used.
    Refused,
    /// It took too long.
    TimedOut,
    /// The server ended while it ran, or the gateway did.
    Lost,
}

/// What a server without a handshake wants to know before it answers (2026-07-28,
/// client/multi-round-trip-requests).
#[derive(Debug)]
pub(crate) struct InputRequired {
    /// Its raw result.
    pub(super) result: Bytes,
    /// What was asked of it: that is asked again, with the answers.
    pub(super) routed: Box<RoutedRequest>,
    /// The raw answer to `roots/list` that its entry has for it, whoever the client is.
    pub(super) roots: Option<Bytes>,
    /// Keeps a server that would fall asleep awake while the client is asked.
    pub(super) hold: Option<Hold>,
}

/// The promise that a call is answered exactly once. Dropping a reply token answers it: as undelivered
/// while its request was never handed to the server's stdin, as failed afterwards. So no death of
/// an actor, no full mailbox and no failed cast leaves a caller hanging.
pub(crate) struct ReplyToken {
    call: CallId,
    generation: Generation,
    client: Arc<dyn SessionSink>,
    routed: Option<Box<RoutedRequest>>,
    permit: Option<Share>,
    is_open: bool,
}

impl ReplyToken {
    /// Issues the reply token of `call`, addressed to `generation` of an upstream.
    #[must_use]
    pub(super) fn new(
        call: CallId,
        generation: Generation,
        routed: RoutedRequest,
        permit: Share,
        client: Arc<dyn SessionSink>,
    ) -> Self {
        Self {
            call,
            generation,
            client,
            routed: Some(Box::new(routed)),
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
    pub(super) fn routed(&self) -> Option<&RoutedRequest> {
        self.routed.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn routed_mut(&mut self) -> Option<&mut RoutedRequest> {
        self.routed.as_deref_mut()
    }

    /// From here on the call may have run: it is never sent again, unless its server asks for that.
    pub(super) fn handed_over(&mut self) -> Option<Box<RoutedRequest>> {
        self.routed.take()
    }

    /// It was not sent after all: whoever made it has it again.
    pub(super) fn come_back(mut self, routed: Option<Box<RoutedRequest>>) {
        self.routed = routed;
    }

    /// Passes a progress notification on.
    pub(super) fn progress(&self, notification: Bytes) {
        let call = self.call;
        self.client
            .tell(SessionEvent::Progress { call, notification });
    }

    /// Who issued it.
    pub(super) fn client(&self) -> &Arc<dyn SessionSink> {
        &self.client
    }

    /// Takes the permit out, for a call that its server may still be working on when it is
    /// answered or cancelled.
    pub(super) fn take_permit(&mut self) -> Option<Share> {
        self.permit.take()
    }

    /// Answers the call. Its permit is free before anybody hears of it.
    pub(super) fn answer(mut self, answer: Answer) {
        self.is_open = false;
        self.permit = None;
        let call = self.call;
        self.client.tell(SessionEvent::Answered { call, answer });
    }

    /// Closes the reply token without an answer: its own client cancelled it.
    pub(super) fn close(mut self) {
        self.is_open = false;
    }
}

impl fmt::Debug for ReplyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reply_token of {:?} for {}", self.call, self.generation)
    }
}

impl Drop for ReplyToken {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        self.permit = None;
        let call = self.call;
        let event = match self.routed.take() {
            Some(routed) => SessionEvent::Undelivered {
                call,
                routed,
                generation: self.generation,
            },
            None => SessionEvent::Answered {
                call,
                answer: Answer::Failed(
                    Failure::Lost,
                    uncertain!("the server was restarted while the call ran; it").into(),
                ),
            },
        };
        self.client.tell(event);
    }
}
