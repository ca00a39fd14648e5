//! What all servers offer together, under merged names: built by the registry whenever a catalogue
//! changes, and by a session whose own instances offer something else. Immutable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::catalogue::Catalogue;
use super::resources::Resources;
use super::unfit;
use crate::config::model::Isolation;
use crate::ids::{Prefix, ServerName};
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::mcp::request::Subject;
use crate::protocol::uri::Search;

use super::pages::Pages;

/// One configured server, and what it offers as far as that is known.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its name.
    pub server: ServerName,
    /// What its tools and prompts are called by.
    pub prefix: Prefix,
    /// Whether each session has an instance of its own.
    pub isolation: Isolation,
    /// What it offers.
    pub catalogue: Option<Arc<Catalogue>>,
}

/// Where a merged name or URI leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The server that offers it.
    pub server: ServerName,
    /// Its name or URI there.
    pub key: Box<str>,
}

/// All lists, in configuration order and then each server's own.
#[derive(Debug)]
pub(crate) struct Merged {
    /// What it was merged from.
    pub sources: Vec<Source>,
    tools: Names,
    prompts: Names,
    resources: Resources,
    warnings: BTreeMap<ServerName, Vec<String>>,
}

/// Which lists differ between two merges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// The tools.
    pub tools: bool,
    /// The prompts.
    pub prompts: bool,
    /// The resources or the resource templates.
    pub resources: bool,
}

impl Default for Merged {
    /// Nothing is offered.
    fn default() -> Self {
        Self::build(Vec::new()).0
    }
}

impl Merged {
    /// Merges what `sources` offer. On a collision the first keeps the name. The second part says
    /// what is odd about the names, for the log.
    pub(crate) fn build(sources: Vec<Source>) -> (Self, Vec<String>) {
        let mut oddities = Vec::new();
        let mut names = unfit::Names::default();
        let tools = Names::build(Kind::Tools, &sources, &mut names, &mut oddities);
        let prompts = Names::build(Kind::Prompts, &sources, &mut names, &mut oddities);
        let resources = Resources::build(&sources, &mut oddities);
        let warnings = names.warnings();
        oddities.extend(warnings.values().flatten().cloned());
        let merged = Self {
            sources,
            tools,
            prompts,
            resources,
            warnings,
        };
        (merged, oddities)
    }

    /// The same with another catalogue for one server.
    #[must_use]
    pub(crate) fn with(&self, server: &ServerName, catalogue: &Arc<Catalogue>) -> Self {
        let mut sources = self.sources.clone();
        for source in &mut sources {
            if source.server == *server {
                let before = source.catalogue.as_deref();
                source.catalogue = Some(Arc::clone(catalogue).or_before(before));
            }
        }
        Self::build(sources).0
    }

    /// The server's place among the sources.
    #[must_use]
    pub(crate) fn source(&self, server: &ServerName) -> Option<&Source> {
        self.sources.iter().find(|source| source.server == *server)
    }

    /// What is to be said about the names that this server offers, for the status.
    #[must_use]
    pub(crate) fn warnings(&self, server: &ServerName) -> &[String] {
        self.warnings.get(server).map_or(&[], |warnings| warnings)
    }

    /// Where `key` leads, as a client knows it.
    #[must_use]
    pub(crate) fn find(&self, subject: Subject, key: &str) -> Option<Route> {
        match subject {
            Subject::Tool => self.tools.by_name.get(key).cloned(),
            Subject::Prompt => self.prompts.by_name.get(key).cloned(),
            Subject::Resource => self.find_resource(key, &mut Search::lookup()),
        }
    }

    /// The same for a URI, in the steps that `search` has left.
    #[must_use]
    pub(crate) fn find_resource(&self, uri: &str, search: &mut Search) -> Option<Route> {
        self.resources.find(uri, search)
    }

    /// The servers whose templates `search` did not compare all.
    pub(crate) fn given_up(&self, search: &Search) -> impl Iterator<Item = &ServerName> {
        let sources = search.given_up().filter_map(|at| self.sources.get(at));
        sources.map(|source| &source.server)
    }

    /// The pages of one merged list.
    #[must_use]
    pub(crate) fn pages(&self, kind: Kind) -> &Pages {
        match kind {
            Kind::Tools => &self.tools.pages,
            Kind::Prompts => &self.prompts.pages,
            Kind::Resources => self.resources.pages(),
            Kind::Templates => self.resources.template_pages(),
        }
    }

    /// What clients know a URI of `server` by, where that is not the URI itself: it collides with
    /// one of a server before it, or is qualified by a configured server's name.
    #[must_use]
    pub(crate) fn outward_uri(
        &self,
        server: &ServerName,
        uri: &str,
        search: &mut Search,
    ) -> Option<String> {
        self.resources.outward(server, uri, search)
    }

    /// Whether URIs of different servers can be mistaken for each other at all: if not, no result
    /// has to be looked through.
    #[must_use]
    pub(crate) fn may_collide(&self) -> bool {
        self.resources.may_collide()
    }

    /// The instructions of all servers, each under its name; `None` if there are none.
    #[must_use]
    pub(crate) fn instructions(&self) -> Option<String> {
        let of = |source: &Source| {
            let text = source.catalogue.as_ref()?.instructions.as_deref()?.trim();
            (!text.is_empty()).then(|| format!("[{}]\n{text}", source.server))
        };
        let all: Vec<String> = self.sources.iter().filter_map(of).collect();
        (!all.is_empty()).then(|| all.join("\n\n"))
    }

    /// Which lists are not the same in `other`.
    #[must_use]
    pub(crate) fn changes(&self, other: &Self) -> Changes {
        let differs = |kind| self.pages(kind) != other.pages(kind);
        Changes {
            tools: differs(Kind::Tools),
            prompts: differs(Kind::Prompts),
            resources: differs(Kind::Resources) || differs(Kind::Templates),
        }
    }
}

/// Tools or prompts under their merged names.
#[derive(Debug)]
struct Names {
    by_name: HashMap<String, Route>,
    pages: Pages,
}

impl Names {
    fn build(
        kind: Kind,
        sources: &[Source],
        names: &mut unfit::Names,
        oddities: &mut Vec<String>,
    ) -> Self {
        let mut by_name: HashMap<String, Route> = HashMap::new();
        let mut listed = Vec::new();
        for (source, item) in items(kind, sources) {
            let (server, merged) = (&source.server, source.prefix.join(item.key()));
            if let Some(first) = by_name.get(&merged) {
                oddities.push(format!(
                    "'{merged}' of server '{server}' is left out of the {}: server '{}' has the name already",
                    kind.member(),
                    first.server
                ));
                continue;
            }
            names.note(server, &merged);
            listed.push(item.renamed(&merged));
            let route = Route {
                server: server.clone(),
                key: item.key().into(),
            };
            by_name.insert(merged, route);
        }
        let pages = Pages::build(kind, &listed);
        Self { by_name, pages }
    }
}

/// The entries of one list, server by server.
pub(super) fn items(kind: Kind, sources: &[Source]) -> impl Iterator<Item = (&Source, &Item)> {
    sources.iter().flat_map(move |source| {
        let catalogue = source.catalogue.as_deref();
        let items = catalogue.map_or_else(Default::default, |known| known.items(kind));
        items.iter().map(move |item| (source, item))
    })
}
