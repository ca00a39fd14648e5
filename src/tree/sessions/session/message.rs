//! What a session is told. Only its handle and its streams build these.

use std::sync::Arc;

use ractor::RpcReplyPort;
use tokio::sync::{Notify, oneshot};

use super::outbound::{Opening, Outbound};
use crate::config::model::Limits;
use crate::protocol::jsonrpc::Message;
use crate::protocol::version::Version;
use crate::tree::call::CallError;
use crate::tree::client::News;
use crate::tree::registry::{RegistryHandle, Routes};
use crate::tree::sessions::stop::Stop;
use crate::turn::Kind;

pub(crate) enum SessionMsg {
    /// From the listener: the client posted this, and is answered elsewhere, if at all.
    Deliver(Message),
    /// From the listener: which revision was agreed on, by what was delivered so far?
    GetVersion(RpcReplyPort<Version>),
    /// From the listener: the client posted these, and is answered there.
    Exchange {
        number: u64,
        messages: Vec<Message>,
        /// Whether the answer may come on an event stream, after something else.
        may_stream: bool,
        answer: oneshot::Sender<Opening>,
    },
    /// From the listener: the client opens or resumes a stream with GET.
    Listen {
        last_event: Option<Box<str>>,
        reply: RpcReplyPort<Result<Outbound, CallError>>,
    },
    /// From a POST's stream: it is an event stream, whether there is something to say or not.
    BeginStream { number: u64 },
    /// From a stream: this is how its connection is cut.
    CutWith { stream: u64, cut: Arc<Notify> },
    /// From a stream: it was dropped.
    StreamGone { stream: u64 },
    /// From an upstream or from root.
    News(News),
    /// From the registry: the new table.
    RoutesChanged(Arc<Routes>),
    /// From the supervisor: a new registry to join.
    Hello(RegistryHandle),
    /// From the supervisor: the limits are these now.
    Limits(Arc<Limits>),
    /// From the supervisor: the gateway's stop has come so far.
    Stop(Stop),
    /// From the supervisor: end at once.
    End { why: &'static str },
    /// From itself: a parked call has waited long enough.
    ParkElapsed { number: u64 },
    /// From itself: the client has had its time to answer what a server asked.
    AskElapsed { number: u64 },
    /// From itself: the client may be told of a changed list again.
    NotifyElapsed,
    /// From itself: has the client taken anything?
    CheckOutbox,
    /// From itself: does the client still use its instances?
    CheckInstances,
    /// From itself: some of what could be asked for again is too old now.
    ReplayElapsed,
}

impl Kind for SessionMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Deliver(_) => "Deliver",
            Self::GetVersion(_) => "GetVersion",
            Self::Exchange { .. } => "Exchange",
            Self::Listen { .. } => "Listen",
            Self::BeginStream { .. } => "BeginStream",
            Self::CutWith { .. } => "CutWith",
            Self::StreamGone { .. } => "StreamGone",
            Self::News(_) => "News",
            Self::RoutesChanged(_) => "RoutesChanged",
            Self::Hello(_) => "Hello",
            Self::Limits(_) => "Limits",
            Self::Stop(_) => "Stop",
            Self::End { .. } => "End",
            Self::ParkElapsed { .. } => "ParkElapsed",
            Self::AskElapsed { .. } => "AskElapsed",
            Self::NotifyElapsed => "NotifyElapsed",
            Self::CheckOutbox => "CheckOutbox",
            Self::CheckInstances => "CheckInstances",
            Self::ReplayElapsed => "ReplayElapsed",
        }
    }
}
