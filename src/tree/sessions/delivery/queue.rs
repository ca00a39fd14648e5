//! Between a session and who writes to its client: the queue of one connection, whose ends are here
//! both. What waits in it is counted in the session's load until it is read, or until nobody can.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::load::SessionLoad;

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
    pub(super) const END: Self = Self {
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
pub(super) fn push(load: &SessionLoad, queue: &Queue, event: Event) -> bool {
    let size = event.message.len();
    load.queue(size);
    let is_sent = queue.send(Box::new(event)).is_ok();
    if !is_sent {
        load.withdraw(size);
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
/// no more. It may be dropped at any time, and a new stream be opened before the session hears of that:
/// what was not read is here until the session takes it.
#[derive(Debug)]
pub(in super::super) struct Reader {
    queued: Mutex<Queued>,
    load: Arc<SessionLoad>,
}

impl Reader {
    pub(in super::super) fn new(queued: Queued, load: &Arc<SessionLoad>) -> Arc<Self> {
        Arc::new(Self {
            queued: Mutex::new(queued),
            load: Arc::clone(load),
        })
    }

    /// Takes what has not been read. The stream stays open.
    pub(super) fn take_all(&self) -> Vec<Event> {
        rest(&mut self.lock())
    }

    /// Takes the next event, when there is one.
    pub(in super::super) fn poll_next(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Box<Event>>> {
        self.lock().poll_recv(context)
    }

    /// Nothing more can be sent.
    pub(in super::super) fn close(&self) {
        self.lock().close();
    }

    fn lock(&self) -> MutexGuard<'_, Queued> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for event in close(&mut self.lock()) {
            self.load.withdraw(event.message.len());
        }
    }
}

/// What was sent and not read. Nothing can be sent any more afterwards.
pub(in super::super) fn unread(mut first_reply: oneshot::Receiver<FirstReply>) -> Vec<Event> {
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
