//! The heartbeat as it passes through root: to be answered, and on to the permanent children.

use super::ChildId;
use super::actor::RootState;
use crate::tree::heartbeat::{Beat, Part};

impl RootState {
    /// Answers, and has the permanent children answer. Who is missing has not started yet.
    pub(super) fn pass_on(&self, beat: &Beat) {
        beat.passed(Part::Root);
        let hooks = self.supervisor.hooks();
        if let Some(config) = &hooks.config {
            config.beat(beat.clone());
        }
        if let Some(registry) = &hooks.registry {
            registry.beat(beat.clone());
        }
        if let Some(sessions) = &hooks.sessions {
            sessions.beat(beat.clone());
        }
        if let Some((_, listener)) = self.supervisor.cell(&ChildId::Listener) {
            hooks.port.beat(listener, beat.clone());
        }
    }
}
