//! The stream of one POST: it lives until all its requests are answered, with its connection or
//! without ("disconnection SHOULD NOT be interpreted as the client cancelling its request",
//! 2025-11-25, basic/transports).

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::event_log::Cursor;
use super::load::SessionLoad;
use super::queue::{Event, FirstReply, Queue, Queued, push};

/// A POST that has not got all its answers.
#[derive(Debug)]
pub(super) struct PostStream {
    pub(super) cursor: Cursor,
    /// How many answers are to come.
    awaited: usize,
    connection: PostConnection,
}

/// Where what is said on a stream goes.
#[derive(Debug)]
enum PostConnection {
    /// Nothing was said: one answer could be all.
    Unopened(oneshot::Sender<FirstReply>),
    /// To an event stream.
    Open(Queue),
    /// To nobody for now: the connection is broken, and can be resumed.
    Detached,
    /// To nobody: the connection broke before it had anything to be resumed from.
    Lost,
}

impl PostStream {
    pub(in super::super) fn new(
        cursor: Cursor,
        awaited: usize,
        answer: oneshot::Sender<FirstReply>,
    ) -> Self {
        Self {
            cursor,
            awaited,
            connection: PostConnection::Unopened(answer),
        }
    }

    /// One more request has its answer, or will get none. Gives whether all have.
    pub(super) fn count_down(&mut self) -> bool {
        self.awaited = self.awaited.saturating_sub(1);
        self.awaited == 0
    }

    pub(super) fn is_unopened(&self) -> bool {
        matches!(self.connection, PostConnection::Unopened(_))
    }

    pub(in super::super) fn is_lost(&self) -> bool {
        match &self.connection {
            PostConnection::Unopened(answer) => answer.is_closed(),
            PostConnection::Open(_) | PostConnection::Detached => false,
            PostConnection::Lost => true,
        }
    }

    /// Becomes an event stream, which begins with `priming`.
    pub(super) fn open(&mut self, load: &SessionLoad, priming: Option<Event>) {
        let PostConnection::Unopened(answer) =
            std::mem::replace(&mut self.connection, PostConnection::Lost)
        else {
            return;
        };
        let (queue, rest) = mpsc::unbounded_channel();
        if begin(load, answer, priming, Some(rest)) {
            self.connection = PostConnection::Open(queue);
        }
    }

    /// Answers a POST that heard nothing before: one message and no more.
    pub(super) fn finish(self, load: &SessionLoad, event: Event) {
        if let PostConnection::Unopened(answer) = self.connection {
            begin(load, answer, Some(event), None);
        }
    }

    /// Ends a POST of whose requests the last was cancelled.
    pub(in super::super) fn forgo(self, load: &SessionLoad) {
        match self.connection {
            PostConnection::Unopened(answer) => {
                begin(load, answer, None, None);
            }
            PostConnection::Open(queue) => {
                push(load, &queue, Event::END);
            }
            PostConnection::Detached | PostConnection::Lost => {}
        }
    }

    /// Sends on the event stream, if there is one.
    pub(in super::super) fn send(&mut self, load: &SessionLoad, event: Event) {
        if let PostConnection::Open(queue) = &self.connection
            && !push(load, queue, event)
        {
            self.connection = PostConnection::Detached;
        }
    }

    /// Goes on on another event stream; what is owed is not owed on the last one any more.
    pub(super) fn attach(&mut self, load: &SessionLoad, queue: Queue) {
        if let PostConnection::Open(last) =
            std::mem::replace(&mut self.connection, PostConnection::Open(queue))
        {
            push(load, &last, Event::END);
        }
    }
}

/// Gives whether there was somebody to take it.
fn begin(
    load: &SessionLoad,
    answer: oneshot::Sender<FirstReply>,
    first: Option<Event>,
    rest: Option<Queued>,
) -> bool {
    let size = first.as_ref().map_or(0, |event| event.message.len());
    load.queue(size);
    let sent = answer.send(FirstReply { first, rest });
    if sent.is_err() {
        load.withdraw(size);
    }
    sent.is_ok()
}
