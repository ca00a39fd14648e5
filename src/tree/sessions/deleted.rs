//! The signed ids that their clients gave up: the only ones that are not taken up again. So many
//! are remembered, the latest; who gave an id up does not come back with it later.

use std::collections::{HashSet, VecDeque};

/// How many are remembered.
const LIMIT: usize = 4_096;

/// What made the ids unique.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    known: HashSet<u128>,
    in_order: VecDeque<u128>,
}

impl Deleted {
    pub(super) fn insert(&mut self, random: u128) {
        if !self.known.insert(random) {
            return;
        }
        self.in_order.push_back(random);
        if self.in_order.len() > LIMIT
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, random: u128) -> bool {
        self.known.contains(&random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered() {
        let mut deleted = Deleted::default();
        let limit = u128::try_from(LIMIT).unwrap();
        for random in [0, 0].into_iter().chain(1..=limit) {
            deleted.insert(random);
        }
        assert!(!deleted.contains(0) && deleted.contains(1) && deleted.contains(limit));
        assert_eq!(
            (deleted.known.len(), deleted.in_order.len()),
            (LIMIT, LIMIT)
        );
    }
}
