//! Resources and resource templates of all servers. URIs stay the servers' own as long as they
//! are unique. On a collision the first server in the configuration keeps its own, and the others'
//! are qualified by their server (`protocol::uri`), which can be undone. What is qualified by a
//! configured server's name is that server's, whoever lists it.

mod layout;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use self::layout::{claims, family, lay_out, schemes, shelf};
use super::gates::Gates;
use super::idle;
use super::merged::Route;
use super::pages::{Entries, Pages};
use super::qualifiers::{Qualifiers, abilities};
use super::remark::Remark;
use super::source::{Source, items};
use crate::config::model::Patterns;
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::uri::{self, Search, Shelf};

/// The merged resources, of all servers or of some.
#[derive(Debug)]
pub(super) struct Resources {
    index: Arc<Index>,
    /// By their places, whether servers are among those; all are, if it is not there.
    shown: Option<Box<[bool]>>,
    /// What of them the rules of a profile show, and those.
    gates: Gates,
    rules: Patterns,
    /// The rules that match nothing; asked for by the log alone.
    idle_rules: OnceLock<Vec<Remark>>,
    /// How many of them have resources, listed or not, and the place of the only one.
    owners: usize,
    only: Option<usize>,
    pages: Pages,
    template_pages: Pages,
}

/// What is known of the resources of all servers: what a URI leads to is the same whoever is shown.
#[derive(Debug)]
struct Index {
    names: Qualifiers,
    gates: Gates,
    by_uri: HashMap<String, Route>,
    by_template: HashMap<String, Route>,
    shelf: Shelf,
    /// The places of those that have each scheme, in order.
    by_scheme: HashMap<String, Vec<usize>>,
    /// The places of those that have resources, listed or not.
    owners: Vec<usize>,
    /// What each lists, by its place.
    listed: Vec<(usize, Entries)>,
    templates: Vec<(usize, Entries)>,
    /// Whether a server lists what is another's by its qualifier.
    has_claims: bool,
    /// For the log.
    oddities: BTreeSet<(ServerName, String)>,
    /// The rules about resources that match nothing; asked for by the log alone.
    idle: OnceLock<Vec<(ServerName, Remark)>>,
}

impl Resources {
    /// Merges the lists of `sources`.
    pub(super) fn build(sources: &[Source]) -> Self {
        let names = Qualifiers::of(sources);
        let same = |item: &Item| item.key().to_owned();
        let (by_uri, listed) = lay_out(Kind::Resources, sources, &names, same);
        let shape = |item: &Item| item.template().cloned();
        let (by_template, templates) = lay_out(Kind::Templates, sources, &names, shape);
        let has_resources = |(_, source): &(usize, &Source)| abilities(source) == Some(true);
        let owners = sources.iter().enumerate().filter(has_resources);
        let oddities = claims(sources, &names);
        let has_claims = !oddities.is_empty();
        let index = Index {
            shelf: shelf(sources, &names),
            by_scheme: schemes(sources, &names),
            has_claims,
            oddities,
            idle: OnceLock::new(),
            owners: owners.map(|(place, _)| place).collect(),
            gates: Gates::of(sources),
            names,
            by_uri,
            by_template,
            listed,
            templates,
        };
        Self::of(
            Arc::new(index),
            None,
            Gates::default(),
            &Patterns::default(),
        )
    }

    /// Those of `index` that are shown.
    fn of(index: Arc<Index>, shown: Option<Box<[bool]>>, gates: Gates, rules: &Patterns) -> Self {
        let is_shown = |place: usize| is_shown(shown.as_deref(), place);
        let mut owners = index.owners.iter().copied().filter(|at| is_shown(*at));
        let (only, others) = (owners.next(), owners.count());
        let pages = |kind, listed: &[(usize, Entries)]| {
            let listed = listed.iter().filter(|(place, _)| is_shown(*place));
            let pieces = listed.flat_map(|(place, entries)| {
                let server = index.names.at(*place);
                match server.and_then(|server| gates.shown(server, kind)) {
                    Some(listing) => entries.only(listing.iter().copied()),
                    None => vec![entries.clone()],
                }
            });
            let pieces: Vec<Entries> = pieces.collect();
            Pages::of(kind, &pieces.iter().collect::<Vec<_>>())
        };
        Self {
            pages: pages(Kind::Resources, &index.listed),
            template_pages: pages(Kind::Templates, &index.templates),
            owners: usize::from(only.is_some()) + others,
            only: only.filter(|_| others == 0),
            shown,
            gates,
            rules: rules.clone(),
            idle_rules: OnceLock::new(),
            index,
        }
    }

    /// The same of the servers that `includes` says, and of their resources what `rules` show; `sources` are
    /// what it was built from. Only what is not as in one of the `former` is made.
    pub(super) fn narrowed(
        &self,
        sources: &[Source],
        includes: impl Fn(&ServerName) -> bool,
        rules: &Patterns,
        former: &[&Arc<Self>],
    ) -> Arc<Self> {
        let in_order = self.index.names.in_order.iter();
        let shown: Box<[bool]> = in_order.map(|named| includes(&named.server)).collect();
        let is_same = |former: &&&Arc<Self>| {
            Arc::ptr_eq(&former.index, &self.index)
                && former.shown.as_ref() == Some(&shown)
                && former.rules == *rules
        };
        if let Some(same) = former.iter().find(is_same) {
            return Arc::clone(same);
        }
        let gates: Vec<&Gates> = former.iter().map(|former| &former.gates).collect();
        let gates = Gates::of_profile(sources, includes, rules, &gates);
        let narrowed = Self::of(Arc::clone(&self.index), Some(shown), gates, rules);
        Arc::new(match former.first() {
            Some(last) => narrowed.sharing(last),
            None => narrowed,
        })
    }

    /// The same, with the pages of `before` where they say the same.
    pub(super) fn sharing(self, before: &Self) -> Self {
        Self {
            pages: self.pages.sharing(&before.pages),
            template_pages: self.template_pages.sharing(&before.template_pages),
            ..self
        }
    }

    /// Where a URI leads, as a client knows it: qualified, or listed, or an instance of a listed
    /// template; else to the only server that has others like it, or resources at all. Not to what
    /// is not shown.
    pub(super) fn find(&self, uri: &str, search: &mut Search) -> Option<Route> {
        let route = self.lead(uri, self.only, search)?;
        self.may_be_read(&route.server, &route.key, search)
            .then_some(route)
    }

    /// Whether clients may read what `server` calls `uri`.
    pub(super) fn may_be_read(&self, server: &ServerName, uri: &str, search: &mut Search) -> bool {
        self.shows(server)
            && self.index.gates.let_read(server, uri, search)
            && self.gates.let_read(server, uri, search)
    }

    /// Whether `uri` of `server` is denied: no link opens it.
    pub(super) fn deny(&self, server: &ServerName, uri: &str) -> bool {
        self.index.gates.deny(server, uri) || self.gates.deny(server, uri)
    }

    /// Whether all resources are shown of all servers that are.
    pub(super) fn are_all_shown(&self) -> bool {
        self.index.gates.are_none() && self.gates.are_none()
    }

    /// What nobody else can have leads to the one at the place `rest`, if there is any.
    fn lead(&self, uri: &str, rest: Option<usize>, search: &mut Search) -> Option<Route> {
        let index = &*self.index;
        if let Some((named, native)) = index.names.qualifier(uri) {
            let is_there = named.may_have_resources && self.shows(&named.server);
            return is_there.then(|| route(&named.server, native));
        }
        if let Some(route) = self.listed(uri) {
            return Some(route.clone());
        }
        // Of a server that is not ours it may be another gateway's, which is one of our servers if it
        // lists others with that name.
        let is_strangers = uri::unqualify(uri).is_some();
        let counts = |place| is_shown(self.shown.as_deref(), place);
        let likely = if is_strangers {
            self.owners_of_scheme(uri).only()?
        } else if let Some(place) = index.shelf.find(uri, search, counts) {
            place
        } else {
            self.owners_of_scheme(uri).only().or(rest)?
        };
        Some(route(index.names.at(likely)?, uri))
    }

    fn listed(&self, uri: &str) -> Option<&Route> {
        let index = &*self.index;
        let listed = index.by_uri.get(uri).or_else(|| index.by_template.get(uri));
        listed.filter(|route| self.shows(&route.server))
    }

    /// Whether `uri` of `server` may be from another's template: `search` could not compare all.
    fn is_in_doubt(&self, server: &ServerName, uri: &str, search: &Search) -> bool {
        let names = &self.index.names;
        let is_searched = names.qualifier(uri).is_none() && self.listed(uri).is_none();
        let mut given_up = search.given_up();
        is_searched && given_up.any(|place| names.at(place) != Some(server))
    }

    fn shows(&self, server: &ServerName) -> bool {
        let place = || self.index.names.by_spelling.get(server.as_str());
        let shown = self.shown.as_deref();
        shown.is_none() || place().is_some_and(|place| is_shown(shown, *place))
    }

    fn owners_of_scheme(&self, uri: &str) -> Owners {
        let family = family(uri);
        let all = family.and_then(|family| self.index.by_scheme.get(&family));
        let mut shown = all.into_iter().flatten().copied();
        let mut shown = shown
            .by_ref()
            .filter(|at| is_shown(self.shown.as_deref(), *at));
        match (shown.next(), shown.next()) {
            (None, _) => Owners::None,
            (Some(one), None) => Owners::One(one),
            (Some(_), Some(_)) => Owners::Several,
        }
    }

    /// What clients know a URI of `server` by, where that is not the URI itself: it would lead
    /// them to another server or another resource, or nobody could say to which of several. What
    /// anybody can fetch without its server stays as it is. A page of an app need not be listed: by the
    /// long name it leads to its server, whatever others' templates make.
    pub(super) fn outward(
        &self,
        server: &ServerName,
        uri: &str,
        search: &mut Search,
    ) -> Option<String> {
        if !self.may_collide(server) {
            return None;
        }
        let rest = self.only.filter(|_| !uri::is_web(uri));
        let is_common = self.index.names.lead_away(server, uri)
            || match self.lead(uri, rest, search) {
                Some(route) => route.server != *server,
                None if uri::is_page(uri) => self.owners > 1,
                None => !uri::is_web(uri) && self.owners_of_scheme(uri) == Owners::Several,
            }
            || uri::is_page(uri) && self.is_in_doubt(server, uri, search);
        is_common.then(|| uri::qualified(server.as_str(), uri))
    }

    /// Whether URIs of `server` can be mistaken for another's at all. It need not have resources to
    /// name those of the only one that has.
    pub(super) fn may_collide(&self, server: &ServerName) -> bool {
        let only = self.only.and_then(|place| self.index.names.at(place));
        self.owners > 1 || self.index.has_claims || only.is_some_and(|only| only != server)
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    pub(super) fn template_pages(&self) -> &Pages {
        &self.template_pages
    }

    /// What is odd about the URIs, each with the server that lists them.
    pub(super) fn oddities(&self) -> impl Iterator<Item = (&ServerName, &String)> {
        let oddities = self.index.oddities.iter();
        oddities.map(|(server, text)| (server, text))
    }

    /// Which gates of a profile are none of those of `former`.
    #[cfg(test)]
    pub(super) fn gates_since(&self, former: &Self) -> usize {
        self.gates.built_since(&former.gates)
    }

    /// The rules of a profile that match none of what `sources` list, which are those that it shows.
    pub(super) fn idle_rules(&self, whose: &str, sources: &[Source]) -> &[Remark] {
        self.idle_rules.get_or_init(|| {
            let lists = [Kind::Resources, Kind::Templates].map(|kind| items(kind, sources));
            let listed: Vec<(&Source, &Item)> = lists.into_iter().flatten().collect();
            let qualified = listed.iter().flat_map(|(source, item)| {
                let qualifiers = uri::qualifiers(source.server.as_str(), uri::is_page(item.key()));
                qualifiers.map(|qualifier| qualifier + item.key())
            });
            let qualified: Vec<String> = qualified.collect();
            let native = listed.iter().map(|(_, item)| item.key());
            let names: Vec<&str> = native.chain(qualified.iter().map(String::as_str)).collect();
            let idle = self.rules.idle(&names);
            idle.iter().map(|idle| Remark::of(whose, idle)).collect()
        })
    }

    /// The rules about resources that match nothing. `sources` are what it was built from.
    pub(super) fn idle(&self, sources: &[Source]) -> &[(ServerName, Remark)] {
        let find = |source: &Source| {
            let idle = idle::of_resources(source).into_iter();
            idle.map(|remark| (source.server.clone(), remark))
                .collect::<Vec<_>>()
        };
        let all = || sources.iter().flat_map(find).collect();
        self.index.idle.get_or_init(all)
    }
}

/// Who has URIs of a certain scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owners {
    None,
    /// The one at this place.
    One(usize),
    Several,
}

impl Owners {
    fn only(self) -> Option<usize> {
        match self {
            Self::One(place) => Some(place),
            Self::None | Self::Several => None,
        }
    }
}

fn is_shown(shown: Option<&[bool]>, place: usize) -> bool {
    shown.is_none_or(|shown| shown.get(place).copied().unwrap_or_default())
}

/// Whether the resources of both are merged to the same, without merging them. The servers that have
/// none count too: by their names URIs are qualified, and templates know servers by their places.
pub(super) fn are_same(sources: &[Source], others: &[Source]) -> bool {
    type Told<'a> = (
        &'a ServerName,
        &'a Patterns,
        Option<bool>,
        [(Option<*const Vec<Item>>, bool); 2],
    );
    fn told(sources: &[Source]) -> impl Iterator<Item = Told<'_>> {
        sources.iter().map(|source| {
            let patterns = &source.view.resources;
            let lists = [Kind::Resources, Kind::Templates].map(|kind| {
                let list = source.list(kind).filter(|list| !list.is_empty());
                // Rules that match nothing of it are known once all of it is.
                let is_judged = !patterns.is_open() && source.is_whole(kind);
                (list.map(Arc::as_ptr), is_judged)
            });
            (&source.server, patterns, abilities(source), lists)
        })
    }
    told(sources).eq(told(others))
}

fn route(server: &ServerName, key: &str) -> Route {
    Route {
        server: server.clone(),
        key: key.into(),
    }
}
