//! What a session does when a stream speaks: a POST with requests, a GET, a connection that ends.

use ractor::RpcReplyPort;
use tokio::time::Instant;

use super::message::SessionMsg;
use super::outbound::Outbound;
use super::state::SessionState;
use super::streams::Lane;
use crate::protocol::jsonrpc::Message;
use crate::protocol::version::Version;
use crate::tree::call::CallError;
use crate::tree::timer::Timer;

impl SessionState {
    /// What the last `initialize` settled; the latest revision before there was any.
    pub(super) fn on_get_version(&self, reply: RpcReplyPort<Version>) {
        if reply.send(self.client.version).is_err() {
            log::debug!("{:?}: who asked for the revision has gone", self.id);
        }
    }

    /// The client posted these, in one body, and is answered where it posted them.
    pub(super) fn on_exchange(&mut self, lane: Lane, messages: Vec<Message>, may_stream: bool) {
        if may_stream {
            self.tell_unheard(lane, &messages);
        }
        for message in messages {
            self.on_message(message, lane);
        }
    }

    /// The client opens a stream of its own, or resumes one.
    pub(super) fn on_listen(
        &mut self,
        last_event: Option<&str>,
        reply: RpcReplyPort<Result<Outbound, CallError>>,
    ) {
        if !reply.is_closed() {
            let stream = self
                .streams
                .listen(last_event, &self.server_requests.events());
            if self.streams.is_heard() {
                self.tell_what_is_kept_no_more();
            }
            if reply.send(stream).is_err() {
                log::debug!("{:?}: who wanted to listen has gone", self.id);
            }
        }
        if self.stopping.is_ending() {
            self.streams.end();
        }
    }

    /// The end of an SSE stream is the end of its session; any other can be resumed.
    pub(super) fn on_stream_gone(&mut self, stream: u64) {
        if !self.streams.gone(stream) {
            return;
        }
        if self.streams.is_sse() {
            return self.end("its client has gone");
        }
        let asked = self.server_requests.events();
        self.streams.fall_back(&asked);
    }

    /// Lets go what nobody can ask for again.
    pub(super) fn on_replay_elapsed(&mut self) {
        self.replay_check = None;
        self.streams.expire(Instant::now());
    }

    /// Keeps what others see of this session, and its timer, as they should be. `is_heard` if its
    /// client has just spoken.
    pub(super) fn after_message(&mut self, is_heard: bool) {
        let is_calling = self.calls.len() > 0 || !self.waiting.is_empty();
        self.handle.gauge().set_calling(is_calling);
        self.stopping.report(&self.handle, is_calling);
        let is_busy = is_calling || self.streams.is_busy();
        self.streams.note_activity(is_busy, is_heard);
        if self.replay_check.is_none()
            && let Some(at) = self.streams.expires_at()
        {
            let elapsed = || SessionMsg::ReplayElapsed;
            let wait = at.saturating_duration_since(Instant::now());
            self.replay_check = Some(Timer::after(&self.myself, wait, elapsed));
        }
    }
}
