//! The connections that are in use by those who are known. Each has a place, and no client takes all
//! places. One that is idle gives its place up when places are short, and makes room for others then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::ids::Holder;
use crate::tree::{Quota, Share, Taker};

/// All places.
#[derive(Debug, Clone)]
pub(super) struct Places {
    all: Quota,
    /// Notified when most are taken.
    short: Arc<Notify>,
}

impl Places {
    /// There will be some once it is known how many.
    pub(super) fn none() -> Self {
        let (all, short) = (Quota::new(0), Arc::default());
        Self { all, short }
    }

    /// From now on there are so many.
    pub(super) fn resize(&self, most: usize) {
        self.all.resize(most);
    }

    /// Returns when most are taken.
    pub(super) async fn are_short(&self) {
        self.short.notified().await;
    }
}

/// The place of one connection.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    taken: Mutex<Taken>,
}

#[derive(Debug)]
enum Taken {
    Yes {
        _share: Share,
    },
    /// Not since then.
    No(Instant),
}

impl Place {
    /// None of `places` yet.
    pub(super) fn of(places: Places) -> Self {
        let taken = Mutex::new(Taken::No(Instant::now()));
        Self { places, taken }
    }

    /// Takes one in the name of `holder`, unless it has one; `false` if there is none.
    pub(super) fn take(&self, holder: Holder) -> bool {
        let mut taken = self.taken();
        if let Taken::Yes { .. } = *taken {
            return true;
        }
        let asker = Arc::new(Taker {
            holder,
            session: None,
        });
        let share = self.places.all.take_for(&asker, 1);
        if self.places.all.is_short() {
            self.places.short.notify_one();
        }
        let is_taken = share.is_some();
        if let Some(share) = share {
            *taken = Taken::Yes { _share: share };
        }
        is_taken
    }

    /// Gives it up if it `is_spare`, which is asked while nobody can take it.
    pub(super) fn give_up_if(&self, is_spare: impl FnOnce() -> bool) {
        let mut taken = self.taken();
        if matches!(*taken, Taken::Yes { .. }) && is_spare() {
            *taken = Taken::No(Instant::now());
        }
    }

    /// For how long it has had none.
    pub(super) fn missing_for(&self) -> Option<Duration> {
        match *self.taken() {
            Taken::Yes { .. } => None,
            Taken::No(since) => Some(since.elapsed()),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
