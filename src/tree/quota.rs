//! How much of something may be in use at once: taken by guards, which give it back when they are
//! dropped, wherever that is. Nobody waits for it, and it can be changed at any time. What clients
//! share is taken in their name, so that none takes it all (`takers.rs`).

mod takers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::takers::Taker;
use self::takers::{Demand, Takers};
use crate::telemetry::metrics::Gauge;

/// What all its guards share.
#[derive(Debug, Clone)]
pub struct Quota(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    used: AtomicUsize,
    most: AtomicUsize,
    /// By whom, as far as it was taken in somebody's name.
    takers: Mutex<Takers>,
    /// The same as `used`, for those who look on from outside.
    gauge: Gauge,
}

/// A part of a quota that is in use.
#[derive(Debug)]
pub struct Share {
    quota: Quota,
    amount: usize,
    taker: Option<Arc<Taker>>,
}

impl Quota {
    /// Nothing is in use, and up to `most` may be.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::counted_in(&Gauge::default(), most)
    }

    /// The same; what is in use is counted in `gauge`.
    #[must_use]
    pub fn counted_in(gauge: &Gauge, most: usize) -> Self {
        Self(Arc::new(Counts {
            used: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
            takers: Mutex::default(),
            gauge: gauge.clone(),
        }))
    }

    /// Takes `amount`; `None` if there is not so much left.
    #[must_use]
    pub fn take(&self, amount: usize) -> Option<Share> {
        self.share(None, amount)
    }

    /// Takes `amount` for a client; `None` if there is not so much left, or if others are to have it.
    #[must_use]
    pub fn take_for(&self, taker: &Arc<Taker>, amount: usize) -> Option<Share> {
        self.share(Some(Arc::clone(taker)), amount)
    }

    fn share(&self, taker: Option<Arc<Taker>>, amount: usize) -> Option<Share> {
        let mut share = self.nothing(taker);
        share.grow(amount, 0).then_some(share)
    }

    /// Takes nothing yet, for a client or for nobody: a share that is to grow.
    #[must_use]
    pub fn nothing(&self, taker: Option<Arc<Taker>>) -> Share {
        Share {
            quota: self.clone(),
            amount: 0,
            taker,
        }
    }

    /// From now on up to `most` may be in use. What is in use stays so.
    pub fn resize(&self, most: usize) {
        self.0.most.store(most, Ordering::Relaxed);
    }

    /// How much is in use.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Whether three quarters are in use.
    #[must_use]
    pub fn is_short(&self) -> bool {
        let most = self.0.most.load(Ordering::Relaxed);
        self.used() >= most - most / 4
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.0.most.load(Ordering::Relaxed) - self.used()
    }

    /// Whether somebody else holds it too, or a share of it.
    #[cfg(test)]
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn takers(&self) -> MutexGuard<'_, Takers> {
        let takers = self.0.takers.lock();
        takers.unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, amount: usize) {
        self.0.used.fetch_sub(amount, Ordering::AcqRel);
        self.0.gauge.dec_by(signed(amount));
    }

    fn grow(&self, amount: usize, spared: usize) -> bool {
        let most = self.0.most.load(Ordering::Relaxed).saturating_sub(spared);
        let grown = |used: usize| used.checked_add(amount).filter(|used| *used <= most);
        let (set, fetch) = (Ordering::AcqRel, Ordering::Relaxed);
        let has_grown = self.0.used.fetch_update(set, fetch, grown).is_ok();
        if has_grown {
            self.0.gauge.inc_by(signed(amount));
        }
        has_grown
    }
}

impl Share {
    /// Takes `more` of the same quota; `false`, and nothing is taken, if there would be less than
    /// `spared` left for others. Who has taken little in its own name spares nothing.
    #[must_use]
    pub fn grow(&mut self, more: usize, spared: usize) -> bool {
        let grown = match &self.taker {
            Some(taker) => self.grow_for(**taker, more, spared),
            None => self.quota.grow(more, spared),
        };
        if grown {
            self.amount += more;
        }
        grown
    }

    fn grow_for(&self, taker: Taker, more: usize, spared: usize) -> bool {
        let mut takers = self.quota.takers();
        let most = self.quota.0.most.load(Ordering::Relaxed);
        let demand = Demand {
            more,
            own: self.amount,
            used: self.quota.used(),
            most,
            spared,
        };
        let grown = takers.may_take(taker, demand) && self.quota.grow(more, 0);
        if grown {
            takers.take(taker, more);
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        // By the book first: it never knows of less than is in use.
        let taker = self.taker.as_deref();
        let mut takers = taker.map(|taker| (self.quota.takers(), *taker));
        self.quota.give_back(self.amount);
        if let Some((takers, taker)) = &mut takers {
            takers.give_back(*taker, self.amount);
        }
    }
}

pub(super) fn signed(amount: usize) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_with_its_guard() {
        let quota = Quota::new(10);
        let mut share = quota.take(6).unwrap();
        assert!(quota.take(5).is_none() && !share.grow(5, 0));
        assert_eq!(quota.used(), 6);
        assert!(!share.grow(3, 2) && share.grow(2, 2), "2 are spared");
        assert!(share.grow(2, 0));
        assert_eq!(quota.used(), 10);
        drop(share);
        assert_eq!(quota.used(), 0);
    }

    #[test]
    fn it_shrinks_under_what_is_in_use_and_grows_again() {
        let quota = Quota::new(2);
        let both = (quota.take(1).unwrap(), quota.take(1).unwrap());
        quota.resize(1);
        drop(both.0);
        assert!(quota.take(1).is_none());
        drop(both.1);
        let one = quota.take(1).unwrap();
        quota.resize(2);
        assert!(quota.take(1).is_some());
        drop(one);
    }

    #[test]
    fn a_sum_that_overflows_is_no_room() {
        let quota = Quota::new(usize::MAX);
        let one = quota.take(1).unwrap();
        assert!(quota.take(usize::MAX).is_none());
        drop(one);
    }
}
