//! One request and what becomes of it: its conversation, and where that is said.

use std::sync::Arc;

use tokio::time::Instant;

use super::message::Opened;
use super::outlet::{Outlet, REQUEST};
use crate::config::model::Limits;
use crate::ids::{Holder, Owner};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{Request, code};
use crate::protocol::mcp::item::{self, Kind};
use crate::protocol::mcp::logging::Level;
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::modern::listen::{Filter, LISTEN};
use crate::protocol::modern::request::ModernRequest;
use crate::protocol::modern::results;
use crate::tree::Share;
use crate::tree::client::SessionEvent;
use crate::tree::registry::Routes;
use crate::tree::sessions::conversation::{Conversation, Effects, ReplyTo, Stop};

impl Opened {
    /// How much of it has to be read.
    pub(super) fn size(&self) -> usize {
        let params = self.request.request.params.as_ref();
        params.map_or(0, bytes::Bytes::len)
    }
}

/// An open request.
pub(super) struct Exchange {
    conversation: Conversation,
    outlet: Outlet,
    holder: Holder,
    log_level: Option<Level>,
    /// When the worker looks at it.
    pub(super) due: Option<Instant>,
    _room: Share,
}

impl Exchange {
    pub(super) fn new(
        conversation: Conversation,
        outlet: Outlet,
        (holder, room): (Holder, Share),
    ) -> Self {
        Self {
            conversation,
            outlet,
            holder,
            log_level: None,
            due: None,
            _room: room,
        }
    }

    /// Does what is asked, as far as that can be done now.
    pub(super) fn begin(&mut self, asked: ModernRequest, routes: Option<&Arc<Routes>>) {
        self.log_level = asked.meta.log_level;
        self.conversation.hear_logs(self.log_level);
        if let Some(routes) = routes {
            self.conversation
                .on_routes(&mut self.outlet, Arc::clone(routes));
        }
        let Request { id, method, params } = asked.request;
        let to = ReplyTo {
            id,
            stream: REQUEST,
        };
        if let Some(kind) = Kind::of_method(&method) {
            return match item::list_cursor(params.as_ref()) {
                Ok(cursor) => self.conversation.list(&mut self.outlet, to, (kind, cursor)),
                Err(why) => self.outlet.refuse(&to, code::INVALID_PARAMS, &why),
            };
        }
        if let Some(method) = ClientRequest::routed(&method).filter(|method| !is_gone(method)) {
            let params = params.unwrap_or_default();
            let read = ClientRequest::parse(Era::Modern, method, &params);
            return match read {
                Ok(request) => {
                    self.outlet.is_about(&request);
                    self.conversation.call(&mut self.outlet, to, request);
                }
                Err(why) => {
                    let text = format!("Invalid params of {method}: {why}");
                    self.outlet.refuse(&to, code::INVALID_PARAMS, &text);
                }
            };
        }
        match &*method {
            method::DISCOVER => {
                let merged = routes.map(|routes| &routes.merged);
                let instructions = merged.and_then(|merged| merged.instructions());
                self.outlet.answer(&results::discovered(instructions));
            }
            LISTEN => match Filter::parse(params.as_ref()) {
                Ok(filter) => self.listen(filter),
                Err(why) => {
                    let text = format!("Invalid params of {LISTEN}: {why}");
                    self.outlet.refuse(&to, code::INVALID_PARAMS, &text);
                }
            },
            method => {
                let text = format!("Method not found: {method}");
                self.outlet.refuse(&to, code::METHOD_NOT_FOUND, &text);
            }
        }
    }

    fn listen(&mut self, filter: Filter) {
        let uris = filter.uris.clone();
        self.conversation.hear();
        self.outlet.listen(filter);
        for (position, uri) in uris.iter().enumerate() {
            if let Some((to, request)) = Outlet::subscription(position, uri) {
                self.conversation.call(&mut self.outlet, to, request);
            }
        }
        self.outlet.acknowledge_if_known();
    }

    /// Whether the gateway's stop waits for its answer.
    pub(super) fn is_call(&self) -> bool {
        !self.outlet.listens()
    }

    /// Whether there is nothing more to say.
    pub(super) fn is_over(&self) -> bool {
        self.outlet.is_over()
    }

    /// Whether servers were started for it.
    pub(super) fn has_instances(&self) -> bool {
        self.outlet.has_instances()
    }

    pub(super) fn owner(&self) -> Owner {
        self.holder.owner()
    }

    pub(super) fn on_event(&mut self, event: SessionEvent) {
        match event {
            // A session that set no level hears what a server says by itself; a request does not.
            SessionEvent::Logged {
                server,
                level,
                notification,
                ..
            } => {
                if self
                    .log_level
                    .is_some_and(|least| level.is_none_or(|level| level >= least))
                {
                    self.outlet.notify_lossy(&server, REQUEST, notification);
                }
            }
            event => self.conversation.on_event(&mut self.outlet, event),
        }
    }

    pub(super) fn on_routes(&mut self, routes: &Arc<Routes>) {
        self.conversation
            .on_routes(&mut self.outlet, Arc::clone(routes));
    }

    pub(super) fn set_limits(&mut self, limits: &Arc<Limits>) {
        self.conversation.set_limits(Arc::clone(limits));
    }

    pub(super) fn on_stop(&mut self, step: Stop) {
        self.conversation.on_stop(&mut self.outlet, step);
        if step == Stop::Ending {
            self.outlet.end_listening();
        }
    }

    /// Ends it before its time.
    pub(super) fn end(&mut self, why: &str) {
        if self.outlet.listens() {
            self.outlet.end_listening();
        } else {
            self.outlet.fail(why);
        }
    }

    /// Does what is due.
    pub(super) fn expire(&mut self, now: Instant) {
        self.conversation.expire(&mut self.outlet);
        self.outlet.expire(now);
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let all = [
            self.conversation.next_deadline(),
            self.outlet.next_deadline(),
        ];
        all.into_iter().flatten().min()
    }
}

/// What this revision has taken out.
fn is_gone(method: &str) -> bool {
    matches!(
        method,
        method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE
    )
}
