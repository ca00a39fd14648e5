//! The client's end of a stream: what a handler of HTTP reads from. What waits in it is counted in
//! the session's load until it is read, or until this end is dropped.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, oneshot};

use super::super::SessionHandle;
use super::super::message::SessionMsg;
use crate::ids::SessionId;

/// An SSE session that was just opened.
#[derive(Debug)]
pub struct OpenedSse {
    /// Its id, for the `endpoint` event.
    pub id: SessionId,
    /// What it says.
    pub stream: Outbound,
}

/// One message on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// By which a client names it when it resumes a broken stream; `None` where none can.
    pub id: Option<Box<str>>,
    /// A JSON-RPC message on one line; empty in the priming event that begins a stream, and in the
    /// last event of one that ends without an answer.
    pub message: Bytes,
    /// Whether the stream ends after it.
    pub is_last: bool,
}

impl Event {
    /// Ends a stream on which no answer is owed any more. Nothing of it is sent.
    pub(in super::super) const END: Self = Self {
        id: None,
        message: Bytes::new(),
        is_last: true,
    };
}

/// The session's end of a stream of events. They are boxed because a queue holds room for many
/// from the start, and most hold none most of the time.
pub(in crate::tree::sessions) type Queue = UnboundedSender<Box<Event>>;
/// The other end.
pub(in crate::tree::sessions) type Queued = UnboundedReceiver<Box<Event>>;

/// Queues an event, and gives whether there is anybody to take it.
pub(in super::super) fn push(session: &SessionHandle, queue: &Queue, event: Event) -> bool {
    let size = event.message.len();
    session.load().queue(size);
    let is_sent = queue.send(Box::new(event)).is_ok();
    if !is_sent {
        session.load().withdraw(size);
    }
    is_sent
}

/// The first that is heard on the stream of a POST. For most it is the one answer, so that they
/// cost no queue; nothing at all says that there is nothing to be answered any more.
#[derive(Debug)]
pub(in crate::tree::sessions) struct FirstReply {
    /// The answer, or what comes before it.
    pub(in super::super) first: Option<Event>,
    /// What follows.
    pub(in super::super) rest: Option<Queued>,
}

/// The client's end of a queue. Its session may take back what has not been read: both take what
/// they take at once, so that nothing is taken twice. What is left when both have gone is counted
/// no more.
#[derive(Debug)]
struct Reader {
    queued: Mutex<Queued>,
    session: SessionHandle,
}

impl Reader {
    fn new(queued: Queued, session: &SessionHandle) -> Arc<Self> {
        Arc::new(Self {
            queued: Mutex::new(queued),
            session: session.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queued> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for event in close(&mut self.lock()) {
            self.session.load().withdraw(event.message.len());
        }
    }
}

/// The same, as the session has it. The client's end may be dropped at any time, and a new stream be
/// opened before the session hears of that: what was not read is here until the session takes it.
#[derive(Debug, Default)]
pub(in super::super) struct Feed(Option<Arc<Reader>>);

impl Feed {
    /// Takes what has not been read. The stream stays open.
    pub(in super::super) fn take_all(&self) -> Vec<Event> {
        let reader = self.0.as_ref();
        reader.map_or_else(Vec::new, |reader| rest(&mut reader.lock()))
    }
}

/// What a stream is read from.
#[derive(Debug)]
enum Source {
    FirstReply(oneshot::Receiver<FirstReply>),
    Queue(Arc<Reader>),
    /// Everything was read.
    Over,
}

/// The client's end of one stream. It ends after its last event, and when the session ends. Dropping
/// that of an SSE session ends the session; dropping any other only detaches it.
#[derive(Debug)]
pub struct Outbound {
    source: Source,
    session: SessionHandle,
    number: u64,
    /// Whether the session wants to know when it is dropped.
    is_missed: bool,
    /// Whether it ended because nothing is to be answered any more.
    is_forgone: bool,
    /// Cuts the connection.
    cut: OnceLock<Arc<Notify>>,
}

impl Outbound {
    /// The stream of a POST: the stream with the same number.
    pub(in super::super) fn post(
        session: SessionHandle,
        number: u64,
        first_reply: oneshot::Receiver<FirstReply>,
    ) -> Self {
        Self::new(session, number, Source::FirstReply(first_reply), false)
    }

    /// An event stream from the start.
    pub(in crate::tree::sessions) fn queue(
        session: SessionHandle,
        number: u64,
        queue: Queued,
    ) -> Self {
        let reader = Reader::new(queue, &session);
        Self::new(session, number, Source::Queue(reader), true)
    }

    /// The same end, for the session.
    pub(in super::super) fn feed(&self) -> Feed {
        match &self.source {
            Source::Queue(reader) => Feed(Some(Arc::clone(reader))),
            Source::FirstReply(_) | Source::Over => Feed::default(),
        }
    }

    fn new(session: SessionHandle, number: u64, source: Source, is_missed: bool) -> Self {
        Self {
            source,
            session,
            number,
            is_missed,
            is_forgone: false,
            cut: OnceLock::new(),
        }
    }

    /// The client took a part of the message at hand: a slow reader is not a stuck one.
    pub fn touch(&self) {
        self.session.load().touch();
    }

    /// The stream of a POST that has no answer yet becomes an event stream: from here on what it
    /// says can be resumed. Called by who has to send something before there is an answer.
    pub fn begin_stream(&self) {
        if let Source::FirstReply(_) = self.source {
            let number = self.number;
            self.session.send(SessionMsg::BeginStream { number });
        }
    }

    /// Whether it ended without an answer because the client cancelled what it had asked for, and
    /// not because the session ended.
    #[must_use]
    pub fn is_forgone(&self) -> bool {
        self.is_forgone
    }

    /// What is notified when the session ends because its client does not read: whoever writes to
    /// that client may be stuck in it, and hold what was queued, for as long as TCP tries.
    pub fn cut_with(&self, cut: Arc<Notify>) {
        if self.cut.set(cut).is_err() {
            log::debug!("{:?} has its way to be cut already", self.session);
        } else if let Source::Queue(_) = self.source {
            self.announce_cut();
        }
    }

    /// Only who has a queue can be full.
    fn announce_cut(&self) {
        if let Some(cut) = self.cut.get() {
            let (connection, cut) = (self.number, Arc::clone(cut));
            self.session.send(SessionMsg::CutWith { connection, cut });
        }
    }

    fn take(&mut self, event: Event) -> Event {
        self.session.load().take(event.message.len());
        event
    }

    fn poll_first_reply(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let Source::FirstReply(first_reply) = &mut self.source else {
            return Poll::Ready(None);
        };
        let first_reply = ready!(first_reply.poll_unpin(context));
        self.source = Source::Over;
        let Ok(FirstReply { first, rest }) = first_reply else {
            return Poll::Ready(None);
        };
        self.is_forgone = first.is_none() && rest.is_none();
        if let Some(rest) = rest {
            self.source = Source::Queue(Reader::new(rest, &self.session));
            self.is_missed = self.cut.get().is_some();
            self.announce_cut();
        }
        Poll::Ready(first.map(|event| self.take(event)))
    }
}

impl Stream for Outbound {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Source::FirstReply(_) = self.source {
            let first = ready!(self.poll_first_reply(context));
            if first.is_some() {
                return Poll::Ready(first);
            }
        }
        let Source::Queue(reader) = &self.source else {
            return Poll::Ready(None);
        };
        let next = reader.lock().poll_recv(context);
        let event = ready!(next);
        Poll::Ready(event.map(|event| self.take(*event)))
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.source, Source::Over) {
            Source::Queue(reader) => reader.lock().close(),
            Source::FirstReply(first_reply) => {
                for event in unread(first_reply) {
                    self.session.load().withdraw(event.message.len());
                }
            }
            Source::Over => {}
        }
        if self.is_missed {
            let connection = self.number;
            self.session.send(SessionMsg::ConnectionGone { connection });
        }
    }
}

/// What was sent and not read. Nothing can be sent any more afterwards.
fn unread(mut first_reply: oneshot::Receiver<FirstReply>) -> Vec<Event> {
    first_reply.close();
    let Ok(FirstReply { first, rest }) = first_reply.try_recv() else {
        return Vec::new();
    };
    let rest = rest.map(|mut queued| close(&mut queued));
    first
        .into_iter()
        .chain(rest.into_iter().flatten())
        .collect()
}

fn close(queued: &mut Queued) -> Vec<Event> {
    queued.close();
    rest(queued)
}

/// What waits there.
fn rest(queued: &mut Queued) -> Vec<Event> {
    std::iter::from_fn(|| queued.try_recv().ok().map(|event| *event)).collect()
}
