//! One request and what becomes of it: its conversation, and where that is said.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::asks::Asks;
use super::bound_state::Bound;
use super::handle::Sink;
use super::message::Opened;
use super::outlet::{Outlet, REQUEST};
use super::state_token::{self, Secret};
use crate::config::model::Limits;
use crate::ids::{Holder, Owner};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{Request, code};
use crate::protocol::mcp::cancelled::Cancelled;
use crate::protocol::mcp::item::{self, Kind};
use crate::protocol::mcp::lifecycle::ClientCapabilities;
use crate::protocol::mcp::logging::Level;
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::input_required::{self, Identity, Returned};
use crate::protocol::modern::listen::{Filter, LISTEN};
use crate::protocol::modern::request::{ModernRequest, tool_call};
use crate::protocol::modern::results;
use crate::tree::Share;
use crate::tree::client::SessionEvent;
use crate::tree::registry::{Merged, Routes};
use crate::tree::sessions::conversation::{Conversation, Effects, ReplyTo, Stop};

/// An open request.
pub(super) struct Exchange {
    /// Before the conversation: what servers asked is answered, then the call withdrawn.
    pub(super) asks: Asks,
    pub(super) conversation: Conversation,
    pub(super) outlet: Outlet,
    /// What it is known by when its client comes again, if a server may ask something for it.
    pub(super) identity: Option<Identity>,
    pub(super) capabilities: ClientCapabilities,
    limits: Arc<Limits>,
    pub(super) holder: Holder,
    routes: Option<Arc<Routes>>,
    log_level: Option<Level>,
    /// Those that its client knows.
    pub(super) extensions: Extensions,
    /// Whether the worker counts it among the calls.
    pub(super) is_counted: bool,
    /// When the worker looks at it.
    pub(super) due: Option<Instant>,
    pub(super) room: Option<Share>,
    /// Who hears of it, and since when it rests.
    pub(super) sink: Arc<Sink>,
    /// Whether its token is not valid any more.
    pub(super) is_disowned: bool,
    /// Until when its servers are kept, since it is done.
    pub(super) rests_until: Option<Instant>,
}

impl Exchange {
    pub(super) fn new(
        conversation: Conversation,
        outlet: Outlet,
        limits: Arc<Limits>,
        (holder, room): (Holder, Share),
        sink: Arc<Sink>,
    ) -> Self {
        Self {
            conversation,
            outlet,
            asks: Asks::default(),
            identity: None,
            capabilities: ClientCapabilities::default(),
            limits,
            holder,
            routes: None,
            log_level: None,
            extensions: Extensions::default(),
            is_counted: false,
            due: None,
            room: Some(room),
            sink,
            is_disowned: false,
            rests_until: None,
        }
    }

    /// Does what is asked, as far as that can be done now.
    pub(super) fn begin(&mut self, asked: ModernRequest, routes: Option<&Arc<Routes>>) {
        self.capabilities = asked.meta.capabilities;
        if self.owner().is_anybody() {
            self.conversation.share_modern();
        }
        if let Some(routes) = routes {
            self.on_routes(routes);
        }
        self.run(asked);
    }

    pub(super) fn run(&mut self, asked: ModernRequest) {
        self.log_level = asked.meta.log_level;
        self.conversation.hear_logs(self.log_level);
        self.declare(asked.meta.extensions);
        let routes = self.routes.clone();
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
            let merged = routes.as_ref().map(|routes| &*routes.merged);
            if let Err(why) = check_headers(merged, method, &params, &asked.param_headers) {
                return self.outlet.refuse(&to, code::HEADER_MISMATCH, &why);
            }
            let is_routed = routes.is_some_and(|routes| routes.is_complete);
            return self.call(&to, (method, params), is_routed);
        }
        match &*method {
            method::DISCOVER => {
                let merged = routes.as_ref().map(|routes| &routes.merged);
                let instructions = merged.and_then(|merged| merged.instructions());
                let extensions = merged.and_then(|merged| merged.extensions());
                let result = results::discovered(instructions, extensions);
                self.outlet.answer(&result);
            }
            LISTEN => match Filter::parse(params.as_ref()) {
                Ok(filter) => self.listen(&to, filter),
                Err(why) => {
                    let text = format!("Invalid params of {LISTEN}: {why}");
                    self.outlet.refuse(&to, code::INVALID_PARAMS, &text);
                }
            },
            method => {
                let params = params.unwrap_or_default();
                self.extension(&to, (method, &params), routes.as_deref());
            }
        }
    }

    fn call(&mut self, to: &ReplyTo, (method, params): (&'static str, Bytes), is_routed: bool) {
        let bound = Bound::new(self.owner(), method, &params);
        let own = bound
            .as_ref()
            .map(|bound| bound.unbind(self.outlet.signer()));
        let Some(params) = own.unwrap_or(Some(params)) else {
            return self.outlet.refuse_state();
        };
        self.outlet.binds(bound);
        match ClientRequest::parse(Era::Modern, method, &params) {
            Ok(request) => {
                let is_again = request.gives_back() && input_required::is_after_pages(&params);
                let request = if is_again { request.as_new() } else { request };
                self.outlet.is_about(&request);
                self.conversation
                    .call(&mut self.outlet, to.clone(), request);
                // Only who has a server of its own is asked; who waits for the table may have one.
                let may_be_asked = self.outlet.has_instances() || !is_routed;
                self.identity = may_be_asked.then(|| Identity::of(method, &params));
                self.outlet.is_sent();
            }
            Err(why) => {
                let text = format!("Invalid params of {method}: {why}");
                self.outlet.refuse(to, code::INVALID_PARAMS, &text);
            }
        }
    }

    /// Asks servers for the next of what is listened to: some at a time, so that calls have room beside them.
    pub(super) fn subscribe(&mut self) {
        while let Some((to, request)) = self.outlet.next_subscription() {
            self.conversation.call(&mut self.outlet, to, request);
        }
    }

    /// Whether the gateway's stop waits for its answer: not while its client is being asked.
    pub(super) fn is_call(&self) -> bool {
        !self.outlet.listens() && !self.asks.are_shown() && self.rests_until.is_none()
    }

    /// Whether its client has just come again with this secret.
    pub(super) fn is_continued(&self, secret: &Secret, identity: Identity) -> bool {
        self.asks.belong_to(secret, identity)
    }

    /// Goes on with what its client came again with.
    pub(super) fn go_on(&mut self, opened: Opened, returned: &Returned) {
        let Opened {
            attempt,
            request,
            line,
            queue,
            ..
        } = opened;
        let ModernRequest { request, meta, .. } = request;
        self.log_level = meta.log_level;
        let method = ClientRequest::routed(&request.method);
        let params = request.params.unwrap_or_default();
        let read =
            method.and_then(|method| ClientRequest::parse(Era::Modern, method, &params).ok());
        let token = read.and_then(|read| read.progress_token().map(Box::from));
        self.conversation.hear_logs(self.log_level);
        self.sink.resting.set(None);
        let has_answers = self.asks.answer(returned);
        self.outlet
            .attach((attempt, request.id), (line, queue), token);
        if !has_answers && !self.is_over() {
            self.show(Instant::now());
        }
    }

    /// Shows the client what servers ask.
    fn show(&mut self, now: Instant) {
        let Some(identity) = self.identity else {
            return;
        };
        let (serial, owner) = (self.outlet.serial, self.holder.owner());
        match state_token::issue(self.outlet.signer(), serial, owner) {
            Some((state, secret)) => {
                let shown = self.asks.show(now, (&state, secret), identity);
                self.outlet.show(&shown);
                // Nobody may come again: it makes room for others.
                self.sink.resting.set(Some(now));
            }
            None => self
                .outlet
                .fail("no random bits for what the client has to give back"),
        }
    }

    /// The request in which its client came last.
    pub(super) fn attempt(&self) -> u64 {
        self.outlet.attempt()
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
            SessionEvent::ServerRequested(ask) => {
                let now = Instant::now();
                let missing = self.asks.take(now, ask, self.capabilities, &self.limits);
                self.outlet.undeclared = missing.or(self.outlet.undeclared);
            }
            SessionEvent::AskedInVain { missing } => self.outlet.undeclared = Some(missing),
            SessionEvent::ServerRequestCancelled { params, .. } => {
                let cancelled = Cancelled::parse(&params).ok();
                if let Some(id) = cancelled.and_then(|cancelled| cancelled.request_id()) {
                    self.asks.withdraw(&id);
                }
            }
            event @ SessionEvent::Instance { .. } => {
                self.asks.forget();
                self.conversation.on_event(&mut self.outlet, event);
            }
            event @ (SessionEvent::Answered { .. }
            | SessionEvent::Undelivered { .. }
            | SessionEvent::Progress { .. }
            | SessionEvent::Updated { .. }
            | SessionEvent::TaskChanged { .. }
            | SessionEvent::Notified { .. }
            | SessionEvent::NoRoom { .. }
            | SessionEvent::Offers { .. }) => {
                self.conversation.on_event(&mut self.outlet, event);
                self.subscribe();
            }
        }
    }

    /// Whether there was a table for its profile.
    pub(super) fn has_routes(&self) -> bool {
        self.routes.is_some()
    }

    pub(super) fn on_routes(&mut self, routes: &Arc<Routes>) {
        let routes = Arc::clone(routes);
        self.routes = Some(Arc::clone(&routes));
        if self.outlet.listens() {
            self.conversation
                .on_routes_of_listener(&mut self.outlet, routes);
        } else {
            self.conversation.on_routes(&mut self.outlet, routes);
        }
    }

    pub(super) fn set_limits(&mut self, limits: &Arc<Limits>) {
        self.conversation.set_limits(Arc::clone(limits));
        self.limits = Arc::clone(limits);
    }

    pub(super) fn on_stop(&mut self, step: Stop) {
        self.conversation.on_stop(&mut self.outlet, step);
        if step == Stop::Ending {
            self.outlet.end_listening();
            if self.asks.are_shown() || self.rests_until.is_some() {
                self.outlet.close();
            }
        }
    }

    /// Ends it before its time: who asked has nothing here any more.
    pub(super) fn end(&mut self, why: &str) {
        self.is_disowned = true;
        if self.outlet.listens() {
            self.outlet.end_listening();
        } else if self.asks.are_shown() || self.rests_until.is_some() {
            self.outlet.close();
        } else {
            self.outlet.fail(why);
        }
    }

    /// Does what is due.
    pub(super) fn expire(&mut self, now: Instant) {
        self.conversation.expire(&mut self.outlet);
        for unanswered in self.outlet.expire(now) {
            self.conversation
                .cancel(&mut self.outlet, &unanswered, None);
        }
        self.asks.extend(now);
        if self.asks.are_overdue(now) || self.rests_until.is_some_and(|until| until <= now) {
            self.outlet.close();
        } else if self.asks.are_due(now) {
            self.show(now);
        }
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let all = [
            self.conversation.next_deadline(),
            self.outlet.next_deadline(),
            self.asks.next_deadline(),
            self.rests_until,
        ];
        all.into_iter().flatten().min()
    }
}

/// Whether a call says the same in its headers and in its arguments, where its tool wants both.
fn check_headers(
    merged: Option<&Merged>,
    method: &str,
    params: &Bytes,
    headers: &[(Box<str>, Box<str>)],
) -> Result<(), String> {
    let is_checked = |merged: &&Merged| method == method::TOOLS_CALL && merged.has_param_headers();
    let Some(merged) = merged.filter(is_checked) else {
        return Ok(());
    };
    let (tool, arguments) = tool_call(params);
    let wanted = tool.and_then(|tool| merged.param_headers(&tool));
    wanted.map_or(Ok(()), |wanted| wanted.check(headers, arguments))
}

/// What this revision has taken out.
fn is_gone(method: &str) -> bool {
    matches!(
        method,
        method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE
    )
}
