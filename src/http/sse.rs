//! The bytes of one event stream of either transport: what it begins with, every event of the
//! session as it comes, and a comment in every pause. Dropping it drops the session's `Outbound`, by
//! which the session learns that its client is gone.

use super::farewell::Farewell;
use super::pot::Place;
use crate::protocol::framing::sse;
use crate::tree::{Event, Outbound};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use warp::Reply;
use warp::reply::Response;

/// The headers of an event stream; all but the first keep proxies from holding it back.
const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_TYPE, "text/event-stream"),
    (CACHE_CONTROL, "no-cache, no-store, no-transform"),
    (CONNECTION, "keep-alive"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

/// How long a client waits before it resumes a stream that broke. A gateway that was killed is started
/// again after 1 s (`RestartSec=1`); Python's SDK then tries just once, and others twice.
const RETRY: Duration = Duration::from_secs(2);

/// An event whose data is longer than this goes out without being copied; shorter ones that are
/// ready at the same time share a piece.
const LARGE: usize = 16 << 10;

/// Large data goes out in slices of this size, so that a client that reads it slowly is seen to
/// read: hyper asks for the next slice when the socket has taken most of those before.
const SLICE: usize = 64 << 10;

/// What `sse::event("message", …)` puts before the data.
const BEFORE: &[u8] = b"event: message\ndata: ";

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

/// The reply that `events` are the body of.
pub(super) fn reply(
    events: impl Stream<Item = Result<Bytes, Infallible>> + Send + Sync + 'static,
) -> Response {
    let mut response = warp::reply::stream(events).into_response();
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// The body of a reply that is a stream of events.
#[derive(Debug)]
pub(super) struct EventStream<M> {
    messages: M,
    has_ended: bool,
    /// Pieces to be sent next, in order.
    ready: VecDeque<Bytes>,
    keepalive: Interval,
    /// Of a stream that was not asked for in so many words.
    place: Option<Place>,
    farewell: Option<Farewell>,
}

impl<M: Messages> EventStream<M> {
    /// A stream of `messages`. A comment is sent whenever `keepalive` has passed.
    pub(super) fn new(messages: M, keepalive: Duration) -> Self {
        let mut keepalive = interval_at(Instant::now() + keepalive, keepalive);
        keepalive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            messages,
            has_ended: false,
            ready: VecDeque::new(),
            keepalive,
            place: None,
            farewell: None,
        }
    }

    /// The same, which says farewell when the gateway stops.
    pub(super) fn with(mut self, farewell: Farewell) -> Self {
        self.farewell = Some(farewell);
        self
    }

    /// The same, in a place of the pot unless there is no need of one.
    pub(super) fn placed(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// The same, after `piece`.
    pub(super) fn after(mut self, piece: Bytes) -> Self {
        self.ready.push_back(piece);
        self
    }

    /// The same, after an event that was taken from the messages already.
    pub(super) fn beginning(mut self, event: Event) -> Self {
        let mut batch = BytesMut::new();
        self.add(&mut batch, event);
        self.finish(batch);
        self
    }

    /// Moves what the session has ready into `ready`, up to about `LARGE` bytes.
    fn gather(&mut self, cx: &mut Context<'_>) {
        let mut batch = BytesMut::new();
        while batch.len() < LARGE && self.ready.is_empty() && !self.has_ended {
            match Pin::new(&mut self.messages).poll_next(cx) {
                Poll::Ready(Some(event)) => self.add(&mut batch, event),
                Poll::Ready(None) => self.has_ended = true,
                Poll::Pending => break,
            }
        }
        self.finish(batch);
    }

    /// Adds an event to `batch`. One with large data closes it: the data goes out as it is.
    fn add(&mut self, batch: &mut BytesMut, event: Event) {
        let Event {
            id,
            message,
            is_last,
        } = event;
        self.has_ended |= is_last;
        if message.is_empty() && is_last {
            return;
        }
        match id {
            Some(id) if message.is_empty() => return batch.put(sse::priming(&id, RETRY)),
            Some(id) => batch.put(sse::head(Some(&id))),
            None => {
                batch.reserve(BEFORE.len() + message.len().min(LARGE) + sse::TAIL.len());
                batch.put(BEFORE);
            }
        }
        if message.len() > LARGE {
            let tail = Bytes::from_static(sse::TAIL);
            self.ready.extend([batch.split().freeze(), message, tail]);
        } else {
            batch.reserve(message.len() + sse::TAIL.len());
            batch.put(message);
            batch.put(sse::TAIL);
        }
    }

    fn finish(&mut self, batch: BytesMut) {
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
                let words = this.farewell.take().and_then(|farewell| farewell.words());
                return Poll::Ready(words.map(Ok));
            }
            this.gather(cx);
            if this.ready.is_empty() && !this.has_ended {
                ready!(this.keepalive.poll_tick(cx));
                this.ready.push_back(sse::comment("keepalive"));
            }
        }
    }
}
