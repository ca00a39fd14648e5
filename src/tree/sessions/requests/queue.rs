//! From a worker to the client's end of one request. Most requests have one reply, and that costs no
//! queue: there is one from the second on.

use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::replies::Spoken;

/// The first that is said, and where the rest comes from if it is not the last.
#[derive(Debug)]
pub(super) struct First {
    spoken: Spoken,
    rest: Option<UnboundedReceiver<Spoken>>,
}

/// The worker's end.
#[derive(Debug)]
pub(super) enum SpokenSender {
    Unopened(oneshot::Sender<First>),
    Open(UnboundedSender<Spoken>),
    Closed,
}

/// The other end.
#[derive(Debug)]
pub(super) enum SpokenReceiver {
    Unopened(oneshot::Receiver<First>),
    Open(UnboundedReceiver<Spoken>),
    Closed,
}

/// Both.
pub(super) fn new() -> (SpokenSender, SpokenReceiver) {
    let (send, receive) = oneshot::channel();
    (
        SpokenSender::Unopened(send),
        SpokenReceiver::Unopened(receive),
    )
}

impl SpokenSender {
    /// Gives whether there is anybody to take it.
    pub(super) fn send(&mut self, spoken: Spoken) -> bool {
        match std::mem::replace(self, Self::Closed) {
            Self::Unopened(first) if spoken.is_last => {
                first.send(First { spoken, rest: None }).is_ok()
            }
            Self::Unopened(first) => {
                let (queue, rest) = mpsc::unbounded_channel();
                *self = Self::Open(queue);
                let rest = Some(rest);
                first.send(First { spoken, rest }).is_ok()
            }
            Self::Open(queue) => {
                let is_sent = queue.send(spoken).is_ok();
                *self = Self::Open(queue);
                is_sent
            }
            Self::Closed => false,
        }
    }
}

impl SpokenReceiver {
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Spoken>> {
        match self {
            Self::Unopened(first) => {
                let first = ready!(first.poll_unpin(context)).ok();
                let (spoken, rest) = first.map(|first| (first.spoken, first.rest)).unzip();
                *self = rest.flatten().map_or(Self::Closed, Self::Open);
                Poll::Ready(spoken)
            }
            Self::Open(rest) => rest.poll_recv(context),
            Self::Closed => Poll::Ready(None),
        }
    }
}
