//! Where what a session's conversation decides goes: to the client's streams, and to root.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::conversation::{Effects, ReplyTo};
use super::super::delivery::StreamId;
use super::super::delivery::queue_watch::QueueWatch;
use super::super::delivery::streams::Streams;
use super::SessionHandle;
use crate::config::model::Limits;
use crate::ids::ServerName;
use crate::protocol::jsonrpc;
use crate::telemetry::metrics::Metrics;
use crate::tree::client::InstanceOwner;
use crate::tree::registry::Page;
use crate::tree::sessions::parent::SessionsParent;

/// All of it.
pub(super) struct Outlets {
    pub(super) handle: SessionHandle,
    pub(super) serial: u64,
    pub(super) limits: Arc<Limits>,
    pub(super) root: Arc<dyn SessionsParent>,
    pub(super) streams: Streams,
    pub(super) queue: QueueWatch,
    /// How many notifications found no room.
    pub(super) dropped: u64,
    pub(super) metrics: Metrics,
}

impl Outlets {
    /// When something is due of what waits for the client, or is kept for it.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let all = [self.queue.next_deadline(), self.streams.expires_at()];
        all.into_iter().flatten().min()
    }

    /// Whether the client is stuck: its queue is full, and it has read nothing for too long.
    pub(super) fn is_stuck(&mut self, now: Instant) -> bool {
        let patience = self.limits.slow_client_timeout;
        let is_stuck = self.queue.is_stuck(now, &self.streams, patience);
        if is_stuck {
            log::warn!(
                "{:?} is ended: its client has read nothing for {} s and its queue is full",
                self.handle,
                patience.as_secs_f32()
            );
        }
        is_stuck
    }

    fn respond(&mut self, stream: StreamId, response: Bytes) {
        self.streams.respond(stream, response);
        self.watch_queue();
    }

    fn watch_queue(&mut self) {
        let patience = self.limits.slow_client_timeout;
        self.queue.note(&self.streams, patience);
    }
}

impl Effects for Outlets {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn respond_result(&mut self, to: &ReplyTo, result: &[u8]) {
        self.respond(to.stream, jsonrpc::result(&to.id, result));
    }

    fn respond_page(&mut self, to: &ReplyTo, page: &Page) {
        self.respond(to.stream, jsonrpc::result_of(&to.id, page.pieces()));
    }

    fn respond_error(&mut self, to: &ReplyTo, error: &[u8]) {
        self.respond(to.stream, jsonrpc::error(Some(&to.id), error));
    }

    fn forgo(&mut self, stream: StreamId) {
        self.streams.forgo(stream);
    }

    fn notify(&mut self, stream: StreamId, notification: Bytes) {
        self.streams.send(stream, notification);
        self.watch_queue();
    }

    fn notify_lossy(&mut self, server: &ServerName, stream: StreamId, notification: Bytes) {
        if self.is_full() {
            self.dropped += 1;
            self.metrics.notification_dropped(server);
        } else {
            self.notify(stream, notification);
        }
    }

    fn ask(&mut self, stream: StreamId, request: Bytes) -> Option<u64> {
        self.notify(stream, request);
        (stream == StreamId::STANDALONE).then(|| self.streams.last_standalone())
    }

    fn is_full(&self) -> bool {
        self.streams.is_full()
    }

    fn is_heard(&self) -> bool {
        self.streams.is_heard()
    }

    fn is_lost(&self, stream: StreamId) -> bool {
        self.streams.is_lost(stream)
    }

    fn idle_for(&self) -> Duration {
        self.handle.idle_for().unwrap_or_default()
    }

    fn want_instance(&mut self, server: &ServerName, owner: InstanceOwner) {
        self.root.instance_wanted(server.clone(), owner);
    }

    fn instances_unused(&mut self) {
        self.root.instances_unused(self.serial);
    }
}
