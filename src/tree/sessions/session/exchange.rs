//! What a session does when a stream speaks: a POST with requests, a GET, a connection that ends.

use ractor::RpcReplyPort;

use super::super::delivery::StreamId;
use super::outbound::Outbound;
use super::state::SessionState;
use crate::protocol::jsonrpc::Message;
use crate::protocol::version::Version;
use crate::tree::call::CallError;

impl SessionState {
    pub(super) fn on_get_version(&self, reply: RpcReplyPort<Version>) {
        if reply.send(self.conversation.version()).is_err() {
            let handle = &self.outlets.handle;
            log::debug!("{handle:?}: who asked for the revision has gone");
        }
    }

    /// Takes what the client said on `stream`, where the answer goes.
    pub(super) fn on_message(&mut self, message: Message, stream: StreamId) {
        let fx = &mut self.outlets;
        self.conversation.on_message(fx, message, stream);
    }

    /// The client posted these, in one body, and is answered where it posted them.
    pub(super) fn on_exchange(
        &mut self,
        stream: StreamId,
        messages: Vec<Message>,
        may_stream: bool,
    ) {
        let fx = &mut self.outlets;
        if may_stream {
            self.conversation.tell_unheard(fx, stream, &messages);
        }
        for message in messages {
            self.conversation.on_message(fx, message, stream);
        }
    }

    /// The client opens a stream of its own, or resumes one.
    pub(super) fn on_listen(
        &mut self,
        last_event: Option<&str>,
        reply: RpcReplyPort<Result<Outbound, CallError>>,
    ) {
        if !reply.is_closed() {
            let asked = self.conversation.asked_events();
            let connection = self.outlets.streams.listen(last_event, &asked);
            let handle = self.outlets.handle.clone();
            let stream = connection.map(|new| Outbound::queue(handle, new.number, new.reader));
            if self.outlets.streams.is_heard() {
                let fx = &mut self.outlets;
                self.conversation.tell_what_is_kept_no_more(fx);
                self.conversation.come_back(fx);
            }
            if reply.send(stream).is_err() {
                let handle = &self.outlets.handle;
                log::debug!("{handle:?}: who wanted to listen has gone");
            }
        }
        if self.stopping.is_ending() {
            self.outlets.streams.end();
        }
    }

    /// The end of an SSE stream is the end of its session; any other can be resumed.
    pub(super) fn on_connection_gone(&mut self, connection: u64) {
        if !self.outlets.streams.gone(connection) {
            return;
        }
        if self.outlets.streams.is_sse() {
            return self.end("its client has gone");
        }
        let asked = self.conversation.asked_events();
        self.outlets.streams.fall_back(&asked);
    }
}
