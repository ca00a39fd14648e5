//! What of the dialogue holds a server awake that is started on demand.

use super::super::awake::Holds;
use super::Dialogue;

impl Dialogue {
    /// Whether somebody waits for what the server will say, or the gateway does.
    pub(in super::super) fn is_held(&self) -> bool {
        let is_listing = self.lists.awaited().next().is_some();
        !self.is_ready() || is_listing || self.calls.in_flight() > 0 || self.subscribers.hold()
    }

    /// Who holds it is counted there.
    pub(in super::super) fn count_holds(&mut self, holds: &Holds) {
        self.calls.count_holds(holds.clone());
        self.subscribers.count_holds(holds.subscriptions.clone());
    }
}
