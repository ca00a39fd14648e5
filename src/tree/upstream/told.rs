//! What clients tell a server beside their calls: answers, notifications, and what they want to hear.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::state::{Outcome, UpstreamState};
use crate::protocol::jsonrpc::{self, Response};
use crate::protocol::mcp::item::Kind;
use crate::tree::client::{Interest, SessionSink};

impl UpstreamState {
    /// The owner's client has answered what the server asked.
    pub(super) fn on_answered(&mut self, response: &Response) {
        let id = response.id.as_ref();
        let line = match (id, &response.outcome) {
            (Some(id), Ok(result)) => jsonrpc::result(id, result),
            (id, Err(error)) => jsonrpc::error(id, error),
            (None, Ok(_)) => return,
        };
        self.used();
        self.write(line);
        self.dialogue.calls().extend(Instant::now());
    }

    /// The owner's client tells something: how far it has come with what it was asked, for one.
    pub(super) fn on_notify(&mut self, notification: Bytes) {
        self.write(notification);
        self.dialogue.calls().extend(Instant::now());
    }

    /// The owner's client is still being asked.
    pub(super) fn on_extend(&mut self) {
        self.dialogue.calls().extend(Instant::now());
    }

    pub(super) fn on_interested(
        &mut self,
        session: u64,
        client: Arc<dyn SessionSink>,
        interest: Interest,
    ) -> Outcome {
        // A level of the log is no use of it.
        if self.unused.is_some() && self.dialogue.is_news(session, &interest) {
            self.used();
        }
        let now = Instant::now();
        let effects = self.dialogue.interested(now, session, client, interest);
        self.perform(effects)
    }

    pub(super) fn on_wanted(&mut self, list: Kind) -> Outcome {
        let effects = self.dialogue.wanted(Instant::now(), list);
        self.perform(effects)
    }
}
