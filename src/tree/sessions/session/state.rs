//! What a session holds, and who is told when an upstream, the registry or root speaks. What
//! becomes of it is in the files beside this one, a topic each; what its client says is in
//! `requests.rs`.

use std::sync::Arc;

use bytes::Bytes;
use ractor::ActorRef;
use tokio::time::Instant;

use super::SessionHandle;
use super::actor::{SessionArgs, Transport};
use super::conversation::announcements::Announcements;
use super::conversation::calls::Calls;
use super::conversation::instances::Instances;
use super::conversation::interests::Interests;
use super::conversation::lists::WaitingQuery;
use super::conversation::server_requests::ServerRequests;
use super::delivery::queue::QueueWatch;
use super::delivery::streams::{StreamId, Streams};
use super::message::SessionMsg;
use super::stop::Stopping;
use crate::config::model::Limits;
use crate::ids::{ServerName, SessionId};
use crate::protocol::jsonrpc::{self, RequestId};
use crate::protocol::mcp::lifecycle::{self, ClientInfo};
use crate::telemetry::metrics::{Held, Metrics};
use crate::tree::client::{SessionEvent, SessionSink as _};
use crate::tree::registry::{Merged, RegistryHandle, Routes};
use crate::tree::root::RootHandle;
use crate::tree::timer::Timer;
use crate::tree::{Quota, Taker};

/// A request that the session itself answers: its id, and where the answer goes.
#[derive(Debug, Clone)]
pub(super) struct ReplyTo {
    pub(super) id: RequestId,
    pub(super) stream: StreamId,
}

/// The state: dropping it withdraws the calls, answers what servers asked and ends the streams.
pub(in crate::tree::sessions) struct SessionState {
    pub(super) myself: ActorRef<SessionMsg>,
    pub(super) serial: u64,
    pub(super) id: SessionId,
    pub(super) handle: SessionHandle,
    pub(super) limits: Arc<Limits>,
    registry: RegistryHandle,
    pub(super) root: RootHandle,
    pub(super) streams: Streams,
    pub(super) queue: QueueWatch,
    /// What the client said of itself.
    pub(super) client: ClientInfo,
    /// Whether the client has gone beyond `initialize`, so that it may be notified.
    pub(super) has_spoken: bool,
    /// Whether it was another life of the session, and mostly of the gateway, that its client saw last.
    pub(super) is_adopted: bool,
    pub(super) routes: Option<Arc<Routes>>,
    /// What is offered to this client: the table's lists, or with those of its own instances.
    pub(super) merged: Arc<Merged>,
    pub(super) instances: Instances,
    /// When it is looked whether they are of any use.
    pub(super) instance_check: Option<Instant>,
    pub(super) calls: Calls,
    /// Requests that wait for a table, or for a whole one.
    pub(super) waiting: Vec<WaitingQuery>,
    pub(super) announcements: Announcements,
    pub(super) interests: Interests,
    /// In whose name it takes of what all clients share.
    pub(super) taker: Arc<Taker>,
    /// What the subscriptions of all sessions may take.
    pub(super) subscriptions: Quota,
    pub(super) server_requests: ServerRequests,
    pub(super) stopping: Stopping,
    /// The one timer, and when it goes off.
    pub(super) deadline: Option<(Instant, Timer<SessionMsg>)>,
    pub(super) metrics: Metrics,
    /// Counts it among the open ones.
    _counted: Held,
}

impl SessionState {
    pub(super) fn new(myself: ActorRef<SessionMsg>, args: SessionArgs) -> Self {
        let handle = SessionHandle::new(myself.clone(), args.profile);
        let (streams, client, has_spoken) = match args.transport {
            Transport::Sse(queue) => {
                let streams = Streams::sse(handle.clone(), queue);
                (streams, lifecycle::client_info(None), false)
            }
            Transport::Streamable { client, is_adopted } => {
                let streams = Streams::streamable(handle.clone(), &args.id);
                (streams, client, is_adopted)
            }
        };
        let taker = Taker {
            holder: handle.holder(),
            session: Some(myself.get_id().pid()),
        };
        let mut state = Self {
            serial: myself.get_id().pid(),
            handle,
            limits: args.limits,
            id: args.id,
            registry: args.registry.clone(),
            root: args.root,
            streams,
            queue: QueueWatch::default(),
            client,
            has_spoken,
            is_adopted: has_spoken,
            routes: None,
            merged: Arc::default(),
            instances: Instances::default(),
            instance_check: None,
            calls: Calls::new(args.metrics.session_calls()),
            waiting: Vec::new(),
            announcements: Announcements::default(),
            interests: Interests::default(),
            taker: Arc::new(taker),
            subscriptions: args.subscriptions,
            server_requests: ServerRequests::default(),
            stopping: Stopping::at(args.stop),
            deadline: None,
            _counted: args.metrics.session(),
            metrics: args.metrics,
            myself,
        };
        state.join(args.registry);
        if state.stopping.is_ending() {
            state.streams.end();
        }
        state
    }

    pub(super) fn join(&mut self, registry: RegistryHandle) {
        registry.join(self.serial, Arc::new(self.handle.clone()));
        self.registry = registry;
    }

    pub(super) fn on_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::Answered { call, answer } => self.on_answered(call.number, answer),
            SessionEvent::Bounced {
                call,
                errand,
                generation,
            } => self.on_bounced(call.number, errand, generation),
            SessionEvent::Progress { call, notification } => {
                if let Some(open) = self.calls.get(call.number)
                    && let Some(server) = open.server.clone()
                {
                    self.notify_lossy(&server, open.stream, notification);
                }
            }
            SessionEvent::Logged {
                server,
                level,
                is_amplified,
                notification,
            } => {
                if self.interests.hears(level, is_amplified) {
                    self.notify_lossy(&server, self.stream_at(&server), notification);
                }
            }
            SessionEvent::Updated { server, params } => self.on_updated(&server, params),
            SessionEvent::ServerRequested(ask) => self.on_asked(ask),
            SessionEvent::ServerRequestCancelled { server, params } => {
                self.on_ask_cancelled(&server, &params)
            }
            SessionEvent::Notified {
                server,
                notification,
            } => self.notify_lossy(&server, self.stream_at(&server), notification),
            SessionEvent::Instance { server, state } => self.on_instance(&server, state),
            SessionEvent::NoRoom { server, why } => self.on_no_room(&server, &why),
            SessionEvent::Offers { handle, catalogue } => self.on_offers(handle, catalogue),
        }
    }

    pub(super) fn on_routes(&mut self, routes: Arc<Routes>) {
        let merged = Arc::clone(&routes.merged);
        let last = self.routes.replace(routes);
        let was_complete = last.as_ref().is_some_and(|last| last.is_complete);
        let is_same = last.is_some_and(|last| Arc::ptr_eq(&last.merged, &merged));
        if self.keep_instances() || !is_same {
            self.remerge();
            self.keep_interests();
        }
        for waiting in std::mem::take(&mut self.waiting) {
            self.answer_or_keep(waiting);
        }
        if was_complete {
            self.tell_if_changed();
        } else {
            self.begin_announcing();
        }
        self.refresh_interests();
        self.dispatch_parked();
    }

    pub(super) fn respond_error(&mut self, asked: &ReplyTo, code: i64, text: &str) {
        let error = jsonrpc::error_object(code, text);
        let answer = jsonrpc::error(Some(&asked.id), &error);
        self.respond(asked.stream, answer);
    }

    pub(super) fn respond_result(&mut self, asked: &ReplyTo, result: &[u8]) {
        self.respond(asked.stream, jsonrpc::result(&asked.id, result));
    }

    /// Sends the answer to a request that came on `stream`.
    pub(super) fn respond(&mut self, stream: StreamId, answer: Bytes) {
        self.streams.respond(stream, answer);
        self.watch_queue();
    }

    /// Sends a request or a notification.
    pub(super) fn send(&mut self, stream: StreamId, message: Bytes) {
        self.streams.send(stream, message);
        self.watch_queue();
    }

    /// Sends a notification of `server` that a client which does not read can do without.
    pub(super) fn notify_lossy(
        &mut self,
        server: &ServerName,
        stream: StreamId,
        notification: Bytes,
    ) {
        if self.streams.is_full() {
            self.queue.dropped += 1;
            self.metrics.notification_dropped(server);
        } else {
            self.send(stream, notification);
        }
    }

    pub(super) fn end(&mut self, why: &str) {
        let dropped = self.queue.dropped;
        log::debug!(
            "{:?} ends: {why}; {dropped} notifications found no room",
            self.id
        );
        self.registry.leave(self.serial);
        self.myself.stop(Some(why.into()));
    }
}
