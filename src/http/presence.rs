//! What one connection shows of who is at its other end, and of what it does. The acceptor reads
//! it to choose who makes room.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::phase::{Clock, Phase};
use super::places::{Place, Places};
use crate::ids::Holder;

/// How long a connection has to show whose it is before it makes room.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Presence {
    shown: AtomicU8,
    /// Where it comes from.
    peer: Holder,
    /// Whose token it showed, or whose session.
    known: OnceLock<Holder>,
    leave: Notify,
    is_leaving: AtomicBool,
    /// Its place among those that are in use, once it is known.
    place: Place,
    pub(super) clock: Arc<Clock>,
}

const NOTHING: u8 = 0;
const A_REQUEST: u8 = 1;
const ITSELF: u8 = 2;

impl Presence {
    /// Of one that comes from where `peer` is, and has shown nothing.
    pub(super) fn of(peer: Holder, places: &Places) -> Self {
        Self {
            shown: AtomicU8::new(NOTHING),
            peer,
            known: OnceLock::new(),
            leave: Notify::new(),
            is_leaving: AtomicBool::new(false),
            place: Place::of(places.clone()),
            clock: Arc::default(),
        }
    }

    /// It asked for something.
    pub(super) fn spoke(&self) {
        self.shown.fetch_max(A_REQUEST, Ordering::Relaxed);
    }

    /// It showed a valid token, or a session; those are `holder`'s. `false`, and it counts for
    /// nothing, if `holder` has as many connections in use as it may.
    #[must_use]
    pub(super) fn is_known(&self, holder: Holder) -> bool {
        let has_place = self.place.take(holder);
        if has_place {
            self.known.get_or_init(|| holder);
            self.shown.store(ITSELF, Ordering::Relaxed);
        }
        has_place
    }

    /// Leaves its place to others if it is not in use for now.
    pub(super) fn give_up_idle_place(&self) {
        self.place.give_up_if(|| self.clock.idle_for().is_some());
    }

    /// How long it has shown nothing that would keep it here, if it has begun to ask for something.
    pub(super) fn placeless_for(&self) -> Option<Duration> {
        let missing = self.place.missing_for()?;
        let (phase, since) = self.clock.read();
        match phase {
            Phase::Header | Phase::Request => Some(missing.min(since.elapsed())),
            Phase::Fresh | Phase::Idle => None,
        }
    }

    /// Where it comes from.
    pub(super) fn peer(&self) -> Holder {
        self.peer
    }

    /// Whose it is, as far as it showed.
    pub(super) fn holder(&self) -> Holder {
        self.known.get().copied().unwrap_or(self.peer)
    }

    /// Whether it showed neither a token nor a session.
    pub(super) fn is_stranger(&self) -> bool {
        self.shown.load(Ordering::Relaxed) < ITSELF
    }

    /// Whether it never asked for anything.
    pub(super) fn is_silent(&self) -> bool {
        self.shown.load(Ordering::Relaxed) == NOTHING
    }

    /// Returns when it is to make room.
    pub(super) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    /// Tells it to make room.
    pub(super) fn tell_to_leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
        self.leave.notify_one();
    }

    /// Whether it was told to leave and will.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// Whether it leaves now that it was told to: somebody who is known does not if the next request
    /// has come meanwhile.
    pub(super) fn leaves(&self) -> bool {
        let is_placeless = self.placeless_for().is_some_and(|since| since >= PATIENCE);
        let leaves = self.is_stranger() || is_placeless || self.clock.read().0 == Phase::Idle;
        self.is_leaving.store(leaves, Ordering::Relaxed);
        leaves
    }
}
