//! What the sessions' supervisor is told. Only its handle builds these.

use ractor::{ActorId, RpcReplyPort};

use super::session::{OpenedSse, SessionHandle};
use crate::ids::SessionId;
use crate::tree::call::CallError;
use crate::tree::registry::RegistryHandle;

pub(crate) enum SessionsMsg {
    /// From the listener: a client opened an SSE stream.
    Open {
        reply: RpcReplyPort<Result<OpenedSse, CallError>>,
    },
    /// From the listener: a client posted a message to this session.
    GetSession {
        id: SessionId,
        reply: RpcReplyPort<Result<SessionHandle, CallError>>,
    },
    /// From root, at the start and whenever the registry was restarted.
    Hello(RegistryHandle),
    /// From the task that watches a session's start: it failed, which ractor tells nobody else.
    Stillborn(ActorId),
    /// From root: take nobody new, let every session finish its calls, say when all are done.
    Drain,
}
