//! The ways to one client. Over HTTP+SSE there is one stream for everything. Over Streamable HTTP
//! every POST with a request has a stream of its own, and the client may open one more for what
//! belongs to none of them (2025-11-25, basic/transports, "Streamable HTTP").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::event_log::{Cursor, EventLog};
use super::load::SessionLoad;
use super::post::PostStream;
use super::queue::{Event, FirstReply, Queue};
use super::standalone::{Open, StandaloneStream};
use super::stream_id::StreamId;
use crate::ids::SessionId;
use crate::protocol::jsonrpc::{Message, Request};
use crate::protocol::mcp::method;
use crate::protocol::version::Version;

/// The number of the connection of an SSE session; the others' begin with 1.
pub(in crate::tree::sessions) const SSE: u64 = 0;

/// All of them.
#[derive(Debug)]
pub(in super::super) struct Streams {
    pub(super) load: Arc<SessionLoad>,
    pub(super) standalone: StandaloneStream,
    /// The POSTs that have not got all their answers.
    pub(super) posts: Vec<PostStream>,
    /// How events are numbered and kept; not over HTTP+SSE, where nothing is resumed.
    pub(super) events: Option<Box<EventLog>>,
    /// How the connections of open streams are cut.
    cuts: Vec<(u64, Arc<Notify>)>,
    /// Whether the session is known to be busy.
    is_busy: bool,
}

impl Streams {
    /// Those of an SSE session, which has one from the start.
    pub(in super::super) fn sse(load: Arc<SessionLoad>, queue: Queue) -> Self {
        let mut streams = Self::new(load, None);
        streams.standalone.begin(Open {
            connection: SSE,
            queue,
            reader: None,
        });
        streams
    }

    /// Those of a session over Streamable HTTP.
    pub(in super::super) fn streamable(
        load: Arc<SessionLoad>,
        id: &SessionId,
        version: Version,
    ) -> Self {
        let events = EventLog::new(id, version);
        Self::new(load, Some(Box::new(events)))
    }

    fn new(load: Arc<SessionLoad>, events: Option<Box<EventLog>>) -> Self {
        Self {
            load,
            standalone: StandaloneStream::default(),
            posts: Vec::new(),
            events,
            cuts: Vec::new(),
            is_busy: false,
        }
    }

    /// Opens the stream of a POST. It is done when all its requests are answered.
    pub(in super::super) fn open_post(
        &mut self,
        number: u64,
        messages: &[Message],
        answer: oneshot::Sender<FirstReply>,
    ) -> StreamId {
        let stream = StreamId(number);
        let mut requests = messages.iter().filter_map(request);
        if let Some(first) = requests.next() {
            let others = requests.count();
            let cursor = Cursor {
                stream,
                seq: 0,
                request: (others == 0).then(|| first.id.clone()),
                is_call: &*first.method == method::TOOLS_CALL,
            };
            self.posts.push(PostStream::new(cursor, others + 1, answer));
        }
        stream
    }

    /// Sends a notification or a request of the gateway's on `stream`.
    pub(in super::super) fn send(&mut self, stream: StreamId, message: Bytes) {
        if stream == StreamId::STANDALONE {
            return self.send_standalone(message);
        }
        match self.position(stream) {
            Some(at) => self.send_at(at, message, false),
            None => log::trace!("a message for {stream:?}, which is done"),
        }
    }

    /// Sends the answer to a request that came on `stream`. After the last one the stream is done.
    pub(in super::super) fn respond(&mut self, stream: StreamId, message: Bytes) {
        let Some(at) = self.position(stream) else {
            return self.send(stream, message);
        };
        if !self.count_down(at) {
            return self.send_at(at, message, false);
        }
        let is_all = self.posts.get(at).is_some_and(PostStream::is_unopened);
        if !is_all {
            self.send_at(at, message, true);
            self.posts.swap_remove(at);
            return;
        }
        let event = Event {
            id: None,
            message,
            is_last: true,
        };
        self.posts.swap_remove(at).finish(&self.load, event);
    }

    /// A request that came on `stream` gets no answer: its client cancelled it.
    pub(in super::super) fn forgo(&mut self, stream: StreamId) {
        if let Some(at) = self.position(stream)
            && self.count_down(at)
        {
            self.posts.swap_remove(at).forgo(&self.load);
        }
    }

    /// Whether nobody will hear what is said on `stream`: its connection broke before the client had
    /// anything to resume it from.
    pub(in super::super) fn is_lost(&self, stream: StreamId) -> bool {
        let open = self.position(stream).and_then(|at| self.posts.get(at));
        open.is_some_and(PostStream::is_lost)
    }

    /// The client of a POST has to be told something before there is an answer.
    pub(in super::super) fn begin(&mut self, stream: StreamId) {
        if let Some(at) = self.position(stream) {
            self.open(at);
        }
    }

    /// A stream was dropped. Whether it was the one that gets what belongs to no request.
    pub(in super::super) fn gone(&mut self, connection: u64) -> bool {
        self.cuts.retain(|(number, _)| *number != connection);
        self.standalone.gone(&self.load, connection)
    }

    /// The number of the last event of the standalone stream.
    pub(in super::super) fn last_standalone(&self) -> u64 {
        self.standalone.cursor.seq
    }

    /// Whether the session lives on one stream, and no longer.
    pub(in super::super) fn is_sse(&self) -> bool {
        self.events.is_none()
    }

    /// Ends the stream for what belongs to no request. Those of POSTs end with their answers.
    pub(in super::super) fn end(&mut self) {
        self.standalone.end();
    }

    /// How the connection of a stream is cut.
    pub(in super::super) fn cut_with(&mut self, connection: u64, cut: Arc<Notify>) {
        self.cuts.push((connection, cut));
    }

    /// Whether somebody hears what belongs to no request.
    pub(in super::super) fn is_heard(&self) -> bool {
        self.standalone.is_open()
    }

    /// Whether a stream is open, or a request without an answer.
    pub(in super::super) fn is_busy(&self) -> bool {
        self.standalone.is_open() || !self.posts.is_empty()
    }

    /// Lets others see whether the session has something to do, and when it last had.
    pub(in super::super) fn note_activity(&mut self, is_busy: bool, is_heard: bool) {
        if is_busy && !self.is_busy {
            self.load.set_busy();
        } else if !is_busy && (self.is_busy || is_heard) {
            self.load.set_idle();
        }
        self.is_busy = is_busy;
    }

    /// Whether more is queued than may be.
    pub(in super::super) fn is_full(&self) -> bool {
        self.load.is_full()
    }

    /// Whether it may be soon, and without a word of this session's.
    pub(super) fn may_be_full(&self) -> bool {
        self.load.may_be_full()
    }

    /// How long the client has taken nothing.
    pub(super) fn stalled_for(&self) -> Duration {
        self.load.stalled_for()
    }

    /// Ends the streams without their reader's help: one that is stuck in a write sees no end.
    pub(in super::super) fn cut(&self) {
        for (_, cut) in &self.cuts {
            cut.notify_one();
        }
    }

    /// Ends one in the same way.
    pub(super) fn cut_one(&self, connection: u64) {
        for (_, cut) in self.cuts.iter().filter(|(number, _)| *number == connection) {
            cut.notify_one();
        }
    }

    /// When the oldest of the events that are kept is too old.
    pub(in super::super) fn expires_at(&self) -> Option<Instant> {
        self.events.as_ref()?.replay.expires_at()
    }

    /// Lets go the events that are too old.
    pub(in super::super) fn expire(&mut self, now: Instant) {
        if let Some(events) = &mut self.events {
            events.replay.expire(now);
        }
    }

    pub(super) fn position(&self, stream: StreamId) -> Option<usize> {
        self.posts
            .iter()
            .position(|open| open.cursor.stream == stream)
    }

    /// One more answer is given; whether it was the last.
    fn count_down(&mut self, at: usize) -> bool {
        self.posts.get_mut(at).is_some_and(PostStream::count_down)
    }

    fn send_standalone(&mut self, message: Bytes) {
        let event = match &mut self.events {
            Some(events) => events.next(&mut self.standalone.cursor, message, false),
            None => Event {
                id: None,
                message,
                is_last: false,
            },
        };
        self.standalone.send(&self.load, event);
    }

    /// Sends on the stream of a POST what it can be resumed after.
    fn send_at(&mut self, at: usize, message: Bytes, is_last: bool) {
        self.open(at);
        if let (Some(open), Some(events)) = (self.posts.get_mut(at), &mut self.events)
            && !open.is_lost()
        {
            let event = events.next(&mut open.cursor, message, is_last);
            open.send(&self.load, event);
        }
    }

    fn open(&mut self, at: usize) {
        if let (Some(open), Some(events)) = (self.posts.get_mut(at), &self.events)
            && open.is_unopened()
        {
            let priming = events.priming(&open.cursor, 0);
            open.open(&self.load, priming);
        }
    }
}

fn request(message: &Message) -> Option<&Request> {
    match message {
        Message::Request(request) => Some(request),
        Message::Notification(_) | Message::Response(_) => None,
    }
}
