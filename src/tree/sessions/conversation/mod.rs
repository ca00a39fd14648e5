//! What is said between one client and the servers: what the client asks, what becomes of it, and
//! what servers tell and ask in turn.
//!
//! No actor, no timer, no stream: what happened goes in, and what is to be done is done by whoever
//! holds the conversation ([`Effects`]), at once. It knows its client by a [`Caller`] and a table of
//! routes. A call needs no more than that: one that belongs to no session goes the same way.

mod announcements;
mod calls;
mod dispatch;
mod effects;
mod extensions;
mod input_required;
mod instances;
mod interests;
mod links;
mod lists;
mod logging;
mod record;
mod requests;
mod routing;
mod server_requests;
mod stop;
mod subscriptions;
mod task_ids;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use self::announcements::Announcements;
use self::calls::Calls;
pub(super) use self::effects::{Effects, ReplyTo};
use self::instances::Instances;
pub(in crate::tree::sessions) use self::instances::UNUSED;
use self::interests::Interests;
use self::lists::WaitingQuery;
use self::server_requests::ServerRequests;
pub(crate) use self::stop::Stop;
pub(super) use self::stop::{CallWatch, STOPPING};
pub(super) use self::task_ids::TaskIds;
use crate::config::model::Limits;
use crate::ids::Owner;
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::protocol::mcp::logging::Level;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::version::Version;
use crate::telemetry::metrics::Metrics;
use crate::tree::client::{SessionEvent, SessionSink};
use crate::tree::registry::{Merged, Routes};
use crate::tree::sessions::signing::Signer;
use crate::tree::{Quota, Taker};

/// Who makes the calls.
pub(super) struct Caller {
    /// The first half of the ids of its calls.
    pub(super) serial: u64,
    /// What the log calls it.
    pub(super) name: Arc<str>,
    /// Who is told what becomes of its calls.
    pub(super) sink: Arc<dyn SessionSink>,
    /// Whose they are, in the profile that is shown.
    pub(super) owner: Owner,
    /// In whose name it takes of what all clients share.
    pub(super) taker: Arc<Taker>,
    /// What the subscriptions of all clients may take.
    pub(super) subscriptions: Quota,
    /// Where it and its calls are counted.
    pub(super) metrics: Metrics,
    /// What it is given is signed by it.
    pub(super) signer: Signer,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.name)
    }
}

/// The conversation. Dropping it withdraws the calls, and answers what servers asked.
pub(super) struct Conversation {
    caller: Caller,
    limits: Arc<Limits>,
    /// What the client said of itself.
    client: ClientInfo,
    /// What it calls itself, raw.
    info: Option<Arc<str>>,
    /// From which level on it wants to hear the log, if it says so with its request.
    log_level: Option<Level>,
    /// The extensions that it declares: its own servers are told of them,
    declared: Extensions,
    /// and their results are known to it, if it has no session.
    extensions: Extensions,
    /// What it knows tasks by.
    task_ids: TaskIds,
    /// Whether the client has gone beyond `initialize`, so that it may be notified.
    has_spoken: bool,
    /// Whether it was another life of the session, and mostly of the gateway, that its client saw last.
    is_adopted: bool,
    routes: Option<Arc<Routes>>,
    /// What is offered to this client: the table's lists, or with those of its own instances.
    merged: Arc<Merged>,
    instances: Instances,
    shares_modern: bool,
    /// When it is looked whether they are of any use, and what the client subscribed to.
    use_check: Option<Instant>,
    calls: Calls,
    /// Requests that wait for a table, or for a whole one.
    waiting: Vec<WaitingQuery>,
    announcements: Announcements,
    interests: Interests,
    server_requests: ServerRequests,
    /// How far the gateway's stop has come.
    stop: Stop,
}

impl Conversation {
    /// One that has not begun; or one that goes on, `is_adopted`, after another life of its session.
    pub(super) fn new(
        caller: Caller,
        limits: Arc<Limits>,
        (client, is_adopted): (ClientInfo, bool),
        stop: Stop,
    ) -> Self {
        Self {
            calls: Calls::new(caller.metrics.session_calls()),
            caller,
            limits,
            // Of all that was declared in another life, so much is known.
            declared: if client.shows_apps {
                Extensions::apps()
            } else {
                Extensions::default()
            },
            client,
            info: None,
            log_level: None,
            extensions: Extensions::default(),
            task_ids: TaskIds::default(),
            has_spoken: is_adopted,
            is_adopted,
            routes: None,
            merged: Merged::nothing(),
            instances: Instances::default(),
            shares_modern: false,
            use_check: None,
            waiting: Vec::new(),
            announcements: Announcements::default(),
            interests: Interests::default(),
            server_requests: ServerRequests::default(),
            stop,
        }
    }

    /// What the last `initialize` settled; the latest revision before there was any.
    pub(super) fn version(&self) -> Version {
        self.client.version
    }

    /// What the client calls itself, raw.
    pub(super) fn info(&self) -> Option<&Arc<str>> {
        self.info.as_ref()
    }

    /// How many requests of the client have no answer yet.
    pub(super) fn open_requests(&self) -> usize {
        self.calls.len() + self.waiting.len()
    }

    /// Whether a request of the client has no answer yet.
    #[cfg(test)]
    pub(super) fn is_calling(&self) -> bool {
        self.open_requests() > 0
    }

    /// From now on the client may be notified.
    pub(super) fn hear(&mut self) {
        self.has_spoken = true;
    }

    /// The events of the standalone stream that ask what the client has not answered.
    pub(super) fn asked_events(&self) -> Vec<u64> {
        self.server_requests.events()
    }

    /// From now on these limits hold.
    pub(super) fn set_limits(&mut self, limits: Arc<Limits>) {
        self.limits = limits;
    }

    /// Takes what an upstream or root says.
    pub(super) fn on_event(&mut self, fx: &mut dyn Effects, event: SessionEvent) {
        match event {
            SessionEvent::Answered { call, answer } => self.on_answered(fx, call.number, answer),
            SessionEvent::Undelivered {
                call,
                routed,
                generation,
            } => self.on_bounced(fx, call.number, routed, generation),
            SessionEvent::Progress { call, notification } => {
                if let Some(open) = self.calls.get(call.number)
                    && let Some(server) = &open.server
                {
                    fx.notify_lossy(server, open.stream, notification);
                }
            }
            SessionEvent::Logged {
                server,
                level,
                is_amplified,
                notification,
            } => {
                if self.interests.hears(level, is_amplified) {
                    fx.notify_lossy(&server, self.stream_at(fx, &server), notification);
                }
            }
            SessionEvent::Updated { server, params } => self.on_updated(fx, &server, params),
            SessionEvent::TaskChanged { server, told } => self.on_task(fx, &server, &told),
            SessionEvent::ServerRequested(ask) => self.on_server_request(fx, ask),
            // The server was told; a session's client has declared what it does.
            SessionEvent::AskedInVain { .. } => {}
            SessionEvent::ServerRequestCancelled { server, params } => {
                self.on_server_request_cancelled(fx, &server, &params);
            }
            SessionEvent::Notified {
                server,
                notification,
            } => fx.notify_lossy(&server, self.stream_at(fx, &server), notification),
            SessionEvent::Instance { server, state } => self.on_instance(fx, &server, state),
            SessionEvent::NoRoom { server, why } => self.on_no_room(fx, &server, &why),
            SessionEvent::Offers { handle, catalogue } => self.on_offers(fx, handle, catalogue),
        }
    }

    /// Takes a new table.
    pub(super) fn on_routes(&mut self, fx: &mut dyn Effects, routes: Arc<Routes>) {
        let merged = Arc::clone(&routes.merged);
        let last = self.routes.replace(routes);
        let was_complete = last.as_ref().is_some_and(|last| last.is_complete);
        let is_same = last.is_some_and(|last| Arc::ptr_eq(&last.merged, &merged));
        if self.keep_instances() || !is_same {
            self.remerge();
            self.keep_interests();
        }
        for waiting in std::mem::take(&mut self.waiting) {
            self.answer_or_keep(fx, waiting);
        }
        if was_complete {
            self.tell_if_changed(fx);
        } else {
            self.begin_announcing(fx);
        }
        self.refresh_interests();
        self.dispatch_parked(fx);
    }

    /// Does what is due.
    pub(super) fn expire(&mut self, fx: &mut dyn Effects) {
        self.expire_calls(fx);
        self.send_due_again(fx);
        self.expire_server_requests(fx);
        self.expire_announcements(fx);
        self.check_use(fx);
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let all = [
            self.calls.next_deadline(),
            self.server_requests.next_deadline(),
            self.announcements.next_deadline(),
            self.use_check,
        ];
        all.into_iter().flatten().min()
    }
}
