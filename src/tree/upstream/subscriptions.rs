//! Where a server stands with each resource that somebody subscribed to, or wants to: what it was
//! asked, and what it granted. Plain state; who wants what is the audience's.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

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
    /// How many requests about it have no answer.
    open: u32,
    /// The last answer was an error: nothing is asked again until somebody's wish changes.
    is_refused: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_uri: BTreeMap<Arc<str>, Subscription>,
    /// The requests without an answer, and the resource that each is about.
    open: HashMap<u64, (Arc<str>, Open)>,
}

/// What an answer settled.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) uri: Arc<str>,
    /// Whether it was to subscribe.
    pub(super) is_on: bool,
    /// Whose request it was, if not the gateway's own.
    pub(super) call: Option<CallId>,
}

impl Subscriptions {
    /// Whether the server is known to tell of changes, and nothing on the way can end that.
    pub(super) fn is_settled_on(&self, uri: &str) -> bool {
        let known = self.by_uri.get(uri);
        known.is_some_and(|known| known.is_on && known.open == 0)
    }

    /// Request `id` was sent.
    pub(super) fn sent(&mut self, id: u64, uri: &Arc<str>, open: Open) {
        let subscription = self.by_uri.entry(Arc::clone(uri)).or_default();
        subscription.open += 1;
        self.open.insert(id, (Arc::clone(uri), open));
    }

    /// Request `id` was granted or refused; silence is no grant.
    pub(super) fn settle(&mut self, id: u64, is_granted: bool) -> Option<Settled> {
        let (uri, Open { is_on, call, .. }) = self.open.remove(&id)?;
        let subscription = self.by_uri.get_mut(&uri)?;
        subscription.open -= 1;
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
        if subscription.open > 0 {
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
        self.open.values().map(|(_, open)| open.until).min()
    }

    /// The requests that have taken too long by now.
    pub(super) fn overdue(&self, now: Instant) -> Vec<u64> {
        let mut overdue = Vec::new();
        for (id, (_, open)) in &self.open {
            if open.until <= now {
                overdue.push(*id);
            }
        }
        overdue
    }
}
