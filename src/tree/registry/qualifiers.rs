//! Whose a URI is that is qualified by a server's name (`protocol::uri`).

use std::collections::HashMap;

use super::source::Source;
use crate::ids::ServerName;
use crate::protocol::uri;

/// The configured servers, by their names as qualifiers spell them.
#[derive(Debug)]
pub(super) struct Qualifiers {
    pub(super) in_order: Vec<Named>,
    pub(super) by_spelling: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
pub(super) struct Named {
    pub(super) server: ServerName,
    /// Not if it said that it has no resources.
    pub(super) may_have_resources: bool,
}

impl Qualifiers {
    pub(super) fn of(sources: &[Source]) -> Self {
        let named = |source: &Source| Named {
            server: source.server.clone(),
            may_have_resources: abilities(source) != Some(false),
        };
        let in_order: Vec<Named> = sources.iter().map(named).collect();
        let mut by_spelling = HashMap::new();
        for (place, named) in in_order.iter().enumerate() {
            by_spelling.insert(named.server.as_str().into(), place);
        }
        // To who normalises URIs the server is a host: in small letters.
        for (place, named) in in_order.iter().enumerate() {
            let small = named.server.as_str().to_ascii_lowercase();
            by_spelling.entry(small.into()).or_insert(place);
        }
        Self {
            in_order,
            by_spelling,
        }
    }

    pub(super) fn at(&self, place: usize) -> Option<&ServerName> {
        self.in_order.get(place).map(|named| &named.server)
    }

    /// The configured server by whose name `uri` is qualified, and what it calls that itself. A page
    /// of an app whose host has the name is that server's as it is.
    pub(super) fn qualifier<'a>(&self, uri: &'a str) -> Option<(&Named, &'a str)> {
        let page = || Some((uri::page_host(uri)?, uri));
        let (name, native) = uri::unqualify(uri).or_else(page)?;
        let exact = self.by_spelling.get(name);
        let small = || self.by_spelling.get(&*name.to_ascii_lowercase());
        Some((self.in_order.get(*exact.or_else(small)?)?, native))
    }

    /// Whether `uri`, which `server` has, would lead clients elsewhere because of its qualifier.
    pub(super) fn lead_away(&self, server: &ServerName, uri: &str) -> bool {
        let qualifier = self.qualifier(uri);
        qualifier.is_some_and(|(named, native)| named.server != *server || native != uri)
    }
}

/// Whether it has resources; `None` as long as it has not said so.
pub(super) fn abilities(source: &Source) -> Option<bool> {
    let catalogue = source.catalogue.as_ref();
    catalogue.map(|known| known.abilities.resources)
}
