//! The lane of one POST: it lives until all its requests are answered, with its connection or
//! without ("disconnection SHOULD NOT be interpreted as the client cancelling its request",
//! 2025-11-25, basic/transports).

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::SessionHandle;
use super::numbers::Place;
use super::outbound::{Event, Opening, Queue, Queued, push};

/// A POST that has not got all its answers.
#[derive(Debug)]
pub(super) struct OpenLane {
    pub(super) place: Place,
    /// How many answers are to come.
    awaited: usize,
    way: Way,
}

/// Where what is said on a lane goes.
#[derive(Debug)]
enum Way {
    /// Nothing was said: one answer could be all.
    Unopened(oneshot::Sender<Opening>),
    /// To an event stream.
    Open(Queue),
    /// To nobody for now: the connection is broken, and can be resumed.
    Detached,
    /// To nobody: the connection broke before it had anything to be resumed from.
    Lost,
}

impl OpenLane {
    pub(super) fn new(place: Place, awaited: usize, answer: oneshot::Sender<Opening>) -> Self {
        Self {
            place,
            awaited,
            way: Way::Unopened(answer),
        }
    }

    /// One more request has its answer, or will get none. Gives whether all have.
    pub(super) fn count_down(&mut self) -> bool {
        self.awaited = self.awaited.saturating_sub(1);
        self.awaited == 0
    }

    pub(super) fn is_unopened(&self) -> bool {
        matches!(self.way, Way::Unopened(_))
    }

    pub(super) fn is_lost(&self) -> bool {
        match &self.way {
            Way::Unopened(answer) => answer.is_closed(),
            Way::Open(_) | Way::Detached => false,
            Way::Lost => true,
        }
    }

    /// Becomes an event stream, which begins with `priming`.
    pub(super) fn open(&mut self, session: &SessionHandle, priming: Option<Event>) {
        let Way::Unopened(answer) = std::mem::replace(&mut self.way, Way::Lost) else {
            return;
        };
        let (queue, rest) = mpsc::unbounded_channel();
        if begin(session, answer, priming, Some(rest)) {
            self.way = Way::Open(queue);
        }
    }

    /// Answers a POST that heard nothing before: one message and no more.
    pub(super) fn finish(self, session: &SessionHandle, event: Event) {
        if let Way::Unopened(answer) = self.way {
            begin(session, answer, Some(event), None);
        }
    }

    /// Ends a POST of whose requests the last was cancelled.
    pub(super) fn forgo(self, session: &SessionHandle) {
        match self.way {
            Way::Unopened(answer) => {
                begin(session, answer, None, None);
            }
            Way::Open(queue) => {
                push(session, &queue, Event::END);
            }
            Way::Detached | Way::Lost => {}
        }
    }

    /// Sends on the event stream, if there is one.
    pub(super) fn send(&mut self, session: &SessionHandle, event: Event) {
        if let Way::Open(queue) = &self.way
            && !push(session, queue, event)
        {
            self.way = Way::Detached;
        }
    }

    /// Goes on on another event stream; what is owed is not owed on the last one any more.
    pub(super) fn attach(&mut self, session: &SessionHandle, queue: Queue) {
        if let Way::Open(last) = std::mem::replace(&mut self.way, Way::Open(queue)) {
            push(session, &last, Event::END);
        }
    }
}

/// Gives whether there was somebody to take it.
fn begin(
    session: &SessionHandle,
    answer: oneshot::Sender<Opening>,
    first: Option<Event>,
    rest: Option<Queued>,
) -> bool {
    let size = first.as_ref().map_or(0, |event| event.message.len());
    session.gauge().queue(size);
    let sent = answer.send(Opening { first, rest });
    if sent.is_err() {
        session.gauge().withdraw(size);
    }
    sent.is_ok()
}
