//! The stream of what belongs to no request: the one stream of HTTP+SSE, or the standalone streams of
//! Streamable HTTP, which the client may open, close and open again. The newest that is open gets
//! what is said. The others stay open and silent: the client of one that was ended would open
//! another, and two that share a session would end each other's for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::event_id::EventId;
use super::event_log::Cursor;
use super::load::SessionLoad;
use super::queue::{Event, Queue, Reader, push};
use super::replay::Replay;
use super::stream_id::StreamId;

/// How many connections may be open. With one more the oldest is ended.
const MOST: usize = 4;

/// The standalone stream.
#[derive(Debug, Default)]
pub(super) struct StandaloneStream {
    pub(super) cursor: Cursor,
    /// The number of the last event that went out and was not found unread.
    sent_to: u64,
    /// The connection that gets what is said.
    newest: Option<Open>,
    /// Those before it, the oldest first.
    older: Vec<Open>,
}

/// A connection, which was open when it was last looked.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) connection: u64,
    pub(super) queue: Queue,
    /// Its client's end; not of an SSE session, where nothing is taken back.
    pub(in super::super) reader: Option<Arc<Reader>>,
}

/// What a stream that becomes the newest is sent first.
pub(super) struct Backlog<'a> {
    /// What was sent lately.
    pub(super) replay: &'a Replay,
    /// After which event; nothing up to it is sent again.
    pub(super) seen: Option<u64>,
    /// The events that ask what has not been answered: of who did not say what it saw, nobody knows
    /// whether it saw them.
    pub(super) asked: &'a [u64],
}

impl StandaloneStream {
    /// Goes on on the stream of an SSE session.
    pub(in super::super) fn begin(&mut self, open: Open) {
        self.newest = Some(open);
    }

    /// Goes on on this stream, with what is owed and what was not read on the last one. Gives the
    /// number of one that is ended, if there are too many.
    pub(super) fn attach(
        &mut self,
        load: &SessionLoad,
        open: Open,
        owed: &Backlog<'_>,
    ) -> Option<u64> {
        let mut events = self.take_back(load);
        let from = owed.seen.unwrap_or(self.sent_to);
        let replay = owed.replay;
        let asked = owed
            .asked
            .iter()
            .filter_map(|seq| replay.get(StreamId::STANDALONE, *seq));
        for event in replay.after(StreamId::STANDALONE, from).chain(asked) {
            events.entry(seq(event)).or_insert_with(|| event.clone());
        }
        let is_seen = |seq: &u64| owed.seen.is_some_and(|seen| *seq <= seen);
        events.retain(|seq, _| !is_seen(seq));
        for event in events.into_values() {
            push(load, &open.queue, event);
        }
        self.sent_to = self.cursor.seq;
        self.older.extend(self.newest.replace(open));
        self.older.retain(|open| !open.queue.is_closed());
        if self.older.len() < MOST {
            return None;
        }
        let oldest = self.older.remove(0);
        push(load, &oldest.queue, Event::END);
        Some(oldest.connection)
    }

    /// Ends its streams.
    pub(in super::super) fn end(&mut self) {
        self.newest = None;
        self.older.clear();
    }

    /// Whether somebody listens.
    pub(super) fn is_open(&self) -> bool {
        let mut open = self.newest.iter().chain(&self.older);
        open.any(|open| !open.queue.is_closed())
    }

    /// After which event the client has not been sent any.
    pub(super) fn sent_to(&self) -> u64 {
        self.sent_to
    }

    pub(in super::super) fn send(&mut self, load: &SessionLoad, event: Event) {
        if let Some(open) = &self.newest
            && push(load, &open.queue, event)
        {
            self.sent_to = self.cursor.seq;
        }
    }

    /// A stream was dropped, with what was not read on it. Whether it was the newest.
    pub(in super::super) fn gone(&mut self, load: &SessionLoad, connection: u64) -> bool {
        self.older.retain(|open| open.connection != connection);
        let is_newest = self
            .newest
            .as_ref()
            .is_some_and(|open| open.connection == connection);
        if is_newest {
            let left = u64::try_from(self.take_back(load).len()).unwrap_or(u64::MAX);
            self.sent_to = self.sent_to.saturating_sub(left);
            self.newest = None;
        }
        is_newest
    }

    /// The newest of the streams that were left silent, to go on on it.
    pub(super) fn take_older(&mut self) -> Option<Open> {
        self.older.retain(|open| !open.queue.is_closed());
        self.older.pop()
    }

    /// What nobody has read on the newest stream, which will not be read there.
    fn take_back(&self, load: &SessionLoad) -> BTreeMap<u64, Event> {
        let unread = self.newest.iter().filter_map(|open| open.reader.as_ref());
        let unread = unread.flat_map(|reader| reader.take_all());
        let mut events = BTreeMap::new();
        for event in unread {
            load.withdraw(event.message.len());
            if !event.message.is_empty() {
                events.insert(seq(&event), event);
            }
        }
        events
    }
}

/// The number of an event of this stream.
fn seq(event: &Event) -> u64 {
    let id = event.id.as_deref().and_then(EventId::parse);
    id.map_or(0, |id| id.seq)
}
