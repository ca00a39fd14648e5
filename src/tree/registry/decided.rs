//! What the rules of a profile say of the names of one part: held against them once, however often the
//! lists of others change.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::names::Names;
use super::part::Part;
use crate::config::model::Patterns;

/// By the places of the part's entries.
#[derive(Debug)]
pub(super) struct Decided {
    shows: Box<[bool]>,
    /// The rules that match any of its names; asked for by the log alone.
    hits: OnceLock<BTreeSet<usize>>,
}

impl Decided {
    fn of(part: &Part, rules: &Patterns) -> Arc<Self> {
        let names = part.merged_names();
        Arc::new(Self {
            shows: names.map(|name| rules.shows(&name)).collect(),
            hits: OnceLock::new(),
        })
    }

    /// What `rules` say of `parts`: nothing if they show everything. What one of the `former` says is not
    /// asked again.
    pub(super) fn all(parts: &[Arc<Part>], rules: &Patterns, former: &[&Names]) -> Vec<Arc<Self>> {
        if rules.is_open() {
            return Vec::new();
        }
        let known = former.iter().flat_map(|former| former.decided(rules));
        let known: HashMap<*const Part, &Arc<Self>> = known.collect();
        let decided = parts.iter().map(|part| {
            let known = known.get(&Arc::as_ptr(part));
            known.map_or_else(|| Self::of(part, rules), |known| Arc::clone(known))
        });
        decided.collect()
    }

    /// Which entries are shown.
    pub(super) fn shows(&self) -> impl Iterator<Item = bool> {
        self.shows.iter().copied()
    }

    /// Whether the entry at this place is.
    pub(super) fn is_shown(&self, entry: usize) -> bool {
        self.shows.get(entry).copied().unwrap_or_default()
    }

    /// Which of `rules` match a name of `part`.
    pub(super) fn hits(&self, part: &Part, rules: &Patterns) -> &BTreeSet<usize> {
        self.hits.get_or_init(|| {
            let names: Vec<String> = part.merged_names().collect();
            rules.hits(&names.iter().map(String::as_str).collect::<Vec<_>>())
        })
    }
}
