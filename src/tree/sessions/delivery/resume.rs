//! GET of Streamable HTTP: the standalone stream, and the streams that a client resumes after the
//! last event it saw (2025-11-25, basic/transports, "Listening for Messages from the Server" and
//! "Resumability and Redelivery").

use std::sync::Arc;

use tokio::sync::mpsc;

use super::event_id::EventId;
use super::queue::{Event, Queue, Reader, push};
use super::standalone::{Backlog, Open};
use super::stream_id::StreamId;
use super::streams::Streams;
use crate::protocol::jsonrpc::{self, code};
use crate::protocol::mcp::tools;
use crate::tree::call::{CallError, uncertain};

/// A connection that a stream goes on on: its number, and the client's end.
#[derive(Debug)]
pub(in super::super) struct Connection {
    pub(in super::super) number: u64,
    pub(in super::super) reader: Arc<Reader>,
}

impl Streams {
    /// Opens the stream that is asked for. `asked` are the events of the standalone stream that ask what
    /// has not been answered.
    ///
    /// Errors: `UnknownSession` where there is none to be opened, `UnknownEvent`.
    pub(in super::super) fn listen(
        &mut self,
        last_event: Option<&str>,
        asked: &[u64],
    ) -> Result<Connection, CallError> {
        let Some(events) = &self.events else {
            return Err(CallError::UnknownSession);
        };
        let Some(last_event) = last_event else {
            return Ok(self.standalone(asked));
        };
        let last = EventId::parse(last_event).ok_or(CallError::UnknownEvent)?;
        if !last.life.is_of_same(events.life) {
            return Err(CallError::UnknownEvent);
        }
        let is_ours = last.life == events.life;
        match last.stream {
            StreamId::STANDALONE if is_ours => Ok(self.go_on(None, Some(last.seq), &[])),
            // Of an earlier life nothing is kept; what was said in this one is to come.
            StreamId::STANDALONE => Ok(self.go_on(None, None, asked)),
            _ if is_ours => self.resume(&last),
            _ => self.lost(&last, RESTARTED),
        }
    }

    fn standalone(&mut self, asked: &[u64]) -> Connection {
        let sent_to = self.standalone.sent_to();
        let events = self.events.as_ref();
        let priming = events.and_then(|events| events.priming(&self.standalone.cursor, sent_to));
        self.go_on(priming, None, asked)
    }

    /// Goes on with the standalone stream on a new stream, which begins with `priming`. The others stay
    /// open, and silent.
    fn go_on(&mut self, priming: Option<Event>, seen: Option<u64>, asked: &[u64]) -> Connection {
        let (queue, queued) = mpsc::unbounded_channel();
        if let Some(event) = priming {
            push(&self.load, &queue, event);
        }
        let connection = self.load.number_stream();
        let reader = Reader::new(queued, &self.load);
        let open = Open {
            connection,
            queue,
            reader: Some(Arc::clone(&reader)),
        };
        self.attach(open, seen, asked);
        Connection {
            number: connection,
            reader,
        }
    }

    fn attach(&mut self, open: Open, seen: Option<u64>, asked: &[u64]) {
        let Some(events) = &self.events else {
            return;
        };
        // Who does not read what it gets is sent nothing again.
        let asked = if self.is_full() { &[] } else { asked };
        let replay = &events.replay;
        let owed = Backlog {
            replay,
            seen,
            asked,
        };
        if let Some(ended) = self.standalone.attach(&self.load, open, &owed) {
            self.cut_one(ended);
        }
    }

    /// The newest stream of the standalone stream was dropped: it goes on on the one before it.
    pub(in super::super) fn fall_back(&mut self, asked: &[u64]) {
        if let Some(open) = self.standalone.take_older() {
            self.attach(open, None, asked);
        }
    }

    /// Goes on with the stream of a POST of this life.
    fn resume(&mut self, last: &EventId) -> Result<Connection, CallError> {
        let (queue, queued) = mpsc::unbounded_channel();
        let number = self.load.number_stream();
        let replay = self.events.as_ref().map(|events| &events.replay);
        let is_done = replay.is_some_and(|replay| replay.has_end(last.stream, last.seq));
        let at = self.position(last.stream);
        if at.is_none() && !is_done {
            return self.lost(last, FORGOTTEN);
        }
        self.repeat(&queue, last.stream, last.seq);
        if let Some(open) = at.and_then(|at| self.posts.get_mut(at)) {
            open.attach(&self.load, queue);
        }
        let reader = Reader::new(queued, &self.load);
        Ok(Connection { number, reader })
    }

    /// Sends again what is kept of a stream after its event `seq`.
    fn repeat(&self, queue: &Queue, stream: StreamId, seq: u64) {
        let Some(events) = &self.events else {
            return;
        };
        for event in events.replay.after(stream, seq) {
            push(&self.load, queue, event.clone());
        }
    }

    /// A stream that says that the answer to what was asked will not come, so that nobody waits for it. Of a
    /// call a model reads it: not every program shows it an error, and some have it try again.
    fn lost(&self, last: &EventId, why: &str) -> Result<Connection, CallError> {
        let request = last.request.as_ref().ok_or(CallError::UnknownEvent)?;
        let message = if last.is_call {
            jsonrpc::result(request, &tools::failed_call(why))
        } else {
            let error = jsonrpc::error_object(code::SERVER_UNAVAILABLE, why);
            jsonrpc::error(Some(request), &error)
        };
        let event = Event {
            id: None,
            message,
            is_last: true,
        };
        let (queue, queued) = mpsc::unbounded_channel();
        push(&self.load, &queue, event);
        let number = self.load.number_stream();
        let reader = Reader::new(queued, &self.load);
        Ok(Connection { number, reader })
    }
}

const RESTARTED: &str =
    uncertain!("the gateway was restarted while the call ran, or another one has it; it");
const FORGOTTEN: &str =
    "the answer is not kept any more: it was too large, or the client came back too late";
