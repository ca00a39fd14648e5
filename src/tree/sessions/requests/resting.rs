//! Servers of which each session has its own, for clients without sessions: who has a token keeps those
//! that its last request had, for a while, so that a browser does not forget its page. A request that has
//! been answered rests with them until the next one of that token takes it up. Where there are no tokens
//! nothing says whose the next request is, and each has new ones.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::asks::Asks;
use super::exchange::Exchange;
use super::message::Opened;
use super::state::WorkerState;
use crate::ids::{Owner, ServerName};
use crate::protocol::Era;
use crate::protocol::mcp::request::ClientRequest;
use crate::protocol::modern::request::RequestMeta;
use crate::tree::sessions::conversation::UNUSED;
use crate::tree::shares::Rest;

/// Since when a request rests, for whoever has to make room.
#[derive(Debug, Default)]
pub(super) struct Resting(Mutex<Option<Instant>>);

impl Resting {
    pub(super) fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    pub(super) fn rest(&self) -> Rest {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Rest::Busy, |since| Rest::Idle(since.elapsed()))
    }
}

impl WorkerState {
    /// Lets a request rest that is over, if its client can come back to its servers. `false` if not.
    pub(super) fn let_rest(&mut self, number: u64) -> bool {
        let Some(exchange) = self.open.get_mut(&number) else {
            return false;
        };
        let may_rest = exchange.may_rest();
        if may_rest {
            exchange.rest(Instant::now() + UNUSED);
            self.resting
                .entry(exchange.owner())
                .or_default()
                .push(number);
        }
        may_rest
    }

    /// The resting request that has the server for this one, which takes it up. That it is not of the same
    /// number any more its stream does not know.
    pub(super) fn rested(&mut self, opened: &Opened) -> Option<u64> {
        let resting = self.resting.get_mut(&opened.holder.owner())?;
        let profile = opened.holder.owner().profile();
        let merged = &self.routes.as_ref()?.shown(profile)?.merged;
        let asked = &opened.request.request;
        let method = ClientRequest::routed(&asked.method)?;
        let params = asked.params.as_ref()?;
        let read = ClientRequest::parse(Era::Modern, method, params).ok()?;
        let server = merged.find(read.subject(), read.key())?.server;
        let meta = &opened.request.meta;
        let is_it = |number: &u64| {
            let exchange = self.open.get(number);
            exchange.is_some_and(|it| it.serves(&server, meta))
        };
        // The oldest: what it began with is there, whoever was served beside it meanwhile.
        let number = resting
            .iter()
            .copied()
            .filter(|number| is_it(number))
            .min()?;
        resting.retain(|other| *other != number);
        Some(number)
    }

    /// A request rests no more.
    pub(super) fn forget_resting(&mut self, owner: Owner, number: u64) {
        if let Some(resting) = self.resting.get_mut(&owner) {
            resting.retain(|other| *other != number);
            if resting.is_empty() {
                self.resting.remove(&owner);
            }
        }
    }
}

impl Exchange {
    /// Whether its servers are kept for who asked: it is done, and has a token.
    fn may_rest(&self) -> bool {
        let owner = self.holder.owner();
        let has_own = self.conversation.own_servers().next().is_some();
        !owner.is_anybody() && has_own && !self.is_disowned && !self.outlet.listens()
    }

    fn rest(&mut self, until: Instant) {
        let id = self.outlet.id.clone();
        self.conversation.cancel(&mut self.outlet, &id, None);
        self.asks = Asks::default();
        self.identity = None;
        self.outlet.detach();
        self.room = None;
        self.rests_until = Some(until);
        self.sink.resting.set(Some(Instant::now()));
    }

    /// Whether it rests with an instance of `server` that was told of these capabilities.
    fn serves(&self, server: &ServerName, meta: &RequestMeta) -> bool {
        let mut own = self.conversation.own_servers();
        let is_told = self.capabilities == meta.capabilities && self.extensions == meta.extensions;
        is_told && own.any(|own| own == server)
    }

    /// Goes on with another request.
    pub(super) fn take_up(&mut self, opened: Opened) {
        let Opened {
            attempt,
            room,
            request,
            line,
            queue,
            ..
        } = opened;
        self.rests_until = None;
        self.sink.resting.set(None);
        self.room = Some(room);
        self.outlet.renew(attempt, &request, (line, queue));
        self.run(request);
    }
}
