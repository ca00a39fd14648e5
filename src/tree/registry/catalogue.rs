//! What one server offers, as it said it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::mcp::item::{Item, Kind, Odd};
use crate::protocol::modern::extensions::Extensions;

/// One list of a server. Its copies share it, so that what is one list is seen without reading it.
pub(crate) type List = Arc<Vec<Item>>;

/// What one server offers, as it said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalogue {
    /// Its tools, in its own order.
    pub tools: List,
    /// Its prompts.
    pub prompts: List,
    /// Its resources.
    pub resources: List,
    /// Its resource templates.
    pub templates: List,
    /// What it said of itself in the handshake.
    pub abilities: Abilities,
    /// Its instructions for models.
    pub instructions: Option<String>,
    /// What it declares beside the core.
    pub extensions: Extensions,
    /// What is wrong with entries of its lists: they are not passed on as it wrote them.
    pub odd: BTreeMap<Kind, Odd>,
    /// The lists that are not all that it offers now, and why.
    pub gaps: BTreeMap<Kind, Gap>,
    /// The lists that are to be asked for again when they are older than the server said, and wanted.
    pub aging: BTreeSet<Kind>,
}

/// Why a list is not all that a server offers now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gap {
    /// It is on its way; what was offered before stands for it.
    Awaited,
    /// It was not declared, and did not come: the same.
    Silent,
    /// It could not be read, for this reason: the same.
    Unread(Box<str>),
    /// Its first pages came, and no more, for this reason. They stand where nothing better is known:
    /// a list that was whole, or longer, loses no entry to a page that failed.
    Torn(Box<str>),
    /// Its first pages came, and the next one is on its way: torn, for now.
    Paging,
    /// It came whole, and could not be read again, for this reason: it stands.
    Stale(Box<str>),
}

impl Gap {
    /// What it is until more comes.
    fn for_now(self) -> Self {
        if self == Self::Paging {
            return Self::Torn("its later pages have not come yet".into());
        }
        self
    }

    /// What is to be said of it: all but what is usual.
    pub(crate) fn why(&self) -> Option<&str> {
        match self {
            Self::Awaited | Self::Silent | Self::Paging => None,
            Self::Unread(why) | Self::Torn(why) | Self::Stale(why) => Some(why),
        }
    }
}

/// What of a list is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToCome {
    /// All of it.
    All,
    /// All but its first pages.
    LaterPages,
}

/// What the lives of a server taught beside what it offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Lessons {
    /// Bits of the [`Kind`]s of lists that it was asked for undeclared, and has not. (What `lacks`
    /// was called in files before may have been chance.)
    #[serde(rename = "has_not")]
    pub lacks: u8,
    /// Those that it was asked for, and ended.
    pub ended_at: u8,
    /// After so many calls it ends with code 0. None is that it does not.
    pub calls_in_a_life: u32,
}

/// What a server can do beside its lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an ability of its own, and any of them may be there"
)]
pub(crate) struct Abilities {
    /// It has resources, listed or not.
    pub resources: bool,
    /// It tells of changes of single resources.
    pub subscribe: bool,
    /// It takes a log level.
    pub logging: bool,
    /// It is asked without a handshake: its next life is, too.
    pub is_modern: bool,
}

impl Catalogue {
    /// The same with what it offered before in place of the lists that it could not tell. A list
    /// that is what it was is the one that was there before.
    #[must_use]
    pub(crate) fn or_before(self: Arc<Self>, before: Option<&Self>) -> Arc<Self> {
        let mut filled = Self::clone(&self);
        for (kind, gap) in std::mem::take(&mut filled.gaps) {
            let gap = gap.for_now();
            let stands = match (&gap, before) {
                (Gap::Awaited | Gap::Silent | Gap::Unread(_), _) => true,
                (Gap::Torn(_), before) => before.is_some_and(|it| it.is_better(kind, &filled)),
                (Gap::Stale(_) | Gap::Paging, _) => false,
            };
            let gap = if stands {
                filled.fill(kind, gap, before)
            } else {
                gap
            };
            if gap.why().is_some() {
                filled.gaps.insert(kind, gap);
            }
        }
        for kind in Kind::ALL {
            if let Some(former) = before.map(|before| before.list(kind))
                && filled.list(kind) == former
            {
                filled.set(kind, Arc::clone(former));
            }
        }
        Arc::new(filled)
    }

    /// Whether a list of it could not be read, or not to its end.
    pub(crate) fn lacks_a_list(&self) -> bool {
        let mut gaps = self.gaps.values();
        gaps.any(|gap| matches!(gap, Gap::Unread(_) | Gap::Torn(_)))
    }

    /// Whether each list of it was read when it was asked for last.
    pub(crate) fn is_current(&self) -> bool {
        self.gaps.values().all(|gap| gap.why().is_none())
    }

    /// Puts what was offered before in the place of a list. Gives what is then to be said of it.
    fn fill(&mut self, kind: Kind, gap: Gap, before: Option<&Self>) -> Gap {
        let list = before.map(|before| before.list(kind).clone());
        self.set(kind, list.unwrap_or_default());
        self.odd.remove(&kind);
        let odd = before.and_then(|before| before.odd.get(&kind));
        self.odd.extend(odd.map(|odd| (kind, odd.clone())));
        let former = before.and_then(|before| before.gaps.get(&kind));
        match (former, gap) {
            (Some(Gap::Torn(_)), Gap::Unread(why) | Gap::Torn(why)) => Gap::Torn(why),
            (Some(Gap::Torn(why)), Gap::Awaited | Gap::Silent) => Gap::Torn(why.clone()),
            (_, Gap::Torn(why)) => Gap::Unread(why),
            (_, gap) => gap,
        }
    }

    /// Whether a list is to stand where only the first pages of it came to `torn`.
    fn is_better(&self, kind: Kind, torn: &Self) -> bool {
        let (ours, theirs) = (self.items(kind), torn.items(kind));
        let is_torn = matches!(self.gaps.get(&kind), Some(Gap::Torn(_)));
        !ours.is_empty() && (!is_torn || ours.len() > theirs.len())
    }

    /// What of its tools is on its way.
    pub(crate) fn tools_to_come(&self) -> Option<ToCome> {
        match self.gaps.get(&Kind::Tools)? {
            Gap::Awaited => Some(ToCome::All),
            Gap::Paging => Some(ToCome::LaterPages),
            Gap::Silent | Gap::Unread(_) | Gap::Torn(_) | Gap::Stale(_) => None,
        }
    }

    /// Whether it is that one, list by list: none is read for it.
    #[must_use]
    pub(crate) fn is(&self, other: &Self) -> bool {
        let is_shared = |kind| Arc::ptr_eq(self.list(kind), other.list(kind));
        Kind::ALL.into_iter().all(is_shared)
            && self.abilities == other.abilities
            && self.instructions == other.instructions
            && self.extensions == other.extensions
            && self.odd == other.odd
            && self.aging == other.aging
    }

    /// The entries of one list.
    #[must_use]
    pub(crate) fn items(&self, kind: Kind) -> &[Item] {
        self.list(kind)
    }

    /// One list.
    #[must_use]
    pub(crate) fn list(&self, kind: Kind) -> &List {
        match kind {
            Kind::Tools => &self.tools,
            Kind::Prompts => &self.prompts,
            Kind::Resources => &self.resources,
            Kind::Templates => &self.templates,
        }
    }

    /// What laying it out costs, in bytes: those of its entries, and for each as much as so many.
    #[must_use]
    pub(crate) fn size(&self) -> usize {
        let items = Kind::ALL.into_iter().flat_map(|kind| self.items(kind));
        items.map(Item::size).sum()
    }

    /// What is wrong with entries of a list. Nothing is as little as it is of a catalogue that was kept.
    pub(crate) fn set_odd(&mut self, kind: Kind, odd: Odd) {
        if odd == Odd::default() {
            self.odd.remove(&kind);
        } else {
            self.odd.insert(kind, odd);
        }
    }

    /// Replaces one list.
    pub(crate) fn set(&mut self, kind: Kind, list: impl Into<List>) {
        let place = match kind {
            Kind::Tools => &mut self.tools,
            Kind::Prompts => &mut self.prompts,
            Kind::Resources => &mut self.resources,
            Kind::Templates => &mut self.templates,
        };
        *place = list.into();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Gap;
    use crate::protocol::mcp::item::Kind;
    use crate::testing::catalogue;

    #[test]
    fn what_was_offered_before_stands_for_what_could_not_be_told() {
        let (before, mut told) = (catalogue(&["a"]), (*catalogue(&[])).clone());
        told.instructions = Some("new".to_owned());
        told.gaps = [(Kind::Tools, Gap::Awaited), (Kind::Prompts, Gap::Silent)].into();
        let told = Arc::new(told);
        let filled = told.clone().or_before(Some(&before));
        assert_eq!(
            (&filled.tools, &filled.instructions),
            (&before.tools, &told.instructions)
        );
        assert!(filled.gaps.is_empty());
        assert!(told.or_before(None).tools.is_empty());
        let again = catalogue(&["a"]).or_before(Some(&before));
        assert!(Arc::ptr_eq(&again.tools, &before.tools));
        assert_eq!(
            catalogue(&["b"]).or_before(Some(&before)),
            catalogue(&["b"])
        );
    }
    #[test]
    fn first_pages_stand_unless_more_is_known() {
        let torn = |names: &[&str]| {
            let mut told = (*catalogue(names)).clone();
            told.gaps = [(Kind::Tools, Gap::Torn("no".into()))].into();
            Arc::new(told)
        };
        let fresh = torn(&["a", "b"]).or_before(None);
        assert_eq!(fresh, torn(&["a", "b"]), "nothing is known");
        let empty = catalogue(&[]);
        assert_eq!(torn(&["a"]).or_before(Some(&empty)).tools.len(), 1);
        // What was whole loses nothing to a page that failed, however often.
        let mut kept = catalogue(&["a"]);
        for _ in 0..2 {
            kept = torn(&["a", "b"]).or_before(Some(&kept));
            assert_eq!(kept.tools.len(), 1);
            assert_eq!(kept.gaps[&Kind::Tools], Gap::Unread("no".into()));
        }
        // Of two that are torn the longer one stands, and is torn.
        for (before, now) in [(3, 1), (1, 3)] {
            let names = &["a", "b", "c"];
            let before = torn(&names[..before]);
            let filled = torn(&names[..now]).or_before(Some(&before));
            assert_eq!(filled, torn(names));
        }
        let mut silent = (*catalogue(&[])).clone();
        silent.gaps = [(Kind::Tools, Gap::Awaited)].into();
        let filled = Arc::new(silent).or_before(Some(&torn(&["a"])));
        assert_eq!(filled, torn(&["a"]), "by a former life");
    }

    #[test]
    fn a_list_that_could_not_be_read_again_is_the_servers_own() {
        let mut stale = (*catalogue(&["mine"])).clone();
        stale.gaps = [(Kind::Tools, Gap::Stale("no".into()))].into();
        let filled = Arc::new(stale).or_before(Some(&catalogue(&["theirs"])));
        assert_eq!(filled.tools[0].key(), "mine");
        assert_eq!(filled.gaps[&Kind::Tools].why(), Some("no"));
    }
}
