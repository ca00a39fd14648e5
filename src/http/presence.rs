//! What one connection shows of who is at its other end, and of what it does. The acceptor reads
//! it to choose who makes room.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::phase::{Clock, Phase};
use crate::ids::Holder;

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
    pub(super) clock: Arc<Clock>,
}

const NOTHING: u8 = 0;
const A_REQUEST: u8 = 1;
const ITSELF: u8 = 2;

impl Presence {
    /// Of one that comes from where `peer` is, and has shown nothing.
    pub(super) fn of(peer: Holder) -> Self {
        Self {
            shown: AtomicU8::new(NOTHING),
            peer,
            known: OnceLock::new(),
            leave: Notify::new(),
            is_leaving: AtomicBool::new(false),
            clock: Arc::default(),
        }
    }

    /// It asked for something.
    pub(super) fn spoke(&self) {
        self.shown.fetch_max(A_REQUEST, Ordering::Relaxed);
    }

    /// It showed a valid token, or a session; those are `holder`'s.
    pub(super) fn is_known(&self, holder: Holder) {
        self.known.get_or_init(|| holder);
        self.shown.store(ITSELF, Ordering::Relaxed);
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
        let leaves = self.is_stranger() || self.clock.read().0 == Phase::Idle;
        self.is_leaving.store(leaves, Ordering::Relaxed);
        leaves
    }
}
