//! The ways to one client. Over HTTP+SSE there is one stream for everything. Over Streamable HTTP
//! every POST with a request has a stream of its own, and the client may open one more for what
//! belongs to none of them (2025-11-25, basic/transports, "Streamable HTTP").

use bytes::Bytes;

use super::outbox::{Event, Outbox};
use std::time::Duration;

/// One way to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Lane(pub(super) u64);

impl Lane {
    /// What belongs to no request: the SSE stream, or the stream of GET.
    pub(super) const GENERAL: Self = Self(0);
}

/// All of them.
#[derive(Debug)]
pub(super) struct Streams {
    outbox: Outbox,
}

impl Streams {
    pub(super) fn sse(outbox: Outbox) -> Self {
        Self { outbox }
    }

    /// Sends a notification or a request of the gateway's on `lane`.
    pub(super) fn say(&mut self, lane: Lane, message: Bytes) {
        let _ = lane;
        self.outbox.send(Event {
            id: None,
            message,
            is_last: false,
        });
    }

    /// Sends the answer to a request that came on `lane`. After the last one the lane is done.
    pub(super) fn answer(&mut self, lane: Lane, message: Bytes) {
        self.say(lane, message);
    }

    /// A request that came on `lane` gets no answer: its client cancelled it.
    pub(super) fn forgo(&mut self, lane: Lane) {
        let _ = lane;
    }

    /// Whether more is queued than may be.
    pub(super) fn is_full(&self) -> bool {
        self.outbox.is_full()
    }

    /// How long the client has taken nothing.
    pub(super) fn stalled_for(&self) -> Duration {
        self.outbox.stalled_for()
    }

    /// Ends the streams without their reader's help.
    pub(super) fn cut(&self) {
        self.outbox.cut();
    }
}
