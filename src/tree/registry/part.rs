//! What one server adds to the merged tools or prompts, laid out once per change of its own list.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use super::behind::Behind;
use super::called::Called;
use super::catalogue::List;
use super::idle;
use super::page_names::PageNames;
use super::pages::{Entries, Laying};
use super::prefixes::Prefixes;
use super::remark::Remark;
use super::source::patterns;
use super::unfit;
use crate::config::model::View;
use crate::ids::{Prefix, ServerName};
use crate::protocol::mcp::item::{Item, Kind, Wording};
use crate::protocol::modern::param_headers::ParamHeaders;

/// So much of a name that is odd goes into the log.
const SHOWN: usize = 100;

/// Who may have names that this server could list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rivals {
    /// Nobody.
    None,
    /// The server whose prefix is this one's and `_`: all names that begin with that.
    Longer(ServerName),
    /// For a server without a prefix, all that have one.
    Any(Arc<Prefixes>),
}

/// All that a part comes of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) server: ServerName,
    pub(super) prefix: Prefix,
    pub(super) list: List,
    /// Whether that is all that the server has: then rules that match nothing are of no use.
    pub(super) is_whole: bool,
    pub(super) view: Arc<View>,
    pub(super) rivals: Rivals,
    /// What its pages are called that clients know by other URIs than it does.
    pub(super) pages: Arc<PageNames>,
    /// The parts of those before it that have the same prefix: they keep their names.
    pub(super) elders: Vec<Arc<Part>>,
}

/// One server's part.
#[derive(Debug)]
pub(super) struct Part {
    kind: Kind,
    plan: Plan,
    called: Called,
    /// The places of the entries that are offered, in order.
    offered: Box<[u32]>,
    /// The same in the order of what they are called.
    sorted: Box<[u32]>,
    /// The same in the order of their own names, where that is another.
    by_own: Option<Box<[u32]>>,
    /// The places of those that are hidden, in the order of what they would be called.
    hidden: Box<[u32]>,
    /// Those of what another has the names of, in the order of their own names.
    taken: Box<[u32]>,
    /// What of them is another gateway's own, behind its prefixes.
    behind: Behind,
    entries: Entries,
    oddities: Vec<String>,
    /// The rules about it that match nothing; asked for by the log alone.
    idle: OnceLock<Vec<Remark>>,
    /// What of its names may break a client.
    warnings: Vec<String>,
    /// Whether calls of its tools repeat arguments in headers.
    has_param_headers: bool,
}

/// What clients are offered by a server's own name.
#[derive(Debug)]
pub(super) struct Own<'p> {
    /// What they call it, but for the prefix.
    pub(super) name: &'p str,
    /// What the server does.
    pub(super) key: &'p str,
    /// Its place among the entries.
    pub(super) entry: usize,
}

/// What is odd about an entry, and which other server it has to do with.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Odd {
    Foreign(ServerName),
    Taken(ServerName),
    /// The configuration, or what makes names safe, has given its name to another before it.
    Renamed,
}

impl Plan {
    /// Whose the name `merged` is, which is `name` behind the prefix, if not its.
    fn foreign(&self, name: &str, merged: &str) -> Option<ServerName> {
        match &self.rivals {
            Rivals::None => None,
            Rivals::Longer(server) => name.starts_with('_').then(|| server.clone()),
            Rivals::Any(prefixes) => prefixes.owner(merged).map(|(_, server)| server.clone()),
        }
    }
}

/// Who has which name of those with one prefix. Filled only if a part is built: what thousands of
/// names are looked up in must not be hundreds of parts.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Each with its holder's place among the elders.
    by_name: HashMap<Box<str>, usize>,
    /// How many of the elders are in it.
    count: usize,
}

impl Holders {
    fn take_in(&mut self, elders: &[Arc<Part>]) {
        for (place, elder) in elders.iter().enumerate().skip(self.count) {
            for name in elder.offered() {
                self.by_name.entry(name.into()).or_insert(place);
            }
        }
        self.count = self.count.max(elders.len());
    }

    fn holder(&self, plan: &Plan, name: &str) -> Option<ServerName> {
        let elder = plan.elders.get(*self.by_name.get(name)?)?;
        Some(elder.server().clone())
    }
}

impl Part {
    /// Lays it out. `holders` are of those with its prefix.
    pub(super) fn build(kind: Kind, plan: Plan, holders: &mut Holders) -> Self {
        holders.take_in(&plan.elders);
        let (mut laying, mut odd) = (Laying::default(), Oddities::default());
        let mut names = unfit::UnfitNames::default();
        let (mut offered, mut seen) = (Vec::new(), HashMap::new());
        let (mut hidden, mut taken) = (Vec::new(), Vec::new());
        let called = Called::of(kind, &plan);
        let patterns = patterns(&plan.view, kind);
        for (place, item) in (0u32..).zip(&*plan.list) {
            let name = called.name(place, item);
            if !patterns.shows(item.key()) {
                hidden.push((name, place));
                continue;
            }
            let merged = plan.prefix.join(name);
            if let Some(owner) = plan.foreign(name, &merged) {
                odd.note(Odd::Foreign(owner), merged);
                continue;
            }
            let first = *seen.entry(name).or_insert(place);
            let holder = (first != place).then(|| plan.server.clone());
            if let Some(holder) = holder.or_else(|| holders.holder(&plan, name)) {
                let is_renamed = first != place && called.is_other(&[first, place]);
                let why = if is_renamed {
                    Odd::Renamed
                } else {
                    Odd::Taken(holder)
                };
                odd.note(why, merged);
                taken.push((item.key(), place));
                continue;
            }
            laying.push(&worded(kind, &plan, item, &merged));
            offered.push((name, place));
            names.note(&merged);
        }
        let in_order: Box<[u32]> = offered.iter().map(|(_, place)| *place).collect();
        let (has_param_headers, fault) = param_headers(&plan, &in_order);
        let mut oddities = odd.texts(kind, &plan.server);
        oddities.extend(fault);
        Self {
            has_param_headers,
            by_own: called.by_own(&plan.list, in_order.iter().copied()),
            sorted: sorted(offered),
            hidden: sorted(hidden),
            taken: sorted(taken),
            offered: in_order,
            behind: Behind::default(),
            entries: laying.done(),
            oddities,
            idle: OnceLock::new(),
            warnings: names.warnings(&plan.server),
            called,
            plan,
            kind,
        }
    }

    /// Whether it was built to this plan.
    pub(super) fn is_of(&self, plan: &Plan) -> bool {
        let mine = &self.plan;
        let elders = mine.elders.iter().map(Arc::as_ptr);
        Arc::ptr_eq(&mine.list, &plan.list)
            && (&mine.server, &mine.prefix) == (&plan.server, &plan.prefix)
            && (mine.is_whole, &mine.view) == (plan.is_whole, &plan.view)
            && (&mine.rivals, &mine.pages) == (&plan.rivals, &plan.pages)
            && elders.eq(plan.elders.iter().map(Arc::as_ptr))
    }

    /// What the server calls what clients call `name`, if they are offered it.
    pub(super) fn own(&self, name: &str) -> Option<&str> {
        self.item(name).map(Item::key)
    }

    /// What clients are offered of what the server calls `own`.
    pub(super) fn of_own(&self, own: &str) -> Option<Own<'_>> {
        self.owned(self.by_key(self.by_own.as_ref().unwrap_or(&self.sorted), own)?)
    }

    /// What they are offered of what is called `own` by servers behind this one, if it is a gateway: `{server}__{own}`.
    pub(super) fn behind(&self, own: &str) -> impl Iterator<Item = Own<'_>> {
        let is_bare = self.plan.prefix.is_bare();
        let name = |place| self.name(place);
        let places = is_bare.then(|| self.behind.find((&self.offered, name), own));
        let places = places.unwrap_or_default().iter();
        places.filter_map(|place| self.owned(*place))
    }

    fn owned(&self, place: u32) -> Option<Own<'_>> {
        Some(Own {
            name: self.name(place),
            key: self.at(place)?.key(),
            entry: self.offered.binary_search(&place).ok()?,
        })
    }

    /// What its pages are called, if they are those of `list`.
    pub(super) fn page_names(&self, list: &List) -> Option<&Arc<PageNames>> {
        Arc::ptr_eq(&self.plan.list, list).then_some(&self.plan.pages)
    }

    /// Whether the server calls something `own` that another has the name of.
    pub(super) fn has_lost(&self, own: &str) -> bool {
        self.by_key(&self.taken, own).is_some()
    }

    /// Whether something is called `name`, hidden or not.
    pub(super) fn holds(&self, name: &str) -> bool {
        let of_name = |place: &u32| self.name(*place).cmp(name);
        self.item(name).is_some() || self.hidden.binary_search_by(of_name).is_ok()
    }

    /// The place, of those in the order of their own names.
    fn by_key(&self, places: &[u32], own: &str) -> Option<u32> {
        let of_own = |place: &u32| self.at(*place).map_or("", Item::key).cmp(own);
        let at = places.binary_search_by(of_own).ok()?;
        places.get(at).copied()
    }

    /// The merged names of what clients are offered, in the order of its entries.
    pub(super) fn merged_names(&self) -> impl Iterator<Item = String> {
        let names = self.offered.iter().map(|place| self.name(*place));
        names.map(|name| self.plan.prefix.join(name))
    }

    /// What clients are offered, as they call it but for the prefix.
    fn offered(&self) -> impl Iterator<Item = &str> {
        self.sorted.iter().map(|place| self.name(*place))
    }

    /// The arguments that a call of the tool `name` repeats in headers.
    pub(super) fn param_headers(&self, name: &str) -> Option<&Arc<ParamHeaders>> {
        self.item(name)?.param_headers()
    }

    pub(super) fn has_param_headers(&self) -> bool {
        self.has_param_headers
    }

    fn item(&self, name: &str) -> Option<&Item> {
        let of_name = |place: &u32| self.name(*place).cmp(name);
        let at = self.sorted.binary_search_by(of_name).ok()?;
        self.at(*self.sorted.get(at)?)
    }

    fn name(&self, place: u32) -> &str {
        let item = self.at(place);
        item.map_or("", |item| self.called.name(place, item))
    }

    fn at(&self, place: u32) -> Option<&Item> {
        self.plan.list.get(usize::try_from(place).ok()?)
    }

    pub(super) fn server(&self) -> &ServerName {
        &self.plan.server
    }

    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// What is odd about its names, and what of them may break a client.
    pub(super) fn oddities(&self) -> impl Iterator<Item = &String> {
        self.oddities.iter().chain(&self.warnings)
    }

    /// The rules about it that match nothing.
    pub(super) fn idle(&self) -> &[Remark] {
        let find = || idle::of_names(self.kind, &self.plan);
        self.idle.get_or_init(find)
    }

    /// Whether anybody has asked for those.
    #[cfg(test)]
    pub(super) fn is_judged(&self) -> bool {
        self.idle.get().is_some()
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// The places of those in the order of the names.
fn sorted(mut named: Vec<(&str, u32)>) -> Box<[u32]> {
    named.sort_unstable();
    named.into_iter().map(|(_, place)| place).collect()
}

/// Whether calls of those at `places` repeat arguments in headers, and what is odd about that.
fn param_headers(plan: &Plan, places: &[u32]) -> (bool, Option<String>) {
    let at = |place: &u32| plan.list.get(usize::try_from(*place).ok()?);
    let shown = places.iter().filter_map(at);
    let annotated = shown.filter_map(Item::param_headers);
    let fault = annotated.clone().find_map(|headers| headers.fault());
    let fault = fault.map(|fault| {
        let server = &plan.server;
        format!("Server '{server}' has a tool with an 'x-mcp-header' that nothing is checked by: {fault}")
    });
    (annotated.count() > 0, fault)
}

/// An entry as clients are given it.
fn worded(kind: Kind, plan: &Plan, item: &Item, name: &str) -> Vec<u8> {
    let set = plan.view.overrides.get(item.key());
    let set = set.filter(|_| kind == Kind::Tools);
    let is_moved = |uri| plan.pages.contains_key(uri);
    if set.is_none() && !item.pages().any(is_moved) {
        return item.renamed(name);
    }
    let wording = set.map_or(Wording::default(), |set| Wording {
        members: &set.members,
        annotations: &set.annotations,
    });
    let page = |uri: &str| plan.pages.get(uri).map(|outward| &**outward);
    item.reworded(name, wording, page)
}

/// What is odd, summed up: a server may list thousands of odd names.
#[derive(Default)]
struct Oddities(BTreeMap<Odd, (String, usize)>);

impl Oddities {
    fn note(&mut self, odd: Odd, merged: String) {
        let (_, more) = self.0.entry(odd).or_insert_with(|| (merged, 0));
        *more += 1;
    }

    fn texts(self, kind: Kind, server: &ServerName) -> Vec<String> {
        let list = kind.member();
        let text = |(odd, (first, count)): (Odd, (String, usize))| {
            let first: String = first.chars().take(SHOWN).collect();
            let more = match count - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            match odd {
                Odd::Foreign(owner) => format!(
                    "'{first}'{more} of server '{server}' is left out of the {list}: it has the prefix of server '{owner}'"
                ),
                Odd::Renamed => format!(
                    "'{first}'{more} of server '{server}' is left out of the {list}: 'rename' gives the name twice, or \
                     one that the server has for another"
                ),
                Odd::Taken(holder) => format!(
                    "'{first}'{more} of server '{server}' is left out of the {list}: server '{holder}' has the name already"
                ),
            }
        };
        self.0.into_iter().map(text).collect()
    }
}
