//! How the events of a session over Streamable HTTP are numbered and kept, so that a client whose
//! connection broke can go on where it was.

use bytes::Bytes;
use tokio::time::Instant;

use super::event_id::{EventId, SessionLife};
use super::queue::Event;
use super::replay::Replay;
use super::stream_id::StreamId;
use crate::ids::SessionId;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::version::Version;

/// Where a stream is.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    pub(super) stream: StreamId,
    /// The number of its last event.
    pub(super) seq: u64,
    /// The request that it answers, if it is just one.
    pub(super) request: Option<RequestId>,
    /// Whether that is a call of a tool.
    pub(super) is_call: bool,
}

/// The numbers of one life of a session, and the events that have them.
#[derive(Debug)]
pub(super) struct EventLog {
    pub(super) life: SessionLife,
    pub(super) replay: Replay,
    has_priming: bool,
}

impl EventLog {
    pub(in super::super) fn new(session: &SessionId, version: Version) -> Self {
        Self {
            life: SessionLife::of(session),
            replay: Replay::default(),
            has_priming: version.has_priming(),
        }
    }

    /// The next event of a stream. It is kept.
    pub(super) fn next(&mut self, cursor: &mut Cursor, message: Bytes, is_last: bool) -> Event {
        cursor.seq += 1;
        let event = Event {
            id: Some(self.id(cursor, cursor.seq)),
            message,
            is_last,
        };
        let now = Instant::now();
        self.replay.keep(cursor.stream, cursor.seq, &event, now);
        event
    }

    /// The event that a stream begins with, so that it can be resumed after `seq` before there was
    /// any other. `None` for a client that would take it for a message.
    pub(super) fn priming(&self, cursor: &Cursor, seq: u64) -> Option<Event> {
        self.has_priming.then(|| Event {
            id: Some(self.id(cursor, seq)),
            message: Bytes::new(),
            is_last: false,
        })
    }

    fn id(&self, cursor: &Cursor, seq: u64) -> Box<str> {
        let id = EventId {
            life: self.life,
            stream: cursor.stream,
            seq,
            request: cursor.request.as_ref(),
            is_call: cursor.is_call,
        };
        id.to_string().into()
    }
}
