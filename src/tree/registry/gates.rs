//! Which resources clients may read of servers that not all is shown of. A URI that is not listed is
//! one that a template has made, or that only the server knows of: what is denied is closed by all
//! ways, and what made a hidden template is.

use std::collections::{HashMap, HashSet};

use super::merged::Source;
use crate::config::model::Patterns;
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::uri::{Search, Shelf};

/// The servers that not all is shown of.
#[derive(Debug, Default)]
pub(super) struct Gates(HashMap<ServerName, Gate>);

#[derive(Debug)]
struct Gate {
    patterns: Patterns,
    /// Its place among the sources: the owner of its templates.
    place: usize,
    listed: HashSet<Box<str>>,
    shown: Shelf,
    hidden: Shelf,
}

impl Gates {
    pub(super) fn of(sources: &[Source]) -> Self {
        let bound = sources.iter().enumerate();
        let bound = bound.filter(|(_, source)| !source.view.resources.is_open());
        let gates = bound.map(|(place, source)| (source.server.clone(), Gate::of(place, source)));
        Self(gates.collect())
    }

    /// Whether everything is shown of every server.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether clients may read what `server` calls `uri`.
    pub(super) fn let_read(&self, server: &ServerName, uri: &str, search: &mut Search) -> bool {
        let gate = self.0.get(server);
        gate.is_none_or(|gate| gate.lets_read(uri, search))
    }
}

impl Gate {
    fn of(place: usize, source: &Source) -> Self {
        let patterns = source.view.resources.clone();
        let items = |kind| source.list(kind).into_iter().flat_map(|list| list.iter());
        let is_shown = |item: &&Item| patterns.shows(item.key());
        let listed = items(Kind::Resources).filter(is_shown);
        let listed = listed.map(|item| item.key().into()).collect();
        let (mut shown, mut hidden) = (Shelf::default(), Shelf::default());
        for item in items(Kind::Templates) {
            let shelf = if is_shown(&item) {
                &mut shown
            } else {
                &mut hidden
            };
            if let Some(template) = item.template() {
                shelf.add(place, template);
            }
        }
        Self {
            patterns,
            place,
            listed,
            shown,
            hidden,
        }
    }

    fn lets_read(&self, uri: &str, search: &mut Search) -> bool {
        if self.patterns.denies(uri) {
            return false;
        }
        let allows = self.patterns.allows(uri);
        if allows == Some(true) || self.listed.contains(uri) {
            return true;
        }
        if self.shown.find(uri, search, |_| true).is_some() {
            return true;
        }
        // A search that was given up may have missed a hidden one.
        allows.is_none()
            && self.hidden.find(uri, search, |_| true).is_none()
            && search.given_up().all(|owner| owner != self.place)
    }
}
