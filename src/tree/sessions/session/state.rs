//! What a session holds: its conversation, its streams, its one timer, and whom it tells what.

use std::sync::Arc;

use ractor::ActorRef;
use tokio::time::Instant;

use super::super::conversation::{Caller, Conversation};
use super::super::delivery::queue_watch::QueueWatch;
use super::super::delivery::streams::Streams;
use super::SessionHandle;
use super::actor::{SessionArgs, Transport};
use super::message::SessionMsg;
use super::outlets::Outlets;
use super::stop::SessionStop;
use crate::config::model::Limits;
use crate::protocol::mcp::lifecycle;
use crate::telemetry::metrics::GaugeGuard;
use crate::tree::Taker;
use crate::tree::client::SessionSink as _;
use crate::tree::registry::{RegistryHandle, Routes};
use crate::tree::timer::Timer;

/// The state: dropping it withdraws the calls, answers what servers asked and ends the streams.
pub(in crate::tree::sessions) struct SessionState {
    myself: ActorRef<SessionMsg>,
    registry: RegistryHandle,
    pub(super) conversation: Conversation,
    pub(super) outlets: Outlets,
    pub(super) stopping: SessionStop,
    /// Whether there was a table for its profile.
    has_table: bool,
    /// The one timer, and when it goes off.
    deadline: Option<(Instant, Timer<SessionMsg>)>,
    /// Counts it among the open ones.
    _counted: (GaugeGuard, Option<GaugeGuard>),
}

impl SessionState {
    pub(super) fn new(myself: ActorRef<SessionMsg>, args: SessionArgs) -> Self {
        let serial = myself.get_id().pid();
        let handle = SessionHandle::new(myself.clone(), args.profile);
        let load = Arc::clone(handle.load());
        let (streams, client, is_adopted) = match args.transport {
            Transport::Sse(queue) => (
                Streams::sse(load, queue),
                lifecycle::client_info(None),
                false,
            ),
            Transport::Streamable { client, is_adopted } => {
                let streams = Streams::streamable(load, &args.id, handle.version());
                (streams, client, is_adopted)
            }
        };
        let taker = Taker {
            holder: handle.holder(),
            session: Some(serial),
        };
        let caller = Caller {
            serial,
            name: handle.name(),
            sink: Arc::new(handle.clone()),
            owner: handle.owner(),
            taker: Arc::new(taker),
            subscriptions: args.subscriptions,
            metrics: args.metrics.clone(),
            signer: args.signer,
        };
        let limits = Arc::clone(&args.limits);
        let in_profile = handle.shown();
        let in_profile = in_profile.map(|profile| args.metrics.session_in(profile));
        let mut state = Self {
            conversation: Conversation::new(caller, limits, (client, is_adopted), args.stop),
            outlets: Outlets {
                serial,
                handle,
                limits: args.limits,
                root: args.root,
                streams,
                queue: QueueWatch::default(),
                dropped: 0,
                metrics: args.metrics.clone(),
            },
            stopping: SessionStop::at(args.stop),
            registry: args.registry.clone(),
            has_table: false,
            deadline: None,
            _counted: (args.metrics.session(), in_profile),
            myself,
        };
        state.join(args.registry);
        if state.stopping.is_ending() {
            state.outlets.streams.end();
        }
        state
    }

    pub(super) fn join(&mut self, registry: RegistryHandle) {
        let handle = &self.outlets.handle;
        registry.join(self.outlets.serial, Arc::new(handle.clone()));
        self.registry = registry;
    }

    /// Takes its own of the new tables. It ends with its profile; one that has just come may not be in
    /// the tables yet. Where nobody is shown everything any more, nobody comes for that.
    pub(super) fn on_routes(&mut self, routes: &Arc<Routes>) {
        let profile = self.outlets.handle.shown();
        match routes.shown(profile) {
            Some(own) => {
                self.has_table = true;
                let own = Arc::clone(own);
                self.conversation.on_routes(&mut self.outlets, own);
            }
            None if self.has_table || profile.is_none() => {
                self.end("what it is shown is no profile any more");
            }
            None => {}
        }
    }

    pub(super) fn take_limits(&mut self, limits: Arc<Limits>) {
        self.conversation.set_limits(Arc::clone(&limits));
        self.outlets.limits = limits;
    }

    /// Keeps what others see of this session, and its timer, as they should be. `is_heard` if its
    /// client has just spoken.
    pub(super) fn after_message(&mut self, is_heard: bool) {
        let calls = self.conversation.open_requests();
        let is_calling = calls > 0;
        let Outlets {
            handle, streams, ..
        } = &mut self.outlets;
        handle.introduce(self.conversation.info());
        handle.load().set_calling(calls);
        self.stopping.report(handle, is_calling);
        let is_busy = is_calling || streams.is_busy();
        streams.note_activity(is_busy, is_heard);
        self.watch();
    }

    /// Does what is due.
    pub(super) fn on_deadline_elapsed(&mut self) {
        self.deadline = None;
        self.conversation.expire(&mut self.outlets);
        let now = Instant::now();
        self.outlets.streams.expire(now);
        if self.outlets.is_stuck(now) {
            self.outlets.streams.cut();
            self.end("its client does not read");
        }
    }

    /// Sees to it that the timer goes off when something is due. It may do so too early, and is armed
    /// anew then.
    fn watch(&mut self) {
        let due = [
            self.conversation.next_deadline(),
            self.outlets.next_deadline(),
        ];
        let due = due.into_iter().flatten().min();
        let is_covered = |due| self.deadline.as_ref().is_some_and(|(at, _)| *at <= due);
        if let Some(due) = due.filter(|due| !is_covered(*due)) {
            let wait = due.saturating_duration_since(Instant::now());
            let timer = Timer::after(&self.myself, wait, || SessionMsg::DeadlineElapsed);
            self.deadline = Some((due, timer));
        }
    }

    pub(super) fn end(&mut self, why: &str) {
        let Outlets {
            handle, dropped, ..
        } = &self.outlets;
        log::debug!("{handle:?} ends: {why}; {dropped} notifications found no room");
        self.registry.leave(self.outlets.serial);
        self.myself.stop(Some(why.into()));
    }
}
