//! The handle of one generation of an upstream: what sessions, the registry and root may do with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ractor::ActorRef;
#[cfg(test)]
use tokio::sync::mpsc::UnboundedSender;

use super::message::UpstreamMsg;
use crate::ids::{CallId, Generation, ServerName};
use crate::protocol::jsonrpc::Response;
use crate::protocol::mcp::item::Kind;
use crate::tree::call::ReplyToken;
use crate::tree::client::{Interest, SessionSink};
use crate::tree::quota::{Quota, Share, Taker};
use crate::tree::registry::{Lessons, RegistryHandle};

/// One generation of an upstream. Nothing here waits; what a dead upstream is told is dropped, and
/// a dropped reply token answers for itself.
#[derive(Clone)]
pub(crate) struct UpstreamHandle {
    mailbox: Mailbox,
    server: ServerName,
    generation: Generation,
    permits: Quota,
    session: Option<u64>,
}

/// Where what it is told goes.
#[derive(Clone)]
enum Mailbox {
    Actor(ActorRef<UpstreamMsg>),
    /// To a test, without an actor and at once.
    #[cfg(test)]
    Test(UnboundedSender<UpstreamMsg>),
}

impl UpstreamHandle {
    pub(crate) fn new(
        actor: ActorRef<UpstreamMsg>,
        server: ServerName,
        generation: Generation,
        permits: Quota,
    ) -> Self {
        Self {
            mailbox: Mailbox::Actor(actor),
            server,
            generation,
            permits,
            session: None,
        }
    }

    /// One whose server is a test.
    #[cfg(test)]
    pub(crate) fn in_hand(
        test: UnboundedSender<UpstreamMsg>,
        server: ServerName,
        generation: Generation,
        permits: Quota,
    ) -> Self {
        Self {
            mailbox: Mailbox::Test(test),
            server,
            generation,
            permits,
            session: None,
        }
    }

    /// The same as the handle of an instance that belongs to a session.
    #[must_use]
    pub(in crate::tree) fn owned_by(self, session: u64) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    /// The serial number of the session that this instance belongs to, if it does.
    #[must_use]
    pub(in crate::tree) fn session(&self) -> Option<u64> {
        self.session
    }

    /// The server's name.
    #[must_use]
    pub(crate) fn server(&self) -> &ServerName {
        &self.server
    }

    /// Which life of the server this is.
    #[must_use]
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Room for one more call of a client, or `None` when the server has as many in flight as it
    /// may, or others are to have the rest. An instance has one client only.
    #[must_use]
    pub(in crate::tree) fn admit(&self, taker: &Arc<Taker>) -> Option<Share> {
        match self.session {
            Some(_) => self.permits.take(1),
            None => self.permits.take_for(taker, 1),
        }
    }

    #[cfg(test)]
    pub(in crate::tree) fn free(&self) -> usize {
        self.permits.free()
    }

    /// From now on it may have so many calls in flight.
    pub(in crate::tree) fn set_room(&self, calls: usize) {
        self.permits.resize(calls);
    }

    /// Sends a call.
    pub(in crate::tree) fn call(&self, reply_token: ReplyToken) {
        self.tell(UpstreamMsg::Call(reply_token));
    }

    /// Withdraws a call; `params` are those of the client's `notifications/cancelled`.
    pub(in crate::tree) fn cancel(&self, call: CallId, params: Option<Bytes>) {
        self.tell(UpstreamMsg::Cancel { call, params });
    }

    /// Passes a session's answer to a request of the server on.
    pub(in crate::tree) fn answer(&self, response: Response) {
        self.tell(UpstreamMsg::Answered(response));
    }

    /// Passes a notification of a session's client on (`notifications/roots/list_changed`,
    /// progress of something the server asked for).
    pub(in crate::tree) fn notify(&self, notification: Bytes) {
        self.tell(UpstreamMsg::Notify(notification));
    }

    /// Says that the client is still being asked: the time of every call starts anew.
    pub(in crate::tree) fn extend(&self) {
        self.tell(UpstreamMsg::Extend);
    }

    /// Tells it what a session wants to hear beside its answers, instead of what it wanted before.
    pub(in crate::tree) fn interested(
        &self,
        session: u64,
        client: Arc<dyn SessionSink>,
        interest: Interest,
    ) {
        self.tell(UpstreamMsg::Interested {
            session,
            client,
            interest,
        });
    }

    /// Tells it that a client asked for one of its lists, which may be too old.
    pub(in crate::tree) fn wanted(&self, list: Kind) {
        self.tell(UpstreamMsg::Wanted(list));
    }

    /// Tells it what former lives taught.
    pub(in crate::tree) fn remember(&self, lessons: Lessons) {
        self.tell(UpstreamMsg::Remember(lessons));
    }

    /// Introduces the registry.
    pub(in crate::tree) fn hello(&self, registry: RegistryHandle) {
        self.tell(UpstreamMsg::Hello(registry));
    }

    /// Says after how long without use it sleeps from now on, if it does.
    pub(in crate::tree) fn set_idle_timeout(&self, time: Option<Duration>) {
        self.tell(UpstreamMsg::IdleTimeout(time));
    }

    /// Lets the calls in flight finish within `drain`, stops the process, ends.
    pub(in crate::tree) fn stop(&self, drain: Duration) {
        self.tell(UpstreamMsg::Stop { drain });
    }

    fn tell(&self, message: UpstreamMsg) {
        match &self.mailbox {
            Mailbox::Actor(actor) => {
                if let Err(refused) = actor.cast(message) {
                    log::trace!("{self:?} has ended: {refused}");
                }
            }
            #[cfg(test)]
            Mailbox::Test(test) => drop(test.send(message)),
        }
    }
}

impl fmt::Debug for UpstreamHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.server, self.generation)?;
        self.session
            .map_or(Ok(()), |session| write!(f, "@{session}"))
    }
}
