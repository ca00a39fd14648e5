//! What clients know the pages of apps by that tools name, looked up once for the same tools and the same
//! resources of all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::names::Names;
use super::resources::Resources;
use super::source::Source;
use crate::protocol::mcp::item::{Item, Kind};
use crate::protocol::uri::Search;

/// The own URIs that clients know by others, each with that.
pub(super) type PageNames = BTreeMap<Box<str>, Box<str>>;

/// The look-ups of one merge, which have a budget in common.
pub(super) struct PageSearch<'m> {
    resources: &'m Arc<Resources>,
    former: &'m [&'m Names],
    search: Search,
}

impl<'m> PageSearch<'m> {
    /// `former` merges know what they looked up in the same `resources`.
    pub(super) fn new(resources: &'m Arc<Resources>, former: &'m [&'m Names]) -> Self {
        Self {
            resources,
            former,
            search: Search::result(),
        }
    }

    /// Those of what the tools of `source` name.
    pub(super) fn of(&mut self, source: &Source) -> Arc<PageNames> {
        let mut former = self.former.iter();
        let known = former.find_map(|former| former.page_names(source, self.resources));
        known.map_or_else(|| Arc::new(self.look_up(source)), Arc::clone)
    }

    fn look_up(&mut self, source: &Source) -> PageNames {
        let mut names = PageNames::new();
        if !self.resources.may_collide(&source.server) {
            return names;
        }
        let tools = source.list(Kind::Tools).into_iter();
        for uri in tools.flat_map(|list| list.iter()).flat_map(Item::pages) {
            if !names.contains_key(uri)
                && let Some(outward) = self
                    .resources
                    .outward(&source.server, uri, &mut self.search)
            {
                names.insert(uri.into(), outward.into());
            }
        }
        names
    }
}
