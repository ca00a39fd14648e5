//! What whoever speaks with the service manager hears of root: its heartbeat and its children's, and
//! when the configuration was read.

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

    /// Somebody wants the configuration read again.
    pub(super) fn note_reload(&self) {
        let overview = &self.supervisor.host().settings.overview;
        overview.send_modify(|overview| overview.reloads += 1);
    }

    /// What was read has been taken, or there was nothing to take.
    pub(super) fn note_reading(&self, is_configured: bool) {
        let overview = &self.supervisor.host().settings.overview;
        overview.send_modify(|overview| {
            overview.readings += 1;
            overview.is_configured = is_configured;
        });
    }
}
