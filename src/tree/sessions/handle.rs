//! The sessions' handle: what the listener and root may ask of them.

use std::sync::Arc;
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorRef, RpcReplyPort};

use super::Stop;
use super::message::SessionsMsg;
use super::requests::{Replies, Workers};
use super::session::{Key, OpenedSse, SessionHandle, SessionSeen};
use crate::config::model::Limits;
use crate::ids::{Holder, Owner, Owners, SessionId};
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::protocol::modern::request::ModernRequest;
use crate::tree::call::CallError;
use crate::tree::heartbeat::Beat;
use crate::tree::registry::RegistryHandle;

/// The supervisor only looks things up; if it takes this long, something is very wrong.
const ANSWER: Duration = Duration::from_secs(5);

/// One life of the sessions' supervisor, for one client: the sessions of other owners are not found.
#[derive(Clone, Debug)]
pub struct SessionsHandle {
    actor: ActorRef<SessionsMsg>,
    workers: Workers,
    holder: Holder,
}

impl SessionsHandle {
    /// `workers` are those that the supervisor is started with.
    pub(crate) fn new(actor: ActorRef<SessionsMsg>, workers: Workers) -> Self {
        Self {
            actor,
            workers,
            holder: Holder::of(Owner::ANYBODY),
        }
    }

    /// The same for `holder`.
    #[must_use]
    pub fn of(&self, holder: Holder) -> Self {
        Self {
            holder,
            ..self.clone()
        }
    }

    /// From now on there are sessions of `owners` only.
    pub fn keep_owners(&self, owners: Owners) {
        self.tell(SessionsMsg::KeepOwners(owners));
    }

    /// Opens a session for a client that asks for an SSE stream.
    ///
    /// Errors: `Overloaded` at the limit of sessions, `Gone` and `Timeout`.
    pub async fn open_sse(&self) -> Result<OpenedSse, CallError> {
        let holder = self.holder;
        self.ask(|reply| SessionsMsg::OpenSse { holder, reply })
            .await
    }

    /// Opens a session for a client that initializes over Streamable HTTP, and says what it can
    /// be asked for. The id is for the `Mcp-Session-Id` header.
    ///
    /// Errors: as [`Self::open_sse`].
    pub async fn open_streamable(
        &self,
        client: ClientInfo,
    ) -> Result<(String, SessionHandle), CallError> {
        let holder = self.holder;
        self.ask(|reply| SessionsMsg::OpenStreamable {
            holder,
            client,
            reply,
        })
        .await
    }

    /// Has the request of a client without a session done (2026-07-28).
    ///
    /// Errors: `Overloaded` where as many are open as there may be, and `Gone`.
    pub fn request(&self, request: ModernRequest) -> Result<Replies, CallError> {
        self.workers.request(self.holder, request)
    }

    /// The Streamable HTTP session with this id; one that this gateway signed and that is not
    /// alive any more is taken up again.
    ///
    /// Errors: `UnknownSession` for an id that was deleted or never signed, and as
    /// [`Self::open_sse`].
    pub async fn find_streamable(&self, id: &str) -> Result<SessionHandle, CallError> {
        self.get(Key::Streamable(id.into(), self.holder.owner()))
            .await
    }

    /// Ends the Streamable HTTP session with this id because its client says so: the id is never taken
    /// again.
    ///
    /// Errors: `UnknownSession` for an id that was deleted or never signed, `Gone` and `Timeout`.
    pub async fn delete_streamable(&self, id: &str) -> Result<(), CallError> {
        let key = Key::Streamable(id.into(), self.holder.owner());
        self.ask(|reply| SessionsMsg::Delete { key, reply }).await
    }

    /// The SSE session with this id; `UnknownSession` if there is none.
    pub async fn find(&self, id: &SessionId) -> Result<SessionHandle, CallError> {
        self.get(Key::Sse(id.clone(), self.holder.owner())).await
    }

    /// The sessions that were opened last, newest first.
    ///
    /// Errors: `Gone` and `Timeout`.
    pub async fn clients(&self) -> Result<Vec<SessionSeen>, CallError> {
        self.ask(|reply| SessionsMsg::GetClients { reply }).await
    }

    async fn get(&self, key: Key) -> Result<SessionHandle, CallError> {
        let holder = self.holder;
        self.ask(|reply| SessionsMsg::GetSession { key, holder, reply })
            .await
    }

    pub(in crate::tree) fn hello(&self, registry: RegistryHandle) {
        self.tell(SessionsMsg::Hello(registry));
    }

    pub(in crate::tree) fn limits(&self, limits: Arc<Limits>) {
        self.tell(SessionsMsg::Limits(limits));
    }

    /// The gateway's stop has come so far.
    pub(in crate::tree) fn stop(&self, step: Stop) {
        self.tell(SessionsMsg::Stop(step));
    }

    pub(in crate::tree) fn beat(&self, beat: Beat) {
        self.tell(SessionsMsg::Beat(beat));
    }

    fn tell(&self, message: SessionsMsg) {
        if self.actor.cast(message).is_err() {
            log::trace!("the sessions' supervisor has ended");
        }
    }

    async fn ask<T, B>(&self, message: B) -> Result<T, CallError>
    where
        T: Send + 'static,
        B: FnOnce(RpcReplyPort<Result<T, CallError>>) -> SessionsMsg,
    {
        match self.actor.call(message, Some(ANSWER)).await {
            Ok(CallResult::Success(answer)) => answer,
            Ok(CallResult::Timeout) => Err(CallError::Timeout),
            Ok(CallResult::SenderError) | Err(_) => Err(CallError::Gone),
        }
    }
}
