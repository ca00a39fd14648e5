//! The table of the registry as root has it: what is said and counted of a new one, and what root itself looks up.

use std::sync::Arc;

use tokio::time::Instant;

use super::actor::RootState;
use super::hooks::RootHooks;
use super::status::say_change;
use crate::ids::ServerName;
use crate::tree::registry::Routes;

impl RootState {
    /// Takes the new table.
    pub(super) fn on_routes(&mut self, routes: Arc<Routes>) {
        let is_settled = routes.awaited.as_ref().is_some_and(Vec::is_empty);
        let hooks = self.supervisor.hooks_mut();
        hooks.compare_definitions(&routes);
        hooks.count_offers(&routes);
        let before = hooks.routes.as_ref().map(|routes| &*routes.merged);
        hooks.book.catalogue.look(&routes.merged, before);
        hooks.routes = Some(routes);
        hooks.recall_eras();
        if is_settled {
            hooks.end_boot();
        }
    }
}

impl RootHooks {
    /// Says and counts what servers define in another way than in the last table.
    fn compare_definitions(&mut self, routes: &Routes) {
        for (server, change) in self.definitions.look(routes, Instant::now()) {
            say_change(&server, &change);
            let count = change.news.len().try_into().unwrap_or(u64::MAX);
            let metrics = self.settings.metrics.server(&server);
            metrics.definitions_changed.inc_by(count);
        }
    }

    /// Counts what clients are offered of each server.
    fn count_offers(&self, routes: &Routes) {
        let merged = &routes.merged;
        for source in &merged.sources {
            let Some(figures) = self.settings.metrics.figures(&source.server) else {
                continue;
            };
            let cost = merged.cost(&source.server);
            let signed = |number: usize| number.try_into().unwrap_or(i64::MAX);
            figures.tools.set(signed(cost.tools));
            figures.tools_bytes.set(signed(cost.bytes));
            figures.tools_tokens.set(signed(cost.tokens()));
        }
    }

    /// What a server offered before the gateway's own start was told in one era: it is asked in that
    /// one first.
    pub(super) fn recall_eras(&self) {
        let Some(routes) = &self.routes else {
            return;
        };
        for (server, (_, past)) in &self.pasts {
            if let Some(source) = routes.merged.source(server) {
                let known = source.catalogue.as_ref();
                past.recall_era(known.map(|known| known.abilities.is_modern));
            }
        }
    }

    /// The configured servers that have never told what they offer: lists are without them.
    pub(super) fn missing(&self) -> Vec<&ServerName> {
        let merged = self.routes.as_ref().map(|routes| &routes.merged);
        let has_told = |server: &&ServerName| {
            let source = merged.and_then(|merged| merged.source(server));
            source.is_some_and(|source| source.catalogue.is_some())
        };
        let wanted = self.wanted.iter().flatten().map(|wanted| &wanted.server);
        wanted.filter(|server| !has_told(server)).collect()
    }
}
