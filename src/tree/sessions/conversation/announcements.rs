//! `list_changed`, of tools, prompts and resources: the first change at once, then one per pause,
//! and only if a list that this client can see is not what it was.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::delivery::AGE;
use super::super::delivery::StreamId;
use super::{Conversation, Effects};
use crate::protocol::jsonrpc::{self, Message};
use crate::protocol::mcp::item::Kind;
use crate::protocol::mcp::method;
use crate::tree::registry::{Changes, Merged};

/// At most one of a kind in this time.
const EVERY: Duration = Duration::from_millis(250);

/// What the client was told.
pub(super) struct Announcements {
    /// What the client was last told of, or has seen.
    told: Arc<Merged>,
    /// Until when it is told nothing more.
    pause: Option<Instant>,
    /// What was said while nobody listened.
    unheard: Changes,
    /// When it was said for the first time.
    unheard_since: Option<Instant>,
    /// Whether its client listens, or did when it was last known.
    listens: bool,
}

impl Default for Announcements {
    fn default() -> Self {
        Self {
            told: Merged::nothing(),
            pause: None,
            unheard: Changes::default(),
            unheard_since: None,
            listens: false,
        }
    }
}

impl Announcements {
    /// There is nothing to tell of `merged`.
    pub(super) fn seen(&mut self, merged: &Arc<Merged>) {
        self.told = Arc::clone(merged);
    }

    /// When a change may be told again.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.pause
    }

    /// There is a stream on which all of it is said, but for what was kept for too long to be sent
    /// again: that is given.
    fn are_heard(&mut self, now: Instant) -> Changes {
        self.listens = true;
        let unheard = std::mem::take(&mut self.unheard);
        let since = self.unheard_since.take();
        if since.is_some_and(|since| now.saturating_duration_since(since) >= AGE) {
            unheard
        } else {
            Changes::default()
        }
    }
}

impl Conversation {
    /// From the first whole table on, changes of it are told; to a client of an earlier life, also
    /// how it differs from what was offered then.
    pub(super) fn begin_announcing(&mut self, fx: &mut dyn Effects) {
        let routes = self.routes.as_ref().filter(|routes| routes.is_complete);
        match routes.filter(|_| self.is_adopted) {
            Some(routes) => {
                let at_boot = Arc::clone(&routes.at_boot);
                self.announcements.seen(&at_boot);
                self.tell_if_changed(fx);
            }
            None => self.announcements.seen(&self.merged),
        }
    }

    /// Tells a client that listened, and lost its stream for good, on the stream of a POST what it has
    /// missed. A client of an earlier life may have listened; what it asks for now it need not be
    /// told.
    pub(in super::super) fn tell_unheard(
        &mut self,
        fx: &mut dyn Effects,
        stream: StreamId,
        messages: &[Message],
    ) {
        let asks = |kind: Kind| {
            let mut requests = messages.iter().filter_map(|message| match message {
                Message::Request(request) => Kind::of_method(&request.method),
                Message::Notification(_) | Message::Response(_) => None,
            });
            requests.any(|asked| asked == kind)
        };
        if self.announcements.unheard == Changes::default()
            || !(self.announcements.listens || self.is_adopted)
        {
            return;
        }
        let unheard = std::mem::take(&mut self.announcements.unheard);
        self.announcements.unheard_since = None;
        for (is_changed, method, kind) in kinds(unheard) {
            if is_changed && !asks(kind) {
                fx.notify(stream, jsonrpc::notification(method, None));
            }
        }
    }

    /// Tells a client that listens what it has missed and is not sent again.
    pub(in super::super) fn tell_what_is_kept_no_more(&mut self, fx: &mut dyn Effects) {
        for (is_changed, method, _) in kinds(self.announcements.are_heard(fx.now())) {
            if is_changed {
                fx.notify(StreamId::STANDALONE, jsonrpc::notification(method, None));
            }
        }
    }

    /// Tells the client which lists have changed, unless it was told something a moment ago.
    pub(super) fn tell_if_changed(&mut self, fx: &mut dyn Effects) {
        let announced = &mut self.announcements;
        if Arc::ptr_eq(&self.merged, &announced.told) || announced.pause.is_some() {
            return;
        }
        let changes = self.merged.changes(&announced.told);
        announced.seen(&self.merged);
        if changes == Changes::default() || !self.has_spoken {
            return;
        }
        if !fx.is_heard() {
            self.announcements.unheard.add(changes);
            self.announcements
                .unheard_since
                .get_or_insert_with(|| fx.now());
        }
        for (is_changed, method, _) in kinds(changes) {
            if is_changed {
                fx.notify(StreamId::STANDALONE, jsonrpc::notification(method, None));
            }
        }
        self.announcements.pause = Some(fx.now() + EVERY);
    }

    /// The client may be told of a changed list again.
    pub(super) fn expire_announcements(&mut self, fx: &mut dyn Effects) {
        let pause = &mut self.announcements.pause;
        if pause.take_if(|until| *until <= fx.now()).is_some() {
            self.tell_if_changed(fx);
        }
    }
}

/// What says that a list has changed, and what asks for that list.
fn kinds(changes: Changes) -> [(bool, &'static str, Kind); 3] {
    [
        (changes.tools, method::TOOLS_LIST_CHANGED, Kind::Tools),
        (changes.prompts, method::PROMPTS_LIST_CHANGED, Kind::Prompts),
        (
            changes.resources,
            method::RESOURCES_LIST_CHANGED,
            Kind::Resources,
        ),
    ]
}
