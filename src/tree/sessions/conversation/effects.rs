//! What a conversation has done by whoever holds it. It is done at once: what is sent fills the
//! client's stream, and the next thing said may find it full.

use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use crate::ids::ServerName;
use crate::protocol::jsonrpc::{self, RequestId};
use crate::tree::client::Owner;

/// A request that is answered here: its id, and where the answer goes.
#[derive(Debug, Clone)]
pub(in super::super) struct ReplyTo {
    pub(in super::super) id: RequestId,
    pub(in super::super) stream: StreamId,
}

/// Whoever holds a conversation: a session with its streams and handles, or a test that writes down
/// what it is told.
pub(in super::super) trait Effects {
    /// What time it is.
    fn now(&self) -> Instant;

    /// Sends the answer to a request that came on `stream`.
    fn respond(&mut self, stream: StreamId, response: Bytes);

    /// A request that came on `stream` gets no answer: its client cancelled it.
    fn forgo(&mut self, stream: StreamId);

    /// Sends a notification.
    fn notify(&mut self, stream: StreamId, notification: Bytes);

    /// Sends a notification of `server` that a client which does not read can do without.
    fn notify_lossy(&mut self, server: &ServerName, stream: StreamId, notification: Bytes);

    /// Sends a request to the client. Gives the event of the standalone stream that it went out in,
    /// by which it can be sent again.
    fn ask(&mut self, stream: StreamId, request: Bytes) -> Option<u64>;

    /// Whether more waits for the client than may.
    fn is_full(&self) -> bool;

    /// Whether the client listens to what belongs to no request.
    fn is_heard(&self) -> bool;

    /// Whether nobody will hear what is said on `stream`.
    fn is_lost(&self, stream: StreamId) -> bool;

    /// How long the client has neither said anything nor listened.
    fn idle_for(&self) -> Duration;

    /// Has an instance of `server` started, which is the owner's alone.
    fn want_instance(&mut self, server: &ServerName, owner: Owner);

    /// The owner's instances are of no use any more.
    fn instances_unused(&mut self);

    /// Refuses a request.
    fn respond_error(&mut self, to: &ReplyTo, code: i64, text: &str) {
        let error = jsonrpc::error_object(code, text);
        self.respond(to.stream, jsonrpc::error(Some(&to.id), &error));
    }

    /// Answers a request.
    fn respond_result(&mut self, to: &ReplyTo, result: &[u8]) {
        self.respond(to.stream, jsonrpc::result(&to.id, result));
    }
}
