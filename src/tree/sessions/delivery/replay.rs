//! What a client may still ask for again: the last events of a session's streams, so many, so
//! large and so old at most. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::queue::Event;
use super::stream_id::StreamId;

/// How many events are kept.
const EVENTS: usize = 64;
/// How many bytes of messages are kept; a message larger than this never is.
pub(super) const BYTES: usize = 1024 * 1024;
/// How long an event is kept.
pub(in super::super) const AGE: Duration = Duration::from_secs(5 * 60);

/// The events of all streams, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Replay {
    kept: VecDeque<KeptEvent>,
    bytes: usize,
}

#[derive(Debug)]
struct KeptEvent {
    stream: StreamId,
    seq: u64,
    event: Event,
    since: Instant,
}

impl Replay {
    /// Keeps an event, and lets go what there is no room for then.
    pub(super) fn keep(&mut self, stream: StreamId, seq: u64, event: &Event, now: Instant) {
        self.expire(now);
        let size = event.message.len();
        if size > BYTES {
            return;
        }
        while self.kept.len() >= EVENTS || self.bytes + size > BYTES {
            self.drop_oldest();
        }
        self.bytes += size;
        self.kept.push_back(KeptEvent {
            stream,
            seq,
            event: event.clone(),
            since: now,
        });
    }

    /// Lets go what is too old.
    pub(in super::super) fn expire(&mut self, now: Instant) {
        let is_old = |kept: &KeptEvent| now.saturating_duration_since(kept.since) >= AGE;
        while self.kept.front().is_some_and(is_old) {
            self.drop_oldest();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new(); // an idle session holds no room
        }
    }

    /// What was sent on `stream` after its event `seq`, as far as it is kept.
    pub(super) fn after(&self, stream: StreamId, seq: u64) -> impl Iterator<Item = &Event> {
        let is_later = move |kept: &&KeptEvent| kept.stream == stream && kept.seq > seq;
        self.kept.iter().filter(is_later).map(|kept| &kept.event)
    }

    /// The event `seq` of `stream`, if it is kept.
    pub(super) fn get(&self, stream: StreamId, seq: u64) -> Option<&Event> {
        let mut kept = self.kept.iter();
        let found = kept.find(|kept| kept.stream == stream && kept.seq == seq);
        found.map(|kept| &kept.event)
    }

    /// Whether the end of `stream` is kept, and is not before its event `seq`.
    pub(super) fn has_end(&self, stream: StreamId, seq: u64) -> bool {
        let mut kept = self.kept.iter();
        kept.any(|kept| kept.stream == stream && kept.seq >= seq && kept.event.is_last)
    }

    /// When the oldest event is to be let go.
    pub(in super::super) fn expires_at(&self) -> Option<Instant> {
        self.kept.front().map(|kept| kept.since + AGE)
    }

    fn drop_oldest(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.bytes -= kept.event.message.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn event(size: usize, is_last: bool) -> Event {
        Event {
            id: None,
            message: Bytes::from(vec![b'1'; size]),
            is_last,
        }
    }

    #[test]
    fn what_is_too_old_or_too_large_is_not_kept() {
        let (mut replay, start) = (Replay::default(), Instant::now());
        replay.keep(StreamId(1), 1, &event(BYTES + 1, true), start);
        assert!(!replay.has_end(StreamId(1), 0));
        replay.keep(StreamId(1), 2, &event(BYTES, true), start);
        assert!(replay.has_end(StreamId(1), 0) && replay.has_end(StreamId(1), 2));
        assert!(!replay.has_end(StreamId(1), 3) && !replay.has_end(StreamId(2), 0));
        replay.expire(start + AGE - Duration::from_millis(1));
        assert_eq!(replay.after(StreamId(1), 1).count(), 1);
        assert_eq!(replay.expires_at(), Some(start + AGE));
        replay.expire(start + AGE);
        assert_eq!(replay.after(StreamId(1), 0).count(), 0);
        assert_eq!((replay.bytes, replay.expires_at()), (0, None));
    }

    proptest! {
        /// The newest events are kept, in order, and as many as there is room for.
        #[test]
        fn the_newest_are_kept(
            sizes in proptest::collection::vec((0..4u64, 0..BYTES / 8, 0..20_000u64), 0..200),
            stream in 0..4u64, seq in 0..200u64,
        ) {
            let (mut replay, mut now) = (Replay::default(), Instant::now());
            let mut sent = Vec::new();
            for (number, (stream, size, pause)) in (1..).zip(sizes) {
                now += Duration::from_millis(pause);
                replay.keep(StreamId(stream), number, &event(size, false), now);
                sent.push((StreamId(stream), number, size, now));
                prop_assert!(replay.bytes <= BYTES && replay.kept.len() <= EVENTS);
            }
            let (mut room, mut count) = (BYTES, 0);
            let fits = |&(_, _, size, since): &(StreamId, u64, usize, Instant)| {
                count += 1;
                let fits = count <= EVENTS && size <= room && now - since < AGE;
                room -= if fits { size } else { 0 };
                fits
            };
            let mut wanted: Vec<_> = sent.into_iter().rev().take_while(fits).collect();
            wanted.reverse();
            let kept: Vec<_> = replay.kept.iter().map(|kept| (kept.stream, kept.seq)).collect();
            let numbers: Vec<_> = wanted.iter().map(|sent| (sent.0, sent.1)).collect();
            prop_assert_eq!(kept, numbers);
            let later = wanted.iter().filter(|sent| sent.0 == StreamId(stream) && sent.1 > seq);
            let sizes: Vec<_> = replay.after(StreamId(stream), seq).map(|e| e.message.len()).collect();
            prop_assert_eq!(sizes, later.map(|sent| sent.2).collect::<Vec<_>>());
        }
    }
}
