//! Connections that have shown neither a valid token nor, where none is asked for, a session. When
//! there are too many connections, the one of these that has been here longest makes room, once it
//! has had its time to show one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a connection has to show whose it is before it makes room.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of who is at the other end of a connection.
#[derive(Debug, Default)]
pub(super) struct Presence {
    shown: AtomicU8,
    leave: Notify,
}

const NOTHING: u8 = 0;
const A_REQUEST: u8 = 1;
const ITSELF: u8 = 2;

impl Presence {
    /// It asked for something.
    pub(super) fn spoke(&self) {
        self.shown.fetch_max(A_REQUEST, Ordering::Relaxed);
    }

    /// It showed a valid token, or a session.
    pub(super) fn is_known(&self) {
        self.shown.fetch_max(ITSELF, Ordering::Relaxed);
    }

    /// Whether it never asked for anything.
    pub(super) fn is_silent(&self) -> bool {
        self.shown.load(Ordering::Relaxed) == NOTHING
    }

    /// Returns when it is to make room.
    pub(super) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    fn is_stranger(&self) -> bool {
        self.shown.load(Ordering::Relaxed) < ITSELF
    }
}

/// Those that are strangers, those that have become known or have gone not yet forgotten.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// In the order in which they came.
    here: VecDeque<(Instant, Weak<Presence>)>,
    /// Told to leave.
    leaving: Vec<Weak<Presence>>,
}

impl Strangers {
    /// One more, who is a stranger. There are `connections` now.
    pub(super) fn admit(&mut self, connections: usize) -> Arc<Presence> {
        // As many are let in before the next time as are looked at.
        if self.here.len() > 64 + 2 * connections {
            self.here
                .retain(|(_, presence)| stranger(presence).is_some());
        }
        let presence = Arc::new(Presence::default());
        let since = Instant::now();
        self.here.push_back((since, Arc::downgrade(&presence)));
        presence
    }

    /// How many were told to leave and have not left.
    pub(super) fn leaving(&mut self) -> usize {
        self.leaving.retain(|one| one.strong_count() > 0);
        self.leaving.len()
    }

    /// When the one that has been here longest may be told to leave.
    pub(super) fn due(&mut self) -> Option<Instant> {
        while let Some((since, presence)) = self.here.front() {
            if stranger(presence).is_some() {
                return Some(*since + PATIENCE);
            }
            self.here.pop_front();
        }
        None
    }

    /// Tells the one that has been here longest to leave; `false` if there is none by now that had
    /// its time.
    pub(super) fn put_out(&mut self) -> bool {
        let is_due = self.due().is_some_and(|due| due <= Instant::now());
        let oldest = is_due.then(|| self.here.pop_front()).flatten();
        let Some((_, presence)) = oldest else {
            return false;
        };
        if let Some(one) = stranger(&presence) {
            one.leave.notify_one();
        }
        self.leaving.push(presence);
        true
    }
}

/// It, while it is here and nobody knows who it is.
fn stranger(presence: &Weak<Presence>) -> Option<Arc<Presence>> {
    presence.upgrade().filter(|one| one.is_stranger())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_stranger_leaves_first() {
        let mut strangers = Strangers::default();
        let began = Instant::now();
        let known = strangers.admit(0);
        tokio::time::advance(Duration::from_secs(1)).await;
        let gone = strangers.admit(1);
        let old = strangers.admit(2);
        tokio::time::advance(Duration::from_secs(1)).await;
        let young = strangers.admit(3);
        assert_eq!(strangers.due(), Some(began + PATIENCE));
        known.is_known();
        known.spoke();
        drop(gone);
        assert_eq!(
            strangers.due(),
            Some(began + Duration::from_secs(1) + PATIENCE)
        );
        assert!(!strangers.put_out(), "it has a second left");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(strangers.put_out());
        old.told_to_leave().await;
        assert_eq!(strangers.leaving(), 1);
        drop(old);
        assert_eq!(strangers.leaving(), 0);
        assert!(young.is_silent() && strangers.due().is_some());
        young.is_known();
        assert_eq!(strangers.due(), None);
        assert!(!strangers.put_out());
        assert_eq!(strangers.leaving(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_have_gone_take_no_room() {
        let mut strangers = Strangers::default();
        let _stays = strangers.admit(0);
        for _ in 0..10_000 {
            drop(strangers.admit(1));
        }
        assert!(
            strangers.here.len() <= 64 + 2 + 1,
            "{}",
            strangers.here.len()
        );
    }
}
