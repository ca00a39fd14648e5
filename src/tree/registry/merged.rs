//! What all servers offer together, under merged names: built by the registry whenever a catalogue
//! changes, and by a session whose own instances offer something else. Immutable.

mod narrowed;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use self::narrowed::Narrowed;
use super::catalogue::Catalogue;
use super::cost::Cost;
use super::instructions::{self, Joined};
use super::names::Names;
#[cfg(test)]
use super::page_names::{PageNames, PageSearch};
use super::pages::{Changes, Pages};
use super::prefixes::Prefixes;
use super::remark::Remark;
use super::resources::{self, Resources};
use super::source::Source;
use crate::config::model::INSTRUCTIONS_READ;
use crate::ids::ServerName;
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::request::Subject;
use crate::protocol::modern::extensions::Extensions;
use crate::protocol::modern::param_headers::ParamHeaders;
use crate::protocol::modern::tasks;
use crate::protocol::uri::Search;

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
    prefixes: Arc<Prefixes>,
    tools: Names,
    prompts: Names,
    resources: Arc<Resources>,
    /// What the instructions of all may have together.
    budget: usize,
    instructions: Joined,
    extensions: Option<Arc<str>>,
    /// What it was narrowed down from, and to which profile, if it was.
    narrowed: Option<Narrowed>,
}

impl Default for Merged {
    /// Nothing is offered.
    fn default() -> Self {
        Self::build(Vec::new(), &[])
    }
}

impl Merged {
    /// Nothing is offered; one for all.
    pub(crate) fn nothing() -> Arc<Self> {
        static NOTHING: LazyLock<Arc<Merged>> = LazyLock::new(Arc::default);
        Arc::clone(&NOTHING)
    }

    /// As [`Self::within`], with as many bytes of instructions as clients read.
    pub(super) fn build(sources: Vec<Source>, former: &[&Self]) -> Self {
        Self::within(INSTRUCTIONS_READ, sources, former)
    }

    /// Merges what `sources` offer, with so many bytes of instructions. What did not change since one
    /// of the `former` merges is taken from it.
    pub(super) fn within(budget: usize, sources: Vec<Source>, former: &[&Self]) -> Self {
        let prefixes = Prefixes::of(&sources);
        let known = former.iter().find(|former| *former.prefixes == prefixes);
        let prefixes = known.map_or_else(|| Arc::new(prefixes), |same| same.prefixes.clone());
        let same = |former: &&&Self| resources::are_same(&sources, &former.sources);
        let resources = match (former.iter().find(same), former.first()) {
            (Some(same), _) => Arc::clone(&same.resources),
            (None, Some(last)) => Arc::new(Resources::build(&sources).sharing(&last.resources)),
            (None, None) => Arc::new(Resources::build(&sources)),
        };
        let names = |kind, of: fn(&Self) -> &Names| {
            let former: Vec<&Names> = former.iter().map(|former| of(former)).collect();
            Names::build(kind, &sources, &prefixes, &resources, &former)
        };
        let tools = names(Kind::Tools, |merged| &merged.tools);
        let prompts = names(Kind::Prompts, |merged| &merged.prompts);
        let same = |former: &&&Self| {
            former.budget == budget && instructions::are_same(&sources, &former.sources)
        };
        let instructions = match former.iter().find(same) {
            Some(same) => same.instructions.clone(),
            None => instructions::join(&sources, budget),
        };
        let extensions = Extensions::united(sources.iter().filter_map(Source::extensions));
        Self {
            sources,
            extensions: extensions.map(Arc::from),
            prefixes,
            tools,
            prompts,
            resources,
            budget,
            instructions,
            narrowed: None,
        }
    }

    /// The same with other catalogues for some servers. What `mine`, a former such table, has in
    /// common with it is shared.
    #[must_use]
    pub(crate) fn with(&self, own: &[(&ServerName, &Arc<Catalogue>)], mine: &Self) -> Self {
        if let Some(Narrowed { whole, profile }) = &self.narrowed {
            let my_whole = mine.narrowed.as_ref().map(|mine| &mine.whole);
            let whole = Arc::new(whole.with(own, my_whole.unwrap_or(whole)));
            return Self::narrow(&whole, profile, &[mine, self]);
        }
        let mut sources = self.sources.clone();
        for (server, catalogue) in own {
            let mut sources = sources.iter_mut();
            if let Some(source) = sources.find(|source| source.server == **server) {
                source.catalogue = Some(Arc::clone(catalogue));
            }
        }
        Self::within(self.budget, sources, &[mine, self])
    }

    /// What the pages are called that the tools of `source` name; those of a `former` merge where it is known.
    #[cfg(test)]
    pub(super) fn page_names(&self, source: &Source, former: &Self) -> Arc<PageNames> {
        PageSearch::new(&self.resources, &[&former.tools]).of(source)
    }

    /// How many parts were laid out that are none of those of `former`.
    #[cfg(test)]
    pub(super) fn built_since(&self, former: &Self) -> usize {
        self.tools.built_since(&former.tools) + self.prompts.built_since(&former.prompts)
    }

    /// Of how many servers the resources were held against the rules of its profile, which `former` does not say.
    #[cfg(test)]
    pub(super) fn gates_since(&self, former: &Self) -> usize {
        self.resources.gates_since(&former.resources)
    }

    /// Of how many parts anybody asked which rules match nothing.
    #[cfg(test)]
    pub(super) fn judged(&self) -> usize {
        self.tools.judged() + self.prompts.judged()
    }

    /// Of how many parts the rules of its profile were asked that `former` does not say.
    #[cfg(test)]
    pub(super) fn decided_since(&self, former: &Self) -> usize {
        self.tools.decided_since(&former.tools) + self.prompts.decided_since(&former.prompts)
    }

    /// What is odd about the names, and of the entries' rules about them, for the log, each with the
    /// server that lists them. Of what is narrowed nobody reads that.
    pub(super) fn oddities(&self) -> BTreeSet<(ServerName, Remark)> {
        let names = self.tools.oddities().chain(self.prompts.oddities());
        let cut = self
            .instructions
            .cut
            .iter()
            .map(|(server, text)| (server, text));
        let all = names.chain(self.resources.oddities()).chain(cut);
        let all = all.map(|(server, text)| (server.clone(), Remark::from(text.clone())));
        let names = [&self.tools, &self.prompts];
        let idle = names.into_iter().flat_map(Names::idle_of_entries);
        let idle = idle.map(|(server, remark)| (server.clone(), remark.clone()));
        let resources = self.resources.idle(&self.sources).iter().cloned();
        all.chain(idle).chain(resources).collect()
    }

    /// The server's place among the sources.
    #[must_use]
    pub(crate) fn source(&self, server: &ServerName) -> Option<&Source> {
        self.sources.iter().find(|source| source.server == *server)
    }

    /// What is to be said about the names that this server offers, for the status.
    #[must_use]
    pub(crate) fn warnings(&self, server: &ServerName) -> Vec<String> {
        let both = [&self.tools, &self.prompts];
        let warnings = both.into_iter().flat_map(|names| names.warnings(server));
        let cut = self.instructions.cut.iter();
        let cut = cut.filter(|(one, _)| one == server).map(|(_, text)| text);
        warnings.chain(cut).cloned().collect()
    }

    /// What the tools of `server` cost a model.
    #[must_use]
    pub(crate) fn cost(&self, server: &ServerName) -> Cost {
        self.tools.cost(server)
    }

    /// The tools of `server` as clients are told of them, each a raw object.
    #[must_use]
    pub(crate) fn tools_of(&self, server: &ServerName) -> Vec<Bytes> {
        self.tools.entries_of(server)
    }

    /// What all tools together cost a model.
    #[must_use]
    pub(crate) fn whole_cost(&self) -> Cost {
        self.tools.pages().cost()
    }

    /// Whether calls of any tool repeat arguments in headers.
    #[must_use]
    pub(crate) fn has_param_headers(&self) -> bool {
        self.tools.have_param_headers()
    }

    /// The arguments that a call of this tool repeats in headers, if there are any.
    #[must_use]
    pub(crate) fn param_headers(&self, tool: &str) -> Option<&Arc<ParamHeaders>> {
        self.tools.param_headers(tool)
    }

    /// Where `key` leads, as a client knows it.
    #[must_use]
    pub(crate) fn find(&self, subject: Subject, key: &str) -> Option<Route> {
        match subject {
            Subject::Tool => self.tools.find(key),
            Subject::Prompt => self.prompts.find(key),
            Subject::Resource => self.find_resource(key, &mut Search::lookup()),
            Subject::Task => self.find_task(key),
            Subject::Extension => None, // who is ready decides
        }
    }

    /// Whether `tool` leads somewhere only because its server alone calls a tool so.
    #[must_use]
    pub(crate) fn is_bare(&self, tool: &str) -> bool {
        self.tools.is_bare(tool)
    }

    /// The server that has tasks, by whose name this one's id begins.
    fn find_task(&self, id: &str) -> Option<Route> {
        let (server, key) = tasks::split(id)?;
        let mut sources = self.sources.iter();
        let source = sources.find(|source| source.server.as_str() == server)?;
        let has_tasks = source.extensions().is_some_and(|it| it.has(tasks::NAME));
        has_tasks.then(|| Route {
            server: source.server.clone(),
            key: key.into(),
        })
    }

    /// Whether a server declares this extension.
    #[must_use]
    pub(crate) fn has_extension(&self, name: &str) -> bool {
        let mut all = self.sources.iter().filter_map(Source::extensions);
        all.any(|declared| declared.has(name))
    }

    /// What all servers declare beside the core, an object; `None` if there is nothing.
    #[must_use]
    pub(crate) fn extensions(&self) -> Option<&str> {
        self.extensions.as_deref()
    }

    /// Of that what clients with a handshake can use too: MCP Apps.
    #[must_use]
    pub(crate) fn apps(&self) -> Option<String> {
        let all = self.sources.iter().filter_map(Source::extensions);
        let apps: Vec<Extensions> = all.map(Extensions::apps_alone).collect();
        Extensions::united(apps.iter())
    }

    /// The same for a URI, in the steps that `search` has left.
    #[must_use]
    pub(crate) fn find_resource(&self, uri: &str, search: &mut Search) -> Option<Route> {
        self.resources.find(uri, search)
    }

    /// The servers whose templates `search` did not compare all.
    pub(crate) fn given_up(&self, search: &Search) -> impl Iterator<Item = &ServerName> {
        let whole = self.narrowed.as_ref().map(|narrowed| &*narrowed.whole);
        let all = &whole.unwrap_or(self).sources;
        let sources = search.given_up().filter_map(|at| all.get(at));
        sources.map(|source| &source.server)
    }

    /// The pages of one merged list.
    #[must_use]
    pub(crate) fn pages(&self, kind: Kind) -> &Pages {
        match kind {
            Kind::Tools => self.tools.pages(),
            Kind::Prompts => self.prompts.pages(),
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

    /// Whether clients may read what `server` calls `uri`.
    #[must_use]
    pub(crate) fn may_be_read(&self, server: &ServerName, uri: &str, search: &mut Search) -> bool {
        self.resources.may_be_read(server, uri, search)
    }

    /// Whether the configuration denies `uri` of `server`: no link opens it.
    #[must_use]
    pub(crate) fn denies_resource(&self, server: &ServerName, uri: &str) -> bool {
        self.resources.deny(server, uri)
    }

    /// Whether all resources are shown of all servers.
    #[must_use]
    pub(crate) fn shows_all_resources(&self) -> bool {
        self.resources.are_all_shown()
    }

    /// Whether URIs of `server` can be mistaken for another's at all: if not, none of its results
    /// has to be looked through.
    #[must_use]
    pub(crate) fn may_collide(&self, server: &ServerName) -> bool {
        self.resources.may_collide(server)
    }

    /// The instructions of all servers, each under its name; `None` if there are none.
    #[must_use]
    pub(crate) fn instructions(&self) -> Option<&str> {
        self.instructions.text.as_deref()
    }

    /// Which lists are not the same in `other`. Nothing is compared here but whether they were found
    /// to be the same when they were merged.
    #[must_use]
    pub(crate) fn changes(&self, other: &Self) -> Changes {
        let differs = |kind| !self.pages(kind).is(other.pages(kind));
        Changes {
            tools: differs(Kind::Tools),
            prompts: differs(Kind::Prompts),
            resources: differs(Kind::Resources) || differs(Kind::Templates),
        }
    }
}
