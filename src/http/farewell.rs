//! The last words of an event stream when the gateway stops: when its client is to come back. The SDKs
//! try twice, then stay deaf to what belongs to no request (TypeScript 1.x and 2.x, Python 1.x and 2.x).

use super::{Context, SharedSockets};
use crate::protocol::framing::sse;
use crate::telemetry::readiness::Readiness;
use bytes::Bytes;
use std::time::Duration;

/// Where the next process has the socket already, who comes too early waits in the kernel.
const HELD: Duration = Duration::from_secs(1);
/// Else it has so long, and as long again, to be there.
const OWN: Duration = Duration::from_secs(3);
/// Clients of HTTP+SSE try for ever, and have no session until they are back: what they send to the
/// next process before is refused.
const SSE_HELD: Duration = Duration::from_millis(100);
/// Claude Code gives a stream up when it is refused again and again.
const SSE_OWN: Duration = Duration::from_secs(1);

/// What one stream ends with.
#[derive(Debug)]
pub(super) struct Farewell {
    readiness: Readiness,
    held: SharedSockets,
    /// Whether it is one of HTTP+SSE.
    is_sse: bool,
    takes_empty_events: bool,
}

impl Farewell {
    /// Of HTTP+SSE.
    pub(super) fn of_sse(context: &Context) -> Self {
        Self {
            readiness: context.readiness.clone(),
            held: context.held.clone(),
            is_sse: true,
            takes_empty_events: false,
        }
    }

    /// Of Streamable HTTP. `takes_empty_events` if its client takes an event without data for what it is.
    pub(super) fn of_streamable(context: &Context, takes_empty_events: bool) -> Self {
        Self {
            readiness: context.readiness.clone(),
            held: context.held.clone(),
            is_sse: false,
            takes_empty_events,
        }
    }

    /// What there is to be said now that the stream ends.
    pub(super) fn words(&self) -> Option<Bytes> {
        let retry = || match (self.is_sse, self.held.is_so()) {
            (true, true) => SSE_HELD,
            (true, false) => SSE_OWN,
            (false, true) => HELD,
            (false, false) => OWN,
        };
        let words = || sse::retry(retry(), self.takes_empty_events);
        self.readiness.is_stopping().then(words)
    }
}
