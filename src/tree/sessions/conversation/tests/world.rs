//! The world of a test: who is connected, what is offered, what was said, and what time it is.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::super::super::delivery::StreamId;
use super::super::super::delivery::streams::Streams;
use super::super::{Caller, Conversation, Stop};
use super::House;
use super::record::Record;
use crate::config::model::Limits;
use crate::ids::{Generation, Holder, Owner, ServerName};
use crate::protocol::mcp::lifecycle;
use crate::telemetry::metrics::Metrics;
use crate::testing::listener;
use crate::tree::client::{self, SessionEvent};
use crate::tree::registry::{Catalogue, ConfiguredServer, Routes, ServerState, Table};
use crate::tree::sessions::signing::Signer;
use crate::tree::upstream::UpstreamHandle;
use crate::tree::{Quota, Taker};

/// One client's.
pub(super) struct Session {
    pub(super) conversation: Conversation,
    pub(super) fx: Record,
    events: UnboundedReceiver<SessionEvent>,
}

impl Session {
    fn settle(&mut self) -> bool {
        let event = self.events.try_recv().ok();
        let has_happened = event.is_some();
        if let Some(event) = event {
            self.conversation.on_event(&mut self.fx, event);
        }
        has_happened
    }
}

struct Parts {
    now: Instant,
    table: Table,
    routes: Option<Arc<Routes>>,
    sessions: Vec<Option<Session>>,
    subscriptions: Quota,
    metrics: Metrics,
    stop: Stop,
}

/// All of it.
#[derive(Clone)]
pub(super) struct World(Rc<RefCell<Parts>>);

impl World {
    pub(super) fn new() -> Self {
        let limits = Limits::default();
        Self(Rc::new(RefCell::new(Parts {
            now: Instant::now(),
            table: Table::default(),
            routes: None,
            sessions: Vec::new(),
            subscriptions: Quota::new(limits.max_subscriptions_bytes),
            metrics: Metrics::default(),
            stop: Stop::No,
        })))
    }

    fn parts(&self) -> RefMut<'_, Parts> {
        self.0.borrow_mut()
    }

    pub(super) fn now(&self) -> Instant {
        self.parts().now
    }

    /// A client comes, with what its `initialize` says and with its streams.
    pub(super) fn enter(&self, params: Option<&Bytes>, wire: Option<Streams>) -> usize {
        let parts = &mut *self.parts();
        let (sink, events) = listener::<SessionEvent>();
        let number = parts.sessions.len();
        let serial = number as u64;
        let caller = Caller {
            serial,
            name: format!("{number}").into(),
            sink,
            owner: Owner::ANYBODY,
            taker: Arc::new(Taker {
                holder: Holder::of(Owner::ANYBODY),
                session: Some(serial),
            }),
            subscriptions: parts.subscriptions.clone(),
            metrics: parts.metrics.clone(),
            signer: Signer::load(None),
        };
        let client = (lifecycle::client_info(params), false);
        let conversation = Conversation::new(caller, Arc::default(), client, parts.stop);
        let fx = Record::new(parts.now, wire);
        let mut session = Session {
            conversation,
            fx,
            events,
        };
        if let Some(routes) = parts.routes.clone() {
            session.conversation.on_routes(&mut session.fx, routes);
        }
        parts.sessions.push(Some(session));
        number
    }

    /// On which streams a client was sent something, each time.
    pub(super) fn streams(&self, number: usize) -> Vec<StreamId> {
        self.with(number, |session| session.fx.streams.clone())
    }

    /// A client uses its instances.
    pub(super) fn touch(&self, number: usize) {
        self.with(number, |session| session.fx.used = session.fx.now);
    }

    /// A client goes.
    pub(super) fn leave(&self, number: usize) {
        let gone = self.parts().sessions.get_mut(number).and_then(Option::take);
        drop(gone);
    }

    /// Does something with a client's conversation, after all that happened before.
    pub(super) fn with<T>(&self, number: usize, act: impl FnOnce(&mut Session) -> T) -> T {
        self.settle();
        let session = &mut self.parts().sessions[number];
        act(session.as_mut().unwrap())
    }

    /// The same, if the client has not gone.
    pub(super) fn with_if_there(&self, number: usize, act: impl FnOnce(&mut Session)) {
        self.settle();
        if let Some(Some(session)) = self.parts().sessions.get_mut(number) {
            act(session);
        }
    }

    /// Lets everything that is under way happen.
    pub(super) fn settle(&self) {
        let parts = &mut *self.parts();
        while parts.living().any(Session::settle) {}
    }

    /// The next thing that is due by then happens, if there is one.
    pub(super) fn step(&self, within: Instant) -> bool {
        self.settle();
        let parts = &mut *self.parts();
        let due = parts
            .living()
            .filter_map(|it| it.conversation.next_deadline());
        let Some(due) = due.min().filter(|due| *due <= within) else {
            return false;
        };
        parts.set_clock(due);
        for session in parts.living() {
            session.conversation.expire(&mut session.fx);
        }
        true
    }

    pub(super) fn sleep(&self, time: Duration) {
        let until = self.now() + time;
        while self.step(until) {}
        self.parts().set_clock(until);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        self.settle();
        let parts = &mut *self.parts();
        let changed = change(&mut parts.table);
        if let Some(routes) = parts.table.publish() {
            parts.routes = Some(Arc::clone(&routes));
            for session in parts.living() {
                let routes = Arc::clone(&routes);
                session.conversation.on_routes(&mut session.fx, routes);
            }
        }
        changed
    }
}

impl Parts {
    fn living(&mut self) -> impl Iterator<Item = &mut Session> {
        self.sessions.iter_mut().flatten()
    }

    fn set_clock(&mut self, now: Instant) {
        let now = now.max(self.now);
        self.now = now;
        for session in self.living() {
            session.fx.now = now;
        }
    }
}

impl House {
    pub(super) fn settle(&self) {
        self.0.settle();
    }

    pub(super) fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }

    pub(super) fn now(&self) -> Instant {
        self.0.now()
    }

    pub(super) fn metrics(&self) -> Metrics {
        self.0.parts().metrics.clone()
    }

    /// The configured servers.
    pub(super) fn wanted(&self, servers: Vec<ConfiguredServer>) {
        self.0.change(|table| table.wanted(servers));
    }

    pub(super) fn server_state(
        &self,
        server: &ServerName,
        generation: Generation,
        state: ServerState,
    ) {
        self.0
            .change(|table| table.server_state(server, generation, state));
    }

    /// A server is ready and offers this.
    pub(super) fn catalogue(&self, handle: &UpstreamHandle, told: Option<Arc<Catalogue>>) {
        self.0.change(|table| table.catalogue(handle, told));
    }

    /// Somebody approves what is held of a server.
    pub(super) fn approve(&self, server: &ServerName) {
        self.0.change(|table| table.approve(server));
    }

    /// The gateway's stop has come so far.
    pub(super) fn stop(&self, step: Stop) {
        self.settle();
        let parts = &mut *self.0.parts();
        parts.stop = step;
        for session in parts.living() {
            session.conversation.on_stop(&mut session.fx, step);
        }
    }

    /// Whether a call of any client has no answer.
    pub(super) fn are_calling(&self) -> bool {
        self.settle();
        self.0
            .parts()
            .living()
            .any(|it| it.conversation.is_calling())
    }

    /// Who has asked for an instance since the last time.
    pub(super) fn owners(&self) -> Vec<client::InstanceOwner> {
        self.settle();
        let parts = &mut *self.0.parts();
        let wanted = parts
            .living()
            .flat_map(|session| session.fx.wanted.drain(..));
        wanted.collect()
    }

    /// How often instances were of no use any more.
    pub(super) fn unused(&self) -> usize {
        self.0
            .parts()
            .living()
            .map(|session| session.fx.unused)
            .sum()
    }
}
