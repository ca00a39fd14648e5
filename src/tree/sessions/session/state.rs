//! What a session holds, and what it does when an upstream, the registry or a timer speaks. What
//! its client says is in `requests.rs`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ractor::ActorRef;
use tokio::time::Instant;

use super::SessionHandle;
use super::actor::{Entrance, SessionArgs};
use super::calls::{self, Calls, OpenCall, SentGuard, Stage, Way, way};
use super::message::SessionMsg;
use super::streams::{Lane, Streams};
use crate::ids::{CallId, Generation, SessionId};
use crate::protocol::jsonrpc::{self, RequestId, code};
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::{method, tools};
use crate::tree::call::{Answer, Errand, Ticket};
use crate::tree::client::News;
use crate::tree::registry::{Changes, Merged, RegistryHandle, Routes};
use crate::tree::timer::Timer;

/// At most one `list_changed` in this time.
const NOTIFY_EVERY: Duration = Duration::from_millis(250);
/// A client that took nothing for so long, with a full queue, has ended.
const STALLED: Duration = Duration::from_secs(5);
const CHECK_OUTBOX_EVERY: Duration = Duration::from_secs(1);
/// Why a session that drains takes nothing new.
pub(super) const STOPPING: &str = "the gateway is stopping";

/// A request that the session itself answers: its id, and where the answer goes.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) id: RequestId,
    pub(super) lane: Lane,
}

/// A list request from before the boot latch opened.
#[derive(Debug, Clone)]
pub(super) struct WaitingList {
    pub(super) asked: Asked,
    pub(super) kind: Kind,
    pub(super) cursor: Option<String>,
}

/// The state: dropping it withdraws the calls and ends the stream.
pub(in crate::tree::sessions) struct SessionState {
    pub(super) myself: ActorRef<SessionMsg>,
    serial: u64,
    pub(super) id: SessionId,
    handle: SessionHandle,
    registry: RegistryHandle,
    pub(super) streams: Streams,
    pub(super) routes: Option<Arc<Routes>>,
    pub(super) calls: Calls,
    /// List requests from before the boot latch opened.
    pub(super) waiting_lists: Vec<WaitingList>,
    /// Whether the client has gone beyond `initialize`, so that it may be notified.
    pub(super) has_spoken: bool,
    /// What the client was last told of, or has seen.
    told: Arc<Merged>,
    pub(super) is_draining: bool,
    notify_pause: Option<Timer<SessionMsg>>,
    outbox_check: Option<Timer<SessionMsg>>,
    /// When what can be asked for again is looked through.
    pub(super) replay_check: Option<Timer<SessionMsg>>,
}

impl SessionState {
    pub(super) fn new(myself: ActorRef<SessionMsg>, args: SessionArgs) -> Self {
        let handle = SessionHandle::new(myself.clone(), args.profile);
        let (streams, has_spoken) = match args.entrance {
            Entrance::Sse(queue) => (Streams::sse(handle.clone(), queue), false),
            Entrance::Streamable { is_adopted, .. } => {
                (Streams::streamable(handle.clone()), is_adopted)
            }
        };
        let mut state = Self {
            serial: myself.get_id().pid(),
            handle,
            id: args.id,
            registry: args.registry.clone(),
            streams,
            routes: None,
            calls: Calls::default(),
            waiting_lists: Vec::new(),
            has_spoken,
            told: Arc::default(),
            is_draining: false,
            notify_pause: None,
            outbox_check: None,
            replay_check: None,
            myself,
        };
        state.join(args.registry);
        state
    }

    pub(super) fn join(&mut self, registry: RegistryHandle) {
        registry.join(self.serial, Arc::new(self.handle.clone()));
        self.registry = registry;
    }

    /// Sends a parked call on its way, as the table says.
    pub(super) fn dispatch(&mut self, number: u64) {
        let Some(open) = self.calls.get_mut(number) else {
            return;
        };
        let Stage::Parked { request, after } = &open.stage else {
            return;
        };
        match way(self.routes.as_deref(), request, *after) {
            Way::Send {
                upstream,
                permit,
                route,
            } => {
                let id = CallId {
                    session: self.serial,
                    number,
                };
                let request = request.clone();
                let key = route.key;
                let client = Arc::new(self.handle.clone());
                let errand = Errand { key, request };
                let ticket = Ticket::new(id, upstream.generation(), errand, permit, client);
                open.server = Some(route.server);
                open.stage = Stage::Sent(SentGuard::new(upstream.clone(), id));
                upstream.call(ticket);
            }
            Way::Park if self.is_draining => self.answer(number, not_run()),
            Way::Park => self.park(number),
            Way::Fail(text) => self.answer(number, Answer::Failed(text)),
            Way::Refuse(code, text) => {
                self.answer(number, Answer::Error(jsonrpc::error_object(code, &text)));
            }
        }
    }

    /// Keeps a call waiting, for [`calls::PARK`] in all, however often it bounces.
    fn park(&mut self, number: u64) {
        let Some(open) = self.calls.get_mut(number) else {
            return;
        };
        match &open.parked {
            Some((since, _)) if since.elapsed() >= calls::PARK => self.on_park_elapsed(number),
            Some(_) => {}
            None => {
                let elapsed = move || SessionMsg::ParkElapsed { number };
                open.parked = Some((
                    Instant::now(),
                    Timer::after(&self.myself, calls::PARK, elapsed),
                ));
            }
        }
    }

    pub(super) fn on_park_elapsed(&mut self, number: u64) {
        let Some(OpenCall {
            stage: Stage::Parked { request, .. },
            ..
        }) = self.calls.get_mut(number)
        else {
            return;
        };
        let text = format!(
            "the server of '{}' is still starting after {} s; try again later",
            request.key(),
            calls::PARK.as_secs()
        );
        self.answer(number, Answer::Failed(text));
    }

    pub(super) fn on_news(&mut self, news: News) {
        match news {
            News::Answered { call, answer } => {
                if let Some(OpenCall {
                    stage: Stage::Sent(_),
                    ..
                }) = self.calls.get_mut(call.number)
                {
                    self.answer(call.number, answer);
                }
            }
            News::Bounced {
                call,
                errand,
                generation,
            } => self.on_bounced(call.number, errand, generation),
            News::Progress { call, notification } => {
                let lane = self.calls.get_mut(call.number).map(|open| open.lane);
                if let Some(lane) = lane.filter(|_| !self.streams.is_full()) {
                    self.say(lane, notification);
                }
            }
            News::Logged { .. }
            | News::Updated { .. }
            | News::Asked(_)
            | News::AskCancelled { .. }
            | News::Notified { .. }
            | News::Instance { .. }
            | News::Offers { .. } => {}
        }
    }

    /// The server never saw the call: it goes to a later generation.
    fn on_bounced(&mut self, number: u64, errand: Errand, after: Generation) {
        let Some(open) = self.calls.get_mut(number) else {
            return;
        };
        let request = errand.request;
        let parked = Stage::Parked { request, after };
        if let Stage::Sent(guard) = std::mem::replace(&mut open.stage, parked) {
            guard.settle();
        }
        self.dispatch(number);
    }

    /// Answers a call, once: it is gone from the book then.
    fn answer(&mut self, number: u64, answer: Answer) {
        let Some(open) = self.calls.remove(number) else {
            return;
        };
        if let Stage::Sent(guard) = open.stage {
            guard.settle();
        }
        let answer = match answer {
            Answer::Result(result) => jsonrpc::result(&open.id, &result),
            Answer::Error(error) => jsonrpc::error(Some(&open.id), &error),
            Answer::Failed(text) if open.method == method::TOOLS_CALL => {
                jsonrpc::result(&open.id, &tools::failed_call(&text))
            }
            Answer::Failed(text) => {
                let error = jsonrpc::error_object(code::SERVER_UNAVAILABLE, &text);
                jsonrpc::error(Some(&open.id), &error)
            }
        };
        self.streams.answer(open.lane, answer);
        self.watch_queue();
        self.end_if_drained();
    }

    pub(super) fn on_routes(&mut self, routes: Arc<Routes>) {
        let was_complete = self
            .routes
            .as_ref()
            .is_some_and(|routes| routes.is_complete);
        let is_complete = routes.is_complete;
        let merged = Arc::clone(&routes.merged);
        self.routes = Some(routes);
        if is_complete {
            for waiting in std::mem::take(&mut self.waiting_lists) {
                self.list(&waiting);
            }
        }
        if was_complete {
            self.tell_if_changed();
        } else {
            self.told = merged;
        }
        for number in self.calls.parked() {
            self.dispatch(number);
        }
    }

    /// Tells the client of a changed list: the first change at once, then one per pause.
    fn tell_if_changed(&mut self) {
        let Some(current) = self.routes.as_ref().map(|routes| &routes.merged) else {
            return;
        };
        if Arc::ptr_eq(current, &self.told) || self.notify_pause.is_some() {
            return;
        }
        let changes = current.changes(&self.told);
        self.told = Arc::clone(current);
        if changes == Changes::default() || !self.has_spoken {
            return;
        }
        for (is_changed, method) in [
            (changes.tools, method::TOOLS_LIST_CHANGED),
            (changes.prompts, method::PROMPTS_LIST_CHANGED),
            (changes.resources, method::RESOURCES_LIST_CHANGED),
        ] {
            if is_changed {
                self.say(Lane::GENERAL, jsonrpc::notification(method, None));
            }
        }
        let elapsed = || SessionMsg::NotifyElapsed;
        self.notify_pause = Some(Timer::after(&self.myself, NOTIFY_EVERY, elapsed));
    }

    pub(super) fn on_notify_elapsed(&mut self) {
        self.notify_pause = None;
        self.tell_if_changed();
    }

    pub(super) fn refuse(&mut self, asked: &Asked, code: i64, text: &str) {
        let error = jsonrpc::error_object(code, text);
        let answer = jsonrpc::error(Some(&asked.id), &error);
        self.streams.answer(asked.lane, answer);
        self.watch_queue();
    }

    pub(super) fn give(&mut self, asked: &Asked, result: &[u8]) {
        let answer = jsonrpc::result(&asked.id, result);
        self.streams.answer(asked.lane, answer);
        self.watch_queue();
    }

    pub(super) fn say(&mut self, lane: Lane, message: Bytes) {
        self.streams.say(lane, message);
        self.watch_queue();
    }

    fn watch_queue(&mut self) {
        if self.streams.is_full() && self.outbox_check.is_none() {
            self.check_outbox_later();
        }
    }

    fn check_outbox_later(&mut self) {
        let check = || SessionMsg::CheckOutbox;
        self.outbox_check = Some(Timer::after(&self.myself, CHECK_OUTBOX_EVERY, check));
    }

    pub(super) fn on_check_outbox(&mut self) {
        self.outbox_check = None;
        if !self.streams.is_full() {
            return;
        }
        if self.streams.stalled_for() >= STALLED {
            log::warn!(
                "{:?} is ended: its client has read nothing for {} s and its queue is full",
                self.id,
                STALLED.as_secs()
            );
            self.streams.cut();
            return self.end("its client does not read");
        }
        self.check_outbox_later();
    }

    /// Answers at once what has not been sent, and ends when the rest has been answered.
    pub(super) fn drain(&mut self) {
        self.is_draining = true;
        for waiting in std::mem::take(&mut self.waiting_lists) {
            self.refuse(&waiting.asked, code::SERVER_UNAVAILABLE, STOPPING);
        }
        for number in self.calls.parked() {
            self.answer(number, not_run());
        }
        self.end_if_drained();
    }

    pub(super) fn end_if_drained(&mut self) {
        if self.is_draining && self.calls.len() == 0 {
            self.end("the gateway is stopping");
        }
    }

    pub(super) fn end(&mut self, why: &str) {
        log::debug!("{:?} ends: {why}", self.id);
        self.registry.leave(self.serial);
        self.myself.stop(Some(why.into()));
    }
}

/// The answer to a call that was still here when the gateway stopped.
fn not_run() -> Answer {
    Answer::Failed(format!("{STOPPING}; the call was not run"))
}
