//! What a session does when a stream speaks: a POST with requests, a GET, a connection that ends.

use ractor::RpcReplyPort;
use tokio::time::Instant;

use super::delivery::outbound::Outbound;
use super::delivery::streams::StreamId;
use super::message::SessionMsg;
use super::state::SessionState;
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
    pub(super) fn on_exchange(
        &mut self,
        stream: StreamId,
        messages: Vec<Message>,
        may_stream: bool,
    ) {
        if may_stream {
            self.tell_unheard(stream, &messages);
        }
        for message in messages {
            self.on_message(message, stream);
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
    pub(super) fn on_connection_gone(&mut self, connection: u64) {
        if !self.streams.gone(connection) {
            return;
        }
        if self.streams.is_sse() {
            return self.end("its client has gone");
        }
        let asked = self.server_requests.events();
        self.streams.fall_back(&asked);
    }

    /// Keeps what others see of this session, and its timer, as they should be. `is_heard` if its
    /// client has just spoken.
    pub(super) fn after_message(&mut self, is_heard: bool) {
        let is_calling = self.calls.len() > 0 || !self.waiting.is_empty();
        self.handle.load().set_calling(is_calling);
        self.stopping.report(&self.handle, is_calling);
        let is_busy = is_calling || self.streams.is_busy();
        self.streams.note_activity(is_busy, is_heard);
        self.watch(self.next_deadline());
    }

    /// Does what is due.
    pub(super) fn on_deadline_elapsed(&mut self) {
        self.deadline = None;
        let now = Instant::now();
        self.expire_calls(now);
        self.expire_server_requests(now);
        self.expire_announcements(now);
        self.check_queue(now);
        self.check_instances(now);
        self.streams.expire(now);
    }

    /// When [`Self::on_deadline_elapsed`] has something to do.
    fn next_deadline(&self) -> Option<Instant> {
        let all = [
            self.calls.next_deadline(),
            self.server_requests.next_deadline(),
            self.announcements.next_deadline(),
            self.queue.next_deadline(),
            self.instance_check,
            self.streams.expires_at(),
        ];
        all.into_iter().flatten().min()
    }

    /// Sees to it that the timer goes off at `due` at the latest. It may do so too early, and is
    /// armed anew then.
    fn watch(&mut self, due: Option<Instant>) {
        let is_covered = |due| self.deadline.as_ref().is_some_and(|(at, _)| *at <= due);
        if let Some(due) = due.filter(|due| !is_covered(*due)) {
            let wait = due.saturating_duration_since(Instant::now());
            let timer = Timer::after(&self.myself, wait, || SessionMsg::DeadlineElapsed);
            self.deadline = Some((due, timer));
        }
    }
}
