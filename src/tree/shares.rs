//! Who makes room when something that all clients share is used up: whoever holds most of it, so
//! that one client cannot take it all. Pure.
//!
//! It bites at the limit only: behind a proxy all clients have one address, and hold it all.

use std::collections::HashMap;
use std::time::Duration;

use crate::ids::Holder;

/// Whether something could be taken from its client, the less harm the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rest {
    /// Not now: something is under way.
    Busy,
    /// Its client is connected, and has asked for nothing for so long.
    Quiet(Duration),
    /// Its client is not even connected, or has not used it for long.
    Idle(Duration),
}

/// Which of those that are `held` makes room for one more of `asker`'s: of who holds most, if that
/// is more than `asker` would hold then, what is idle or quiet for longest. Otherwise, or if none of
/// that can go, what is idle for longest of those who hold no less than `asker` does. `None` if there
/// is none.
pub(crate) fn who_makes_room<K>(held: Vec<(Holder, Rest, K)>, asker: Holder) -> Option<K> {
    let mut counts: HashMap<Holder, usize> = HashMap::new();
    for (holder, ..) in &held {
        *counts.entry(*holder).or_default() += 1;
    }
    let count = |holder: &Holder| counts.get(holder).copied().unwrap_or_default();
    let most = counts.values().copied().max()?;
    let is_greedy = most > count(&asker) + 1;
    let rank = |holder: &Holder, rest: Rest| {
        let is_of_most = is_greedy && count(holder) == most;
        let may_go = match rest {
            Rest::Busy => false,
            Rest::Quiet(_) => is_of_most,
            Rest::Idle(_) => is_of_most || count(holder) >= count(&asker),
        };
        may_go.then_some((is_of_most, rest))
    };
    let candidates = held
        .into_iter()
        .filter_map(|(holder, rest, key)| Some((rank(&holder, rest)?, key)));
    let chosen = candidates.max_by_key(|(rank, _)| *rank);
    chosen.map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::ids::Owner;

    fn at(number: u8) -> Holder {
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, number));
        Holder::new(Owner::ANYBODY, address)
    }

    fn idle(number: u8, secs: u64, key: char) -> (Holder, Rest, char) {
        (at(number), Rest::Idle(Duration::from_secs(secs)), key)
    }

    fn quiet(number: u8, secs: u64, key: char) -> (Holder, Rest, char) {
        (at(number), Rest::Quiet(Duration::from_secs(secs)), key)
    }

    #[test]
    fn who_holds_most_makes_room_for_others() {
        let mut held = vec![idle(1, 99, 'a'), idle(2, 1, 'b'), idle(2, 2, 'c')];
        held.push((at(2), Rest::Busy, 'd'));
        assert_eq!(who_makes_room(held.clone(), at(3)), Some('c'));
        assert_eq!(who_makes_room(held.clone(), at(1)), Some('c'));
        held.retain(|(.., key)| !matches!(key, 'b' | 'c'));
        held.extend([quiet(2, 5, 'e'), quiet(2, 6, 'f')]);
        assert_eq!(who_makes_room(held, at(1)), Some('f'), "if need be");
    }

    #[test]
    fn who_is_busy_with_all_it_holds_locks_nobody_out() {
        let mut held = vec![(at(1), Rest::Busy, 'a'); 9];
        held.extend([idle(2, 1, 'b'), idle(3, 2, 'c'), quiet(3, 9, 'd')]);
        assert_eq!(who_makes_room(held.clone(), at(4)), Some('c'));
        assert_eq!(who_makes_room(held, at(2)), Some('c'));
    }

    #[test]
    fn nobody_makes_room_for_who_holds_most() {
        let held = vec![idle(1, 99, 'a'), quiet(2, 9, 'b'), quiet(2, 9, 'c')];
        assert_eq!(who_makes_room(held.clone(), at(2)), None);
        let own = [held, vec![idle(2, 1, 'd')]].concat();
        assert_eq!(who_makes_room(own, at(2)), Some('d'), "but itself");
    }

    #[test]
    fn where_all_are_one_what_is_idle_for_longest_goes() {
        let held = vec![idle(1, 1, 'a'), idle(1, 2, 'b'), quiet(1, 3, 'c')];
        assert_eq!(who_makes_room(held, at(1)), Some('b'));
        assert_eq!(who_makes_room(vec![quiet(1, 3, 'c'); 3], at(1)), None);
        let each = vec![idle(1, 1, 'a'), idle(2, 2, 'b'), quiet(3, 3, 'c')];
        assert_eq!(who_makes_room(each, at(4)), Some('b'), "all hold as little");
        assert_eq!(who_makes_room(Vec::<(_, _, u8)>::new(), at(1)), None);
    }
}
