//! Resources and resource templates of all servers. URIs stay the servers' own as long as they
//! are unique; on a collision the first server keeps its URI.

use std::collections::HashMap;

use super::merged::{Route, Source, items};
use super::pages::Pages;
use crate::ids::ServerName;
use crate::protocol::mcp::item::Kind;

/// The merged resources.
#[derive(Debug)]
pub(super) struct Resources {
    by_uri: HashMap<String, Route>,
    pages: Pages,
    template_pages: Pages,
}

impl Default for Resources {
    fn default() -> Self {
        Self::build(&[])
    }
}

impl Resources {
    pub(super) fn build(sources: &[Source]) -> Self {
        let mut by_uri: HashMap<String, Route> = HashMap::new();
        let mut listed = Vec::new();
        for (source, item) in items(Kind::Resources, sources) {
            let route = Route {
                server: source.server.clone(),
                key: item.key().into(),
            };
            listed.push(item.raw().to_vec());
            by_uri.entry(item.key().to_owned()).or_insert(route);
        }
        let templates: Vec<Vec<u8>> = items(Kind::Templates, sources)
            .map(|(_, item)| item.raw().to_vec())
            .collect();
        Self {
            by_uri,
            pages: Pages::build(Kind::Resources, &listed),
            template_pages: Pages::build(Kind::Templates, &templates),
        }
    }

    pub(super) fn find(&self, uri: &str) -> Option<Route> {
        self.by_uri.get(uri).cloned()
    }

    pub(super) fn outward(&self, _server: &ServerName, _uri: &str) -> Option<String> {
        None
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.pages
    }

    pub(super) fn template_pages(&self) -> &Pages {
        &self.template_pages
    }
}
