//! The heartbeat as it passes through root: to be answered, and on to the permanent children.

use super::ChildId;
use super::actor::RootState;
use crate::supervise::Spawn;
use crate::tree::edge::Edge;
use crate::tree::heartbeat::{Beat, Part};

impl<S: Spawn, E: Edge> RootState<S, E> {
    /// Answers, and has the permanent children answer. Who is missing has not started yet.
    pub(super) fn pass_on(&self, beat: &Beat) {
        beat.passed(Part::Root);
        let host = self.supervisor.host();
        if let Some(config) = &host.config {
            config.beat(beat.clone());
        }
        if let Some(registry) = &host.registry {
            registry.beat(beat.clone());
        }
        if let Some(sessions) = &host.sessions {
            sessions.beat(beat.clone());
        }
        if let Some((_, listener)) = self.supervisor.cell(&ChildId::Listener) {
            E::beat(&listener.clone().into(), beat.clone());
        }
    }
}
