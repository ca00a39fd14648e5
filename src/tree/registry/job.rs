//! One merge, ready to be done: here, or on a thread where nobody waits for it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem;
use std::sync::Arc;

use super::cost;
use super::merged::Merged;
use super::remark::Remark;
use super::resources;
use super::routes::Routes;
use super::source::Source;
use crate::config::model::{DefaultProfile, Patterns, Profile, Profiles};
use crate::ids::{Prefix, ProfileId, ProfileName, ServerName};
use crate::protocol::mcp::item::{Item, Kind};

/// More than this is no work for a thread that others wait for: a few milliseconds.
const LONG: usize = 512 * 1024;
/// The same of comparisons of a name with a rule, and what a name costs beside those in a profile.
const MANY: usize = 100_000;
const PER_NAME: usize = 10;
/// What a page of an app costs that is looked up among the templates of all.
const PER_PAGE: usize = 1_000;
/// Of so many profiles the rules that match nothing are said.
const NAMED: usize = 20;

/// What is to be merged, and what was merged last.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) sources: Vec<Source>,
    /// The profiles that show a part of it each.
    pub(super) profiles: Arc<Profiles>,
    /// What the instructions of all servers may have together.
    pub(super) budget: usize,
    pub(super) before: Arc<Routes>,
}

/// What was merged: everything, and what each profile shows of it.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(super) merged: Arc<Merged>,
    pub(super) profiles: HashMap<ProfileId, Arc<Merged>>,
    /// Whether there is an address where all of it is shown.
    pub(super) is_shown_whole: bool,
    /// What is odd about what servers list, and of the rules about it.
    pub(super) oddities: BTreeSet<(ServerName, Remark)>,
    /// What is too much for some clients, and the rules of profiles that match nothing.
    pub(super) warnings: BTreeSet<Remark>,
    /// What clients are offered, in words; `None` if there are no tools.
    pub(super) offered: Option<String>,
}

impl Job {
    pub(super) fn run(mut self) -> Tables {
        let merged = Arc::new(Merged::within(
            self.budget,
            mem::take(&mut self.sources),
            &[&self.before.merged],
        ));
        let known = self.profiles.known.iter();
        let narrowed = known.map(|profile| {
            let before = self.before.profiles.get(&profile.name.id());
            let former: Vec<&Merged> = before.iter().map(|before| &*before.merged).collect();
            let narrowed = Arc::new(Merged::narrow(&merged, profile, &former));
            (&profile.name, narrowed)
        });
        let narrowed: Vec<(&ProfileName, Arc<Merged>)> = narrowed.collect();
        Tables {
            is_shown_whole: self.profiles.default == DefaultProfile::Everything,
            oddities: merged.oddities(),
            warnings: self.warnings(&merged, &narrowed),
            offered: self.offered(&merged, &narrowed),
            profiles: narrowed
                .iter()
                .map(|(name, it)| (name.id(), Arc::clone(it)))
                .collect(),
            merged,
        }
    }

    /// What is too much for some clients, and which rules of profiles match nothing.
    fn warnings(
        &self,
        merged: &Merged,
        narrowed: &[(&ProfileName, Arc<Merged>)],
    ) -> BTreeSet<Remark> {
        let mut warnings = BTreeSet::new();
        if self.profiles.default == DefaultProfile::Everything {
            warnings.extend(cost::warnings(merged, "Clients"));
        }
        for (name, narrowed) in narrowed {
            let whom = format!("Clients of profile '{name}'");
            warnings.extend(cost::warnings(narrowed, &whom));
        }
        let mut left = narrowed.iter();
        let idle = left.by_ref().map(|(_, narrowed)| narrowed.idle_rules());
        let idle = idle.filter(|rules| !rules.is_empty()).take(NAMED);
        warnings.extend(idle.flatten());
        if let Some((name, _)) = left.next() {
            let text = format!(
                "{NAMED} profiles have rules that match nothing: those of '{name}' and of what comes after it are not \
                 looked at for that"
            );
            warnings.insert(text.into());
        }
        warnings
    }

    /// What clients are offered, in words.
    fn offered(&self, merged: &Merged, narrowed: &[(&ProfileName, Arc<Merged>)]) -> Option<String> {
        let costs = narrowed.iter();
        let costs = costs.map(|(name, it)| (it.whole_cost(), name.as_str()));
        let (whom, shown) = match &self.profiles.default {
            DefaultProfile::Everything => ("Clients".to_owned(), Some(merged)),
            DefaultProfile::Named(default) => {
                let mut all = narrowed.iter();
                let it = all.find(|(name, _)| *name == default);
                let whom = format!("Clients of /mcp (profile '{default}')");
                (whom, it.map(|(_, narrowed)| &**narrowed))
            }
            DefaultProfile::Closed => ("Clients of /mcp".to_owned(), None),
        };
        cost::line(&whom, shown, costs.collect())
    }

    /// Whether the rules of the profiles, all together, may be held against many names.
    fn narrows_long(&self) -> bool {
        let names = |kind| -> usize {
            let lists = self.sources.iter().filter_map(|source| source.list(kind));
            lists.map(|list| list.len()).sum()
        };
        let [tools, prompts, resources, templates] = Kind::ALL.map(names);
        let cost = |rules: &Patterns, names: usize| {
            let per_name = if rules.is_open() {
                0
            } else {
                rules.len() + PER_NAME
            };
            names.saturating_mul(per_name)
        };
        let of = |profile: &Arc<Profile>| {
            let resources = cost(&profile.resources, resources + templates);
            let names = cost(&profile.tools, tools).saturating_add(cost(&profile.prompts, prompts));
            names.saturating_add(resources)
        };
        let all = self.profiles.known.iter().map(of);
        all.fold(0, usize::saturating_add) > MANY
    }

    /// Whether it may take long. It is looked no further than that it does.
    pub(super) fn is_long(&self) -> bool {
        self.merges_long() || self.narrows_long()
    }

    fn merges_long(&self) -> bool {
        let before = self.before.merged.sources.iter();
        let before: HashMap<&ServerName, &Source> =
            before.map(|source| (&source.server, source)).collect();
        let is_seen_anew = |source: &Source| {
            let former = before.get(&source.server);
            former.is_none_or(|former| former.view != source.view)
        };
        let is_new = |source: &Source, kind| {
            let former = before.get(&source.server);
            let former = former.and_then(|former| former.list(kind));
            let list = source.list(kind);
            list.zip(former)
                .is_none_or(|(list, former)| !Arc::ptr_eq(list, former))
                || is_seen_anew(source)
        };
        // What is laid out of a list depends on the names and prefixes of all, and on the lists of those
        // before it that have the same prefix.
        let names = |sources: &[Source]| -> Vec<(ServerName, Prefix)> {
            let names = sources
                .iter()
                .map(|one| (one.server.clone(), one.prefix.clone()));
            names.collect()
        };
        let is_renamed = names(&self.sources) != names(&self.before.merged.sources);
        let new = |kind| {
            self.sources
                .iter()
                .filter(move |source| is_new(source, kind))
        };
        let touched = |kind| -> HashSet<&Prefix> { new(kind).map(|one| &one.prefix).collect() };
        let touched = [Kind::Tools, Kind::Prompts].map(|kind| (kind, touched(kind)));
        let is_named_anew = |source: &Source, kind| {
            let mut touched = touched.iter();
            let of_kind = touched.find(|(of, _)| *of == kind);
            is_renamed || of_kind.is_some_and(|(_, prefixes)| prefixes.contains(&source.prefix))
        };
        let is_other = !resources::are_same(&self.sources, &self.before.merged.sources);
        // What the pages of apps are called depends on the resources of all.
        let has_pages = |source: &Source| {
            let tools = source.list(Kind::Tools);
            tools.is_some_and(|tools| tools.iter().any(Item::has_pages))
        };
        let (mut room, mut comparisons) = (LONG, MANY);
        let mut fits = |item: &Item, cost: usize| {
            let left = (room.checked_sub(item.size())).zip(comparisons.checked_sub(cost));
            (room, comparisons) = left.unwrap_or_default();
            left.is_some()
        };
        !self.sources.iter().all(|source| {
            Kind::ALL.into_iter().all(|kind| {
                let is_laid_out = match kind {
                    Kind::Tools => is_named_anew(source, kind) || is_other && has_pages(source),
                    Kind::Prompts => is_named_anew(source, kind),
                    Kind::Resources | Kind::Templates => is_other,
                };
                let list = source.list(kind).filter(|_| is_laid_out);
                let rules = source.patterns(kind).len();
                let cost = |item: &Item| rules + item.pages().count() * PER_PAGE;
                list.is_none_or(|list| list.iter().all(|item| fits(item, cost(item))))
            })
        })
    }
}
