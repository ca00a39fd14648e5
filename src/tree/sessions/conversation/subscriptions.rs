//! Subscriptions to resources: what servers granted, and the news of it. They outlive a restart of
//! their server (2025-11-25, server/resources, "Subscriptions").

use bytes::Bytes;

use super::super::delivery::StreamId;
use super::calls::OpenCall;
use super::{Conversation, Effects};
use crate::ids::ServerName;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::method;
use crate::protocol::mcp::updated::Updated;
use crate::protocol::uri::Search;
use crate::tree::Share;

/// How often the URI of a subscription is held: here, and at its server.
const COPIES: usize = 2;
/// What a subscription takes beside its URI, in bytes, at the most.
const UNNAMED: usize = 512;

impl Conversation {
    /// A server granted a `resources/subscribe` or `resources/unsubscribe`.
    pub(super) fn on_subscription(&mut self, open: &mut OpenCall) {
        let (Some(server), Some(uri)) = (&open.server, open.uri.take()) else {
            return;
        };
        match open.room.take() {
            Some(room) => self.interests.subscribe(server, uri, room),
            None => self.interests.unsubscribe(server, &uri),
        }
    }

    /// Room for a subscription to `uri`, until it ends; what to say where there is none.
    pub(super) fn room_for(&self, uri: &str) -> Result<Share, &'static str> {
        if self.interests.subscriptions() >= self.limits.max_subscriptions_per_session {
            return Err("busy: this session has as many subscriptions as it may");
        }
        let room = self
            .caller
            .subscriptions
            .take_for(&self.caller.taker, COPIES * uri.len() + UNNAMED);
        room.ok_or("busy: all clients together have as many subscriptions as they may")
    }

    /// A resource of `server` has changed.
    pub(super) fn on_updated(&mut self, fx: &mut dyn Effects, server: &ServerName, params: Bytes) {
        let updated = match Updated::parse(&params) {
            Ok(updated) => updated,
            Err(why) => return log::debug!("server '{server}' tells of no resource: {why}"),
        };
        if !self.interests.has_subscribed(server, updated.uri()) {
            return;
        }
        let mut search = Search::lookup();
        let outward = self.merged.outward_uri(server, updated.uri(), &mut search);
        self.searched(&search);
        let params = outward.map_or(params, |outward| updated.rewrite(&outward));
        let message = jsonrpc::notification(method::RESOURCES_UPDATED, Some(&params));
        fx.notify_lossy(server, StreamId::STANDALONE, message);
    }
}
