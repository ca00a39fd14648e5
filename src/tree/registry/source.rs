//! One configured server as a merge takes it: what it offers, and what of that clients see.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::catalogue::{Catalogue, List};
use super::held::Held;
use crate::config::model::{Isolation, OnChangedTools, Patterns, View};
use crate::ids::{Prefix, ServerName};
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::modern::extensions::Extensions;

/// One configured server, and what it offers as far as that is known.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its name.
    pub server: ServerName,
    /// What its tools and prompts are called by.
    pub prefix: Prefix,
    /// Whether each session has an instance of its own.
    pub isolation: Isolation,
    /// What of it clients see, and as what.
    pub view: Arc<View>,
    /// What it offers.
    pub catalogue: Option<Arc<Catalogue>>,
    /// Its lists that have never come yet, and are on their way.
    pub awaited: BTreeSet<Kind>,
    /// Its tools that are not shown as it has them.
    pub held: Arc<Vec<Held>>,
}

impl Source {
    /// One of its lists, as far as that is known.
    pub(super) fn list(&self, kind: Kind) -> Option<&List> {
        self.catalogue.as_ref().map(|known| known.list(kind))
    }

    /// What a session sees of an instance of its own that says `told`. Where changes are held back, its tools are those
    /// that everybody sees, as everybody sees them, as far as it has them.
    pub(crate) fn of_instance(&self, told: &Arc<Catalogue>) -> Arc<Catalogue> {
        if self.view.on_changed_tools == OnChangedTools::Offer {
            return Arc::clone(told);
        }
        let names: HashSet<&str> = told.tools.iter().map(Item::key).collect();
        let mut tools = self.list(Kind::Tools).cloned().unwrap_or_default();
        if !tools.iter().all(|tool| names.contains(tool.key())) {
            Arc::make_mut(&mut tools).retain(|tool| names.contains(tool.key()));
        }
        let told = Catalogue::clone(told);
        Arc::new(Catalogue { tools, ..told })
    }

    /// Whether that list is all that it has, as far as it told.
    pub(super) fn is_whole(&self, kind: Kind) -> bool {
        let catalogue = self.catalogue.as_ref();
        catalogue.is_some_and(|known| !known.gaps.contains_key(&kind))
            && !self.awaited.contains(&kind)
    }

    /// Whether there are rules about the names of that list.
    pub(super) fn is_bound(&self, kind: Kind) -> bool {
        let view = &self.view;
        let is_reworded = !view.rename.is_empty() || !view.overrides.is_empty();
        !self.patterns(kind).is_open() || kind == Kind::Tools && is_reworded
    }

    /// Whether that list is good for a time only.
    pub(crate) fn is_aging(&self, kind: Kind) -> bool {
        let catalogue = self.catalogue.as_ref();
        catalogue.is_some_and(|known| known.aging.contains(&kind))
    }

    /// Which entries of a list clients see.
    pub(super) fn patterns(&self, kind: Kind) -> &Patterns {
        patterns(&self.view, kind)
    }

    /// What it declares beside the core, as far as that is known.
    pub(crate) fn extensions(&self) -> Option<&Extensions> {
        self.catalogue.as_ref().map(|known| &known.extensions)
    }
}

/// Which entries of a list clients see by this view.
pub(super) fn patterns(view: &View, kind: Kind) -> &Patterns {
    match kind {
        Kind::Tools => &view.tools,
        Kind::Prompts => &view.prompts,
        Kind::Resources | Kind::Templates => &view.resources,
    }
}

/// The entries of one list that clients see, server by server.
pub(super) fn items(kind: Kind, sources: &[Source]) -> impl Iterator<Item = (&Source, &Item)> {
    sources.iter().flat_map(move |source| {
        let catalogue = source.catalogue.as_deref();
        let items = catalogue.map_or_else(Default::default, |known| known.items(kind));
        let patterns = source.patterns(kind);
        let shown = items.iter().filter(|item| patterns.shows(item.key()));
        shown.map(move |item| (source, item))
    })
}
