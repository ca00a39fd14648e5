//! What one server offers, as it said it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::mcp::item::{Item, Kind, Odd};

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
    /// What is wrong with entries of its lists: they are not passed on as it wrote them.
    pub odd: BTreeMap<Kind, Odd>,
    /// The lists that it could not tell yet: what it offered before stands for them.
    pub unlisted: BTreeSet<Kind>,
}

/// What the lives of a server taught beside what it offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Lessons {
    /// Bits of the [`Kind`]s of lists that it was asked for undeclared, in vain.
    pub lacks: u8,
    /// After so many calls it ends with code 0. None is that it does not.
    pub calls_in_a_life: u32,
}

/// What a server can do beside its lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Abilities {
    /// It has resources, listed or not.
    pub resources: bool,
    /// It tells of changes of single resources.
    pub subscribe: bool,
    /// It takes a log level.
    pub logging: bool,
}

impl Catalogue {
    /// The same with what it offered before in place of the lists that it could not tell. A list
    /// that is what it was is the one that was there before.
    #[must_use]
    pub(crate) fn or_before(self: Arc<Self>, before: Option<&Self>) -> Arc<Self> {
        let mut filled = Self::clone(&self);
        for kind in std::mem::take(&mut filled.unlisted) {
            let list = before.map(|before| before.list(kind).clone());
            filled.set(kind, list.unwrap_or_default());
            let odd = before.and_then(|before| before.odd.get(&kind));
            filled.odd.extend(odd.map(|odd| (kind, odd.clone())));
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

    /// Whether it is that one, list by list: none is read for it.
    #[must_use]
    pub(crate) fn is(&self, other: &Self) -> bool {
        let is_shared = |kind| Arc::ptr_eq(self.list(kind), other.list(kind));
        Kind::ALL.into_iter().all(is_shared)
            && self.abilities == other.abilities
            && self.instructions == other.instructions
            && self.odd == other.odd
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
    use crate::protocol::mcp::item::Kind;
    use crate::tree::testing::catalogue;

    #[test]
    fn what_was_offered_before_stands_for_what_could_not_be_told() {
        let (before, mut told) = (catalogue(&["a"]), (*catalogue(&[])).clone());
        told.instructions = Some("new".to_owned());
        told.unlisted = [Kind::Tools, Kind::Prompts].into();
        let told = std::sync::Arc::new(told);
        let filled = told.clone().or_before(Some(&before));
        assert_eq!(
            (&filled.tools, &filled.instructions),
            (&before.tools, &told.instructions)
        );
        assert!(filled.unlisted.is_empty());
        assert!(told.or_before(None).tools.is_empty());
        let again = catalogue(&["a"]).or_before(Some(&before));
        assert!(std::sync::Arc::ptr_eq(&again.tools, &before.tools));
        assert_eq!(
            catalogue(&["b"]).or_before(Some(&before)),
            catalogue(&["b"])
        );
    }
}
