//! Where a server stands with each resource that somebody subscribed to, or wants to: what it was
//! asked, and what it granted. Plain state; who wants what is the audience's.
//!
//! After a restart of the server it may have to be asked for a million resources again: the gateway
//! asks for a few at a time, so that neither the requests fill its memory nor their answers keep a
//! client's call waiting.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use crate::ids::CallId;

/// So many requests of the gateway's own may be without an answer. Few in tests, so that the model
/// has to wait.
const AT_ONCE: usize = if cfg!(test) { 2 } else { 64 };
/// So many resources may wait to be asked for no more: beyond that, the server goes on telling of
/// some that nobody listens to.
const GIVEN_UP: usize = 1024;

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
    /// How many sessions want to hear of it.
    wanted: u32,
    /// It is among those that are looked at when there is room for a request.
    is_waiting: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_uri: BTreeMap<Arc<str>, Subscription>,
    /// The requests without an answer, and the resource that each is about.
    open: HashMap<u64, (Arc<str>, Open)>,
    /// How many of these are the gateway's own.
    own: usize,
    /// What the server may have to be asked for, and has not been for want of room, oldest first.
    waiting: VecDeque<Arc<str>>,
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

    /// Whether somebody subscribed to it, or wants to, as far as that is not settled yet.
    pub(super) fn has(&self, uri: &str) -> bool {
        self.by_uri.contains_key(uri)
    }

    /// Request `id` was sent.
    pub(super) fn sent(&mut self, id: u64, uri: &Arc<str>, open: Open) {
        let subscription = self.by_uri.entry(Arc::clone(uri)).or_default();
        subscription.open += 1;
        self.own += usize::from(open.call.is_none());
        self.open.insert(id, (Arc::clone(uri), open));
    }

    /// Request `id` was granted or refused; silence is no grant.
    pub(super) fn settle(&mut self, id: u64, is_granted: bool) -> Option<Settled> {
        let (uri, Open { is_on, call, .. }) = self.open.remove(&id)?;
        self.own -= usize::from(call.is_none());
        let subscription = self.by_uri.get_mut(&uri)?;
        subscription.open -= 1;
        subscription.is_refused = !is_granted;
        if is_granted && id > subscription.granted {
            subscription.is_on = is_on;
            subscription.granted = id;
        }
        Some(Settled { uri, is_on, call })
    }

    /// One session more wants to hear of this resource, or one less: what was refused may be asked
    /// once more.
    pub(super) fn want(&mut self, uri: &Arc<str>, is_wanted: bool) {
        let subscription = self.by_uri.entry(Arc::clone(uri)).or_default();
        subscription.is_refused = false;
        subscription.wanted = if is_wanted {
            subscription.wanted + 1
        } else {
            subscription.wanted.saturating_sub(1)
        };
    }

    /// How many sessions want to hear of it.
    pub(super) fn wanted(&self, uri: &str) -> u32 {
        self.by_uri.get(uri).map_or(0, |known| known.wanted)
    }

    /// What the server has to be asked so that it stands with this resource as it is wanted:
    /// `Some(true)` to subscribe, `Some(false)` to unsubscribe. Nothing for now where too much is
    /// without an answer; [`Self::next`] comes back to it then.
    pub(super) fn due(&mut self, uri: &Arc<str>) -> Option<bool> {
        let subscription = self.by_uri.get_mut(uri)?;
        if subscription.open > 0 || subscription.is_waiting {
            return None; // its answer, or its turn, comes first
        }
        let is_wanted = subscription.wanted > 0;
        // What the server would not take back says nothing to anybody.
        let is_over = !subscription.is_on || subscription.is_refused;
        if !is_wanted && (is_over || self.waiting.len() >= GIVEN_UP) {
            self.by_uri.remove(uri);
            return None;
        }
        if subscription.is_on == is_wanted || subscription.is_refused {
            return None;
        }
        if self.own < AT_ONCE {
            return Some(is_wanted);
        }
        subscription.is_waiting = true;
        self.waiting.push_back(Arc::clone(uri));
        None
    }

    /// The next resource that waits, if there is room for a request.
    pub(super) fn next(&mut self) -> Option<Arc<str>> {
        if self.own >= AT_ONCE {
            return None;
        }
        let uri = self.waiting.pop_front()?;
        if let Some(subscription) = self.by_uri.get_mut(&uri) {
            subscription.is_waiting = false;
        }
        Some(uri)
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
