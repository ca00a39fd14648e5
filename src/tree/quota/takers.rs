//! Who holds how much of what all clients share, and who may take more of it: so that no client, and
//! no session of one, takes it all. Pure.
//!
//! While there is plenty anybody may. The last sixteenth is for clients that hold less than their
//! part, which is what each would have if one more came, and no more than is left. The one before it is
//! also for sessions that hold less than theirs. So a client that is alone, as are all behind one proxy,
//! has the rest. Somebody with less than its part who is refused all the same is remembered: what comes
//! back then is not taken by those who have more than theirs, unless there is enough for both.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::Holder;

/// How long who was refused has to come again.
const WAIT: Duration = Duration::from_secs(10);

/// Who takes: a client, and which of its sessions, if that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taker {
    /// The client.
    pub holder: Holder,
    /// The session's serial number.
    pub session: Option<u64>,
}

/// What is asked for, and of what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    pub(super) more: usize,
    /// What the asker's guard holds already.
    pub(super) own: usize,
    pub(super) used: usize,
    pub(super) most: usize,
    /// What those leave who hold more than a little.
    pub(super) spared: usize,
}

/// Who holds something. Those who hold nothing are not in it.
#[derive(Debug, Default)]
pub(super) struct Takers {
    holders: BTreeMap<Holder, usize>,
    /// By the serial numbers of sessions.
    sessions: BTreeMap<u64, usize>,
    /// Who held less than its part and was refused last, and when.
    waiting: Option<(Holder, Instant)>,
}

impl Takers {
    /// Whether `taker` may have what it asks for. Who may not, and has less than its part, is
    /// remembered.
    pub(super) fn may_take(&mut self, taker: Taker, demand: Demand) -> bool {
        let Demand {
            more,
            own,
            used,
            most,
            spared,
        } = demand;
        let held = self.holders.get(&taker.holder).copied().unwrap_or_default();
        let others = self.holders.len() - usize::from(held > 0);
        if self.must_wait(taker.holder, held + more, (used + more, most)) {
            return false;
        }
        let has_little = held + more <= part(most, others + 2);
        let leaves = |bands| {
            let after = used.saturating_add(more).saturating_add(spared);
            after <= most - bands * band(most)
        };
        let is_granted = leaves(2)
            || leaves(1) && self.has_session_little(taker, more, most)
            // What nobody else has any of is not divided.
            || leaves(0) && used == own
            // As much is left for the next as it has then, about.
            || has_little && held + more <= most.saturating_sub(used);
        if !is_granted && has_little {
            self.waiting = Some((taker.holder, Instant::now()));
        }
        is_granted
    }

    fn has_session_little(&self, taker: Taker, more: usize, most: usize) -> bool {
        let Some(session) = taker.session else {
            return true;
        };
        let its = self.sessions.get(&session).copied().unwrap_or_default();
        let others = self.sessions.len() - usize::from(its > 0);
        its + more <= part(most, others + 2)
    }

    /// Whether `holder`, who would have `amount` then, leaves it to somebody who was refused: only if
    /// there would not be enough for both.
    fn must_wait(&self, holder: Holder, amount: usize, (used, most): (usize, usize)) -> bool {
        if used.saturating_add((2 * band(most)).max(1)) <= most {
            return false;
        }
        let Some((first, since)) = self.waiting.filter(|(first, _)| *first != holder) else {
            return false;
        };
        let both = [holder, first];
        let others = self.holders.keys().filter(|other| !both.contains(other));
        since.elapsed() < WAIT && amount > part(most, others.count() + both.len())
    }

    /// It has so much more now.
    pub(super) fn take(&mut self, taker: Taker, more: usize) {
        if more == 0 {
            return;
        }
        if self.waiting.is_some_and(|(first, _)| first == taker.holder) {
            self.waiting = None;
        }
        *self.holders.entry(taker.holder).or_default() += more;
        if let Some(session) = taker.session {
            *self.sessions.entry(session).or_default() += more;
        }
    }

    /// It has so much less now.
    pub(super) fn give_back(&mut self, taker: Taker, amount: usize) {
        reduce(&mut self.holders, taker.holder, amount);
        if let Some(session) = taker.session {
            reduce(&mut self.sessions, session, amount);
        }
    }

    #[cfg(test)]
    pub(super) fn are_none(&self) -> bool {
        self.holders.is_empty() && self.sessions.is_empty()
    }
}

fn reduce<K: Ord>(held: &mut BTreeMap<K, usize>, key: K, amount: usize) {
    if let Entry::Occupied(mut its) = held.entry(key) {
        *its.get_mut() = its.get().saturating_sub(amount);
        if *its.get() == 0 {
            its.remove();
        }
    }
}

/// A sixteenth; of very little there is nothing to spare.
fn band(most: usize) -> usize {
    if most < 8 { 0 } else { most.div_ceil(16) }
}

/// What each of so many has.
fn part(most: usize, among: usize) -> usize {
    (most / among).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::{Quota, Share};
    use super::*;
    use crate::ids::Owner;
    use proptest::{bool, collection, prop_assert, prop_assert_eq};
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use tokio::time::advance;

    /// A session of the client `holder`.
    fn taker(holder: u8, session: u64) -> Arc<Taker> {
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, holder));
        Arc::new(Taker {
            holder: Holder::new(Owner::ANYBODY, address),
            session: Some(1000 * u64::from(holder) + session),
        })
    }

    /// All that these get who take one by one and give nothing back.
    fn take_all(quota: &Quota, takers: &[Arc<Taker>]) -> Vec<Share> {
        let mut shares = Vec::new();
        loop {
            let before = shares.len();
            shares.extend(takers.iter().filter_map(|taker| quota.take_for(taker, 1)));
            if shares.len() == before {
                return shares;
            }
        }
    }

    #[test]
    fn nobody_waits_for_who_was_refused_where_there_is_enough_for_both() {
        let quota = Quota::new(32);
        let sessions = (0..32).map(|session| taker(1, session));
        let mut home: Vec<Share> = sessions.filter_map(|it| quota.take_for(&it, 1)).collect();
        assert_eq!(home.len(), 30);
        assert!(quota.take_for(&taker(2, 1), 4).is_none());
        home.truncate(29);
        assert!(
            quota.take_for(&taker(1, 0), 1).is_none(),
            "it is for the other"
        );
        home.truncate(16);
        assert!(quota.take_for(&taker(1, 0), 1).is_some());
    }

    #[test]
    fn the_greedy_leave_room_for_one_more() {
        for most in [8, 16, 64, 128, 1000] {
            for (clients, sessions) in [(1, 1), (1, 3), (1, 200), (2, 2), (3, 100), (4, 1)] {
                if clients == 3 && most < 64 {
                    continue; // of one place only one client gets some
                }
                let quota = Quota::new(most);
                let greedy: Vec<Arc<Taker>> = (0..clients)
                    .flat_map(|client| (0..sessions).map(move |session| taker(client, session)))
                    .collect();
                let shares = take_all(&quota, &greedy);
                let all = shares.len();
                let how = format!("{clients} with {sessions} sessions hold {all} of {most}");
                assert!(all >= most - most / 4, "{how}");
                if sessions < 5 {
                    let session = quota.take_for(&taker(0, 999), 1);
                    assert!(session.is_some(), "no other session gets any: {how}");
                }
                let client = quota.take_for(&taker(100, 0), 1);
                assert!(client.is_some(), "no other client gets any: {how}");
            }
        }
    }

    #[test]
    fn who_is_alone_leaves_a_sixteenth_and_may_begin_with_more() {
        let quota = Quota::new(128);
        let sessions: Vec<Arc<Taker>> = (0..40).map(|session| taker(1, session)).collect();
        assert_eq!(take_all(&quota, &sessions).len(), 120);
        assert!(quota.take_for(&taker(1, 0), 128).is_some());
        let shares = take_all(&Quota::new(5), &sessions[..1]);
        assert_eq!(shares.len(), 5, "it is too little");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_is_for_who_was_refused() {
        let quota = Quota::new(4);
        let (greedy, other) = (taker(1, 0), taker(2, 0));
        let mut shares = take_all(&quota, &[Arc::clone(&greedy)]);
        assert!(quota.take_for(&other, 1).is_none(), "all are taken");
        shares.pop();
        assert!(quota.take_for(&greedy, 1).is_none(), "it has its part");
        let its = quota.take_for(&other, 1);
        assert!(its.is_some());
        drop(its);
        assert!(quota.take_for(&greedy, 1).is_some(), "nobody waits");
        shares.extend(quota.take_for(&greedy, 1));
        assert!(quota.take_for(&other, 1).is_none());
        shares.pop();
        advance(WAIT).await;
        assert!(quota.take_for(&greedy, 1).is_some(), "nobody came again");
    }

    proptest::proptest! {
        #[test]
        fn what_is_held_is_what_is_used(
            most in 1_usize..40,
            steps in collection::vec((0_u8..4, 0_u64..3, 1_usize..4, bool::ANY), 0..200),
        ) {
            let quota = Quota::new(most);
            let mut shares: Vec<(Arc<Taker>, Share)> = Vec::new();
            for (client, session, amount, takes) in steps {
                let who = taker(client, session);
                if takes {
                    shares.extend(quota.take_for(&who, amount).map(|share| (Arc::clone(&who), share)));
                } else if let Some(at) = shares.iter().position(|(of, _)| *of == who) {
                    shares.remove(at);
                }
                let amount_of = |is_it: &dyn Fn(&Taker) -> bool| -> usize {
                    let its = shares.iter().filter(|(of, _)| is_it(of));
                    its.map(|(_, share)| share.amount).sum()
                };
                let takers = quota.takers();
                let held = takers.holders.get(&who.holder).copied().unwrap_or_default();
                prop_assert_eq!(held, amount_of(&|of| of.holder == who.holder));
                let its = takers.sessions.get(&who.session.unwrap()).copied();
                prop_assert_eq!(its.unwrap_or_default(), amount_of(&|of| *of == *who));
                drop(takers);
                prop_assert!(quota.used() == amount_of(&|_| true) && quota.used() <= most);
            }
            drop(shares);
            prop_assert!(quota.used() == 0 && quota.takers().are_none());
        }
    }
}
