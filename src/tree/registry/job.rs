//! One merge, ready to be done: here, or on a thread where nobody waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use super::merged::{Merged, Source};
use super::resources;
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};

/// More than this is no work for a thread that others wait for: a few milliseconds.
const LONG: usize = 512 * 1024;

/// What is to be merged, and what was merged last.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) sources: Vec<Source>,
    pub(super) before: Arc<Merged>,
}

impl Job {
    pub(super) fn run(self) -> Merged {
        Merged::build(self.sources, &[&self.before])
    }

    /// Whether it may take long. It is looked no further than that it does.
    pub(super) fn is_long(&self) -> bool {
        let before = self.before.sources.iter();
        let before: HashMap<&ServerName, &Source> =
            before.map(|source| (&source.server, source)).collect();
        let is_new = |source: &Source, kind| {
            let former = before.get(&source.server);
            let former = former.and_then(|former| former.list(kind));
            let list = source.list(kind);
            list.zip(former)
                .is_none_or(|(list, former)| !Arc::ptr_eq(list, former))
        };
        let is_other = !resources::are_same(&self.sources, &self.before.sources);
        let mut room = LONG;
        let mut fits = |item: &Item| {
            let left = room.checked_sub(item.size());
            room = left.unwrap_or_default();
            left.is_some()
        };
        !self.sources.iter().all(|source| {
            Kind::ALL.into_iter().all(|kind| {
                let is_laid_out = match kind {
                    Kind::Tools | Kind::Prompts => is_new(source, kind),
                    Kind::Resources | Kind::Templates => is_other,
                };
                let list = source.list(kind).filter(|_| is_laid_out);
                list.is_none_or(|list| list.iter().all(&mut fits))
            })
        })
    }
}
