//! The lane of what belongs to no request: the one stream of HTTP+SSE, or the standalone stream of
//! Streamable HTTP, which the client may open, close and open again.

use super::SessionHandle;
use super::numbers::Place;
use super::outbound::{Event, Queue, push};

/// The general lane.
#[derive(Debug, Default)]
pub(super) struct General {
    pub(super) place: Place,
    /// The number of the last event that went out and was not found unread.
    sent_to: u64,
    /// The number of the stream that it has, or had last.
    stream: u64,
    queue: Option<Queue>,
}

impl General {
    /// Goes on on this stream; what was said up to `seq` needs not be said again.
    pub(super) fn attach(&mut self, stream: u64, queue: Queue, seq: u64) {
        self.stream = stream;
        self.queue = Some(queue);
        self.sent_to = seq;
    }

    /// Ends its stream, if it has one.
    pub(super) fn end(&mut self) {
        self.queue = None;
    }

    /// Whether somebody listens.
    pub(super) fn is_open(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.is_closed())
    }

    /// After which event the client has not been sent any.
    pub(super) fn sent_to(&self) -> u64 {
        self.sent_to
    }

    pub(super) fn send(&mut self, session: &SessionHandle, event: Event) {
        let Some(queue) = &self.queue else {
            return;
        };
        if push(session, queue, event) {
            self.sent_to = self.place.seq;
        } else {
            self.queue = None;
        }
    }

    /// A stream was dropped, and with it the last `left` messages. Whether it was this lane's.
    pub(super) fn gone(&mut self, stream: u64, left: u64) -> bool {
        let is_ours = stream == self.stream;
        if is_ours {
            self.queue = None;
            self.sent_to = self.sent_to.saturating_sub(left);
        }
        is_ours
    }
}
