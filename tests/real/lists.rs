//! The four lists that servers offer, and each as it must be when several servers' are merged.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::oracle::Truth;

/// One kind of what servers offer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl List {
    pub(crate) const ALL: [Self; 4] =
        [Self::Tools, Self::Prompts, Self::Resources, Self::Templates];

    /// The method that asks for it.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Prompts => "prompts/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
        }
    }

    /// The member of the answer that holds it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    fn of(self, truth: &Truth) -> &[Box<RawValue>] {
        match self {
            Self::Tools => &truth.tools,
            Self::Prompts => &truth.prompts,
            Self::Resources => &truth.resources,
            Self::Templates => &truth.templates,
        }
    }

    /// The merged list: each server's items in its own bytes, but for the names of tools and prompts.
    pub(crate) fn merged(self, truths: &[Truth]) -> Result<Vec<String>> {
        let mut items = Vec::new();
        for truth in truths {
            for item in self.of(truth) {
                items.push(match self {
                    Self::Tools | Self::Prompts => prefixed(truth.name, item.get())?,
                    Self::Resources | Self::Templates => item.get().to_owned(),
                });
            }
        }
        Ok(items)
    }
}

/// The item with its server's name before its own.
fn prefixed(server: &str, raw: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        name: &'a RawValue,
    }
    let name = serde_json::from_str::<Named>(raw)?.name.get();
    let start = name.as_ptr().addr() - raw.as_ptr().addr();
    let (head, tail) = raw.split_at_checked(start + 1).context("a name")?;
    Ok(format!("{head}{server}__{tail}"))
}
