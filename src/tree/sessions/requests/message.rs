//! What a worker is told. Only its handle, the streams and its own requests build these.

use std::sync::Arc;

use bytes::Bytes;

use super::line::Line;
use super::queue::SpokenSender;
use crate::config::model::Limits;
use crate::ids::{Holder, Owners};
use crate::protocol::modern::input_required::Returned;
use crate::protocol::modern::request::ModernRequest;
use crate::tree::client::SessionEvent;
use crate::tree::registry::{RegistryHandle, Routes};
use crate::tree::sessions::conversation::Stop;
use crate::tree::{Share, Taker};
use crate::turn::Kind;

/// A request that has come.
pub(in crate::tree::sessions) struct Opened {
    /// Its own number, or that of the held request that it seems to go on with.
    pub(super) number: u64,
    /// Its own number.
    pub(super) attempt: u64,
    pub(super) holder: Holder,
    pub(super) taker: Arc<Taker>,
    /// Its part of how many there may be.
    pub(super) room: Share,
    pub(super) request: ModernRequest,
    /// What comes back with it, if it seems to go on with a held one.
    pub(super) returned: Option<Returned>,
    pub(super) line: Arc<Line>,
    pub(super) queue: SpokenSender,
}

impl Opened {
    /// How much of it has to be read.
    pub(super) fn size(&self) -> usize {
        let params = self.request.request.params.as_ref();
        params.map_or(0, Bytes::len)
    }
}

pub(in crate::tree::sessions) enum RequestsMsg {
    /// From the listener: a client asks.
    Open(Box<Opened>),
    /// From the listener: the client does not wait any more for what it asked in this attempt.
    Gone { number: u64, attempt: u64 },
    /// From an upstream or from root, to one of the requests.
    Event { number: u64, event: SessionEvent },
    /// From the registry: the new table.
    RoutesChanged(Arc<Routes>),
    /// From the supervisor: a new registry to join.
    Hello(RegistryHandle),
    /// From the supervisor: the limits are these now.
    Limits(Arc<Limits>),
    /// From the supervisor: the requests of all others end.
    KeepOwners(Owners),
    /// From the supervisor: the gateway's stop has come so far.
    Stop(Stop),
    /// From itself: something that a request waits for is due, or was when the timer was set.
    DeadlineElapsed,
}

impl Kind for RequestsMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Open(_) => "Open",
            Self::Gone { .. } => "Gone",
            Self::Event { .. } => "Event",
            Self::RoutesChanged(_) => "RoutesChanged",
            Self::Hello(_) => "Hello",
            Self::Limits(_) => "Limits",
            Self::KeepOwners(_) => "KeepOwners",
            Self::Stop(_) => "Stop",
            Self::DeadlineElapsed => "DeadlineElapsed",
        }
    }
}
