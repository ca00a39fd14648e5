//! Who makes room when there are too many connections. First those on which all that was asked has
//! been answered, if that was a while ago. Then those that have shown neither a valid token nor,
//! where none is asked for, a session: the one that has been here longest, once it has had its time
//! to show one.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::places::Places;
use super::presence::{PATIENCE, Presence};
use crate::ids::{Holder, Owner};
use crate::tree::{Rest, who_makes_room};

/// How long one has been idle, at least, that makes room: the next request may be on its way.
const PAUSE: Duration = Duration::from_secs(1);
/// Where nothing can make room, it is looked again after this time.
const NEXT_LOOK: Duration = Duration::from_millis(100);
/// So many are looked at to find one that is idle; of more, others the next time.
const LOOKED_AT: usize = 4096;

/// All connections, those that have gone not yet forgotten.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Of those that are in use, and known.
    places: Places,
    /// When idle ones last gave their places up.
    cleared: Option<Instant>,
    all: VecDeque<Weak<Presence>>,
    /// The strangers, in the order in which they came, and those that were.
    strangers: VecDeque<(Instant, Weak<Presence>)>,
    /// Told to leave.
    leaving: Vec<Weak<Presence>>,
    /// An idle one, as it was when it was looked last.
    spare: Option<Weak<Presence>>,
    /// When there was none.
    looked: Option<Instant>,
}

impl Crowd {
    /// Nobody yet; there will be so many `places`.
    pub(super) fn new(places: Places) -> Self {
        Self {
            places,
            cleared: None,
            all: VecDeque::new(),
            strangers: VecDeque::new(),
            leaving: Vec::new(),
            spare: None,
            looked: None,
        }
    }

    /// From now on there may be so many.
    pub(super) fn resize(&self, most: usize) {
        self.places.resize(most);
    }

    /// One more, who is a stranger from where `peer` is. There are `connections` now.
    pub(super) fn admit(&mut self, connections: usize, peer: Holder) -> Arc<Presence> {
        // As many are let in before the next time as are looked at.
        let crowd = 64 + 2 * connections;
        if self.all.len() > crowd {
            self.all.retain(|one| one.strong_count() > 0);
        }
        if self.strangers.len() > crowd {
            self.strangers.retain(|(_, one)| stranger(one).is_some());
        }
        let presence = Arc::new(Presence::of(peer, &self.places));
        let known_as = Arc::downgrade(&presence);
        self.all.push_back(known_as.clone());
        self.strangers.push_back((Instant::now(), known_as));
        presence
    }

    /// Has idle ones give their places up whenever places are short. May be dropped at any time.
    pub(super) async fn clear_places(&mut self) {
        if let Some(cleared) = self.cleared {
            sleep_until(cleared + NEXT_LOOK).await;
        }
        self.places.are_short().await;
        self.cleared = Some(Instant::now());
        let all = self.all.iter().filter_map(Weak::upgrade);
        all.for_each(|one| one.give_up_idle_place());
    }

    /// How many were told to leave and have not left.
    pub(super) fn leaving(&mut self) -> usize {
        let is_leaving = |one: &Weak<Presence>| one.upgrade().is_some_and(|one| one.is_leaving());
        self.leaving.retain(is_leaving);
        self.leaving.len()
    }

    /// Whether [`Self::put_out`] would find one.
    pub(super) fn has_spare(&mut self) -> bool {
        let now = Instant::now();
        let next_look = self.looked.map_or(now, |looked| looked + NEXT_LOOK);
        if self.spare().is_none() && next_look <= now {
            let idle = self.idle();
            self.looked = idle.is_none().then_some(now);
            self.spare = idle.as_ref().map(Arc::downgrade);
        }
        self.spare().is_some() || self.stranger_due().is_some_and(|due| due <= now)
    }

    /// Tells one to leave that can be spared; `false` if there is none for now.
    pub(super) fn put_out(&mut self) -> bool {
        if !self.has_spare() {
            return false;
        }
        match self.spare() {
            Some(one) => {
                self.tell(&one);
                true
            }
            None => self.put_out_stranger(),
        }
    }

    /// Tells the stranger that has been here longest to leave; `false` if there is none by now that
    /// had its time.
    pub(super) fn put_out_stranger(&mut self) -> bool {
        let is_due = self.stranger_due().is_some_and(|due| due <= Instant::now());
        let oldest = is_due.then(|| self.strangers.pop_front()).flatten();
        let oldest = oldest.and_then(|(_, presence)| stranger(&presence));
        oldest.is_some_and(|one| {
            self.tell(&one);
            true
        })
    }

    /// When [`Self::has_spare`] may have another answer than now, if that is known. Never a time that
    /// has come: whoever waits for that would not wait.
    pub(super) fn next_chance(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let look = self.looked.map(|looked| looked + NEXT_LOOK);
        let times = [look, self.stranger_due()].into_iter().flatten();
        times.filter(|time| *time > now).min()
    }

    /// When the stranger that has been here longest may be told to leave.
    pub(super) fn stranger_due(&mut self) -> Option<Instant> {
        while let Some((since, presence)) = self.strangers.front() {
            if stranger(presence).is_some() {
                return Some(*since + PATIENCE);
            }
            self.strangers.pop_front();
        }
        None
    }

    /// One that is idle: a stranger if there is one, of who has most of these, the one that has been
    /// so for longest.
    fn idle(&mut self) -> Option<Arc<Presence>> {
        let mut held = Vec::new();
        for _ in 0..self.all.len().min(LOOKED_AT) {
            let Some(next) = self.all.pop_front() else {
                break;
            };
            if let Some(presence) = next.upgrade() {
                self.all.push_back(next);
                held.push((presence.holder(), rest(&presence), presence));
            }
        }
        let is_idle_stranger =
            |one: &(Holder, Rest, Arc<Presence>)| one.1 != Rest::Busy && one.2.is_stranger();
        if held.iter().any(is_idle_stranger) {
            held.retain(is_idle_stranger);
        }
        // Nobody knows yet for whom: the one that waits has said nothing.
        who_makes_room(held, Holder::of(Owner::ANYBODY))
    }

    fn spare(&self) -> Option<Arc<Presence>> {
        let spare = self.spare.as_ref()?.upgrade()?;
        (rest(&spare) != Rest::Busy).then_some(spare)
    }

    fn tell(&mut self, one: &Arc<Presence>) {
        one.tell_to_leave();
        self.leaving.push(Arc::downgrade(one));
    }
}

fn rest(presence: &Presence) -> Rest {
    let idle = presence.clock.idle_for().filter(|idle| *idle >= PAUSE);
    let placeless = presence.placeless_for();
    let placeless = placeless.filter(|since| *since >= PATIENCE && !presence.is_stranger());
    match idle.or(placeless) {
        Some(idle) if !presence.is_leaving() => Rest::Idle(idle),
        _ => Rest::Busy,
    }
}

/// It, while it is here, has not been told to leave and nobody knows who it is.
fn stranger(presence: &Weak<Presence>) -> Option<Arc<Presence>> {
    let presence = presence.upgrade()?;
    (presence.is_stranger() && !presence.is_leaving()).then_some(presence)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::phase::Ear;
    use super::*;
    use hyper::rt::Timer as _;
    use tokio::time::advance;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(number: u8) -> Holder {
        Holder::new(Owner::ANYBODY, IpAddr::V4(Ipv4Addr::new(10, 0, 0, number)))
    }

    fn crowd() -> Crowd {
        let crowd = Crowd::new(Places::none());
        crowd.resize(5);
        crowd
    }

    /// It has been answered once, and waits for what comes.
    fn answered(presence: &Presence) {
        let ear = Ear(presence.clock.clone());
        presence.clock.fed();
        drop(ear.sleep(SECOND));
        presence.clock.starved();
        std::mem::forget(ear.sleep(SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_stranger_leaves_first() {
        let mut crowd = crowd();
        let began = Instant::now();
        let known = crowd.admit(0, at(1));
        advance(SECOND).await;
        let gone = crowd.admit(1, at(1));
        let old = crowd.admit(2, at(1));
        advance(SECOND).await;
        let young = crowd.admit(3, at(1));
        assert_eq!(crowd.stranger_due(), Some(began + PATIENCE));
        assert!(known.is_known(at(1)));
        known.spoke();
        assert!(!known.is_stranger());
        drop(gone);
        assert_eq!(crowd.stranger_due(), Some(began + SECOND + PATIENCE));
        assert!(!crowd.put_out(), "it has a second left");
        advance(SECOND).await;
        assert!(crowd.put_out());
        old.told_to_leave().await;
        assert_eq!(crowd.leaving(), 1);
        drop(old);
        assert_eq!(crowd.leaving(), 0);
        assert!(young.is_silent() && crowd.stranger_due().is_some());
        assert!(young.is_known(at(1)));
        assert_eq!(crowd.stranger_due(), None);
        assert!(!crowd.put_out());
        assert_eq!(crowd.leaving(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_idle_leaves_before_anybody() {
        let mut crowd = crowd();
        let few = crowd.admit(0, at(1));
        let many = [crowd.admit(1, at(2)), crowd.admit(2, at(2))];
        let stranger = crowd.admit(3, at(3));
        let busy = crowd.admit(4, at(2));
        for (one, holder) in [(&few, 1), (&many[0], 2), (&many[1], 2), (&busy, 2)] {
            assert!(one.is_known(at(holder)));
        }
        for one in [&few, &many[0]] {
            answered(one);
        }
        advance(SECOND / 2).await;
        answered(&many[1]);
        assert!(!crowd.put_out(), "all of them may be asked again now");
        advance(SECOND).await;
        answered(&stranger);
        advance(SECOND).await;
        assert!(crowd.put_out() && stranger.is_leaving() && !many[0].is_leaving());
        assert!(crowd.put_out() && many[0].is_leaving() && !few.is_leaving());
        assert_eq!(crowd.leaving(), 2);
        // The next request has come meanwhile.
        many[0].clock.fed();
        assert!(!many[0].leaves());
        assert_eq!(crowd.leaving(), 1);
        assert!(crowd.put_out() && many[1].is_leaving() && many[1].leaves());
        assert!(crowd.put_out() && few.is_leaving());
        assert!(!crowd.put_out() && !busy.is_leaving());
        assert_eq!(crowd.next_chance(), Some(Instant::now() + NEXT_LOOK));
        advance(NEXT_LOOK).await;
        assert_eq!(crowd.next_chance(), None, "it is time now");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_use_is_not_all_one_clients() {
        let mut crowd = crowd();
        crowd.resize(16);
        let greedy: Vec<_> = (0..16).map(|number| crowd.admit(number, at(1))).collect();
        let served = greedy.iter().filter(|one| one.is_known(at(1))).count();
        assert_eq!(served, 15);
        let refused = greedy.iter().find(|one| one.is_stranger()).unwrap();
        advance(PATIENCE).await;
        assert!(crowd.put_out() && refused.is_leaving(), "nobody knows it");
        assert!(crowd.admit(15, at(2)).is_known(at(2)));
        // What is idle gives its place up, and is not kept if it never goes on.
        assert!(!refused.is_known(at(1)));
        for one in &greedy[..2] {
            answered(one);
        }
        advance(PAUSE).await;
        crowd.clear_places().await;
        for one in &greedy[..2] {
            one.clock.fed();
        }
        assert!(greedy[0].is_known(at(1)), "it does");
        advance(PATIENCE).await;
        assert!(crowd.put_out() && greedy[1].is_leaving() && greedy[1].leaves());
        assert!(!crowd.put_out() && !greedy[0].leaves());
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_have_gone_take_no_room() {
        let mut crowd = crowd();
        let _stays = crowd.admit(0, at(1));
        for _ in 0..10_000 {
            drop(crowd.admit(1, at(1)));
        }
        let held = (crowd.all.len(), crowd.strangers.len());
        assert!(held.0 <= 64 + 2 + 1 && held.1 <= 64 + 2 + 1, "{held:?}");
    }
}
