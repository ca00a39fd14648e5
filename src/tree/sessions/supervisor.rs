//! The dynamic supervisor: starts a session per client, forgets it when it ends.

use std::collections::HashMap;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::task::JoinSet;

use super::message::SessionsMsg;
use super::session::{OpenedSse, Session, SessionArgs, SessionHandle, outbox};
use crate::ids::SessionId;
use crate::protocol::mcp::lifecycle;
use crate::supervise::{Spawn, Started};
use crate::tree::call::CallError;
use crate::tree::registry::RegistryHandle;
use crate::tree::root::RootHandle;

/// The supervisor of the sessions.
pub(crate) struct Sessions<S> {
    /// How its sessions are started.
    pub spawn: S,
}

/// What it is started with.
pub(crate) struct SessionsArgs {
    /// Who the sessions get their routes from.
    pub registry: RegistryHandle,
    /// Who is told when all have drained.
    pub root: RootHandle,
    /// How many there may be.
    pub limit: usize,
}

/// The state: who is connected.
pub(crate) struct SessionsState {
    args: SessionsArgs,
    sessions: HashMap<SessionId, SessionHandle>,
    ids: HashMap<ActorId, SessionId>,
    /// The watches over sessions that are starting.
    starts: JoinSet<()>,
    is_draining: bool,
}

impl<S: Spawn> Actor for Sessions<S> {
    type Msg = SessionsMsg;
    type State = SessionsState;
    type Arguments = SessionsArgs;

    async fn pre_start(
        &self,
        _: ActorRef<SessionsMsg>,
        args: SessionsArgs,
    ) -> Result<SessionsState, ActorProcessingErr> {
        Ok(SessionsState {
            args,
            sessions: HashMap::new(),
            ids: HashMap::new(),
            starts: JoinSet::new(),
            is_draining: false,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionsMsg>,
        message: SessionsMsg,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionsMsg::Open { reply } => {
                if !reply.is_closed() {
                    answer(&reply.send(self.open(&myself, state)));
                }
            }
            SessionsMsg::GetSession { id, reply } => {
                let found = state.sessions.get(&id).cloned();
                answer(&reply.send(found.ok_or(CallError::UnknownSession)));
            }
            SessionsMsg::Hello(registry) => {
                for session in state.sessions.values() {
                    session.hello(registry.clone());
                }
                state.args.registry = registry;
            }
            SessionsMsg::Stillborn(actor) => state.forget(actor),
            SessionsMsg::Drain => {
                state.is_draining = true;
                for session in state.sessions.values() {
                    session.drain();
                }
                state.report_if_drained();
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<SessionsMsg>,
        event: SupervisionEvent,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            // The dead session's state is in the event: dropping it here withdraws its calls.
            SupervisionEvent::ActorTerminated(cell, ..) => state.forget(cell.get_id()),
            SupervisionEvent::ActorFailed(cell, error) => {
                log::error!("A session failed, its client has to reconnect: {error}");
                state.forget(cell.get_id());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl<S: Spawn> Sessions<S> {
    fn open(
        &self,
        myself: &ActorRef<SessionsMsg>,
        state: &mut SessionsState,
    ) -> Result<OpenedSse, CallError> {
        if state.is_draining {
            return Err(CallError::Stopping);
        }
        if state.sessions.len() >= state.args.limit {
            return Err(CallError::Overloaded("the limit of sessions is reached"));
        }
        let id = SessionId::random().map_err(|error| {
            log::error!("No random bits for a session id: {error}");
            CallError::Gone
        })?;
        let (outbox, pipe) = outbox::open();
        let queue = outbox.gauge().clone();
        let args = SessionArgs {
            id: id.clone(),
            registry: state.args.registry.clone(),
            root: state.args.root.clone(),
            client: lifecycle::client_info(None),
            outbox,
        };
        let (actor, started) = self
            .spawn
            .spawn("session", Session, args, myself.get_cell())
            .map_err(|error| {
                log::error!("A session could not be started: {error}");
                CallError::Gone
            })?;
        state.watch_start(myself.clone(), actor.get_id(), started);
        let handle = SessionHandle::new(actor, &id, queue);
        state.ids.insert(handle.cell().get_id(), id.clone());
        state.sessions.insert(id.clone(), handle.clone());
        let stream = pipe.serve(handle);
        Ok(OpenedSse { id, stream })
    }
}

impl SessionsState {
    /// A session that does not start ends without an event.
    fn watch_start(&mut self, myself: ActorRef<SessionsMsg>, actor: ActorId, started: Started) {
        while self.starts.try_join_next().is_some() {}
        self.starts.spawn(async move {
            if !matches!(started.await, Ok(Ok(_))) {
                log::error!("A session did not start, its client has to reconnect");
                drop(myself.cast(SessionsMsg::Stillborn(actor)));
            }
        });
    }

    fn forget(&mut self, actor: ActorId) {
        if let Some(id) = self.ids.remove(&actor) {
            self.sessions.remove(&id);
            log::debug!("{id:?} ended; {} left", self.sessions.len());
        }
        self.report_if_drained();
    }

    fn report_if_drained(&self) {
        if self.is_draining && self.sessions.is_empty() {
            self.args.root.sessions_drained();
        }
    }
}

/// A caller that has gone needs no answer.
fn answer<E>(outcome: &Result<(), E>) {
    if outcome.is_err() {
        log::debug!("the asker has gone");
    }
}
