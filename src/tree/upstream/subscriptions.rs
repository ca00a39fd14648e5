//! Where a server stands with each resource that somebody subscribed to, or wants to: what it was
//! asked, and what it granted. Plain state; who wants what is the audience's.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use crate::ids::CallId;

/// A request to subscribe or unsubscribe without an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    /// What is so when it is granted.
    pub(super) is_on: bool,
    /// Whose it is, if not the gateway's own.
    pub(super) call: Option<CallId>,
    /// When its answer is not awaited any more.
    pub(super) until: Instant,
}

/// How one resource stands.
#[derive(Debug, Default)]
struct Subscription {
    is_on: bool,
    /// The latest request that was granted. Requests are sent in the order of their ids, so what
    /// the last of them says is so, in whatever order they are answered.
    granted: u64,
    open: BTreeMap<u64, Open>,
    /// The last answer was an error: nothing is asked again until somebody's wish changes.
    is_refused: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_uri: BTreeMap<Box<str>, Subscription>,
    /// The resource that a request without an answer is about.
    uris: HashMap<u64, Box<str>>,
}

/// What an answer settled.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) uri: Box<str>,
    /// Whether it was to subscribe.
    pub(super) is_on: bool,
    /// Whose request it was, if not the gateway's own.
    pub(super) call: Option<CallId>,
}

impl Subscriptions {
    /// Whether the server is known to tell of changes, and nothing on the way can end that.
    pub(super) fn is_settled_on(&self, uri: &str) -> bool {
        let known = self.by_uri.get(uri);
        known.is_some_and(|known| known.is_on && known.open.is_empty())
    }

    /// Whether somebody subscribed to it, or wants to, as far as that is not settled yet.
    pub(super) fn has(&self, uri: &str) -> bool {
        self.by_uri.contains_key(uri)
    }

    /// Request `id` was sent.
    pub(super) fn sent(&mut self, id: u64, uri: &str, open: Open) {
        let subscription = self.by_uri.entry(uri.into()).or_default();
        subscription.open.insert(id, open);
        self.uris.insert(id, uri.into());
    }

    /// Request `id` was granted or refused; silence is no grant.
    pub(super) fn settle(&mut self, id: u64, is_granted: bool) -> Option<Settled> {
        let uri = self.uris.remove(&id)?;
        let subscription = self.by_uri.get_mut(&uri)?;
        let Open { is_on, call, .. } = subscription.open.remove(&id)?;
        subscription.is_refused = !is_granted;
        if is_granted && id > subscription.granted {
            subscription.is_on = is_on;
            subscription.granted = id;
        }
        Some(Settled { uri, is_on, call })
    }

    /// Somebody's wish about this resource has changed: what was refused may be asked once more.
    pub(super) fn forgive(&mut self, uri: &str) {
        if let Some(subscription) = self.by_uri.get_mut(uri) {
            subscription.is_refused = false;
        }
    }

    /// What the server has to be asked so that it stands with this resource as it `is_wanted`:
    /// `Some(true)` to subscribe, `Some(false)` to unsubscribe.
    pub(super) fn due(&mut self, uri: &str, is_wanted: bool) -> Option<bool> {
        let Some(subscription) = self.by_uri.get(uri) else {
            return is_wanted.then_some(true);
        };
        if !subscription.open.is_empty() {
            return None; // its answer comes first
        }
        if !subscription.is_on && !is_wanted {
            self.by_uri.remove(uri);
            return None;
        }
        let is_due = subscription.is_on != is_wanted && !subscription.is_refused;
        is_due.then_some(is_wanted)
    }

    /// When a request without an answer has taken too long.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.open().map(|(_, open)| open.until).min()
    }

    /// The requests that have taken too long by now.
    pub(super) fn overdue(&self, now: Instant) -> Vec<u64> {
        let overdue = self.open().filter(|(_, open)| open.until <= now);
        overdue.map(|(id, _)| id).collect()
    }

    fn open(&self) -> impl Iterator<Item = (u64, &Open)> {
        self.uris.iter().filter_map(|(id, uri)| {
            let subscription = self.by_uri.get(uri)?;
            Some((*id, subscription.open.get(id)?))
        })
    }
}
