//! The templates of all servers, laid out so that a URI is compared with few of them, and within a
//! budget of steps: both come from outside, and a handler that runs long holds up everybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::ops::Bound;
use std::sync::Arc;

use super::template::{Steps, Template, is_comparable};

/// How many steps the templates of one server may take, and those of all of them together,
const OF_LOOKUP: (usize, usize) = (64 << 10, 256 << 10);
/// when one URI is looked up, and when all those in one result are.
const OF_RESULT: (usize, usize) = (1 << 20, 2 << 20);

/// Templates by the scheme that they begin with, then by whose they are: a number per server, in
/// order of preference.
#[derive(Debug, Default)]
pub struct Shelf {
    by_scheme: HashMap<Box<str>, Vec<Group>>,
    /// Those that can make any scheme.
    open: Vec<Group>,
}

/// The templates of one owner, by what they begin with: most that a URI is not from are never touched.
#[derive(Debug)]
struct Group {
    owner: usize,
    by_beginning: BTreeMap<Box<str>, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    ending: Ending,
    template: Arc<Template>,
}

/// The last characters of what a template makes, up to eight: beside the others of its list, where a
/// look at the template would be one at another place of memory.
#[derive(Debug, Clone, Copy)]
struct Ending {
    bytes: u64,
    mask: u64,
}

/// What it costs to find the next beginning, and to pass by the templates of an owner.
const LOOK: usize = 24;

/// What one lookup, or all those for one result, may still take.
#[derive(Debug)]
pub struct Search {
    each: usize,
    all: Steps,
    left: BTreeMap<usize, Steps>,
    given_up: BTreeSet<usize>,
}

impl Search {
    /// For one URI.
    #[must_use]
    pub fn lookup() -> Self {
        Self::within(OF_LOOKUP)
    }

    /// For all URIs of one result.
    #[must_use]
    pub fn result() -> Self {
        Self::within(OF_RESULT)
    }

    fn within((each, all): (usize, usize)) -> Self {
        Self {
            each,
            all: Steps(all),
            left: BTreeMap::new(),
            given_up: BTreeSet::new(),
        }
    }

    /// Those whose templates were not all compared: it would have taken too long.
    pub fn given_up(&self) -> impl Iterator<Item = usize> {
        self.given_up.iter().copied()
    }

    /// Whether one of `group` matches.
    fn matches(&mut self, group: &Group, uri: &str) -> bool {
        let left = self.left.entry(group.owner).or_insert(Steps(self.each));
        let before = left.0.min(self.all.0);
        let mut steps = Steps(before);
        let is_found = group.matches(uri, &mut steps);
        left.take(before - steps.0);
        self.all.take(before - steps.0);
        if !is_found && !steps.are_left() {
            self.given_up.insert(group.owner);
        }
        is_found
    }
}

impl Shelf {
    /// Adds a template of `owner`; owners come in order.
    pub fn add(&mut self, owner: usize, template: &Arc<Template>) {
        if !template.is_comparable() {
            return;
        }
        let groups = match template.beginning().split_once(':') {
            Some((scheme, _)) => self.by_scheme.entry(scheme.into()).or_default(),
            None => &mut self.open,
        };
        if groups.last().is_none_or(|last| last.owner != owner) {
            groups.push(Group {
                owner,
                by_beginning: BTreeMap::new(),
            });
        }
        if let Some(group) = groups.last_mut() {
            let beginning = template.beginning().into();
            group
                .by_beginning
                .entry(beginning)
                .or_default()
                .push(Entry {
                    ending: Ending::of(template.ending()),
                    template: Arc::clone(template),
                });
        }
    }

    /// The first owner, of those that count, with a template that can have made `uri`.
    #[must_use]
    pub fn find(
        &self,
        uri: &str,
        search: &mut Search,
        counts: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        if !is_comparable(uri) {
            return None;
        }
        let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
        let closed = scheme.and_then(|scheme| self.by_scheme.get(scheme));
        let mut closed = closed.map_or(&[][..], Vec::as_slice);
        let mut open = self.open.as_slice();
        loop {
            let next = match (closed.first(), open.first()) {
                (Some(one), Some(other)) if other.owner < one.owner => &mut open,
                (None, _) => &mut open,
                (Some(_), _) => &mut closed,
            };
            let (group, rest) = mem::take(next).split_first()?;
            *next = rest;
            if counts(group.owner) && search.matches(group, uri) {
                return Some(group.owner);
            }
            if !search.all.are_left() {
                return None;
            }
        }
    }
}

impl Group {
    /// Whether one of them can have made `uri`. The beginnings that `uri` has are found from the longest
    /// to the shortest: each is the last one, in order, that is not behind what is left of `uri`.
    fn matches(&self, uri: &str, steps: &mut Steps) -> bool {
        let mut left = uri;
        loop {
            steps.take(LOOK + left.len() / 16);
            let until = (Bound::Unbounded, Bound::Included(left));
            let last = self.by_beginning.range::<str, _>(until).next_back();
            let Some((beginning, entries)) = last.filter(|_| steps.are_left()) else {
                return false;
            };
            let shared = shared(beginning, left);
            if shared.len() < beginning.len() {
                left = shared;
                continue;
            }
            if any(entries, uri, steps) {
                return true;
            }
            let Some((at, _)) = beginning.char_indices().next_back() else {
                return false;
            };
            left = left.get(..at).unwrap_or_default();
        }
    }
}

fn any(entries: &[Entry], uri: &str, steps: &mut Steps) -> bool {
    let ending = Ending::of(uri).bytes;
    for Entry {
        ending: wanted,
        template,
    } in entries
    {
        steps.take(1);
        if !steps.are_left() {
            return false;
        }
        if ending & wanted.mask == wanted.bytes && template.matches(uri, steps) {
            return true;
        }
    }
    false
}

impl Ending {
    fn of(text: &str) -> Self {
        let mut ending = Self { bytes: 0, mask: 0 };
        for (place, byte) in text.bytes().rev().take(8).enumerate() {
            ending.bytes |= u64::from(byte) << (8 * place);
            ending.mask |= 0xff << (8 * place);
        }
        ending
    }
}

/// What both begin with.
fn shared<'a>(one: &str, other: &'a str) -> &'a str {
    let pairs = one.chars().zip(other.chars());
    let same = pairs.take_while(|(one, other)| one == other);
    let length = same.map(|(c, _)| c.len_utf8()).sum();
    other.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests;
