//! The dynamic supervisor: starts a session per client, forgets it when it ends, takes one up
//! again whose client comes with a signed id.

use std::sync::Arc;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::mpsc;

use super::deleted::Deleted;
use super::delivery::load::SessionLoad;
use super::message::SessionsMsg;
use super::parent::SessionsParent;
use super::requests::{Worker, Workers};
use super::session::{
    Key, OpenedSse, Outbound, Profile, Session, SessionArgs, SessionHandle, Transport,
};
use super::signing::{Signed, Signer};
use super::state::SessionsState;
use crate::config::model::Limits;
use crate::ids::{Holder, SessionId};
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::protocol::version::Version;
use crate::state_dir::StateDir;
use crate::supervise::Spawn;
use crate::telemetry::metrics::Metrics;
use crate::tree::call::CallError;
use crate::tree::heartbeat::Part;
use crate::tree::registry::RegistryHandle;

/// The supervisor of the sessions.
pub(crate) struct Sessions<S> {
    /// How its sessions are started.
    pub spawn: S,
}

/// What it is started with.
pub(crate) struct SessionsArgs {
    /// Who the sessions get their routes from.
    pub registry: RegistryHandle,
    /// Who is told when a session has ended, and of calls while the gateway stops.
    pub root: Arc<dyn SessionsParent>,
    /// How many there may be, and what each may take.
    pub limits: Arc<Limits>,
    /// Who signs the ids of sessions over Streamable HTTP.
    pub signer: Signer,
    /// Who does the requests of clients without a session: none yet.
    pub workers: Workers,
    /// Where it is kept which ids were given up; nowhere if absent.
    pub state_dir: Option<StateDir>,
    /// Where sessions and their calls are counted.
    pub metrics: Metrics,
}

impl<S: Spawn> Actor for Sessions<S> {
    type Msg = SessionsMsg;
    type State = SessionsState;
    type Arguments = SessionsArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionsMsg>,
        args: SessionsArgs,
    ) -> Result<SessionsState, ActorProcessingErr> {
        let deleted = Deleted::load(args.state_dir.clone()).await;
        let state = SessionsState::new(myself, args, deleted);
        for index in 0..Workers::count() {
            self.start_worker(index, &state)?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<SessionsMsg>,
        message: SessionsMsg,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionsMsg::OpenSse { holder, reply } => {
                if !reply.is_closed() {
                    answer(&reply.send(self.open_sse(holder, state)));
                }
            }
            SessionsMsg::OpenStreamable {
                holder,
                client,
                reply,
            } => {
                if !reply.is_closed() {
                    answer(&reply.send(self.open_streamable(holder, client, state)));
                }
            }
            SessionsMsg::GetSession { key, holder, reply } => {
                let found = match state.find(&key) {
                    Some(session) => Ok(session),
                    None => self.adopt(key, holder, state),
                };
                answer(&reply.send(found));
            }
            SessionsMsg::GetClients { reply } => answer(&reply.send(Ok(state.newest()))),
            SessionsMsg::KeepOwners(owners) => state.keep_owners(owners),
            SessionsMsg::Delete { key, reply } => answer(&reply.send(state.delete(&key))),
            SessionsMsg::Hello(registry) => state.greet(registry),
            SessionsMsg::Limits(limits) => state.take_limits(limits),
            SessionsMsg::Stillborn(actor) => state.forget(actor),
            SessionsMsg::Beat(beat) => beat.passed(Part::Sessions),
            SessionsMsg::CheckIdle => state.dismiss_idle(),
            SessionsMsg::KeysChanged => state.dismiss_unknown(),
            SessionsMsg::Stop(step) => state.stop(step),
            SessionsMsg::Calling {
                session,
                step,
                is_calling,
            } => state.note_calling(session, step, is_calling),
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<SessionsMsg>,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        state.flush().await;
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
            SupervisionEvent::ActorTerminated(cell, ..) => self.on_gone(&cell, state)?,
            SupervisionEvent::ActorFailed(cell, error) => {
                log::error!("A session failed, its client has to come back: {error}");
                self.on_gone(&cell, state)?;
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl<S: Spawn> Sessions<S> {
    /// A session is forgotten, a worker restarted: whose requests it had, has to ask again.
    fn on_gone(&self, cell: &ActorCell, state: &mut SessionsState) -> Result<(), SpawnErr> {
        match state.worker(cell) {
            Some(index) => self.start_worker(index, state)?,
            None => state.forget(cell.get_id()),
        }
        Ok(())
    }

    fn start_worker(&self, index: usize, state: &SessionsState) -> Result<(), SpawnErr> {
        let parent = state.myself.get_cell();
        let args = state.worker_args();
        let (worker, _) = self.spawn.spawn("requests", Worker, args, parent)?;
        state.args.workers.put(index, worker);
        Ok(())
    }

    fn open_sse(&self, holder: Holder, state: &mut SessionsState) -> Result<OpenedSse, CallError> {
        let id = SessionId::random().map_err(no_random_bits)?;
        let (queue, feed) = mpsc::unbounded_channel();
        let key = (Key::Sse(id.clone(), holder.owner()), holder);
        let session = self.start(id.clone(), key, Transport::Sse(queue), state)?;
        let stream = Outbound::sse(session, feed);
        Ok(OpenedSse { id, stream })
    }

    fn open_streamable(
        &self,
        holder: Holder,
        client: ClientInfo,
        state: &mut SessionsState,
    ) -> Result<(String, SessionHandle), CallError> {
        let owner = holder.owner();
        let issued = state.args.signer.issue(client, owner);
        let (id, signed) = issued.map_err(no_random_bits)?;
        let key = Key::Streamable(id.as_str().into(), owner);
        let session = self.start_streamable((key, holder), &signed, false, state)?;
        Ok((id, session))
    }

    /// Takes up a session that ended without its client's doing, from what its id says.
    fn adopt(
        &self,
        key: Key,
        holder: Holder,
        state: &mut SessionsState,
    ) -> Result<SessionHandle, CallError> {
        let signed = state.signed(&key).ok_or(CallError::UnknownSession)?;
        let session = self.start_streamable((key, holder), &signed, true, state)?;
        state.args.metrics.session_adopted();
        log::info!("{session:?} is taken up again");
        Ok(session)
    }

    fn start_streamable(
        &self,
        key: (Key, Holder),
        signed: &Signed,
        is_adopted: bool,
        state: &mut SessionsState,
    ) -> Result<SessionHandle, CallError> {
        let transport = Transport::Streamable {
            client: signed.client,
            is_adopted,
        };
        let id = SessionId::parse(&format!("{:032x}", signed.random)).ok_or(CallError::Gone)?;
        let session = self.start(id, key, transport, state)?;
        state.check_idle_later();
        Ok(session)
    }

    fn start(
        &self,
        id: SessionId,
        (key, holder): (Key, Holder),
        transport: Transport,
        state: &mut SessionsState,
    ) -> Result<SessionHandle, CallError> {
        // What it takes is taken from what it has in all profiles.
        let holder = holder.in_profile(None);
        state.make_room(key.owner(), holder)?;
        let version = match &transport {
            Transport::Sse(_) => Version::LATEST,
            Transport::Streamable { client, .. } => client.version,
        };
        let limits = Arc::clone(&state.args.limits);
        let load = Arc::new(SessionLoad::new(&limits, state.args.metrics.outgoing()));
        if matches!(
            transport,
            Transport::Streamable {
                is_adopted: true,
                ..
            }
        ) {
            load.set_used();
        }
        if matches!(transport, Transport::Sse(_)) {
            // It has a stream from the start, and does not make room before its actor has seen to it.
            load.set_busy();
        }
        let watch = Arc::clone(&state.call_watch);
        let profile = Profile::new(&id, version, load, (key.clone(), holder), watch);
        let profile = Arc::new(profile);
        let args = SessionArgs {
            id,
            registry: state.args.registry.clone(),
            root: Arc::clone(&state.args.root),
            profile: Arc::clone(&profile),
            limits,
            subscriptions: state.subscriptions.clone(),
            transport,
            stop: state.stopping.step,
            metrics: state.args.metrics.clone(),
            signer: state.args.signer.clone(),
        };
        let parent = state.myself.get_cell();
        let started = self.spawn.spawn("session", Session, args, parent);
        let (actor, started) = started.map_err(|error| {
            log::error!("A session could not be started: {error}");
            CallError::Gone
        })?;
        let session = SessionHandle::new(actor, profile);
        state.enter(key, &session, started);
        Ok(session)
    }
}

fn no_random_bits(error: getrandom::Error) -> CallError {
    log::error!("No random bits for a session id: {error}");
    CallError::Gone
}

/// A caller that has gone needs no answer.
fn answer<E>(outcome: &Result<(), E>) {
    if outcome.is_err() {
        log::debug!("the asker has gone");
    }
}
