//! The client's end of a stream: what a handler of HTTP reads from. What waits in it is counted in
//! the session's load until it is read, or until this end is dropped.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures_util::{FutureExt as _, Stream};
use tokio::sync::{Notify, oneshot};

use super::super::delivery::queue::{Event, FirstReply, Queued, Reader, unread};
use super::super::delivery::streams::SSE;
use super::SessionHandle;
use super::message::SessionMsg;
use crate::ids::SessionId;

/// An SSE session that was just opened.
#[derive(Debug)]
pub struct OpenedSse {
    /// Its id, for the `endpoint` event.
    pub id: SessionId,
    /// What it says.
    pub stream: Outbound,
}

/// What a stream is read from.
#[derive(Debug)]
enum Source {
    FirstReply(oneshot::Receiver<FirstReply>),
    Queue(Arc<Reader>),
    /// Everything was read.
    Over,
}

/// The client's end of one stream. It ends after its last event, and when the session ends. Dropping
/// that of an SSE session ends the session; dropping any other only detaches it.
#[derive(Debug)]
pub struct Outbound {
    source: Source,
    session: SessionHandle,
    number: u64,
    /// Whether the session wants to know when it is dropped.
    is_missed: bool,
    /// Whether it ended because nothing is to be answered any more.
    is_forgone: bool,
    /// Cuts the connection.
    cut: OnceLock<Arc<Notify>>,
}

impl Outbound {
    /// The stream of a POST: the stream with the same number.
    pub(super) fn post(
        session: SessionHandle,
        number: u64,
        first_reply: oneshot::Receiver<FirstReply>,
    ) -> Self {
        Self::new(session, number, Source::FirstReply(first_reply), false)
    }

    /// The one stream of an SSE session.
    pub(in crate::tree::sessions) fn sse(session: SessionHandle, queued: Queued) -> Self {
        let reader = Reader::new(queued, session.load());
        Self::queue(session, SSE, reader)
    }

    /// An event stream from the start.
    pub(super) fn queue(session: SessionHandle, number: u64, reader: Arc<Reader>) -> Self {
        Self::new(session, number, Source::Queue(reader), true)
    }

    fn new(session: SessionHandle, number: u64, source: Source, is_missed: bool) -> Self {
        Self {
            source,
            session,
            number,
            is_missed,
            is_forgone: false,
            cut: OnceLock::new(),
        }
    }

    /// The client took a part of the message at hand: a slow reader is not a stuck one.
    pub fn touch(&self) {
        self.session.load().touch();
    }

    /// The stream of a POST that has no answer yet becomes an event stream: from here on what it
    /// says can be resumed. Called by who has to send something before there is an answer.
    pub fn begin_stream(&self) {
        if let Source::FirstReply(_) = self.source {
            let number = self.number;
            self.session.send(SessionMsg::BeginStream { number });
        }
    }

    /// Whether it ended without an answer because the client cancelled what it had asked for, and
    /// not because the session ended.
    #[must_use]
    pub fn is_forgone(&self) -> bool {
        self.is_forgone
    }

    /// What is notified when the session ends because its client does not read: whoever writes to
    /// that client may be stuck in it, and hold what was queued, for as long as TCP tries.
    pub fn cut_with(&self, cut: Arc<Notify>) {
        if self.cut.set(cut).is_err() {
            log::debug!("{:?} has its way to be cut already", self.session);
        } else if let Source::Queue(_) = self.source {
            self.announce_cut();
        }
    }

    /// Only who has a queue can be full.
    fn announce_cut(&self) {
        if let Some(cut) = self.cut.get() {
            let (connection, cut) = (self.number, Arc::clone(cut));
            self.session.send(SessionMsg::CutWith { connection, cut });
        }
    }

    fn take(&mut self, event: Event) -> Event {
        self.session.load().take(event.message.len());
        event
    }

    fn poll_first_reply(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let Source::FirstReply(first_reply) = &mut self.source else {
            return Poll::Ready(None);
        };
        let first_reply = ready!(first_reply.poll_unpin(context));
        self.source = Source::Over;
        let Ok(FirstReply { first, rest }) = first_reply else {
            return Poll::Ready(None);
        };
        self.is_forgone = first.is_none() && rest.is_none();
        if let Some(rest) = rest {
            self.source = Source::Queue(Reader::new(rest, self.session.load()));
            self.is_missed = self.cut.get().is_some();
            self.announce_cut();
        }
        Poll::Ready(first.map(|event| self.take(event)))
    }
}

impl Stream for Outbound {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Source::FirstReply(_) = self.source {
            let first = ready!(self.poll_first_reply(context));
            if first.is_some() {
                return Poll::Ready(first);
            }
        }
        let Source::Queue(reader) = &self.source else {
            return Poll::Ready(None);
        };
        let event = ready!(reader.poll_next(context));
        Poll::Ready(event.map(|event| self.take(*event)))
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.source, Source::Over) {
            Source::Queue(reader) => reader.close(),
            Source::FirstReply(first_reply) => {
                for event in unread(first_reply) {
                    self.session.load().withdraw(event.message.len());
                }
            }
            Source::Over => {}
        }
        if self.is_missed {
            let connection = self.number;
            self.session.send(SessionMsg::ConnectionGone { connection });
        }
    }
}
