//! Which resources clients may read of servers that not all is shown of. A URI that is not listed is
//! one that a template has made, or that only the server knows of: what is denied is closed by all
//! ways and in all spellings, and what made a hidden template is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::source::Source;
use crate::config::model::Patterns;
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::uri::{self, Search, Shelf, Spelling, Template};

/// The servers that not all is shown of.
#[derive(Debug, Default)]
pub(super) struct Gates(HashMap<ServerName, Gate>);

#[derive(Debug)]
struct Gate {
    patterns: Patterns,
    /// The same for URIs in their one spelling.
    respelt: Patterns,
    /// Its place among the sources: the owner of its templates.
    place: usize,
    listed: HashSet<Box<str>>,
    shown: Shelf,
    hidden: Shelf,
    /// Whether some hidden template may have made any URI, as far as anybody can say.
    is_in_doubt: bool,
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

    /// Whether `deny` closes `uri` of `server`, whatever leads there.
    pub(super) fn deny(&self, server: &ServerName, uri: &str) -> bool {
        let gate = self.0.get(server);
        gate.is_some_and(|gate| gate.patterns.denies(uri))
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
        let mut is_in_doubt = false;
        for item in items(Kind::Templates) {
            let Some(template) = item.template() else {
                continue;
            };
            if is_shown(&item) {
                shown.add(place, template);
            } else {
                hidden.add(place, template);
                let respelt = uri::respelt(item.key());
                hidden.add(place, &Arc::new(Template::parse(&respelt)));
                is_in_doubt |= !template.is_comparable();
            }
        }
        Self {
            respelt: patterns.respelt(uri::respelt),
            patterns,
            place,
            listed,
            shown,
            hidden,
            is_in_doubt,
        }
    }

    fn lets_read(&self, uri: &str, search: &mut Search) -> bool {
        if self.patterns.denies(uri) {
            return false;
        }
        if self.listed.contains(uri) {
            return true;
        }
        // What is not listed leads where its server takes it to, and not by its letters.
        let Some(spelling) = Spelling::of(uri) else {
            return false;
        };
        if spelling
            .readings()
            .any(|reading| self.respelt.denies(reading))
        {
            return false;
        }
        let is_allowed = |allows| allows && self.respelt.allows(spelling.text()) == Some(true);
        let allows = self.patterns.allows(uri).map(is_allowed);
        if allows == Some(true) || self.shown.find(uri, search, |_| true).is_some() {
            return true;
        }
        // What is not compared, or not to the end, may be a hidden one's.
        let mut is_hidden = |uri: &str| self.hidden.find(uri, search, |_| true).is_some();
        allows.is_none()
            && !self.is_in_doubt
            && uri::is_comparable(uri)
            && !is_hidden(uri)
            && !is_hidden(spelling.text())
            && search.given_up().all(|owner| owner != self.place)
    }
}
