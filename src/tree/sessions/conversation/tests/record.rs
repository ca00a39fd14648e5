//! What a conversation has had done: written down, or sent on real streams.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::super::delivery::StreamId;
use super::super::super::delivery::streams::Streams;
use super::super::{Effects, ReplyTo};
use crate::ids::ServerName;
use crate::protocol::jsonrpc;
use crate::tree::client::InstanceOwner;
use crate::tree::registry::Page;

/// The record.
pub(super) struct Record {
    pub(super) now: Instant,
    /// The client's streams, if it has any: what is sent goes there and is not written down.
    pub(super) wire: Option<Streams>,
    /// What the client was sent, and on which streams.
    pub(super) said: VecDeque<Bytes>,
    pub(super) streams: Vec<StreamId>,
    /// When the client last used its instances.
    pub(super) used: Instant,
    /// The instances it wants.
    pub(super) wanted: Vec<InstanceOwner>,
    /// How often it has no use for its instances any more.
    pub(super) unused: usize,
}

impl Record {
    pub(super) fn new(now: Instant, wire: Option<Streams>) -> Self {
        Self {
            now,
            wire,
            said: VecDeque::new(),
            streams: Vec::new(),
            used: now,
            wanted: Vec::new(),
            unused: 0,
        }
    }
}

impl Record {
    fn respond(&mut self, stream: StreamId, response: Bytes) {
        match &mut self.wire {
            Some(wire) => wire.respond(stream, response),
            None => self.notify(stream, response),
        }
    }
}

impl Effects for Record {
    fn now(&self) -> Instant {
        self.now
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
        if let Some(wire) = &mut self.wire {
            wire.forgo(stream);
        }
    }

    fn notify(&mut self, stream: StreamId, notification: Bytes) {
        if let Some(wire) = &mut self.wire {
            return wire.send(stream, notification);
        }
        self.streams.push(stream);
        self.said.push_back(notification);
    }

    fn notify_lossy(&mut self, _: &ServerName, stream: StreamId, notification: Bytes) {
        if !self.is_full() {
            self.notify(stream, notification);
        }
    }

    fn ask(&mut self, stream: StreamId, request: Bytes) -> Option<u64> {
        self.notify(stream, request);
        let wire = self
            .wire
            .as_ref()
            .filter(|_| stream == StreamId::STANDALONE);
        wire.map(Streams::last_standalone)
    }

    fn is_full(&self) -> bool {
        self.wire.as_ref().is_some_and(Streams::is_full)
    }

    fn is_heard(&self) -> bool {
        self.wire.as_ref().is_none_or(Streams::is_heard)
    }

    fn is_lost(&self, stream: StreamId) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.is_lost(stream))
    }

    fn idle_for(&self) -> Duration {
        self.now - self.used
    }

    fn want_instance(&mut self, _: &ServerName, owner: InstanceOwner) {
        self.wanted.push(owner);
    }

    fn instances_unused(&mut self) {
        self.unused += 1;
    }
}
