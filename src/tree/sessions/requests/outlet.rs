//! Where what a request's conversation decides goes: to its one stream, in this revision's words.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::super::delivery::StreamId;
use super::line::Line;
use super::listening::{self, Listening};
use super::replies::Spoken;
use crate::ids::{self, Holder, ServerName};
use crate::protocol::Era;
use crate::protocol::jsonrpc::{self, RequestId, code};
use crate::protocol::mcp::method;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::mcp::updated::uri_params;
use crate::protocol::modern::listen::{self, Filter};
use crate::protocol::modern::request::ModernRequest;
use crate::protocol::modern::results::{self, Caching};
use crate::telemetry::metrics::Metrics;
use crate::tree::client::Owner;
use crate::tree::registry::Page;
use crate::tree::root::RootHandle;
use crate::tree::sessions::conversation::{Effects, ReplyTo};

/// The stream of the request itself.
pub(super) const REQUEST: StreamId = StreamId(1);
/// How long a client waits to be told what it will be told of.
const ACKNOWLEDGE: Duration = Duration::from_secs(5);

/// Whom a request may ask for more than its answer.
pub(super) struct Beside {
    /// Who starts servers for it.
    pub(super) root: RootHandle,
    /// Where what found no room is counted.
    pub(super) metrics: Metrics,
    /// How long a client may read nothing while its stream is full.
    pub(super) patience: Duration,
}

/// All of it.
pub(super) struct Outlet {
    serial: u64,
    id: RequestId,
    caching: Caching,
    /// What is asked for, if it is a resource.
    uri: Option<Box<str>>,
    line: Arc<Line>,
    queue: UnboundedSender<Spoken>,
    listening: Option<Box<Listening>>,
    has_instances: bool,
    is_over: bool,
    /// When it is looked whether the client reads.
    looks_at: Option<Instant>,
    beside: Beside,
}

impl Outlet {
    pub(super) fn new(
        (serial, holder): (u64, Holder),
        asked: &ModernRequest,
        (line, queue): (Arc<Line>, UnboundedSender<Spoken>),
        beside: Beside,
    ) -> Self {
        let is_read = &*asked.request.method == method::RESOURCES_READ;
        let is_private = holder.owner() != ids::Owner::ANYBODY;
        Self {
            serial,
            id: asked.request.id.clone(),
            caching: if is_read {
                Caching::Said { is_private }
            } else {
                Caching::Unsaid
            },
            uri: None,
            line,
            queue,
            listening: None,
            has_instances: false,
            is_over: false,
            looks_at: None,
            beside,
        }
    }

    /// What the request is about: an error may have to say so.
    pub(super) fn is_about(&mut self, request: &ClientRequest) {
        if request.method() == method::RESOURCES_READ {
            self.uri = Some(request.key().into());
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn has_instances(&self) -> bool {
        self.has_instances
    }

    pub(super) fn listens(&self) -> bool {
        self.listening.is_some()
    }

    /// Answers with a result that needs nothing more.
    pub(super) fn answer(&mut self, result: &[u8]) {
        let message = jsonrpc::result(&self.id, result);
        self.say(message, None, true);
    }

    /// Answers that there will be no answer.
    pub(super) fn fail(&mut self, why: &str) {
        let error = jsonrpc::error_object(code::INTERNAL_ERROR, why);
        self.answer_error(&error);
    }

    fn answer_error(&mut self, error: &[u8]) {
        let message = jsonrpc::error(Some(&self.id), error);
        self.say(message, code::of(error), true);
    }

    fn say(&mut self, message: Bytes, error: Option<i64>, is_last: bool) {
        if self.is_over {
            return;
        }
        self.is_over = is_last;
        self.line.load.queue(message.len());
        let spoken = Spoken {
            message,
            error,
            is_last,
        };
        if self.queue.send(spoken).is_err() {
            self.is_over = true; // the client has gone, and says so itself
        } else if self.line.load.is_full() {
            let soon = || Instant::now() + self.beside.patience;
            self.looks_at.get_or_insert_with(soon);
        }
    }

    /// From now on it listens. What it is told is asked of servers first.
    pub(super) fn listen(&mut self, filter: Filter) {
        let until = Instant::now() + ACKNOWLEDGE;
        self.listening = Some(Box::new(Listening::new(filter, until)));
    }

    /// The request by which a server is asked to tell of the resource at this place of what is
    /// listened to, and where its answer goes.
    pub(super) fn subscription(position: usize, uri: &str) -> Option<(ReplyTo, ClientRequest)> {
        let subscribe = method::RESOURCES_SUBSCRIBE;
        let request = ClientRequest::parse(Era::Modern, subscribe, &uri_params(uri)).ok()?;
        let to = ReplyTo {
            id: RequestId::from_number(position as u64),
            stream: listening::stream(position),
        };
        Some((to, request))
    }

    /// Tells what will be told, if all servers have answered.
    pub(super) fn acknowledge_if_known(&mut self) {
        if self.listening.as_ref().is_some_and(|it| it.is_known()) {
            self.acknowledge();
        }
    }

    fn acknowledge(&mut self) {
        let Some(listening) = &mut self.listening else {
            return;
        };
        let messages = listening.acknowledge(&self.id);
        let is_empty = listening.is_empty();
        for message in messages {
            self.say(message, None, false);
        }
        if is_empty {
            self.end_listening();
        }
    }

    /// Ends a stream that listens, as the gateway ends it.
    pub(super) fn end_listening(&mut self) {
        if self.listening.is_some() {
            self.answer(&listen::ended(&self.id));
        }
    }

    /// Does what is due.
    pub(super) fn expire(&mut self, now: Instant) {
        let until = self.listening.as_ref().and_then(|it| it.until);
        if until.is_some_and(|until| until <= now) {
            self.acknowledge();
        }
        if self.looks_at.take_if(|at| *at <= now).is_some() && self.line.load.is_full() {
            let patience = self.beside.patience;
            if self.line.load.stalled_for() >= patience {
                log::warn!(
                    "A request of a client without a session is ended: its client has read nothing \
                     for {} s and its stream is full",
                    patience.as_secs_f32()
                );
                self.is_over = true;
                self.line.cut();
            } else {
                self.looks_at = Some(now + patience);
            }
        }
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let until = self.listening.as_ref().and_then(|it| it.until);
        until.into_iter().chain(self.looks_at).min()
    }
}

impl Effects for Outlet {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn respond_result(&mut self, to: &ReplyTo, result: &[u8]) {
        if to.stream == REQUEST {
            return self.answer(&results::stamped(result, self.caching));
        }
        if let Some(listening) = &mut self.listening {
            listening.answered(to.stream, true);
        }
        self.acknowledge_if_known();
    }

    fn respond_page(&mut self, _: &ReplyTo, page: &Page) {
        let head = results::list_head();
        let message = jsonrpc::result_of(&self.id, page.after(head.as_bytes()));
        self.say(message, None, true);
    }

    fn respond_error(&mut self, to: &ReplyTo, error: &[u8]) {
        if to.stream == REQUEST {
            return self.answer_error(&results::error(error, self.uri.as_deref()));
        }
        if let Some(listening) = &mut self.listening {
            listening.answered(to.stream, false);
        }
        self.acknowledge_if_known();
    }

    /// The gateway's own codes for what is busy or gone are in a range that this revision leaves to
    /// nobody (2026-07-28, basic, "Error codes").
    fn refuse(&mut self, to: &ReplyTo, code: i64, text: &str) {
        let code = match code {
            code::BUSY | code::SERVER_UNAVAILABLE | code::TIMEOUT => code::INTERNAL_ERROR,
            other => other,
        };
        self.respond_error(to, &jsonrpc::error_object(code, text));
    }

    fn forgo(&mut self, _: StreamId) {
        self.is_over = true;
    }

    fn notify(&mut self, stream: StreamId, notification: Bytes) {
        let message = match &mut self.listening {
            Some(listening) => listening.take(&self.id, notification),
            None => (stream == REQUEST).then_some(notification),
        };
        if let Some(message) = message {
            self.say(message, None, false);
        }
    }

    fn notify_lossy(&mut self, server: &ServerName, stream: StreamId, notification: Bytes) {
        if self.is_full() {
            self.beside.metrics.notification_dropped(server);
        } else {
            self.notify(stream, notification);
        }
    }

    fn ask(&mut self, _: StreamId, _: Bytes) -> Option<u64> {
        None // nobody asks a client of this era by a request
    }

    fn is_full(&self) -> bool {
        self.line.load.is_full()
    }

    fn is_heard(&self) -> bool {
        self.listens()
    }

    fn is_lost(&self, _: StreamId) -> bool {
        false
    }

    fn idle_for(&self) -> Duration {
        Duration::ZERO
    }

    fn want_instance(&mut self, server: &ServerName, owner: Owner) {
        self.has_instances = true;
        self.beside.root.instance_wanted(server.clone(), owner);
    }

    fn instances_unused(&mut self) {
        self.beside.root.instances_unused(self.serial);
    }
}
