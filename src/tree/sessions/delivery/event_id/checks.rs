//! What must hold of whatever a client sends as `Last-Event-ID`: checked by the fuzz targets and by
//! the tests that replay what those found.

use super::EventId;
use crate::protocol::framing::sse;

/// What is taken for an id says the same when it is written again, and what is written on a stream is
/// one event.
pub(crate) fn event_id(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(id) = EventId::parse(&text) {
        let again = EventId {
            life: id.life,
            stream: id.stream,
            seq: id.seq,
            request: id.request.as_ref(),
            is_call: id.is_call,
        };
        let again = again.to_string();
        assert_eq!(EventId::parse(&again), Some(id), "{text} and {again}");
        let head = sse::head(Some(&again));
        let lines = head.split(|byte| *byte == b'\n');
        let ids = lines.filter(|line| line.starts_with(b"id:")).count();
        assert_eq!(ids, 1);
    }
}
