//! Tools or prompts of all servers under their merged names, and where those lead.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::cost::Cost;
use super::decided::Decided;
use super::merged::Route;
use super::page_names::{PageNames, PageSearch};
use super::pages::{Entries, Pages};
use super::part::{Holders, Part, Plan, Rivals};
use super::prefixes::{Prefixes, is_namesake};
use super::remark::Remark;
use super::resources::Resources;
use super::source::Source;
use crate::config::model::{COMPARED, Patterns};
use crate::ids::{Prefix, ServerName};
use crate::protocol::mcp::item::Kind;
use crate::protocol::modern::param_headers::ParamHeaders;

/// Parts by prefix; the empty one is of those without.
type ByPrefix = HashMap<Box<str>, Vec<Arc<Part>>>;

/// Tools or prompts under their merged names.
#[derive(Debug)]
pub(super) struct Names {
    kind: Kind,
    prefixes: Arc<Prefixes>,
    /// What the pages of tools were looked up in.
    resources: Arc<Resources>,
    /// What has entries, in configuration order.
    parts: Vec<Arc<Part>>,
    by_prefix: Arc<ByPrefix>,
    /// Those of all servers, whoever is shown.
    all: Arc<ByPrefix>,
    /// Which of their merged names are shown.
    shown: Patterns,
    /// What those say of each part; nothing if they show everything.
    decided: Vec<Arc<Decided>>,
    /// The rules of those that match nothing; the same for the same rules and parts.
    idle: Arc<OnceLock<Vec<Remark>>>,
    pages: Pages,
}

impl Names {
    /// Merges, with all parts of `former` merges that stayed what they were.
    pub(super) fn build(
        kind: Kind,
        sources: &[Source],
        prefixes: &Arc<Prefixes>,
        resources: &Arc<Resources>,
        former: &[&Self],
    ) -> Self {
        let mut order: Vec<(usize, &Source)> = sources.iter().enumerate().collect();
        order.sort_by_key(|(_, source)| !is_namesake(source));
        let mut by_prefix = ByPrefix::new();
        let mut holders: HashMap<&str, Holders> = HashMap::new();
        let mut placed = Vec::new();
        let mut search = PageSearch::new(resources, former);
        for (place, source) in order {
            let is_bound = source.is_bound(kind);
            let list = source.list(kind);
            let Some(list) = list.filter(|list| is_bound || !list.is_empty()) else {
                continue;
            };
            let elders = by_prefix.entry(source.prefix.as_str().into()).or_default();
            let plan = Plan {
                server: source.server.clone(),
                prefix: source.prefix.clone(),
                list: Arc::clone(list),
                is_whole: source.is_whole(kind),
                view: Arc::clone(&source.view),
                rivals: rivals(&source.prefix, prefixes),
                pages: match kind {
                    Kind::Tools => search.of(source),
                    Kind::Prompts | Kind::Resources | Kind::Templates => Arc::default(),
                },
                elders: elders.clone(),
            };
            let part = former.iter().find_map(|former| former.part(&plan));
            let part = part.unwrap_or_else(|| {
                let holders = holders.entry(source.prefix.as_str()).or_default();
                Arc::new(Part::build(kind, plan, holders))
            });
            elders.push(Arc::clone(&part));
            placed.push((place, part));
        }
        placed.sort_by_key(|(place, _)| *place);
        let parts: Vec<_> = placed.into_iter().map(|(_, part)| part).collect();
        let same = former.iter().find(|former| former.has_parts(&parts));
        let entries: Vec<&Entries> = parts.iter().map(|part| part.entries()).collect();
        let pages = match (same, former.first()) {
            (Some(same), _) => same.pages.clone(),
            // Laid out anew, it may say the same.
            (None, Some(last)) => Pages::of(kind, &entries).sharing(&last.pages),
            (None, None) => Pages::of(kind, &entries),
        };
        let all = Arc::new(by_prefix);
        Self {
            kind,
            prefixes: Arc::clone(prefixes),
            resources: Arc::clone(resources),
            parts,
            by_prefix: Arc::clone(&all),
            all,
            shown: Patterns::default(),
            decided: Vec::new(),
            idle: Arc::default(),
            pages,
        }
    }

    /// The same of the servers that `includes` says, and of their merged names those that `patterns` show.
    pub(super) fn narrowed(
        &self,
        kind: Kind,
        includes: impl Fn(&ServerName) -> bool,
        patterns: &Patterns,
        former: &[&Self],
    ) -> Self {
        let is_of_one = |part: &&Arc<Part>| includes(part.server());
        let parts: Vec<_> = self.parts.iter().filter(is_of_one).cloned().collect();
        let groups = self.by_prefix.iter().map(|(prefix, group)| {
            let group: Vec<_> = group.iter().filter(is_of_one).cloned().collect();
            (prefix.clone(), group)
        });
        let by_prefix: ByPrefix = groups.filter(|(_, group)| !group.is_empty()).collect();
        let decided = Decided::all(&parts, patterns, former);
        let is_same = |former: &&&Self| former.shown == *patterns && former.has_parts(&parts);
        let same = former.iter().find(is_same);
        let pages = match (same, former.first()) {
            (Some(same), _) => same.pages.clone(),
            (None, Some(last)) => pages_of(kind, &parts, &decided).sharing(&last.pages),
            (None, None) => pages_of(kind, &parts, &decided),
        };
        Self {
            kind,
            prefixes: Arc::clone(&self.prefixes),
            resources: Arc::clone(&self.resources),
            parts,
            by_prefix: Arc::new(by_prefix),
            all: Arc::clone(&self.all),
            shown: patterns.clone(),
            decided,
            idle: same.map_or_else(Arc::default, |same| Arc::clone(&same.idle)),
            pages,
        }
    }

    /// What these rules say of each part, if they are those that it was narrowed by.
    pub(super) fn decided(
        &self,
        rules: &Patterns,
    ) -> impl Iterator<Item = (*const Part, &Arc<Decided>)> {
        let is_known = self.shown == *rules;
        let parts = self.parts.iter().filter(move |_| is_known);
        parts.map(Arc::as_ptr).zip(&self.decided)
    }

    /// The rules that match none of the merged names, said of `whose` they are.
    pub(super) fn idle(&self, whose: &str) -> &[Remark] {
        self.idle.get_or_init(|| self.find_idle(whose))
    }

    fn find_idle(&self, whose: &str) -> Vec<Remark> {
        let both = self.parts.iter().zip(&self.decided);
        let hits = both.flat_map(|(part, decided)| decided.hits(part, &self.shown));
        let hits: BTreeSet<usize> = hits.copied().collect();
        if hits.len() == self.shown.len() {
            return Vec::new();
        }
        let names = self.parts.iter().flat_map(|part| part.merged_names());
        let names: Vec<String> = names.take(COMPARED).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let idle = self.shown.idle_but(&hits, &names);
        idle.iter().map(|idle| Remark::of(whose, idle)).collect()
    }

    /// The rules of the configuration about each server that match nothing of what it lists.
    pub(super) fn idle_of_entries(&self) -> impl Iterator<Item = (&ServerName, &Remark)> {
        let all = self.parts.iter();
        all.flat_map(|part| part.idle().iter().map(|remark| (part.server(), remark)))
    }

    /// What the pages are called that the tools of `source` name, if that was looked up in `resources`.
    pub(super) fn page_names(
        &self,
        source: &Source,
        resources: &Arc<Resources>,
    ) -> Option<&Arc<PageNames>> {
        let is_same = Arc::ptr_eq(&self.resources, resources);
        let group = self.by_prefix.get(source.prefix.as_str());
        let mut group = group.filter(|_| is_same)?.iter();
        let part = group.find(|part| *part.server() == source.server)?;
        part.page_names(source.list(Kind::Tools)?)
    }

    /// The part that was built to this plan.
    fn part(&self, plan: &Plan) -> Option<Arc<Part>> {
        let group = self.by_prefix.get(plan.prefix.as_str())?;
        group.iter().find(|part| part.is_of(plan)).cloned()
    }

    /// Whether the lists of both say the same, by these parts. Those that offer nothing don't count.
    fn has_parts(&self, parts: &[Arc<Part>]) -> bool {
        fn offered(parts: &[Arc<Part>]) -> impl Iterator<Item = *const Part> {
            let offering = parts.iter().filter(|part| part.entries().len() > 0);
            offering.map(Arc::as_ptr)
        }
        offered(&self.parts).eq(offered(parts))
    }

    /// Whether calls of any tool repeat arguments in headers.
    pub(super) fn have_param_headers(&self) -> bool {
        self.parts.iter().any(|part| part.has_param_headers())
    }

    /// The arguments that a call of the tool `name` repeats in headers, if there are any.
    pub(super) fn param_headers(&self, name: &str) -> Option<&Arc<ParamHeaders>> {
        let (part, name, _) = self.meant(name)?;
        part.param_headers(name)
    }

    /// Where `name` leads.
    pub(super) fn find(&self, name: &str) -> Option<Route> {
        let (part, _, own) = self.meant(name)?;
        Some(Route {
            server: part.server().clone(),
            key: own.into(),
        })
    }

    /// Whether `name` leads somewhere only because a tool is called so by its server alone.
    pub(super) fn is_bare(&self, name: &str) -> bool {
        self.holder(name).is_none() && self.bare(name).is_some()
    }

    fn meant<'s: 'n, 'n>(&'s self, name: &'n str) -> Option<(&'s Part, &'n str, &'s str)> {
        self.holder(name).or_else(|| self.bare(name))
    }

    /// The same for a tool's own name, by which the page of an app calls it: the only tool that is so
    /// called, of those that are shown, those of servers behind a gateway without a prefix, and those that lost their merged names to others. What has
    /// another server's prefix is not taken for anybody's, nor is what is hidden.
    fn bare(&self, own: &str) -> Option<(&Part, &str, &str)> {
        if self.kind != Kind::Tools || self.is_held(own) {
            return None;
        }
        let parts = self.parts.iter().enumerate();
        let mut shown = parts.flat_map(|(place, part)| {
            let found = part.of_own(own).into_iter().chain(part.behind(own));
            let decided = self.decided.get(place);
            let is_shown = move |entry| decided.is_none_or(|decided| decided.is_shown(entry));
            let shown = found.filter(move |found| is_shown(found.entry));
            shown.map(move |found| (&**part, found.name, found.key))
        });
        let found = shown.next().filter(|_| shown.next().is_none())?;
        if self.parts.iter().any(|part| part.has_lost(own)) {
            return None;
        }
        let owner = self.prefixes.owner(own).map(|(_, server)| server);
        let is_its_own = owner.is_none_or(|owner| owner == found.0.server());
        is_its_own.then_some(found)
    }

    /// Whether `name` is somebody's merged name, who may hide it.
    fn is_held(&self, name: &str) -> bool {
        let held = self.prefixes.split(name).and_then(|(prefix, bare)| {
            let mut group = self.all.get(prefix)?.iter();
            group.find(|part| part.holds(bare))
        });
        held.is_some()
    }

    /// Who offers `name`, what that is behind the prefix, and what its server calls it.
    fn holder<'s, 'n>(&'s self, name: &'n str) -> Option<(&'s Part, &'n str, &'s str)> {
        let (prefix, bare) = self.prefixes.split(name)?;
        let mut group = self.by_prefix.get(prefix)?.iter();
        let found = group.find_map(|part| Some((&**part, bare, part.own(bare)?)))?;
        // A client may ask for anything: the rules are held against what is there.
        self.shown.shows(name).then_some(found)
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// What is odd about the names, each with the server that lists them.
    pub(super) fn oddities(&self) -> impl Iterator<Item = (&ServerName, &String)> {
        let all = self.by_prefix.values().flatten();
        all.flat_map(|part| part.oddities().map(|text| (part.server(), text)))
    }

    /// What of the names that `server` offers may break a client.
    pub(super) fn warnings(&self, server: &ServerName) -> impl Iterator<Item = &String> {
        let mine = self
            .parts
            .iter()
            .filter(move |part| part.server() == server);
        mine.flat_map(|part| part.warnings())
    }

    /// Those of `server`, each a raw object.
    pub(super) fn entries_of(&self, server: &ServerName) -> Vec<Bytes> {
        let mine = self.parts.iter().enumerate();
        let mine = mine.filter(|(_, part)| part.server() == server);
        let entries = mine.flat_map(|(place, part)| {
            let all = || vec![part.entries().clone()];
            let shown = self.decided.get(place);
            let shown = shown.map(|decided| part.entries().only(decided.shows()));
            shown.unwrap_or_else(all)
        });
        entries
            .flat_map(|entries| entries.each().collect::<Vec<_>>())
            .collect()
    }

    /// What those of `server` cost a model.
    pub(super) fn cost(&self, server: &ServerName) -> Cost {
        let mut cost = Cost::default();
        let mine = self.parts.iter().enumerate();
        for (place, part) in mine.filter(|(_, part)| part.server() == server) {
            let all = || vec![part.entries().clone()];
            let shown = self.decided.get(place);
            let shown = shown.map(|decided| part.entries().only(decided.shows()));
            for entries in shown.unwrap_or_else(all) {
                cost.tools += entries.len();
                cost.bytes += entries.size();
            }
        }
        cost
    }

    /// Of how many parts the rules were asked that `former` does not say.
    #[cfg(test)]
    pub(super) fn decided_since(&self, former: &Self) -> usize {
        let is_new = |one: &&Arc<Decided>| !former.decided.iter().any(|old| Arc::ptr_eq(old, one));
        self.decided.iter().filter(is_new).count()
    }

    #[cfg(test)]
    pub(super) fn shares_idle(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.idle, &other.idle)
    }

    /// Of how many parts anybody asked which rules match nothing.
    #[cfg(test)]
    pub(super) fn judged(&self) -> usize {
        self.parts.iter().filter(|part| part.is_judged()).count()
    }

    /// How many parts are none of those of `former`.
    #[cfg(test)]
    pub(super) fn built_since(&self, former: &Self) -> usize {
        let is_new = |part: &&Arc<Part>| !former.parts.iter().any(|old| Arc::ptr_eq(old, part));
        self.parts.iter().filter(is_new).count()
    }
}

fn pages_of(kind: Kind, parts: &[Arc<Part>], decided: &[Arc<Decided>]) -> Pages {
    if decided.is_empty() {
        let entries: Vec<&Entries> = parts.iter().map(|part| part.entries()).collect();
        return Pages::of(kind, &entries);
    }
    let both = parts.iter().zip(decided);
    let pieces = both.flat_map(|(part, decided)| part.entries().only(decided.shows()));
    let pieces: Vec<Entries> = pieces.collect();
    Pages::of(kind, &pieces.iter().collect::<Vec<_>>())
}

/// Who may have names that a server with this prefix could list.
fn rivals(prefix: &Prefix, prefixes: &Arc<Prefixes>) -> Rivals {
    if prefix.is_bare() {
        return Rivals::Any(Arc::clone(prefixes));
    }
    let longer = prefixes.longer_than(prefix).cloned();
    longer.map_or(Rivals::None, Rivals::Longer)
}
