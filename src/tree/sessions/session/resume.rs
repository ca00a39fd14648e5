//! GET of Streamable HTTP: the standalone stream, and the streams that a client resumes after the
//! last event it saw (2025-11-25, basic/transports, "Listening for Messages from the Server" and
//! "Resumability and Redelivery").

use tokio::sync::mpsc;

use super::event_id::EventId;
use super::outbound::{Event, Outbound, Queue, Queued, push};
use super::streams::{Lane, Streams};
use crate::protocol::jsonrpc::{self, RequestId, code};
use crate::tree::call::CallError;

impl Streams {
    /// Opens the stream that is asked for.
    ///
    /// Errors: `UnknownSession` where there is none to be opened, `StreamTaken`, `UnknownEvent`.
    pub(super) fn listen(&mut self, last_event: Option<&str>) -> Result<Outbound, CallError> {
        let Some(numbers) = &self.numbers else {
            return Err(CallError::UnknownSession);
        };
        let Some(last_event) = last_event else {
            return self.standalone();
        };
        let last = EventId::parse(last_event).ok_or(CallError::UnknownEvent)?;
        if !last.life.is_of_same(numbers.life) {
            return Err(CallError::UnknownEvent);
        }
        let is_ours = last.life == numbers.life;
        match last.lane {
            Lane::GENERAL if is_ours => Ok(self.attach_general(last.seq)),
            // Of an earlier life nothing is kept; what was said in this one is to come.
            Lane::GENERAL => Ok(self.attach_general(self.general.sent_to())),
            _ if is_ours => self.resume(&last),
            _ => self.lost(last.request, RESTARTED),
        }
    }

    fn standalone(&mut self) -> Result<Outbound, CallError> {
        if self.general.is_open() {
            return Err(CallError::StreamTaken);
        }
        let sent_to = self.general.sent_to();
        let (queue, feed) = mpsc::unbounded_channel();
        let numbers = self.numbers.as_ref();
        if let Some(event) = numbers.and_then(|n| n.priming(&self.general.place, sent_to)) {
            push(&self.session, &queue, event);
        }
        Ok(self.go_on_general(queue, feed, sent_to))
    }

    /// Takes the place of a connection whose end was not seen here yet.
    fn attach_general(&mut self, seq: u64) -> Outbound {
        let (queue, feed) = mpsc::unbounded_channel();
        self.go_on_general(queue, feed, seq)
    }

    fn go_on_general(&mut self, queue: Queue, feed: Queued, seq: u64) -> Outbound {
        self.repeat(&queue, Lane::GENERAL, seq);
        let stream = self.session.gauge().number_stream();
        let said = self.general.place.seq;
        self.general.attach(stream, queue, said);
        Outbound::queue(self.session.clone(), stream, feed)
    }

    /// Goes on with the stream of a POST of this life.
    fn resume(&mut self, last: &EventId) -> Result<Outbound, CallError> {
        let (queue, feed) = mpsc::unbounded_channel();
        let stream = self.session.gauge().number_stream();
        let replay = self.numbers.as_ref().map(|numbers| &numbers.replay);
        let is_done = replay.is_some_and(|replay| replay.has_end(last.lane, last.seq));
        let at = self.position(last.lane);
        if at.is_none() && !is_done {
            return self.lost(last.request.clone(), FORGOTTEN);
        }
        self.repeat(&queue, last.lane, last.seq);
        if let Some(open) = at.and_then(|at| self.lanes.get_mut(at)) {
            open.attach(&self.session, queue);
        }
        Ok(Outbound::queue(self.session.clone(), stream, feed))
    }

    /// Sends again what is kept of a lane after its event `seq`.
    fn repeat(&self, queue: &Queue, lane: Lane, seq: u64) {
        let Some(numbers) = &self.numbers else {
            return;
        };
        for event in numbers.replay.after(lane, seq) {
            push(&self.session, queue, event.clone());
        }
    }

    /// A stream that says that the answer to `request` will not come, so that nobody waits for it.
    fn lost(&self, request: Option<RequestId>, why: &str) -> Result<Outbound, CallError> {
        let request = request.ok_or(CallError::UnknownEvent)?;
        let error = jsonrpc::error_object(code::SERVER_UNAVAILABLE, why);
        let event = Event {
            id: None,
            message: jsonrpc::error(Some(&request), &error),
            is_last: true,
        };
        let (queue, feed) = mpsc::unbounded_channel();
        push(&self.session, &queue, event);
        let stream = self.session.gauge().number_stream();
        Ok(Outbound::queue(self.session.clone(), stream, feed))
    }
}

const RESTARTED: &str =
    "the gateway was restarted while the call ran; it may or may not have taken effect";
const FORGOTTEN: &str =
    "the answer is not kept any more: it was too large, or the client came back too late";
