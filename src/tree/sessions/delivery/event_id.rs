//! The ids of events: by the last one it saw, a client that comes back says which stream it
//! resumes, and where (2025-11-25, basic/transports, "Resumability and Redelivery"). They say
//! enough for a later life of the gateway to answer what it has forgotten.

#[cfg(any(test, fuzzing))]
pub(in crate::tree::sessions) mod checks;

use std::fmt;

use super::stream_id::StreamId;
use crate::ids::SessionId;
use crate::protocol::jsonrpc::RequestId;

/// One life of a session: the upper half says which session, the same in every life of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionLife(pub(super) u64);

impl SessionLife {
    /// A new one.
    pub(super) fn of(session: &SessionId) -> Self {
        // A part of an id that only its own client is told, like these ids.
        let digits = session.secret().get(..8).unwrap_or_default();
        let session = u64::from_str_radix(digits, 16).unwrap_or_default();
        Self(session << 32 | u64::from(fastrand::u32(..)))
    }

    /// Whether the two are of one session.
    pub(super) fn is_of_same(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

/// A request's id that is longer than this is left out.
const LONGEST_REQUEST: usize = 64;
/// What marks the id of a call.
const CALL: &str = "c";

/// `{life}-{stream}-{seq}[-{request}[-c]]`, the life and the request's raw id in hexadecimal; `c` says that it is a
/// call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventId<R = RequestId> {
    /// Which life of which session.
    pub(super) life: SessionLife,
    /// On which stream.
    pub(super) stream: StreamId,
    /// The event's number there.
    pub(in super::super) seq: u64,
    /// The request that the stream answers, if it is one.
    pub(super) request: Option<R>,
    pub(super) is_call: bool,
}

impl EventId {
    /// Takes what a client sent; `None` if it is no id of an event.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let life = SessionLife(u64::from_str_radix(parts.next()?, 16).ok()?);
        let stream = StreamId(parts.next()?.parse().ok()?);
        let seq = parts.next()?.parse().ok()?;
        let request = match parts.next() {
            Some(hex) => Some(request(hex)?),
            None => None,
        };
        let is_call = match parts.next() {
            Some(CALL) => true,
            Some(_) => return None,
            None => false,
        };
        parts.next().is_none().then_some(Self {
            life,
            stream,
            seq,
            request,
            is_call,
        })
    }
}

impl fmt::Display for EventId<&RequestId> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}-{}", self.life.0, self.stream.0, self.seq)?;
        let raw = self.request.map(|request| request.as_raw().as_bytes());
        if let Some(raw) = raw.filter(|raw| raw.len() <= LONGEST_REQUEST) {
            f.write_str("-")?;
            for byte in raw {
                write!(f, "{byte:02x}")?;
            }
            if self.is_call {
                write!(f, "-{CALL}")?;
            }
        }
        Ok(())
    }
}

fn request(hex: &str) -> Option<RequestId> {
    let digits = hex.as_bytes();
    if digits.len() > 2 * LONGEST_REQUEST || !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let raw: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    RequestId::from_raw(std::str::from_utf8(&raw?).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(
            life: u64, stream: u64, seq: u64, text in proptest::option::of("\\PC{0,20}"), is_call: bool,
        ) {
            let raw = text.map(|text| serde_json::to_string(&text).unwrap());
            let request = raw.and_then(|raw| RequestId::from_raw(&raw));
            let (life, stream) = (SessionLife(life), StreamId(stream));
            let written = EventId { life, stream, seq, request: request.as_ref(), is_call }.to_string();
            prop_assert!(written.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'));
            let short = request.filter(|request| request.as_raw().len() <= LONGEST_REQUEST);
            let is_call = is_call && short.is_some();
            let wanted = EventId { life, stream, seq, request: short, is_call };
            prop_assert_eq!(EventId::parse(&written), Some(wanted));
        }

        #[test]
        fn whatever_a_client_sends_is_an_id_or_none(text in "[0-9a-f-]{0,40}|\\PC*") {
            if let Some(id) = EventId::parse(&text) {
                prop_assert!(id.request.is_none_or(|request| !request.as_raw().contains('\n')));
            }
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "1",
            "1-2",
            "x-1-1",
            "1-2-3-",
            "1-2-3-7b7d",
            "1-2-3-31-",
            "1-2-3-3",
        ] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
        let seven = EventId::parse("0000000a-0-3-37").unwrap();
        assert_eq!(
            (seven.life, seven.stream),
            (SessionLife(10), StreamId::STANDALONE)
        );
        assert_eq!(seven.request, RequestId::from_raw("7"));
    }
}
