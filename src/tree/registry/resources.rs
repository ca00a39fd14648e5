//! Resources and resource templates of all servers. URIs stay the servers' own as long as they
//! are unique. On a collision the first server in the configuration keeps its own, and the others'
//! are qualified by their server (`protocol::uri`), which can be undone.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::merged::{Route, Source, items};
use super::pages::Pages;
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::uri::{self, Template};

/// The merged resources.
#[derive(Debug)]
pub(super) struct Resources {
    by_uri: HashMap<String, Route>,
    by_template: HashMap<String, Route>,
    templates: Vec<(Template, ServerName)>,
    /// Whose each scheme is; `None` for one that several servers have.
    by_scheme: HashMap<String, Option<ServerName>>,
    /// The servers with resources, listed or not.
    owners: Vec<ServerName>,
    pages: Pages,
    template_pages: Pages,
}

impl Resources {
    pub(super) fn build(sources: &[Source]) -> Self {
        let (by_uri, pages) = lay_out(Kind::Resources, sources, str::to_owned);
        let (by_template, template_pages) = lay_out(Kind::Templates, sources, Template::parse);
        let template =
            |(source, item): (&Source, &Item)| (Template::parse(item.key()), source.server.clone());
        let has_resources = |source: &&Source| {
            let catalogue = source.catalogue.as_ref();
            catalogue.is_some_and(|known| known.abilities.resources)
        };
        Self {
            by_uri,
            by_template,
            templates: items(Kind::Templates, sources).map(template).collect(),
            by_scheme: schemes(sources),
            owners: sources
                .iter()
                .filter(has_resources)
                .map(|source| source.server.clone())
                .collect(),
            pages,
            template_pages,
        }
    }

    /// The same, with the pages of `before` where they say the same.
    pub(super) fn sharing(self, before: &Self) -> Self {
        Self {
            pages: self.pages.sharing(&before.pages),
            template_pages: self.template_pages.sharing(&before.template_pages),
            ..self
        }
    }

    /// Where a URI leads, as a client knows it: listed, or qualified, or an instance of a listed
    /// template; else to the only server that has others like it, or resources at all.
    pub(super) fn find(&self, uri: &str) -> Option<Route> {
        let listed = self.by_uri.get(uri).or_else(|| self.by_template.get(uri));
        if let Some(route) = listed {
            return Some(route.clone());
        }
        // Of a server that is not ours it may be another gateway's, which is one of our servers.
        let qualified = uri::unqualify(uri).and_then(|(server, native)| {
            let mut owners = self.owners.iter();
            Some((owners.find(|owner| owner.as_str() == server)?, native))
        });
        if let Some((server, native)) = qualified {
            return Some(route(server, native));
        }
        let matching = self
            .templates
            .iter()
            .find(|(template, _)| template.matches(uri));
        let server = match matching {
            Some((_, server)) => server,
            None => self.likely_owner(uri)?,
        };
        Some(route(server, uri))
    }

    fn likely_owner(&self, uri: &str) -> Option<&ServerName> {
        match (self.owners_of_scheme(uri), self.owners.as_slice()) {
            (Some(Some(server)), _) | (_, [server]) => Some(server),
            _ => None,
        }
    }

    /// Whose the scheme of `uri` is, as in `by_scheme`.
    fn owners_of_scheme(&self, uri: &str) -> Option<&Option<ServerName>> {
        let scheme = uri::scheme(uri)?.to_ascii_lowercase();
        self.by_scheme.get(&scheme)
    }

    /// What clients know a URI of `server` by, where that is not the URI itself: it would lead
    /// them to another server, or nobody could say to which of several. What anybody can fetch
    /// without its server stays as it is.
    pub(super) fn outward(&self, server: &ServerName, uri: &str) -> Option<String> {
        if !self.may_collide() {
            return None;
        }
        let is_common = match self.find(uri) {
            Some(route) => route.server != *server,
            None => !uri::is_web(uri) && self.owners_of_scheme(uri) == Some(&None),
        };
        is_common.then(|| uri::qualified(server.as_str(), uri))
    }

    /// Whether URIs of different servers can be mistaken for each other at all.
    pub(super) fn may_collide(&self) -> bool {
        self.owners.len() > 1
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    pub(super) fn template_pages(&self) -> &Pages {
        &self.template_pages
    }
}

/// Whether the resources of both are merged to the same, without merging them.
pub(super) fn are_same(sources: &[Source], others: &[Source]) -> bool {
    type Told<'a> = (&'a ServerName, bool, [*const Vec<Item>; 2]);
    fn told(sources: &[Source]) -> impl Iterator<Item = Told<'_>> {
        let lists = [Kind::Resources, Kind::Templates];
        sources.iter().filter_map(move |source| {
            let known = source.catalogue.as_deref()?;
            let has_some = known.abilities.resources;
            let is_of_note = has_some || lists.iter().any(|kind| !known.list(*kind).is_empty());
            let lists = lists.map(|kind| Arc::as_ptr(known.list(kind)));
            is_of_note.then_some((&source.server, has_some, lists))
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

/// One list under the URIs that clients know, and where they lead. Two that have the same `identity`
/// collide, unless they are one server's: how it tells those apart is its own affair.
fn lay_out<I: Hash + Eq>(
    kind: Kind,
    sources: &[Source],
    identity: impl Fn(&str) -> I,
) -> (HashMap<String, Route>, Pages) {
    let mut first: HashMap<I, &ServerName> = HashMap::new();
    let mut routes = HashMap::new();
    let mut listed = Vec::new();
    for (source, item) in items(kind, sources) {
        let server = &source.server;
        let holder = *first.entry(identity(item.key())).or_insert(server);
        let outward = if holder == server {
            listed.push(item.raw().to_vec());
            item.key().to_owned()
        } else {
            let qualified = uri::qualified(server.as_str(), item.key());
            listed.push(item.renamed(&qualified));
            qualified
        };
        routes
            .entry(outward)
            .or_insert_with(|| route(server, item.key()));
    }
    (routes, Pages::build(kind, &listed))
}

/// Whose each scheme is; `None` for one that several servers have.
fn schemes(sources: &[Source]) -> HashMap<String, Option<ServerName>> {
    let mut owners: HashMap<String, Option<ServerName>> = HashMap::new();
    let resources = items(Kind::Resources, sources);
    for (source, item) in resources.chain(items(Kind::Templates, sources)) {
        let Some(scheme) = uri::scheme(item.key()) else {
            continue;
        };
        let server = Some(source.server.clone());
        owners
            .entry(scheme.to_ascii_lowercase())
            .and_modify(|owner| {
                if *owner != server {
                    *owner = None;
                }
            })
            .or_insert(server);
    }
    owners
}
