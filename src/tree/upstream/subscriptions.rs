//! Where a server stands with each resource that somebody subscribed to, or wants to: what it was
//! asked, and what it granted. Plain state; who wants what is the subscribers'.
//!
//! After a restart of the server it may have to be asked for a million resources again: the gateway
//! asks for a few at a time, so that neither the requests fill its memory nor their answers keep a
//! client's call waiting.

use std::collections::{BTreeMap, HashMap};
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
    /// Its turn among those that wait for room for a request, if it does.
    turn: u64,
}

/// No turn.
const NONE: u64 = 0;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_uri: BTreeMap<Arc<str>, Subscription>,
    /// The requests without an answer, and the resource that each is about.
    open: HashMap<u64, (Arc<str>, Open)>,
    /// How many of these are the gateway's own.
    own: usize,
    /// What the server may have to be asked for, and has not been for want of room, oldest first.
    waiting: BTreeMap<u64, Arc<str>>,
    /// The last turn that was given.
    last_turn: u64,
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
        // All that wait may be unwanted at once: they must not be looked at all in one turn later.
        if subscription.turn != NONE && subscription.is_on == (subscription.wanted > 0) {
            self.waiting.remove(&subscription.turn);
            subscription.turn = NONE;
        }
    }

    /// How many sessions want to hear of it.
    pub(super) fn wanted(&self, uri: &str) -> u32 {
        self.by_uri.get(uri).map_or(0, |known| known.wanted)
    }

    /// All that somebody wants to hear of.
    pub(super) fn all_wanted(&self) -> impl Iterator<Item = &Arc<str>> {
        let wanted = self.by_uri.iter().filter(|(_, known)| known.wanted > 0);
        wanted.map(|(uri, _)| uri)
    }

    /// Forgets it if nobody wants to hear of it.
    pub(super) fn forget_unwanted(&mut self, uri: &str) {
        if self.wanted(uri) == 0 {
            self.by_uri.remove(uri);
        }
    }

    /// What the server has to be asked so that it stands with this resource as it is wanted:
    /// `Some(true)` to subscribe, `Some(false)` to unsubscribe. Nothing for now where too much is
    /// without an answer; [`Self::next`] comes back to it then.
    pub(super) fn due(&mut self, uri: &Arc<str>) -> Option<bool> {
        let subscription = self.by_uri.get_mut(uri)?;
        if subscription.open > 0 || subscription.turn != NONE {
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
        self.last_turn += 1;
        subscription.turn = self.last_turn;
        self.waiting.insert(self.last_turn, Arc::clone(uri));
        None
    }

    /// The next resource that waits, if there is room for a request.
    pub(super) fn next(&mut self) -> Option<Arc<str>> {
        if self.own >= AT_ONCE {
            return None;
        }
        let (_, uri) = self.waiting.pop_first()?;
        if let Some(subscription) = self.by_uri.get_mut(&uri) {
            subscription.turn = NONE;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_wants_any_more_does_not_wait() {
        let mut all = Subscriptions::default();
        let uris: Vec<Arc<str>> = (0..100).map(|n| format!("m://{n}").into()).collect();
        for (id, uri) in (1..).zip(&uris) {
            all.want(uri, true);
            if all.due(uri) == Some(true) {
                let open = Open {
                    is_on: true,
                    call: None,
                    until: Instant::now(),
                };
                all.sent(id, uri, open);
            }
        }
        assert_eq!(all.waiting.len(), 100 - AT_ONCE);
        for uri in uris.iter().skip(AT_ONCE).take(90) {
            all.want(uri, false);
            assert_eq!(all.due(uri), None);
        }
        assert_eq!((all.waiting.len(), all.by_uri.len()), (8, 10));
        assert!(all.settle(1, true).is_some());
        assert_eq!(all.next().as_ref(), Some(&uris[92]), "the oldest");
    }
}
