//! The way out: an unbounded queue whose filling is measured, so that the session can see a client
//! that does not read. The session holds the [`Outbox`], the HTTP response the [`Outbound`].

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::SessionHandle;
use crate::ids::SessionId;

/// What a session's queue may hold, and one message more.
const LIMIT: usize = 8 * 1024 * 1024;

/// An SSE session that was just opened.
#[derive(Debug)]
pub struct OpenedSse {
    /// Its id, for the `endpoint` event.
    pub id: SessionId,
    /// What it says.
    pub stream: Outbound,
}

/// How much is queued, and when the client last took something of it.
#[derive(Debug, Clone)]
pub(in crate::tree::sessions) struct Gauge(Arc<Reading>);

#[derive(Debug)]
struct Reading {
    queued: AtomicUsize,
    opened: Instant,
    /// In milliseconds after `opened`.
    taken_at: AtomicU64,
    /// Cuts the connection.
    cut: OnceLock<Arc<Notify>>,
}

impl Gauge {
    fn new() -> Self {
        Self(Arc::new(Reading {
            queued: AtomicUsize::new(0),
            opened: Instant::now(),
            taken_at: AtomicU64::new(0),
            cut: OnceLock::new(),
        }))
    }

    fn queue(&self, size: usize) {
        if self.0.queued.fetch_add(size, Ordering::Relaxed) == 0 {
            self.touch(); // a client can't be late with what was not there
        }
    }

    fn take(&self, size: usize) {
        self.0.queued.fetch_sub(size, Ordering::Relaxed);
        self.touch();
    }

    fn touch(&self) {
        let now = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.taken_at.store(now, Ordering::Relaxed);
    }

    /// Whether more is queued than may be.
    pub(super) fn is_full(&self) -> bool {
        self.0.queued.load(Ordering::Relaxed) > LIMIT
    }
}

/// One message on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// By which a client names it when it resumes a broken stream; `None` where none can.
    pub id: Option<Box<str>>,
    /// A JSON-RPC message on one line; empty in the priming event that begins a stream.
    pub message: Bytes,
    /// Whether the stream ends after it.
    pub is_last: bool,
}

/// The session's end.
#[derive(Debug)]
pub(in crate::tree::sessions) struct Outbox {
    sender: UnboundedSender<Event>,
    gauge: Gauge,
}

/// The other end, before it is known which session it serves.
pub(in crate::tree::sessions) struct Pipe {
    receiver: UnboundedReceiver<Event>,
    gauge: Gauge,
}

/// The client's end of one stream. It ends after its last event, and when the session ends. Dropping
/// that of an SSE session ends the session; dropping any other only detaches it.
#[derive(Debug)]
pub struct Outbound {
    receiver: UnboundedReceiver<Event>,
    gauge: Gauge,
    session: SessionHandle,
}

/// Both ends of a new queue.
pub(in crate::tree::sessions) fn open() -> (Outbox, Pipe) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let gauge = Gauge::new();
    let pipe = Pipe {
        receiver,
        gauge: gauge.clone(),
    };
    (Outbox { sender, gauge }, pipe)
}

impl Pipe {
    pub(in crate::tree::sessions) fn serve(self, session: SessionHandle) -> Outbound {
        Outbound {
            receiver: self.receiver,
            gauge: self.gauge,
            session,
        }
    }
}

impl Outbox {
    /// Queues a message. A client that has gone is noticed elsewhere.
    pub(super) fn send(&self, event: Event) {
        self.gauge.queue(event.message.len());
        if self.sender.send(event).is_err() {
            log::trace!("a message for a client that has gone");
        }
    }

    /// Whether more is queued than may be.
    pub(super) fn is_full(&self) -> bool {
        self.gauge.is_full()
    }

    /// How long the client has taken nothing.
    pub(super) fn stalled_for(&self) -> Duration {
        let reading = &self.gauge.0;
        let taken_at = Duration::from_millis(reading.taken_at.load(Ordering::Relaxed));
        reading.opened.elapsed().saturating_sub(taken_at)
    }

    /// Ends the stream without its reader's help: one that is stuck in a write sees no end.
    pub(super) fn cut(&self) {
        if let Some(cut) = self.gauge.0.cut.get() {
            cut.notify_one();
        }
    }

    /// The filling, for others to look at.
    pub(in crate::tree::sessions) fn gauge(&self) -> &Gauge {
        &self.gauge
    }
}

impl Outbound {
    /// The client took a part of the message at hand: a slow reader is not a stuck one.
    pub fn touch(&self) {
        self.gauge.touch();
    }

    /// The stream of a POST that has no answer yet becomes an event stream: from here on what it
    /// says can be resumed. Called by who has to send something before there is an answer.
    pub fn begin_stream(&self) {}

    /// What is notified when the session ends because its client does not read: whoever writes to
    /// that client may be stuck in it, and hold what was queued, for as long as TCP tries.
    pub fn cut_with(&self, cut: Arc<Notify>) {
        if self.gauge.0.cut.set(cut).is_err() {
            log::debug!("{:?} has its way to be cut already", self.session);
        }
    }
}

impl Stream for Outbound {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let next = self.receiver.poll_recv(context);
        if let Poll::Ready(Some(event)) = &next {
            self.gauge.take(event.message.len());
        }
        next
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        self.session.client_gone();
    }
}
