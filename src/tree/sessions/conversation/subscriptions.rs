//! Subscriptions to resources: what servers granted, and the news of it. They outlive a restart of
//! their server (2025-11-25, server/resources, "Subscriptions").

use std::sync::Arc;

use bytes::Bytes;

use super::super::delivery::StreamId;
use super::calls::OpenCall;
use super::{Conversation, Effects};
use crate::ids::{Generation, ServerName};
use crate::protocol::jsonrpc;
use crate::protocol::mcp::method;
use crate::protocol::mcp::updated::{Updated, uri_params};
use crate::protocol::modern::tasks;
use crate::protocol::uri::Search;
use crate::tree::Share;
use crate::tree::registry::Routes;

/// How often the URI of a subscription is held: here, and at its server.
const COPIES: usize = 2;
/// What a subscription takes beside its URI, in bytes, at the most.
const UNNAMED: usize = 512;

impl Conversation {
    /// A server granted a `resources/subscribe` or `resources/unsubscribe`.
    pub(super) fn on_subscription(&mut self, fx: &dyn Effects, open: &mut OpenCall) {
        let (Some(server), Some(uri)) = (&open.server, open.uri.take()) else {
            return;
        };
        match open.room.take() {
            Some(room) => {
                self.interests.subscribe(server, uri, room);
                self.watch_use(fx);
            }
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

    /// Takes a new table, for a client that does not ask again by itself: what a server did not tell
    /// while it was away may have changed.
    pub(in super::super) fn on_routes_of_listener(
        &mut self,
        fx: &mut dyn Effects,
        routes: Arc<Routes>,
    ) {
        let before = self.interests.watched();
        self.on_routes(fx, routes);
        let after = self.interests.watched();
        let is_new = |(server, life): &(&ServerName, &Generation)| {
            before.get(server).is_some_and(|before| before != *life)
        };
        for (server, _) in after.iter().filter(is_new) {
            let uris = self.interests.uris_of(server);
            // A client asks for its tasks from time to time anyhow.
            for uri in uris.iter().filter(|uri| tasks::of_topic(uri).is_none()) {
                self.on_updated(fx, server, uri_params(uri));
            }
        }
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
        let is_shown = self.merged.may_be_read(server, updated.uri(), &mut search);
        let outward = self.merged.outward_uri(server, updated.uri(), &mut search);
        self.searched(&search);
        // It was shown when the client subscribed.
        if !is_shown {
            return;
        }
        let params = outward.map_or(params, |outward| updated.rewrite(&outward));
        let message = jsonrpc::notification(method::RESOURCES_UPDATED, Some(&params));
        fx.notify_lossy(server, StreamId::STANDALONE, message);
    }
}
