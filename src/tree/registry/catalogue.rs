//! What one server offers, as it said it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::mcp::item::{Item, Kind};

/// What one server offers, as it said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalogue {
    /// Its tools, in its own order.
    pub tools: Vec<Item>,
    /// Its prompts.
    pub prompts: Vec<Item>,
    /// Its resources.
    pub resources: Vec<Item>,
    /// Its resource templates.
    pub templates: Vec<Item>,
    /// What it said of itself in the handshake.
    pub abilities: Abilities,
    /// Its instructions for models.
    pub instructions: Option<String>,
    /// The lists that it could not tell yet: what it offered before stands for them.
    pub unlisted: BTreeSet<Kind>,
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
    /// The same with what it offered before in place of the lists that it could not tell.
    #[must_use]
    pub(crate) fn or_before(self: Arc<Self>, before: Option<&Self>) -> Arc<Self> {
        if self.unlisted.is_empty() {
            return self;
        }
        let mut filled = Self::clone(&self);
        for kind in std::mem::take(&mut filled.unlisted) {
            let items = before.map(|before| before.items(kind).to_vec());
            *filled.items_mut(kind) = items.unwrap_or_default();
        }
        Arc::new(filled)
    }

    /// The entries of one list.
    #[must_use]
    pub(crate) fn items(&self, kind: Kind) -> &[Item] {
        match kind {
            Kind::Tools => &self.tools,
            Kind::Prompts => &self.prompts,
            Kind::Resources => &self.resources,
            Kind::Templates => &self.templates,
        }
    }

    /// The entries of one list, to be filled.
    pub(crate) fn items_mut(&mut self, kind: Kind) -> &mut Vec<Item> {
        match kind {
            Kind::Tools => &mut self.tools,
            Kind::Prompts => &mut self.prompts,
            Kind::Resources => &mut self.resources,
            Kind::Templates => &mut self.templates,
        }
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
        assert_eq!(
            catalogue(&["b"]).or_before(Some(&before)),
            catalogue(&["b"])
        );
    }
}
