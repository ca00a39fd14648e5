//! What clients call a server's tools and prompts, but for the prefix: as the server does, as the
//! configuration says, or by names that no client breaks on.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::part::Plan;
use super::unfit;
use crate::config::model::Naming;
use crate::protocol::mcp::item::{Item, Kind};

/// The names that are not the server's own, by the places in its list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Called(HashMap<u32, Box<str>>);

/// However long the prefix is, so much is left of a name.
const SHORTEST: usize = 16;

impl Called {
    pub(super) fn of(kind: Kind, plan: &Plan) -> Self {
        let mut called = Self::default();
        if kind == Kind::Tools && !plan.view.rename.is_empty() {
            for (place, item) in (0..).zip(&*plan.list) {
                if let Some(name) = plan.view.rename.get(item.key()) {
                    called.0.insert(place, name.clone());
                }
            }
        }
        if plan.view.names == Some(Naming::Safe) {
            called.make_safe(plan);
        }
        called
    }

    /// What the entry at `place` is called.
    pub(super) fn name<'a>(&'a self, place: u32, item: &'a Item) -> &'a str {
        self.0.get(&place).map_or(item.key(), |name| name)
    }

    /// Whether one of those is called otherwise than the server does.
    pub(super) fn is_other(&self, places: &[u32]) -> bool {
        places.iter().any(|place| self.0.contains_key(place))
    }

    /// The places of `offered` in the order of the server's own names; `None` if nothing is called
    /// otherwise.
    pub(super) fn by_own(
        &self,
        list: &[Item],
        offered: impl Iterator<Item = u32>,
    ) -> Option<Box<[u32]>> {
        if self.0.is_empty() {
            return None;
        }
        let mut places: Vec<u32> = offered.collect();
        let own = |place: &u32| usize::try_from(*place).ok().and_then(|at| list.get(at));
        places.sort_unstable_by_key(|place| own(place).map(Item::key));
        Some(places.into())
    }

    /// Replaces the names that may break a client. What one becomes depends on nothing else that is
    /// listed: what a profile denies, or a user allowed, is the same tool tomorrow.
    fn make_safe(&mut self, plan: &Plan) {
        let before = plan.prefix.join("").len();
        let room = unfit::NEARLY.saturating_sub(before + 1).max(SHORTEST);
        for (place, item) in (0..).zip(&*plan.list) {
            let name = self.name(place, item);
            if name.len() > room || !name.chars().all(unfit::is_plain) {
                let safe = numbered(plain(name), item.key(), room);
                self.0.insert(place, safe.into());
            }
        }
    }
}

fn plain(name: &str) -> String {
    let plain = |c| if unfit::is_plain(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

/// With a number at its end that is another one for another name, and cut to have room for it.
fn numbered(mut plain: String, own: &str, room: usize) -> String {
    let digest = Sha256::digest(own.as_bytes());
    let number = u32::from_be_bytes(digest.first_chunk().copied().unwrap_or_default());
    let number = format!("_{number:08x}");
    plain.truncate(room - number.len());
    plain + &number
}
