//! The bytes of one event stream: the `endpoint` event, every message of the session as it comes,
//! and a comment in every pause. Dropping it drops the session's `Outbound`, by which the session
//! learns that its client is gone.

use crate::protocol::framing::sse;
use crate::tree::{Event, Outbound};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// An event whose data is longer than this goes out without being copied; shorter ones that are
/// ready at the same time share a piece.
const LARGE: usize = 16 << 10;

/// Large data goes out in slices of this size, so that a client that reads it slowly is seen to
/// read: hyper asks for the next slice when the socket has taken most of those before.
const SLICE: usize = 64 << 10;

/// What `sse::event("message", …)` puts around the data.
const BEFORE: &[u8] = b"event: message\ndata: ";
const AFTER: &[u8] = b"\n\n";

/// Where the messages come from, one line each: a session. Learns of every piece that the client
/// takes, which may be less than a message.
pub(super) trait Messages: Stream<Item = Event> + Unpin {
    /// The client took a piece.
    fn taken(&self) {}
}

impl Messages for Outbound {
    fn taken(&self) {
        self.touch();
    }
}

/// The body of the reply to `GET /sse`.
#[derive(Debug)]
pub(super) struct EventStream<M> {
    messages: M,
    has_ended: bool,
    /// Pieces to be sent next, in order.
    ready: VecDeque<Bytes>,
    keepalive: Interval,
}

impl<M: Messages> EventStream<M> {
    /// A stream that begins by telling the client to POST to `endpoint`. A comment is sent
    /// whenever `keepalive` has passed.
    pub(super) fn new(endpoint: &str, messages: M, keepalive: Duration) -> Self {
        let mut keepalive = interval_at(Instant::now() + keepalive, keepalive);
        keepalive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut first = BytesMut::from(sse::event("endpoint", endpoint.as_bytes()));
        // A proxy that waits for a second line before it lets the first one through gets it.
        first.put(sse::comment("connected"));
        Self {
            messages,
            has_ended: false,
            ready: VecDeque::from([first.freeze()]),
            keepalive,
        }
    }

    /// Moves what the session has ready into `ready`, up to about `LARGE` bytes.
    fn gather(&mut self, cx: &mut Context<'_>) {
        let mut batch = BytesMut::new();
        while batch.len() < LARGE {
            match Pin::new(&mut self.messages).poll_next(cx) {
                Poll::Ready(Some(Event { message, .. })) if message.len() > LARGE => {
                    batch.put(BEFORE);
                    let after = Bytes::from_static(AFTER);
                    self.ready.extend([batch.freeze(), message, after]);
                    return;
                }
                Poll::Ready(Some(Event { message, .. })) => {
                    batch.reserve(BEFORE.len() + message.len() + AFTER.len());
                    batch.put(BEFORE);
                    batch.put(message);
                    batch.put(AFTER);
                }
                Poll::Ready(None) => {
                    self.has_ended = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if !batch.is_empty() {
            self.ready.push_back(batch.freeze());
        }
    }

    /// What goes out next: a batch, or a slice of large data.
    fn take(&mut self) -> Option<Bytes> {
        let first = self.ready.front_mut()?;
        self.messages.taken();
        if first.len() > SLICE {
            return Some(first.split_to(SLICE));
        }
        self.ready.pop_front()
    }
}

impl<M: Messages> Stream for EventStream<M> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.take() {
                return Poll::Ready(Some(Ok(piece)));
            }
            if this.has_ended {
                return Poll::Ready(None);
            }
            this.gather(cx);
            if this.ready.is_empty() && !this.has_ended {
                ready!(this.keepalive.poll_tick(cx));
                this.ready.push_back(sse::comment("keepalive"));
            }
        }
    }
}
