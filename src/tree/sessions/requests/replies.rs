//! The client's end of one request: what a handler of HTTP reads from.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use ractor::ActorRef;
use tokio::sync::Notify;

use super::line::Line;
use super::message::RequestsMsg;
use super::queue::SpokenReceiver;

/// One message to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// A JSON-RPC message on one line.
    pub message: Bytes,
    /// Its error's code, if it is one that HTTP shows too.
    pub error: Option<i64>,
    /// Whether it is the answer, after which nothing comes.
    pub is_last: bool,
}

/// What becomes of one request, message by message. It ends without an answer if the worker that has
/// it died. Dropping it takes the request back (2026-07-28, basic/transports, "Cancellation").
#[derive(Debug)]
pub struct Replies {
    queue: SpokenReceiver,
    line: Arc<Line>,
    worker: ActorRef<RequestsMsg>,
    number: u64,
    attempt: u64,
    is_over: bool,
}

impl Replies {
    pub(super) fn new(
        queue: SpokenReceiver,
        line: Arc<Line>,
        worker: ActorRef<RequestsMsg>,
        (number, attempt): (u64, u64),
    ) -> Self {
        Self {
            queue,
            line,
            worker,
            number,
            attempt,
            is_over: false,
        }
    }

    /// The client took a part of the message at hand: a slow reader is not a stuck one.
    pub fn touch(&self) {
        self.line.load.touch();
    }

    /// What is notified when the request ends because its client does not read: whoever writes to that
    /// client may be stuck in it, for as long as TCP tries.
    pub fn cut_with(&self, cut: Arc<Notify>) {
        self.line.cut_with(cut);
    }
}

impl Stream for Replies {
    type Item = Spoken;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Spoken>> {
        let spoken = ready!(self.queue.poll(context));
        match &spoken {
            Some(spoken) => {
                self.line.load.take(spoken.message.len());
                self.is_over |= spoken.is_last;
            }
            None => self.is_over = true,
        }
        Poll::Ready(spoken)
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (number, attempt) = (self.number, self.attempt);
        let gone = RequestsMsg::Gone { number, attempt };
        if self.worker.cast(gone).is_err() {
            log::trace!("request {number} has ended with its worker");
        }
    }
}
