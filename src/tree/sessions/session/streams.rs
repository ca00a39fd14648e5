//! The ways to one client. Over HTTP+SSE there is one stream for everything. Over Streamable HTTP
//! every POST with a request has a stream of its own, and the client may open one more for what
//! belongs to none of them (2025-11-25, basic/transports, "Streamable HTTP").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::SessionHandle;
use super::general::{General, Open};
use super::lane::OpenLane;
use super::numbers::{Numbers, Place};
use super::outbound::{Event, Feed, Opening, Queue};
use crate::ids::SessionId;
use crate::protocol::jsonrpc::{Message, Request};
use crate::protocol::mcp::method;

/// One way to the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Lane(pub(super) u64);

impl Lane {
    /// What belongs to no request: the SSE stream, or the stream of GET.
    pub(super) const GENERAL: Self = Self(0);
}

/// The number of the stream of an SSE session; the others' begin with 1.
pub(in crate::tree::sessions) const SSE: u64 = 0;

/// All of them.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) session: SessionHandle,
    pub(super) general: General,
    /// The POSTs that have not got all their answers.
    pub(super) lanes: Vec<OpenLane>,
    /// How events are numbered and kept; not over HTTP+SSE, where nothing is resumed.
    pub(super) numbers: Option<Box<Numbers>>,
    /// How the connections of open streams are cut.
    cuts: Vec<(u64, Arc<Notify>)>,
    /// Whether the session is known to be busy.
    is_busy: bool,
}

impl Streams {
    /// Those of an SSE session, which has one from the start.
    pub(super) fn sse(session: SessionHandle, queue: Queue) -> Self {
        let mut streams = Self::new(session, None);
        streams.general.begin(Open {
            stream: SSE,
            queue,
            feed: Feed::default(),
        });
        streams
    }

    /// Those of a session over Streamable HTTP.
    pub(super) fn streamable(session: SessionHandle, id: &SessionId) -> Self {
        let numbers = Numbers::new(id, session.version());
        Self::new(session, Some(Box::new(numbers)))
    }

    fn new(session: SessionHandle, numbers: Option<Box<Numbers>>) -> Self {
        Self {
            session,
            general: General::default(),
            lanes: Vec::new(),
            numbers,
            cuts: Vec::new(),
            is_busy: false,
        }
    }

    /// Opens the lane of a POST. It is done when all its requests are answered.
    pub(super) fn open_post(
        &mut self,
        number: u64,
        messages: &[Message],
        answer: oneshot::Sender<Opening>,
    ) -> Lane {
        let lane = Lane(number);
        let mut requests = messages.iter().filter_map(request);
        if let Some(first) = requests.next() {
            let others = requests.count();
            let place = Place {
                lane,
                seq: 0,
                request: (others == 0).then(|| first.id.clone()),
                is_call: &*first.method == method::TOOLS_CALL,
            };
            self.lanes.push(OpenLane::new(place, others + 1, answer));
        }
        lane
    }

    /// Sends a notification or a request of the gateway's on `lane`.
    pub(super) fn say(&mut self, lane: Lane, message: Bytes) {
        if lane == Lane::GENERAL {
            return self.say_generally(message);
        }
        match self.position(lane) {
            Some(at) => self.send(at, message, false),
            None => log::trace!("{:?}: a message for a lane that is done", self.session),
        }
    }

    /// Sends the answer to a request that came on `lane`. After the last one the lane is done.
    pub(super) fn answer(&mut self, lane: Lane, message: Bytes) {
        let Some(at) = self.position(lane) else {
            return self.say(lane, message);
        };
        if !self.count_down(at) {
            return self.send(at, message, false);
        }
        let is_all = self.lanes.get(at).is_some_and(OpenLane::is_unopened);
        if !is_all {
            self.send(at, message, true);
            self.lanes.swap_remove(at);
            return;
        }
        let event = Event {
            id: None,
            message,
            is_last: true,
        };
        self.lanes.swap_remove(at).finish(&self.session, event);
    }

    /// A request that came on `lane` gets no answer: its client cancelled it.
    pub(super) fn forgo(&mut self, lane: Lane) {
        if let Some(at) = self.position(lane)
            && self.count_down(at)
        {
            self.lanes.swap_remove(at).forgo(&self.session);
        }
    }

    /// Whether nobody will hear what is said on `lane`: its connection broke before the client had
    /// anything to resume it from.
    pub(super) fn is_lost(&self, lane: Lane) -> bool {
        let open = self.position(lane).and_then(|at| self.lanes.get(at));
        open.is_some_and(OpenLane::is_lost)
    }

    /// The client of a POST has to be told something before there is an answer.
    pub(super) fn begin(&mut self, lane: Lane) {
        if let Some(at) = self.position(lane) {
            self.open(at);
        }
    }

    /// A stream was dropped. Whether it was the one that gets what belongs to no request.
    pub(super) fn gone(&mut self, stream: u64) -> bool {
        self.cuts.retain(|(number, _)| *number != stream);
        self.general.gone(&self.session, stream)
    }

    /// Whether the session lives on one stream, and no longer.
    pub(super) fn is_sse(&self) -> bool {
        self.numbers.is_none()
    }

    /// Ends the stream for what belongs to no request. Those of POSTs end with their answers.
    pub(super) fn end(&mut self) {
        self.general.end();
    }

    /// How the connection of a stream is cut.
    pub(super) fn cut_with(&mut self, stream: u64, cut: Arc<Notify>) {
        self.cuts.push((stream, cut));
    }

    /// Whether somebody hears what belongs to no request.
    pub(super) fn is_heard(&self) -> bool {
        self.general.is_open()
    }

    /// Whether a stream is open, or a request without an answer.
    pub(super) fn is_busy(&self) -> bool {
        self.general.is_open() || !self.lanes.is_empty()
    }

    /// Lets others see whether the session has something to do, and when it last had.
    pub(super) fn note_activity(&mut self, is_busy: bool, is_heard: bool) {
        if is_busy && !self.is_busy {
            self.session.gauge().set_busy();
        } else if !is_busy && (self.is_busy || is_heard) {
            self.session.gauge().set_idle();
        }
        self.is_busy = is_busy;
    }

    /// Whether more is queued than may be.
    pub(super) fn is_full(&self) -> bool {
        self.session.gauge().is_full()
    }

    /// Whether it may be soon, and without a word of this session's.
    pub(super) fn may_be_full(&self) -> bool {
        self.session.gauge().may_be_full()
    }

    /// How long the client has taken nothing.
    pub(super) fn stalled_for(&self) -> Duration {
        self.session.gauge().stalled_for()
    }

    /// Ends the streams without their reader's help: one that is stuck in a write sees no end.
    pub(super) fn cut(&self) {
        for (_, cut) in &self.cuts {
            cut.notify_one();
        }
    }

    /// Ends one in the same way.
    pub(super) fn cut_one(&self, stream: u64) {
        for (_, cut) in self.cuts.iter().filter(|(number, _)| *number == stream) {
            cut.notify_one();
        }
    }

    /// When the oldest of the events that are kept is too old.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.numbers.as_ref()?.replay.expires_at()
    }

    /// Lets go the events that are too old.
    pub(super) fn expire(&mut self, now: Instant) {
        if let Some(numbers) = &mut self.numbers {
            numbers.replay.expire(now);
        }
    }

    pub(super) fn position(&self, lane: Lane) -> Option<usize> {
        self.lanes.iter().position(|open| open.place.lane == lane)
    }

    /// One more answer is given; whether it was the last.
    fn count_down(&mut self, at: usize) -> bool {
        self.lanes.get_mut(at).is_some_and(OpenLane::count_down)
    }

    fn say_generally(&mut self, message: Bytes) {
        let event = match &mut self.numbers {
            Some(numbers) => numbers.next(&mut self.general.place, message, false),
            None => Event {
                id: None,
                message,
                is_last: false,
            },
        };
        self.general.send(&self.session, event);
    }

    /// Sends on the lane of a POST what it can be resumed after.
    fn send(&mut self, at: usize, message: Bytes, is_last: bool) {
        self.open(at);
        if let (Some(open), Some(numbers)) = (self.lanes.get_mut(at), &mut self.numbers)
            && !open.is_lost()
        {
            let event = numbers.next(&mut open.place, message, is_last);
            open.send(&self.session, event);
        }
    }

    fn open(&mut self, at: usize) {
        if let (Some(open), Some(numbers)) = (self.lanes.get_mut(at), &self.numbers)
            && open.is_unopened()
        {
            let priming = numbers.priming(&open.place, 0);
            open.open(&self.session, priming);
        }
    }
}

fn request(message: &Message) -> Option<&Request> {
    match message {
        Message::Request(request) => Some(request),
        Message::Notification(_) | Message::Response(_) => None,
    }
}
