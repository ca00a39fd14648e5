//! What a server says unasked, on its way to those who want to hear it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::Subscribers;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::logging::{Level, LogMessage};
use crate::protocol::mcp::{method, updated, updated::Updated};
use crate::protocol::modern::tasks::{self, Told};
use crate::tree::client::{SessionEvent, SessionSink};

/// Each session has a copy of what it is told of an update: of one that is larger, nothing but the URI
/// is passed on.
const LARGE_UPDATE: usize = 64 * 1024;

impl Subscribers {
    /// Tells those who want to hear it what the server logged: who has set a level, and `others`; and
    /// the `asker` of the only request that it can be about, from its level on. Of a flood some is
    /// left out.
    pub(in super::super) fn logged<'a>(
        &mut self,
        now: Instant,
        params: &Bytes,
        others: impl Iterator<Item = (u64, &'a Arc<dyn SessionSink>)>,
        asker: Option<(Level, &Arc<dyn SessionSink>)>,
    ) {
        if !self.logs.is_open(now) {
            if !std::mem::replace(&mut self.has_shed, true) {
                log::warn!(
                    "Server '{}' logs more than can be passed on to its clients: some of it is left out",
                    self.server
                );
            }
            return;
        }
        let message = match LogMessage::parse(params) {
            Ok(message) => message,
            Err(why) => {
                log::debug!("Server '{}' logged nothing usable: {why}", self.server);
                return;
            }
        };
        let members = self.members.iter();
        let members = members.filter(|(_, member)| member.interest.level.is_some());
        let members = members.map(|(session, member)| (*session, &member.client));
        let mut hearers: BTreeMap<u64, &Arc<dyn SessionSink>> = others.collect();
        hearers.extend(members);
        let asker = asker.filter(|(least, _)| message.level().is_none_or(|level| level >= *least));
        self.logs
            .spend(now, hearers.len() + usize::from(asker.is_some()));
        // One for all: it may be large, and they may be many.
        let params = message.under(self.server.as_str());
        let notification = jsonrpc::notification(method::LOG_MESSAGE, Some(&params));
        let is_amplified = self.told.level.is_some();
        // An instance's owner may be the asker too.
        let is_other = |(_, client): &(_, &Arc<dyn SessionSink>)| {
            !hearers.values().any(|hearer| Arc::ptr_eq(hearer, client))
        };
        let asker = asker.filter(is_other).map(|(_, client)| (client, false));
        let hearers = hearers.into_values().map(|client| (client, is_amplified));
        for (client, is_amplified) in hearers.chain(asker) {
            client.tell(SessionEvent::Logged {
                server: self.server.clone(),
                level: message.level(),
                is_amplified,
                notification: notification.clone(),
            });
        }
    }

    /// Tells those who subscribed to it that a resource has changed: now, or from time to time if
    /// it changes often. Whether it is the first that waits.
    pub(in super::super) fn updated(&mut self, now: Instant, params: &Bytes) -> bool {
        let updated = match Updated::parse(params) {
            Ok(updated) => updated,
            Err(why) => {
                log::debug!("Server '{}' told of no usable change: {why}", self.server);
                return false;
            }
        };
        if !self.subscriptions.has(updated.uri()) {
            return false;
        }
        let was_waiting = self.updates.next_deadline().is_some();
        if self.updates.is_due(now, &updated) {
            self.tell_of(now, updated.uri(), params);
        }
        !was_waiting && self.updates.next_deadline().is_some()
    }

    /// Tells those who listen for it that a task has changed. Of a flood some is left out: who waits for a
    /// task asks for it from time to time.
    pub(in super::super) fn task_changed(&mut self, now: Instant, params: &Bytes) {
        let Some(told) = Told::read(params).filter(|_| self.tasks.is_open(now)) else {
            return;
        };
        let topic = tasks::topic(told.id());
        let told = Arc::new(told);
        let members = self.members.values();
        let mut count = 0;
        for member in members.filter(|it| it.interest.uris.contains(topic.as_str())) {
            count += 1;
            member.client.tell(SessionEvent::TaskChanged {
                server: self.server.clone(),
                told: Arc::clone(&told),
            });
        }
        self.tasks.spend(now, count);
    }

    pub(super) fn tell_of(&mut self, now: Instant, uri: &str, params: &Bytes) {
        let lean = (params.len() > LARGE_UPDATE).then(|| updated::uri_params(uri));
        let params = lean.as_ref().unwrap_or(params);
        let members = self.members.values();
        let mut count = 0;
        for member in members.filter(|member| member.interest.uris.contains(uri)) {
            count += 1;
            member.client.tell(SessionEvent::Updated {
                server: self.server.clone(),
                params: params.clone(),
            });
        }
        self.updates.told(now, uri, count);
    }
}
