//! What the sessions' supervisor is told. Only its handle and the sessions' build these.

use std::sync::Arc;

use ractor::{ActorId, RpcReplyPort};

use super::Stop;
use super::session::{Key, OpenedSse, SessionHandle, SessionSeen};
use crate::config::model::Limits;
use crate::ids::{Holder, Owners};
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::tree::call::CallError;
use crate::tree::heartbeat::Beat;
use crate::tree::registry::RegistryHandle;
use crate::turn::Kind;

pub(crate) enum SessionsMsg {
    /// From the listener: a client opened an SSE stream.
    OpenSse {
        holder: Holder,
        reply: RpcReplyPort<Result<OpenedSse, CallError>>,
    },
    /// From the listener: a client initializes over Streamable HTTP. Answered with the signed id.
    OpenStreamable {
        holder: Holder,
        client: ClientInfo,
        reply: RpcReplyPort<Result<(String, SessionHandle), CallError>>,
    },
    /// From the listener: a client has something for its session. A Streamable HTTP session that
    /// is not alive any more is taken up again.
    GetSession {
        key: Key,
        holder: Holder,
        reply: RpcReplyPort<Result<SessionHandle, CallError>>,
    },
    /// From the listener, for the status: those that were opened last.
    GetClients {
        reply: RpcReplyPort<Result<Vec<SessionSeen>, CallError>>,
    },
    /// From the listener, at its start and when tokens changed: the sessions of all others end,
    /// and none is opened for those who were among them before.
    KeepOwners(Owners),
    /// From the listener: a client ends its session, which may have ended already.
    Delete {
        key: Key,
        reply: RpcReplyPort<Result<(), CallError>>,
    },
    /// From root, at the start and whenever the registry was restarted.
    Hello(RegistryHandle),
    /// From root: the limits are these now.
    Limits(Arc<Limits>),
    /// From the task that watches a session's start: it failed, which ractor tells nobody else.
    Stillborn(ActorId),
    /// From root: to be answered.
    Beat(Beat),
    /// From itself: have sessions been idle for too long?
    CheckIdle,
    /// From itself: ids are signed with other keys now. The sessions end whose ids are not known any more.
    KeysChanged,
    /// From root: the gateway's stop has come so far. Root is told, then and whenever it changes,
    /// whether a call has no answer.
    Stop(Stop),
    /// From a session, while the gateway stops: whether a call of its client has no answer.
    Calling {
        session: ActorId,
        /// The step of the stop that it knows of.
        step: Stop,
        is_calling: bool,
    },
}

impl Kind for SessionsMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::OpenSse { .. } => "OpenSse",
            Self::OpenStreamable { .. } => "OpenStreamable",
            Self::GetSession { .. } => "GetSession",
            Self::GetClients { .. } => "GetClients",
            Self::KeepOwners(_) => "KeepOwners",
            Self::Delete { .. } => "Delete",
            Self::Hello(_) => "Hello",
            Self::Limits(_) => "Limits",
            Self::Stillborn(_) => "Stillborn",
            Self::Beat(_) => "Beat",
            Self::CheckIdle => "CheckIdle",
            Self::KeysChanged => "KeysChanged",
            Self::Stop(_) => "Stop",
            Self::Calling { .. } => "Calling",
        }
    }
}
