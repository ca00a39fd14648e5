//! `list_changed`, of tools, prompts and resources: the first change at once, then one per pause,
//! and only if a list that this client can see is not what it was.

use std::sync::Arc;
use std::time::Duration;

use super::message::SessionMsg;
use super::state::SessionState;
use super::streams::Lane;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::method;
use crate::tree::registry::{Changes, Merged};
use crate::tree::timer::Timer;

/// At most one of a kind in this time.
const EVERY: Duration = Duration::from_millis(250);

/// What the client was told.
#[derive(Default)]
pub(super) struct Announcements {
    /// What the client was last told of, or has seen.
    told: Arc<Merged>,
    pause: Option<Timer<SessionMsg>>,
}

impl Announcements {
    /// There is nothing to tell of `merged`.
    pub(super) fn seen(&mut self, merged: &Arc<Merged>) {
        self.told = Arc::clone(merged);
    }
}

impl SessionState {
    /// Tells the client which lists have changed, unless it was told something a moment ago.
    pub(super) fn tell_if_changed(&mut self) {
        let announced = &mut self.announcements;
        if Arc::ptr_eq(&self.merged, &announced.told) || announced.pause.is_some() {
            return;
        }
        let changes = self.merged.changes(&announced.told);
        announced.seen(&self.merged);
        if changes == Changes::default() || !self.has_spoken {
            return;
        }
        for (is_changed, method) in [
            (changes.tools, method::TOOLS_LIST_CHANGED),
            (changes.prompts, method::PROMPTS_LIST_CHANGED),
            (changes.resources, method::RESOURCES_LIST_CHANGED),
        ] {
            if is_changed {
                self.say(Lane::GENERAL, jsonrpc::notification(method, None));
            }
        }
        let elapsed = || SessionMsg::NotifyElapsed;
        self.announcements.pause = Some(Timer::after(&self.myself, EVERY, elapsed));
    }

    pub(super) fn on_notify_elapsed(&mut self) {
        self.announcements.pause = None;
        self.tell_if_changed();
    }
}
