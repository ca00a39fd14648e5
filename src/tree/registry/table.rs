//! The table in a test's hands: what the registry would push, without its actor.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalogue::Catalogue;
use super::message::{ConfiguredServer, ServerState};
use super::routes::Routes;
use super::state::Merge;
use crate::ids::{Generation, ServerName};
use crate::tree::upstream::UpstreamHandle;

/// Nothing is configured and nothing kept, at first.
pub(in crate::tree) struct Table(Merge);

impl Default for Table {
    fn default() -> Self {
        Self(Merge::new(HashMap::new(), None))
    }
}

impl Table {
    pub(in crate::tree) fn wanted(&mut self, servers: Vec<ConfiguredServer>) {
        self.0.wanted(servers);
    }

    pub(in crate::tree) fn server_state(
        &mut self,
        server: &ServerName,
        generation: Generation,
        state: ServerState,
    ) {
        self.0.server_state(server, generation, state);
    }

    pub(in crate::tree) fn catalogue(
        &mut self,
        handle: &UpstreamHandle,
        told: Option<Arc<Catalogue>>,
    ) {
        self.0.catalogue(handle.clone(), told);
    }

    pub(in crate::tree) fn approve(&mut self, server: &ServerName) {
        let digest = self.0.held_digest(server);
        self.0.approve(server, &digest);
    }

    /// The next table, if it differs from the last one.
    pub(in crate::tree) fn publish(&mut self) -> Option<Arc<Routes>> {
        self.0.publish(false)
    }
}
