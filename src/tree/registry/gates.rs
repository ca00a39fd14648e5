//! Which resources clients may read of servers that not all is shown of, by entries and by profiles. A URI that is not listed is
//! one that a template has made, or that only the server knows of: what is denied is closed by all
//! ways and in all spellings, and what made a hidden template is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::catalogue::List;
use super::source::Source;
use crate::config::model::Patterns;
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::uri::{self, Search, Shelf, Spelling, Template};

/// The servers that not all is shown of.
#[derive(Debug, Default)]
pub(super) struct Gates(HashMap<ServerName, Arc<Gate>>);

#[derive(Debug)]
pub(super) struct Gate {
    terms: Terms,
    rules: Rules,
    /// The same for URIs in their one spelling.
    respelt: Rules,
    /// Its place among the sources: the owner of its templates.
    place: usize,
    listed: HashSet<Box<str>>,
    shown: Shelf,
    hidden: Shelf,
    /// Whether some hidden template may have made any URI, as far as anybody can say.
    is_in_doubt: bool,
    /// Which are listed of the resources and of the templates that it was made of.
    listing: [Box<[bool]>; 2],
}

/// Rules for URIs as their server has them.
#[derive(Debug)]
struct Rules {
    plain: Patterns,
    /// Those for pages of apps, which are qualified otherwise.
    pages: Patterns,
}

impl Rules {
    /// Those that go by qualified URIs of `server` too.
    fn behind(rules: &Patterns, server: &ServerName) -> Self {
        let behind = |is_page| {
            let prefixes: Vec<String> = uri::qualifiers(server.as_str(), is_page).collect();
            rules.behind(&prefixes)
        };
        Self {
            plain: behind(false),
            pages: behind(true),
        }
    }

    fn respelt(&self) -> Self {
        Self {
            plain: self.plain.respelt(uri::respelt),
            pages: self.pages.respelt(uri::respelt),
        }
    }

    fn about(&self, uri: &str) -> &Patterns {
        let scheme = uri::scheme(uri);
        // In its one spelling a page has a single slash.
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(uri::PAGE_SCHEME)) {
            &self.pages
        } else {
            &self.plain
        }
    }
}

/// All that a gate is made of.
#[derive(Debug)]
struct Terms {
    rules: Patterns,
    /// The rules of the entry, where it is a profile's gate: behind theirs.
    entry: Patterns,
    place: usize,
    lists: [Option<List>; 2],
}

impl Terms {
    fn of(rules: &Patterns, entry: Patterns, (place, source): (usize, &Source)) -> Self {
        let list = |kind| source.list(kind).map(Arc::clone);
        Self {
            rules: rules.clone(),
            entry,
            place,
            lists: KINDS.map(list),
        }
    }

    fn is(&self, other: &Self) -> bool {
        let lists = |terms: &Self| {
            terms
                .lists
                .each_ref()
                .map(|list| list.as_ref().map(Arc::as_ptr))
        };
        (&self.rules, &self.entry, self.place) == (&other.rules, &other.entry, other.place)
            && lists(self) == lists(other)
    }
}

const KINDS: [Kind; 2] = [Kind::Resources, Kind::Templates];

impl Gates {
    pub(super) fn of(sources: &[Source]) -> Self {
        let bound = sources.iter().enumerate();
        let bound = bound.filter(|(_, source)| !source.view.resources.is_open());
        let gates = bound.map(|(place, source)| {
            let rules = &source.view.resources;
            let terms = Terms::of(rules, Patterns::default(), (place, source));
            let rules = Rules {
                plain: rules.clone(),
                pages: rules.clone(),
            };
            let gate = Gate::of(terms, rules);
            (source.server.clone(), Arc::new(gate))
        });
        Self(gates.collect())
    }

    /// Those of a profile with these rules, behind the entries' own. They go by URIs as the servers have
    /// them and as they are qualified. What is as it was for one of the `former` is not made anew.
    pub(super) fn of_profile(
        sources: &[Source],
        includes: impl Fn(&ServerName) -> bool,
        rules: &Patterns,
        former: &[&Self],
    ) -> Self {
        if rules.is_open() {
            return Self::default();
        }
        let shown = sources.iter().enumerate();
        let shown = shown.filter(|(_, source)| includes(&source.server));
        let gates = shown.map(|(place, source)| {
            let server = &source.server;
            let terms = Terms::of(rules, source.view.resources.clone(), (place, source));
            let mut known = former.iter().filter_map(|former| former.0.get(server));
            let known = known.find(|known| known.terms.is(&terms));
            let gate = known.cloned();
            let gate =
                gate.unwrap_or_else(|| Arc::new(Gate::of(terms, Rules::behind(rules, server))));
            (server.clone(), gate)
        });
        Self(gates.collect())
    }

    /// Which entries of a list of `server` are shown, if not all that its entry shows.
    pub(super) fn shown(&self, server: &ServerName, kind: Kind) -> Option<&[bool]> {
        let gate = self.0.get(server)?;
        let [resources, templates] = &gate.listing;
        Some(if kind == Kind::Templates {
            templates
        } else {
            resources
        })
    }

    /// How many gates are none of those of `former`.
    #[cfg(test)]
    pub(super) fn built_since(&self, former: &Self) -> usize {
        let is_new = |gate: &&Arc<Gate>| !former.0.values().any(|old| Arc::ptr_eq(old, gate));
        self.0.values().filter(is_new).count()
    }

    /// Whether everything is shown of every server.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `deny` closes `uri` of `server`, whatever leads there.
    pub(super) fn deny(&self, server: &ServerName, uri: &str) -> bool {
        let gate = self.0.get(server);
        gate.is_some_and(|gate| gate.rules.about(uri).denies(uri))
    }

    /// Whether clients may read what `server` calls `uri`.
    pub(super) fn let_read(&self, server: &ServerName, uri: &str, search: &mut Search) -> bool {
        let gate = self.0.get(server);
        gate.is_none_or(|gate| gate.lets_read(uri, search))
    }
}

impl Gate {
    fn of(terms: Terms, rules: Rules) -> Self {
        let place = terms.place;
        let [resources, templates] = terms.lists.each_ref().map(|list| {
            let items = list.iter().flat_map(|list| list.iter());
            let items = items.filter(|item| terms.entry.shows(item.key()));
            items.collect::<Vec<&Item>>()
        });
        let is_shown = |item: &&Item| rules.about(item.key()).shows(item.key());
        let listing = [&resources, &templates];
        let listing = listing.map(|items| items.iter().map(is_shown).collect());
        let listed = resources.iter().filter(|item| is_shown(item));
        let listed = listed.map(|item| item.key().into()).collect();
        let (mut shown, mut hidden) = (Shelf::default(), Shelf::default());
        let mut is_in_doubt = false;
        for item in templates {
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
            respelt: rules.respelt(),
            rules,
            place,
            listed,
            shown,
            hidden,
            is_in_doubt,
            listing,
            terms,
        }
    }

    fn lets_read(&self, uri: &str, search: &mut Search) -> bool {
        let rules = self.rules.about(uri);
        if rules.denies(uri) {
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
            .any(|reading| self.respelt.about(reading).denies(reading))
        {
            return false;
        }
        let text = spelling.text();
        let is_allowed = |allows| allows && self.respelt.about(text).allows(text) == Some(true);
        let allows = rules.allows(uri).map(is_allowed);
        if allows == Some(true) || self.shown.find(uri, search, |_| true).is_some() {
            return true;
        }
        // What is not compared, or not to the end, may be a hidden one's.
        let mut is_hidden = |uri: &str| self.hidden.find(uri, search, |_| true).is_some();
        allows.is_none()
            && !self.is_in_doubt
            && uri::is_comparable(uri)
            && !is_hidden(uri)
            && !is_hidden(text)
            && search.given_up().all(|owner| owner != self.place)
    }
}
