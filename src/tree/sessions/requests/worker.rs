//! The actor: joins the registry, dispatches. What it does is in `state.rs`.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::handle::Workers;
use super::message::RequestsMsg;
use super::state::WorkerState;
use crate::config::model::Limits;
use crate::telemetry::metrics::Metrics;
use crate::tree::Quota;
use crate::tree::beside;
use crate::tree::registry::RegistryHandle;
use crate::tree::sessions::conversation::{CallWatch, Stop};
use crate::tree::sessions::parent::SessionsParent;
use crate::tree::sessions::signing::Signer;

/// A worker.
pub(in crate::tree::sessions) struct Worker;

/// What it is started with.
pub(in crate::tree::sessions) struct WorkerArgs {
    /// Who sends it the route table.
    pub(in crate::tree::sessions) registry: RegistryHandle,
    /// Those beside it.
    pub(in crate::tree::sessions) workers: Workers,
    /// Who starts instances of servers for its requests.
    pub(in crate::tree::sessions) root: Arc<dyn SessionsParent>,
    /// What each request may take.
    pub(in crate::tree::sessions) limits: Arc<Limits>,
    /// What the subscriptions of all clients may take.
    pub(in crate::tree::sessions) subscriptions: Quota,
    /// How far the gateway's stop has come.
    pub(in crate::tree::sessions) stop: Stop,
    /// Who wants to know of calls while the gateway stops.
    pub(in crate::tree::sessions) call_watch: Arc<dyn CallWatch>,
    /// Who signs what clients have to give back.
    pub(in crate::tree::sessions) signer: Signer,
    /// Where calls are counted.
    pub(in crate::tree::sessions) metrics: Metrics,
}

impl Actor for Worker {
    type Msg = RequestsMsg;
    type State = WorkerState;
    type Arguments = WorkerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<RequestsMsg>,
        args: WorkerArgs,
    ) -> Result<WorkerState, ActorProcessingErr> {
        Ok(WorkerState::new(myself, args))
    }

    async fn handle(
        &self,
        _: ActorRef<RequestsMsg>,
        message: RequestsMsg,
        state: &mut WorkerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RequestsMsg::Open(opened) => beside(opened.size(), || state.open(*opened)),
            RequestsMsg::Gone { number, attempt } => state.on_gone(number, attempt),
            RequestsMsg::Event { number, event } => {
                beside(event.size(), || state.on_event(number, event));
            }
            RequestsMsg::RoutesChanged(routes) => state.on_routes(&routes),
            RequestsMsg::Hello(registry) => state.join(registry),
            RequestsMsg::Limits(limits) => state.take_limits(limits),
            RequestsMsg::KeepOwners(owners) => state.keep_owners(&owners),
            RequestsMsg::Stop(step) => state.on_stop(step),
            RequestsMsg::DeadlineElapsed => state.on_deadline_elapsed(),
        }
        state.after_message();
        Ok(())
    }
}
