//! What the session wants to hear of servers beside the answers to its calls, and who has been
//! told so. Every new life of a server is told again, and the session's end ends it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Caller, Conversation, Effects};
use crate::ids::{Generation, ServerName};
use crate::protocol::mcp::logging::Level;
use crate::protocol::uri;
use crate::tree::Share;
use crate::tree::client::{Interest, SessionSink};
use crate::tree::registry::{Route, RouteState};
use crate::tree::upstream::UpstreamHandle;

/// What was asked for, and which upstreams know.
#[derive(Default)]
pub(super) struct Interests {
    pub(super) level: Option<Level>,
    /// One copy of each URI, which is shared with whoever is told of it, and its room.
    uris: BTreeMap<ServerName, BTreeMap<Arc<str>, Share>>,
    attached: BTreeMap<ServerName, Attached>,
    /// Whether the client has said nothing for long, and listens to nothing.
    has_left: bool,
}

/// The session's entry at one life of a server: dropping it ends it.
struct Attached {
    upstream: UpstreamHandle,
    session: u64,
    client: Arc<dyn SessionSink>,
    told: Interest,
}

impl Attached {
    fn tell(&mut self, interest: Interest) {
        if self.told != interest {
            self.told = interest.clone();
            self.send(interest);
        }
    }

    fn send(&self, interest: Interest) {
        let client = Arc::clone(&self.client);
        self.upstream.interested(self.session, client, interest);
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.send(Interest::default());
    }
}

impl Interests {
    /// Sees to it that what `upstream` has the session down for ends with the session.
    pub(super) fn attach(&mut self, upstream: &UpstreamHandle, caller: &Caller) {
        let known = self.attached.get(upstream.server());
        if known.is_some_and(|known| known.upstream.generation() == upstream.generation()) {
            return;
        }
        let attached = Attached {
            upstream: upstream.clone(),
            session: caller.serial,
            client: Arc::clone(&caller.sink),
            told: Interest::default(),
        };
        self.attached.insert(upstream.server().clone(), attached);
    }

    /// Takes down that the client subscribed to a server's resource.
    pub(super) fn subscribe(&mut self, server: &ServerName, uri: Box<str>, room: Share) {
        let uris = self.uris.entry(server.clone()).or_default();
        uris.insert(uri.into(), room);
    }

    /// Ends that.
    pub(super) fn unsubscribe(&mut self, server: &ServerName, uri: &str) {
        if let Some(uris) = self.uris.get_mut(server) {
            uris.remove(uri);
        }
    }

    /// Whether the client subscribed to something of a server.
    fn has_any_of(&self, server: &ServerName) -> bool {
        let uris = self.uris.get(server);
        uris.is_some_and(|uris| !uris.is_empty())
    }

    /// Whether the client subscribed to it.
    pub(super) fn has_subscribed(&self, server: &ServerName, uri: &str) -> bool {
        let uris = self.uris.get(server);
        uris.is_some_and(|uris| uris.contains_key(uri))
    }

    /// Where the client subscribed to what it knows as `uri`, and under which URI of the server's.
    pub(super) fn subscribed_at(&self, uri: &str) -> Option<Route> {
        let at = |owner: Option<&str>, native: &str| {
            let mut servers = self.uris.iter();
            let (server, _) = servers.find(|(server, uris)| {
                owner.is_none_or(|owner| server.as_str() == owner) && uris.contains_key(native)
            })?;
            Some(Route {
                server: server.clone(),
                key: native.into(),
            })
        };
        let qualified = || uri::unqualify(uri).and_then(|(owner, native)| at(Some(owner), native));
        at(None, uri).or_else(qualified)
    }

    /// The lives of servers that know of a subscription of the client's.
    pub(super) fn watched(&self) -> BTreeMap<ServerName, Generation> {
        let attached = self.attached.iter();
        let watched = attached.filter(|(server, _)| self.has_any_of(server));
        let life =
            |(server, it): (&ServerName, &Attached)| (server.clone(), it.upstream.generation());
        watched.map(life).collect()
    }

    /// The server's own URIs that the client subscribed to.
    pub(super) fn uris_of(&self, server: &ServerName) -> Vec<Arc<str>> {
        let uris = self.uris.get(server);
        uris.map_or_else(Vec::new, |uris| uris.keys().cloned().collect())
    }

    /// How many resources the client subscribed to.
    pub(super) fn subscriptions(&self) -> usize {
        self.uris.values().map(BTreeMap::len).sum()
    }

    fn is_empty(&self) -> bool {
        self.level.is_none() && self.uris.is_empty() && self.attached.is_empty()
    }
}

impl Conversation {
    /// Forgets the servers that are not offered to this client any more.
    pub(super) fn keep_interests(&mut self) {
        let Some(merged) = self.routes.as_ref().map(|routes| &routes.merged) else {
            return;
        };
        let is_offered = |server: &ServerName| merged.source(server).is_some();
        let interests = &mut self.interests;
        interests.uris.retain(|server, _| is_offered(server));
        interests.attached.retain(|server, _| is_offered(server));
    }

    /// The client has not been heard of for long: no server stays awake for what it subscribed to.
    pub(super) fn leave(&mut self) {
        if self.interests.subscriptions() > 0 {
            self.interests.has_left = true;
            self.refresh_interests();
        }
    }

    /// The client is heard of: the servers that it subscribed to are to be awake.
    pub(in super::super) fn come_back(&mut self, fx: &dyn Effects) {
        if std::mem::take(&mut self.interests.has_left) {
            self.watch_use(fx);
            self.refresh_interests();
        }
    }

    /// Tells every server that takes calls what is wanted of it, where that is news to it.
    pub(super) fn refresh_interests(&mut self) {
        if self.interests.is_empty() {
            return;
        }
        let merged = Arc::clone(&self.merged);
        for source in &merged.sources {
            self.refresh_interest(&source.server);
        }
    }

    /// Tells `server`. Not while it answers a request that changes the same: it may have taken
    /// that down already, and would take what it is told now for the end of it.
    pub(super) fn refresh_interest(&mut self, server: &ServerName) {
        let handle = match self.state_of(server) {
            Some(RouteState::Ready { handle }) => handle,
            Some(RouteState::Asleep { alarm })
                if self.interests.has_any_of(server) && !self.interests.has_left =>
            {
                return alarm.ring();
            }
            Some(RouteState::Asleep { .. } | RouteState::Starting | RouteState::Down { .. })
            | None => return,
        };
        if self.calls.is_subscribing(server) {
            return;
        }
        let upstream = handle.clone();
        let interest = self.interest(server);
        let interests = &mut self.interests;
        if interest != Interest::default() {
            interests.attach(&upstream, &self.caller);
        }
        if let Some(attached) = interests.attached.get_mut(server)
            && attached.upstream.generation() == upstream.generation()
        {
            attached.tell(interest);
        }
    }

    fn interest(&self, server: &ServerName) -> Interest {
        let source = self.merged.source(server);
        let catalogue = source.and_then(|source| source.catalogue.as_ref());
        let has_logging = catalogue.is_some_and(|known| known.abilities.logging);
        let uris = self.interests.uris.get(server);
        let has_any = self.interests.has_any_of(server);
        Interest {
            has_left: self.interests.has_left && has_any,
            level: self.interests.level.filter(|_| has_logging),
            uris: uris.map_or_else(Default::default, |uris| uris.keys().cloned().collect()),
        }
    }
}
