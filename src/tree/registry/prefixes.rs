//! Whose a merged name is. A name with a configured server's prefix is that server's alone, whatever
//! others list. Of two prefixes that a name could have (`a` and `a_` of `a___x`) it has the longer one.

use std::collections::HashMap;

use super::source::Source;
use crate::ids::{Prefix, SEPARATOR, ServerName};

/// The prefixes of all configured servers, each with the first server that has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prefixes(HashMap<Box<str>, ServerName>);

impl Prefixes {
    pub(super) fn of(sources: &[Source]) -> Self {
        let mut owners: HashMap<Box<str>, ServerName> = HashMap::new();
        let mut prefixed: Vec<&Source> = sources.iter().collect();
        prefixed.retain(|source| !source.prefix.is_bare());
        prefixed.sort_by_key(|source| !is_namesake(source));
        for source in prefixed {
            let owner = owners.entry(source.prefix.as_str().into());
            owner.or_insert_with(|| source.server.clone());
        }
        Self(owners)
    }

    /// The prefix that `name` has, and whose it is. A prefix has no separator in it and may end in
    /// half of one, so that only two can be meant.
    pub(super) fn owner<'n>(&self, name: &'n str) -> Option<(&'n str, &ServerName)> {
        let at = name.find(SEPARATOR)?;
        let is_longer = name.get(at + 1..)?.starts_with(SEPARATOR);
        let longer = name.get(..at + 1).filter(|_| is_longer);
        let mut candidates = longer.into_iter().chain(name.get(..at));
        candidates.find_map(|prefix| Some((prefix, self.0.get(prefix)?)))
    }

    /// The prefix that `name` has, and what is behind it.
    pub(super) fn split<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        Some(match self.owner(name) {
            Some((prefix, _)) => (prefix, name.get(prefix.len() + SEPARATOR.len()..)?),
            None => ("", name),
        })
    }

    /// Who has the prefix that is longer than `prefix` by half a separator.
    pub(super) fn longer_than(&self, prefix: &Prefix) -> Option<&ServerName> {
        self.0.get(&*format!("{prefix}_"))
    }
}

/// Whether a server's prefix is its name. It is served first, whatever others have the prefix too.
pub(super) fn is_namesake(source: &Source) -> bool {
    source.prefix.as_str() == source.server.as_str()
}
