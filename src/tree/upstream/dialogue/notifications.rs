//! What a server says unasked, and whom it is for.

use bytes::Bytes;
use tokio::time::Instant;

use super::super::calls::Several;
use super::{Dialogue, Effect, writes};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{Notification, RequestId};
use crate::protocol::mcp::cancelled::Cancelled;
use crate::protocol::mcp::method;
use crate::protocol::modern::listen::ACKNOWLEDGED;
use crate::protocol::modern::subscription::{self, Agreed};
use crate::protocol::modern::{outcome, tasks};

/// There may be a new time to look at it again.
fn watched(lines: Vec<Bytes>) -> Vec<Effect> {
    let mut effects = writes(lines);
    effects.push(Effect::Watch);
    effects
}

impl Dialogue {
    pub(super) fn on_notification(
        &mut self,
        now: Instant,
        notification: &Notification,
    ) -> Vec<Effect> {
        let params = notification.params.as_ref();
        match (&*notification.method, params) {
            (method::PROGRESS, Some(params)) => self.calls.progress(now, params),
            (method::LOG_MESSAGE, Some(params)) => {
                let owner = self.server_requests.owner();
                let owner = owner.map(|owner| (owner.session, &owner.client));
                let others = self.calls.clients().chain(owner);
                let asker = self.calls.logger().unwrap_or_else(|Several| {
                    self.calls.withhold_log();
                    None
                });
                self.subscribers.logged(now, params, others, asker);
            }
            (ACKNOWLEDGED, Some(params)) => {
                let Some(id) = subscription::of(params) else {
                    return Vec::new();
                };
                let agreed = Agreed::parse(params);
                let told = (id, agreed.as_ref());
                return watched(self.subscribers.acknowledged(now, told, &mut self.calls));
            }
            (method::CANCELLED, Some(params)) if self.calls.era() == Era::Modern => {
                // Some say so in the place of a result.
                let id = Cancelled::parse(params).ok().and_then(|it| it.request_id());
                let id = id.as_ref().and_then(RequestId::as_number);
                if let Some(id) = id {
                    self.subscribers.told_no_more(now, id);
                }
                return vec![Effect::Watch];
            }
            (method::RESOURCES_UPDATED, Some(params)) => {
                let params = match self.calls.era() {
                    Era::Legacy => params.clone(),
                    Era::Modern => outcome::without_subscription(params),
                };
                let waits = self.subscribers.updated(now, &params);
                return waits.then_some(Effect::Watch).into_iter().collect();
            }
            (tasks::CHANGED, Some(params)) if self.calls.era() == Era::Modern => {
                let params = outcome::without_subscription(params);
                self.subscribers.task_changed(now, &params);
            }
            (method, _) if self.lists.note_change(method) => {
                return vec![Effect::ListChanged(self.lists.pace().wait_for_more(now))];
            }
            (method, _) if !self.server_requests.on_notification(notification) => {
                let label = &self.label;
                let method = label.hide(method);
                log::debug!("Server {label} sent {method:?}, which is not passed on");
            }
            _ => {}
        }
        Vec::new()
    }
}
