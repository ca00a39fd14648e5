//! The actor: joins the registry, dispatches. What it does is in `state.rs`.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::super::conversation::Stop;
use super::super::delivery::StreamId;
use super::super::delivery::queue::Queue;
use super::message::SessionMsg;
use super::profile::Profile;
use super::state::SessionState;
use crate::config::model::Limits;
use crate::ids::SessionId;
use crate::protocol::jsonrpc::Message;
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::telemetry::metrics::Metrics;
use crate::tree::Quota;
use crate::tree::beside;
use crate::tree::registry::RegistryHandle;
use crate::tree::sessions::parent::SessionsParent;
use crate::tree::sessions::signing::Signer;

/// A session.
pub(in crate::tree::sessions) struct Session;

/// What a session is started with.
pub(in crate::tree::sessions) struct SessionArgs {
    /// Its id.
    pub(in crate::tree::sessions) id: SessionId,
    /// Who sends it the route table.
    pub(in crate::tree::sessions) registry: RegistryHandle,
    /// Who starts instances of servers for it.
    pub(in crate::tree::sessions) root: Arc<dyn SessionsParent>,
    /// What everybody may know of it.
    pub(in crate::tree::sessions) profile: Arc<Profile>,
    /// What it may take.
    pub(in crate::tree::sessions) limits: Arc<Limits>,
    /// What the subscriptions of all sessions may take.
    pub(in crate::tree::sessions) subscriptions: Quota,
    /// How its client came in.
    pub(in crate::tree::sessions) transport: Transport,
    /// How far the gateway's stop has come.
    pub(in crate::tree::sessions) stop: Stop,
    /// Where it and its calls are counted.
    pub(in crate::tree::sessions) metrics: Metrics,
    /// What its client is given is signed by it.
    pub(in crate::tree::sessions) signer: Signer,
}

/// How a client came in.
#[derive(Debug)]
pub(in crate::tree::sessions) enum Transport {
    /// By HTTP+SSE, with the stream that the session lives on.
    Sse(Queue),
    /// By Streamable HTTP.
    Streamable {
        /// What its `initialize` settled.
        client: ClientInfo,
        /// Whether that was in an earlier life of the session, so that there will be no other.
        is_adopted: bool,
    },
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
        let is_heard = matches!(
            message,
            SessionMsg::Deliver(_) | SessionMsg::Exchange { .. } | SessionMsg::Listen { .. }
        );
        match message {
            SessionMsg::Deliver(message) => {
                beside(message.size(), || {
                    state.on_message(message, StreamId::STANDALONE);
                });
            }
            SessionMsg::GetVersion(reply) => state.on_get_version(reply),
            SessionMsg::Exchange {
                number,
                messages,
                may_stream,
                answer,
            } => {
                let size = messages.iter().map(Message::size).sum();
                beside(size, || {
                    let stream = state.outlets.streams.open_post(number, &messages, answer);
                    state.on_exchange(stream, messages, may_stream);
                });
            }
            SessionMsg::Listen { last_event, reply } => {
                state.on_listen(last_event.as_deref(), reply);
            }
            SessionMsg::BeginStream { number } => state.outlets.streams.begin(StreamId(number)),
            SessionMsg::CutWith { connection, cut } => {
                state.outlets.streams.cut_with(connection, cut);
            }
            SessionMsg::ConnectionGone { connection } => state.on_connection_gone(connection),
            SessionMsg::Event(event) => beside(event.size(), || {
                state.conversation.on_event(&mut state.outlets, event);
            }),
            SessionMsg::RoutesChanged(routes) => state.on_routes(&routes),
            SessionMsg::Hello(registry) => state.join(registry),
            SessionMsg::Limits(limits) => state.take_limits(limits),
            SessionMsg::Stop(step) => state.on_stop(step),
            SessionMsg::End { why } => state.end(why),
            SessionMsg::DeadlineElapsed => state.on_deadline_elapsed(),
        }
        state.after_message(is_heard);
        Ok(())
    }
}
