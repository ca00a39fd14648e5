//! The templates of all servers, laid out so that a URI is compared with few of them, and within a
//! budget of steps: both come from outside, and a handler that runs long holds up everybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use super::template::{Steps, Template};

/// How many steps the templates of one server may take, and those of all of them together,
const OF_LOOKUP: (usize, usize) = (64 << 10, 256 << 10);
/// when one URI is looked up, and when all those in one result are.
const OF_RESULT: (usize, usize) = (1 << 20, 4 << 20);

/// Templates by the scheme that they begin with, then by whose they are: a number per server, in
/// order of preference.
#[derive(Debug, Default)]
pub struct Shelf {
    by_scheme: HashMap<Box<str>, Vec<Group>>,
    /// Those that can make any scheme.
    open: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    owner: usize,
    templates: Vec<Arc<Template>>,
}

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
        // Passing a group by costs something too.
        steps.take(1);
        let mut templates = group.templates.iter();
        let is_found =
            templates.any(|template| steps.are_left() && template.matches(uri, &mut steps));
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
        let groups = match template.beginning().split_once(':') {
            Some((scheme, _)) => self.by_scheme.entry(scheme.into()).or_default(),
            None => &mut self.open,
        };
        let template = Arc::clone(template);
        match groups.last_mut() {
            Some(last) if last.owner == owner => last.templates.push(template),
            _ => groups.push(Group {
                owner,
                templates: vec![template],
            }),
        }
    }

    /// The first owner with a template that can have made `uri`.
    #[must_use]
    pub fn find(&self, uri: &str, search: &mut Search) -> Option<usize> {
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
            if search.matches(group, uri) {
                return Some(group.owner);
            }
            if !search.all.are_left() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
