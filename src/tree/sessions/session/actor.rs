//! The actor: joins the registry, dispatches. What it does is in `state.rs`.

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::message::SessionMsg;
use super::outbox::Outbox;
use super::state::SessionState;
use super::streams::Lane;
use crate::ids::SessionId;
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::tree::registry::RegistryHandle;
use crate::tree::root::RootHandle;

/// A session.
pub(in crate::tree::sessions) struct Session;

/// What a session is started with.
pub(in crate::tree::sessions) struct SessionArgs {
    /// Its id.
    pub(in crate::tree::sessions) id: SessionId,
    /// Who sends it the route table.
    pub(in crate::tree::sessions) registry: RegistryHandle,
    /// Who starts instances of servers for it.
    pub(in crate::tree::sessions) root: RootHandle,
    /// What the client said of itself, as far as that is known.
    pub(in crate::tree::sessions) client: ClientInfo,
    /// The way to the client.
    pub(in crate::tree::sessions) outbox: Outbox,
}

impl Actor for Session {
    type Msg = SessionMsg;
    type State = SessionState;
    type Arguments = SessionArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMsg>,
        args: SessionArgs,
    ) -> Result<SessionState, ActorProcessingErr> {
        Ok(SessionState::new(myself, args))
    }

    async fn handle(
        &self,
        _: ActorRef<SessionMsg>,
        message: SessionMsg,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionMsg::Deliver(message) => state.on_message(message, Lane::GENERAL),
            SessionMsg::News(news) => state.on_news(news),
            SessionMsg::RoutesChanged(routes) => state.on_routes(routes),
            SessionMsg::Hello(registry) => state.join(registry),
            SessionMsg::Drain => state.drain(),
            SessionMsg::ClientGone => state.end("its client has gone"),
            SessionMsg::ParkElapsed { number } => state.on_park_elapsed(number),
            SessionMsg::AskElapsed { number } => state.on_ask_elapsed(number),
            SessionMsg::NotifyElapsed => state.on_notify_elapsed(),
            SessionMsg::CheckOutbox => state.on_check_outbox(),
        }
        Ok(())
    }
}
