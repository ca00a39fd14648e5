//! Whether somebody holds a server awake by what he wants to hear of it.

use super::Subscribers;
use crate::telemetry::metrics::{Gauge, GaugeGuard};
use crate::tree::client::Interest;

/// Whether that is so, for those who look on; of a server that always runs nobody does.
#[derive(Debug, Default)]
pub(super) struct Held {
    counted_in: Option<Gauge>,
    is_held: Option<GaugeGuard>,
}

impl Subscribers {
    /// Whether somebody waits for news. A level of the log alone is told again to the next life.
    pub(in super::super) fn hold(&self) -> bool {
        self.is_heard() || !self.waiting.is_empty()
    }

    fn is_heard(&self) -> bool {
        let mut members = self.members.values();
        let is_heard = |it: &Interest| !it.uris.is_empty() && !it.has_left;
        members.any(|member| is_heard(&member.interest))
    }

    /// From now on it is counted there.
    pub(in super::super) fn count_holds(&mut self, gauge: Gauge) {
        self.held.counted_in = Some(gauge);
        self.note_hold();
    }

    /// Somebody may want to hear something else.
    pub(super) fn note_hold(&mut self) {
        let gauge = self.held.counted_in.as_ref();
        let gauge = gauge.filter(|_| self.is_heard());
        self.held.is_held = gauge.map(GaugeGuard::one);
    }
}
