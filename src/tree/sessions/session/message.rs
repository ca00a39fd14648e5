//! What a session is told. Only its handle and its streams build these.

use std::sync::Arc;

use ractor::RpcReplyPort;
use tokio::sync::{Notify, oneshot};

use super::super::conversation::Stop;
use super::super::delivery::queue::FirstReply;
use super::outbound::Outbound;
use crate::config::model::Limits;
use crate::protocol::jsonrpc::Message;
use crate::protocol::version::Version;
use crate::tree::call::CallError;
use crate::tree::client::SessionEvent;
use crate::tree::registry::{RegistryHandle, Routes};
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
        answer: oneshot::Sender<FirstReply>,
    },
    /// From the listener: the client opens or resumes a stream with GET.
    Listen {
        last_event: Option<Box<str>>,
        reply: RpcReplyPort<Result<Outbound, CallError>>,
    },
    /// From a POST's stream: it is an event stream, whether there is something to say or not.
    BeginStream { number: u64 },
    /// From a stream: this is how its connection is cut.
    CutWith { connection: u64, cut: Arc<Notify> },
    /// From a stream: its connection was dropped.
    ConnectionGone { connection: u64 },
    /// From an upstream or from root.
    Event(SessionEvent),
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
    /// From itself: something it waits for is due, or was when the timer was set.
    DeadlineElapsed,
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
            Self::ConnectionGone { .. } => "ConnectionGone",
            Self::Event(_) => "Event",
            Self::RoutesChanged(_) => "RoutesChanged",
            Self::Hello(_) => "Hello",
            Self::Limits(_) => "Limits",
            Self::Stop(_) => "Stop",
            Self::End { .. } => "End",
            Self::DeadlineElapsed => "DeadlineElapsed",
        }
    }
}
