//! What clients call a server's tools and prompts, but for the prefix: as the server does, as the
//! configuration says, or by names that no client breaks on.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::part::Plan;
use super::source::patterns;
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
            called.make_safe(kind, plan);
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

    /// Replaces the names that may break a client. One that is good as it is stays, whatever comes
    /// before it in the list.
    fn make_safe(&mut self, kind: Kind, plan: &Plan) {
        let before = plan.prefix.join("").len();
        let room = unfit::NEARLY.saturating_sub(before + 1).max(SHORTEST);
        let patterns = patterns(&plan.view, kind);
        let (mut taken, mut unsafe_ones) = (HashSet::new(), Vec::new());
        for (place, item) in (0..).zip(&*plan.list) {
            if !patterns.shows(item.key()) {
                continue;
            }
            let name = self.name(place, item);
            if name.len() <= room && name.chars().all(unfit::is_plain) {
                taken.insert(name.to_owned());
            } else {
                unsafe_ones.push((place, item.key(), name.to_owned()));
            }
        }
        // What the server lists twice is one to it.
        let mut made: HashMap<&str, String> = HashMap::new();
        for (place, own, name) in unsafe_ones {
            let safe = made.entry(own).or_insert_with(|| {
                let plain = plain(&name);
                let is_free = plain.len() <= room && !taken.contains(&plain);
                let safe = if is_free {
                    plain
                } else {
                    numbered(plain, own, room)
                };
                taken.insert(safe.clone());
                safe
            });
            self.0.insert(place, safe.as_str().into());
        }
    }
}

fn plain(name: &str) -> String {
    let plain = |c| if unfit::is_plain(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

/// Cut, with a number at its end that is another one for another name.
fn numbered(mut plain: String, own: &str, room: usize) -> String {
    let digest = Sha256::digest(own.as_bytes());
    let number = u32::from_be_bytes(digest.first_chunk().copied().unwrap_or_default());
    let number = format!("_{number:08x}");
    plain.truncate(room - number.len());
    plain + &number
}
