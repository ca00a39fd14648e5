//! How much of something may be in use at once: taken by guards, which give it back when they are
//! dropped, wherever that is. Nobody waits for it, and it can be changed at any time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::telemetry::metrics::Gauge;

/// What all its guards share.
#[derive(Debug, Clone)]
pub struct Quota(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    used: AtomicUsize,
    most: AtomicUsize,
    /// What is in use by clients that are told apart; none holds nothing.
    holders: Mutex<HashMap<u64, usize>>,
    /// The same as `used`, for those who look on from outside.
    gauge: Gauge,
    /// What it is a part of: what is taken here is taken there too.
    whole: Option<Quota>,
}

/// The parts of a quota that many share, one for each of them. The last eighth is for those who
/// hold less than an eighth: whoever takes all the rest does not keep others out.
#[derive(Debug)]
pub(super) struct Parts<K> {
    whole: Quota,
    by_holder: HashMap<K, Quota>,
    /// With so many, those that nobody uses any more are looked for.
    crowd: usize,
}

impl<K: Eq + Hash> Parts<K> {
    /// Parts of `whole`, none yet.
    pub(super) fn of(whole: Quota) -> Self {
        Self {
            whole,
            by_holder: HashMap::new(),
            crowd: 16,
        }
    }

    /// The part of `holder`.
    pub(super) fn part(&mut self, holder: K) -> Quota {
        if self.by_holder.len() >= self.crowd {
            self.by_holder.retain(|_, part| part.is_shared());
            self.crowd = 2 * self.by_holder.len().max(8);
        }
        let part = self.by_holder.entry(holder);
        part.or_insert_with(|| Quota::part_of(&self.whole)).clone()
    }

    /// From now on so much may be in use of the whole.
    pub(super) fn resize(&self, most: usize) {
        self.whole.resize(most);
    }
}

/// A part of a quota that is in use.
#[derive(Debug)]
pub struct Share {
    quota: Quota,
    amount: usize,
    holder: Option<u64>,
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
        Self::with(gauge, most, None)
    }

    /// A part of `whole`, which may be all of it.
    fn part_of(whole: &Self) -> Self {
        Self::with(&Gauge::default(), usize::MAX, Some(whole.clone()))
    }

    fn with(gauge: &Gauge, most: usize, whole: Option<Self>) -> Self {
        Self(Arc::new(Counts {
            used: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
            holders: Mutex::default(),
            gauge: gauge.clone(),
            whole,
        }))
    }

    /// Takes `amount`; `None` if there is not so much left.
    #[must_use]
    pub fn take(&self, amount: usize) -> Option<Share> {
        // Not a share that was never taken: dropped, it would give back what is another's.
        let share = || Share {
            quota: self.clone(),
            amount,
            holder: None,
        };
        self.grow(amount, 0).then(share)
    }

    /// Takes one for a client. The last eighth is only for clients that hold less than their
    /// part, so that none, however greedy, keeps the others out.
    #[must_use]
    pub fn take_for(&self, holder: u64) -> Option<Share> {
        let mut holders = self.holders();
        let most = self.0.most.load(Ordering::Relaxed);
        let held = holders.get(&holder).copied().unwrap_or_default();
        let clients = holders.len() + usize::from(held == 0);
        if !leaves_room(most, self.used(), held, clients) {
            return None;
        }
        let mut share = self.take(1)?;
        share.holder = Some(holder);
        *holders.entry(holder).or_default() += 1;
        Some(share)
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

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.0.most.load(Ordering::Relaxed) - self.used()
    }

    /// Whether somebody else holds it too, or a part of it.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn holders(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        let holders = self.0.holders.lock();
        holders.unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, amount: usize) {
        self.0.used.fetch_sub(amount, Ordering::AcqRel);
        self.0.gauge.dec_by(signed(amount));
        if let Some(whole) = &self.0.whole {
            whole.give_back(amount);
        }
    }

    fn grow(&self, amount: usize, spared: usize) -> bool {
        if let Some(whole) = &self.0.whole {
            let last = whole.0.most.load(Ordering::Relaxed) / 8;
            let is_little = self.used().saturating_add(amount) <= last;
            if !whole.grow(amount, if is_little { spared } else { spared.max(last) }) {
                return false;
            }
        }
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
    /// `spared` left for others.
    #[must_use]
    pub fn grow(&mut self, more: usize, spared: usize) -> bool {
        let grown = self.quota.grow(more, spared);
        if grown {
            self.amount += more;
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(holder) = self.holder {
            let mut holders = self.quota.holders();
            let held = holders.remove(&holder).unwrap_or_default();
            if held > 1 {
                holders.insert(holder, held - 1);
            }
        }
        self.quota.give_back(self.amount);
    }
}

/// Whether a client that holds `held` of the `used` may take one more of `most`; `clients` is how
/// many hold some, it included. While there is plenty anybody may. The rest is kept for those below
/// the part that each would have if one more came.
fn leaves_room(most: usize, used: usize, held: usize, clients: usize) -> bool {
    used < most - most / 8 || (used < most && held < (most / (clients + 1)).max(1))
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

    /// A few that take all they get and never give back: whoever comes then finds room.
    #[test]
    fn the_greedy_leave_room_for_one_more() {
        for most in [8, 64, 128, 1000] {
            for greedy in 1..5 {
                let quota = Quota::new(most);
                let mut shares = Vec::new();
                let mut gets_more = true;
                while gets_more {
                    let before = shares.len();
                    shares.extend((0..greedy).filter_map(|client| quota.take_for(client)));
                    gets_more = shares.len() > before;
                }
                let newcomer = quota.take_for(100);
                assert!(
                    newcomer.is_some(),
                    "{greedy} hold {} of {most}",
                    shares.len()
                );
                let all = shares.len();
                assert!(all >= most - most / 4, "{greedy} get {all} of {most}");
            }
        }
    }

    #[test]
    fn whoever_gave_all_back_is_no_client_any_more() {
        let quota = Quota::new(2);
        let both = (quota.take_for(1), quota.take_for(1));
        assert!(quota.take_for(1).is_none(), "without an eighth it has all");
        drop(both);
        assert!(quota.holders().is_empty());
        assert_eq!(quota.used(), 0);
    }

    proptest::proptest! {
        #[test]
        fn what_is_held_is_what_is_used(
            most in 1_usize..40,
            steps in proptest::collection::vec((0_u64..6, proptest::bool::ANY), 0..200),
        ) {
            let quota = Quota::new(most);
            let mut shares: Vec<(u64, Share)> = Vec::new();
            for (client, takes) in steps {
                let held = |shares: &[(u64, Share)]| shares.iter().filter(|(of, _)| *of == client).count();
                if takes {
                    let before = held(&shares);
                    let clients = quota.holders().len() + usize::from(before == 0);
                    let expected = leaves_room(most, shares.len(), before, clients);
                    let share = quota.take_for(client);
                    proptest::prop_assert_eq!(share.is_some(), expected);
                    shares.extend(share.map(|share| (client, share)));
                } else if let Some(at) = shares.iter().position(|(of, _)| *of == client) {
                    shares.remove(at);
                }
                let counted = quota.holders().get(&client).copied().unwrap_or_default();
                proptest::prop_assert_eq!(counted, held(&shares));
                proptest::prop_assert!(quota.used() == shares.len() && shares.len() <= most);
            }
        }
    }

    #[test]
    fn the_last_eighth_is_for_those_who_hold_little() {
        let whole = Quota::new(80);
        let mut parts = Parts::of(whole.clone());
        let (one, two) = (parts.part(1), parts.part(2));
        let held = [one.take(10), one.take(60)].map(Option::unwrap);
        assert!(one.take(1).is_none() && parts.part(1).take(1).is_none());
        let other = two.take(10).unwrap();
        assert_eq!((whole.used(), one.used()), (80, 70));
        drop(held);
        assert_eq!((whole.used(), one.used()), (10, 0));
        assert!(two.take(60).is_some(), "as long as there is more");
        drop((other, one, two));
        for number in 0..40 {
            drop(parts.part(number));
        }
        assert!(parts.by_holder.len() <= 16 && whole.used() == 0);
    }

    #[test]
    fn a_sum_that_overflows_is_no_room() {
        let quota = Quota::new(usize::MAX);
        let one = quota.take(1).unwrap();
        assert!(quota.take(usize::MAX).is_none());
        drop(one);
    }
}
