//! Subscriptions to resources: what servers granted, and the news of it. They outlive a restart of
//! their server (2025-11-25, server/resources, "Subscriptions").

use bytes::Bytes;

use super::state::SessionState;
use super::streams::Lane;
use crate::ids::ServerName;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::method;
use crate::protocol::mcp::updated::Updated;
use crate::protocol::uri::Search;

impl SessionState {
    /// A server granted a `resources/subscribe` or `resources/unsubscribe`.
    pub(super) fn on_subscription(&mut self, method: &str, server: &ServerName, uri: Box<str>) {
        if method == method::RESOURCES_SUBSCRIBE {
            self.interests.subscribe(server, uri);
        } else {
            self.interests.unsubscribe(server, &uri);
        }
    }

    /// A resource of `server` has changed.
    pub(super) fn on_updated(&mut self, server: &ServerName, params: Bytes) {
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
        self.offer(server, Lane::GENERAL, message);
    }
}
