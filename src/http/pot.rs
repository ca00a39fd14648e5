//! The event streams of clients that did not ask for one: their `Accept` names no
//! `text/event-stream`, it only allows it. Simple clients are among them, and so are the tags of a
//! foreign page (`<img src=…>`), by which a page could take up every session. They have few places of
//! their own; where all are taken, the stream that has been open longest makes room.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::Notify;

/// How many such streams there may be.
const PLACES: usize = 16;

/// The places, in the order in which they were taken. Held for a few comparisons only.
#[derive(Debug, Default)]
pub(super) struct Pot(Mutex<VecDeque<(Weak<()>, Arc<Notify>)>>);

/// A place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _taken: Arc<()>,
}

impl Pot {
    /// Takes a place for a stream whose connection `cut` closes.
    pub(super) fn place(&self, cut: &Arc<Notify>) -> Place {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|(taken, _)| taken.strong_count() > 0);
        while places.len() >= PLACES
            && let Some((_, oldest)) = places.pop_front()
        {
            log::debug!(
                "too many event streams of clients that did not ask for one: the oldest is closed"
            );
            oldest.notify_one();
        }
        let taken = Arc::new(());
        places.push_back((Arc::downgrade(&taken), Arc::clone(cut)));
        Place { _taken: taken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn is_cut(cut: &Notify) -> bool {
        cut.notified().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_makes_room() {
        let pot = Pot::default();
        let cuts: Vec<Arc<Notify>> = (0..PLACES + 2).map(|_| Arc::default()).collect();
        let mut places: Vec<Place> = cuts[..PLACES].iter().map(|cut| pot.place(cut)).collect();
        drop(places.remove(0));
        places.push(pot.place(&cuts[PLACES]));
        assert!(!cuts.iter().any(|cut| is_cut(cut)), "one had gone");
        places.push(pot.place(&cuts[PLACES + 1]));
        assert!(is_cut(&cuts[1]) && !is_cut(&cuts[2]));
    }
}
