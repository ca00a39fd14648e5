//! What a conversation has done by whoever holds it. It is done at once: what is sent fills the
//! client's stream, and the next thing said may find it full.

use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use crate::ids::ServerName;
use crate::protocol::jsonrpc::{self, RequestId};
use crate::tree::client::InstanceOwner;
use crate::tree::registry::Page;

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

    /// Answers a request with its raw result.
    fn respond_result(&mut self, to: &ReplyTo, result: &[u8]);

    /// Answers the request for a list with one of its pages.
    fn respond_page(&mut self, to: &ReplyTo, page: &Page);

    /// Answers a request with a raw error.
    fn respond_error(&mut self, to: &ReplyTo, error: &[u8]);

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
    fn want_instance(&mut self, server: &ServerName, owner: InstanceOwner);

    /// The owner's instances are of no use any more.
    fn instances_unused(&mut self);

    /// Refuses a request with an error of the gateway's own.
    fn refuse(&mut self, to: &ReplyTo, code: i64, text: &str) {
        self.respond_error(to, &jsonrpc::error_object(code, text));
    }
}
