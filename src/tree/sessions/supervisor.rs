//! The dynamic supervisor: starts a session per client, forgets it when it ends, takes one up
//! again whose client comes with a signed id.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::deleted::Deleted;
use super::message::{Key, SessionsMsg};
use super::session::{
    Entrance, Gauge, OpenedSse, Outbound, Profile, SSE, Session, SessionArgs, SessionHandle,
};
use super::signing::{Signed, Signer};
use crate::config::model::Limits;
use crate::ids::{Owner, SessionId};
use crate::protocol::mcp::lifecycle::ClientInfo;
use crate::protocol::version::Version;
use crate::supervise::{Spawn, Started};
use crate::telemetry::metrics::Metrics;
use crate::tree::call::CallError;
use crate::tree::heartbeat::Part;
use crate::tree::overview::{self, Overview};
use crate::tree::registry::RegistryHandle;
use crate::tree::root::RootHandle;
use crate::tree::timer::Timer;

/// How often in `session_idle_timeout` idle sessions are looked for.
const CHECKS: u32 = 24;

/// The supervisor of the sessions.
pub(crate) struct Sessions<S> {
    /// How its sessions are started.
    pub spawn: S,
}

/// What it is started with.
pub(crate) struct SessionsArgs {
    /// Who the sessions get their routes from.
    pub registry: RegistryHandle,
    /// Who is told when a session has ended, and when all have drained.
    pub root: RootHandle,
    /// How many there may be, and what each may take.
    pub limits: Arc<Limits>,
    /// Who signs the ids of sessions over Streamable HTTP.
    pub signer: Signer,
    /// Where sessions and their calls are counted.
    pub metrics: Metrics,
    /// Where it is written how many there are.
    pub overview: watch::Sender<Overview>,
}

/// The state: who is connected.
pub(crate) struct SessionsState {
    myself: ActorRef<SessionsMsg>,
    args: SessionsArgs,
    /// Those that are found.
    sessions: HashMap<Key, SessionHandle>,
    /// Those that live, some of them on their way out.
    living: HashMap<ActorId, Key>,
    deleted: Deleted,
    /// Who may have sessions, as far as it is known here.
    owners: Arc<[Owner]>,
    /// Who may not any more. Whoever is in neither is new: the port has let them in.
    former_owners: HashSet<Owner>,
    /// The watches over sessions that are starting.
    starts: JoinSet<()>,
    idle_check: Option<Timer<SessionsMsg>>,
    is_draining: bool,
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
        Ok(SessionsState {
            myself,
            args,
            sessions: HashMap::new(),
            living: HashMap::new(),
            deleted: Deleted::default(),
            owners: Arc::default(),
            former_owners: HashSet::new(),
            starts: JoinSet::new(),
            idle_check: None,
            is_draining: false,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<SessionsMsg>,
        message: SessionsMsg,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionsMsg::OpenSse { owner, reply } => {
                if !reply.is_closed() {
                    answer(&reply.send(self.open_sse(owner, state)));
                }
            }
            SessionsMsg::OpenStreamable {
                owner,
                client,
                reply,
            } => {
                if !reply.is_closed() {
                    answer(&reply.send(self.open_streamable(owner, client, state)));
                }
            }
            SessionsMsg::GetSession { key, reply } => {
                let found = match state.sessions.get(&key) {
                    Some(session) => Ok(session.clone()),
                    None => self.adopt(key, state),
                };
                answer(&reply.send(found));
            }
            SessionsMsg::KeepOwners(owners) => state.keep_owners(owners),
            SessionsMsg::Delete(key) => state.delete(&key),
            SessionsMsg::Hello(registry) => {
                for session in state.sessions.values() {
                    session.hello(registry.clone());
                }
                state.args.registry = registry;
            }
            SessionsMsg::Limits(limits) => state.take_limits(limits),
            SessionsMsg::Stillborn(actor) => state.forget(actor),
            SessionsMsg::Beat(beat) => beat.passed(Part::Sessions),
            SessionsMsg::CheckIdle => state.dismiss_idle(),
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
                log::error!("A session failed, its client has to come back: {error}");
                state.forget(cell.get_id());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl<S: Spawn> Sessions<S> {
    fn open_sse(&self, owner: Owner, state: &mut SessionsState) -> Result<OpenedSse, CallError> {
        let id = SessionId::random().map_err(no_random_bits)?;
        let (queue, feed) = mpsc::unbounded_channel();
        let key = Key::Sse(id.clone(), owner);
        let session = self.start(id.clone(), key, Entrance::Sse(queue), state)?;
        let stream = Outbound::queue(session, SSE, feed);
        Ok(OpenedSse { id, stream })
    }

    fn open_streamable(
        &self,
        owner: Owner,
        client: ClientInfo,
        state: &mut SessionsState,
    ) -> Result<(String, SessionHandle), CallError> {
        let issued = state.args.signer.issue(client, owner);
        let (id, signed) = issued.map_err(no_random_bits)?;
        let key = Key::Streamable(id.as_str().into(), owner);
        let session = self.start_streamable(key, &signed, false, state)?;
        Ok((id, session))
    }

    /// Takes up a session that ended without its client's doing, from what its id says.
    fn adopt(&self, key: Key, state: &mut SessionsState) -> Result<SessionHandle, CallError> {
        let signed = state.signed(&key).ok_or(CallError::UnknownSession)?;
        if state.deleted.contains(signed.random) {
            return Err(CallError::UnknownSession);
        }
        let session = self.start_streamable(key, &signed, true, state)?;
        log::info!("{session:?} is taken up again");
        Ok(session)
    }

    fn start_streamable(
        &self,
        key: Key,
        signed: &Signed,
        is_adopted: bool,
        state: &mut SessionsState,
    ) -> Result<SessionHandle, CallError> {
        let entrance = Entrance::Streamable {
            client: signed.client,
            is_adopted,
        };
        let id = SessionId::parse(&format!("{:032x}", signed.random)).ok_or(CallError::Gone)?;
        let session = self.start(id, key, entrance, state)?;
        state.check_idle_later();
        Ok(session)
    }

    fn start(
        &self,
        id: SessionId,
        key: Key,
        entrance: Entrance,
        state: &mut SessionsState,
    ) -> Result<SessionHandle, CallError> {
        if state.former_owners.contains(&key.owner()) {
            return Err(CallError::UnknownSession);
        }
        state.make_room()?;
        let version = match &entrance {
            Entrance::Sse(_) => Version::LATEST,
            Entrance::Streamable { client, .. } => client.version,
        };
        let supervisor = state.myself.clone();
        let limits = Arc::clone(&state.args.limits);
        let gauge = Gauge::new(&limits, state.args.metrics.outgoing());
        let profile = Profile::new(&id, version, gauge, key.clone(), supervisor);
        let profile = Arc::new(profile);
        let args = SessionArgs {
            id,
            registry: state.args.registry.clone(),
            root: state.args.root.clone(),
            profile: Arc::clone(&profile),
            limits,
            entrance,
            metrics: state.args.metrics.clone(),
        };
        let parent = state.myself.get_cell();
        let started = self.spawn.spawn("session", Session, args, parent);
        let (actor, started) = started.map_err(|error| {
            log::error!("A session could not be started: {error}");
            CallError::Gone
        })?;
        state.watch_start(actor.get_id(), started);
        let session = SessionHandle::new(actor, profile);
        state.living.insert(session.cell().get_id(), key.clone());
        state.count();
        state.sessions.insert(key, session.clone());
        Ok(session)
    }
}

impl SessionsState {
    /// What a signed id says; `None` for an SSE session's and for one that was not signed here and
    /// for this owner.
    fn signed(&self, key: &Key) -> Option<Signed> {
        match key {
            Key::Sse(..) => None,
            Key::Streamable(id, owner) => self.args.signer.verify(id, *owner),
        }
    }

    /// Errors: `Stopping`; `Overloaded` if every one of as many sessions as there may be is an SSE
    /// session or busy. Of the others the one that has been idle for longest makes room: its
    /// client can come back.
    fn make_room(&mut self) -> Result<(), CallError> {
        if self.is_draining {
            return Err(CallError::Stopping);
        }
        while self.sessions.len() >= self.args.limits.max_sessions {
            let longest = self.idle().max_by_key(|(idle, _)| *idle);
            let key = longest.map(|(_, key)| key.clone());
            let key = key.ok_or(CallError::Overloaded("the limit of sessions is reached"))?;
            self.dismiss(&key, "it is idle, and another client needs the room");
        }
        Ok(())
    }

    /// Sessions that are too many now go on; they make room when others come.
    fn take_limits(&mut self, limits: Arc<Limits>) {
        for session in self.sessions.values() {
            session.limits(Arc::clone(&limits));
        }
        self.args.limits = limits;
        if self.idle_check.take().is_some() {
            self.check_idle_later();
        }
    }

    /// The sessions over Streamable HTTP that have nothing to do, and for how long.
    fn idle(&self) -> impl Iterator<Item = (Duration, &Key)> {
        let is_streamable = |(key, _): &(&Key, _)| matches!(key, Key::Streamable(..));
        let sessions = self.sessions.iter().filter(is_streamable);
        sessions.filter_map(|(key, session)| Some((session.idle_for()?, key)))
    }

    fn dismiss_idle(&mut self) {
        self.idle_check = None;
        let is_over = |(idle, _): &(Duration, &Key)| *idle >= self.args.limits.session_idle_timeout;
        let over: Vec<Key> = self
            .idle()
            .filter(is_over)
            .map(|(_, key)| key.clone())
            .collect();
        for key in over {
            self.dismiss(&key, "it has been idle for too long");
        }
        let mut keys = self.sessions.keys();
        if keys.any(|key| matches!(key, Key::Streamable(..))) {
            self.check_idle_later();
        }
    }

    fn check_idle_later(&mut self) {
        let pause = self.args.limits.session_idle_timeout / CHECKS;
        let check = || SessionsMsg::CheckIdle;
        let timer = || Timer::after(&self.myself, pause, check);
        self.idle_check.get_or_insert_with(timer);
    }

    fn keep_owners(&mut self, owners: Arc<[Owner]>) {
        let before = std::mem::replace(&mut self.owners, owners);
        self.former_owners.extend(before.iter());
        self.former_owners
            .retain(|owner| !self.owners.contains(owner));
        let is_other = |key: &&Key| !self.owners.contains(&key.owner());
        let others: Vec<Key> = self.sessions.keys().filter(is_other).cloned().collect();
        for key in others {
            self.dismiss(&key, "its token is not valid any more");
        }
    }

    /// The client's own end: the id is worth nothing from here on.
    fn delete(&mut self, key: &Key) {
        if let Some(signed) = self.signed(key) {
            self.deleted.insert(signed.random);
        }
        self.dismiss(key, "its client says so");
    }

    /// Ends a session, which is not found any more from here on.
    fn dismiss(&mut self, key: &Key, why: &'static str) {
        if let Some(session) = self.sessions.remove(key) {
            session.end(why);
        }
    }

    /// A session that does not start ends without an event.
    fn watch_start(&mut self, actor: ActorId, started: Started) {
        while self.starts.try_join_next().is_some() {}
        let myself = self.myself.clone();
        self.starts.spawn(async move {
            if !matches!(started.await, Ok(Ok(_))) {
                log::error!("A session did not start, its client has to come back");
                drop(myself.cast(SessionsMsg::Stillborn(actor)));
            }
        });
    }

    /// A session has ended, in whatever way. Its id may be another's by now.
    fn forget(&mut self, actor: ActorId) {
        let Some(key) = self.living.remove(&actor) else {
            return;
        };
        self.count();
        self.args.root.session_ended(actor.pid());
        let is_it = |session: &SessionHandle| session.cell().get_id() == actor;
        if self.sessions.get(&key).is_some_and(is_it) {
            self.sessions.remove(&key);
        }
        log::debug!("{actor} ended; {} left", self.living.len());
        self.report_if_drained();
    }

    fn count(&self) {
        overview::sessions_changed(&self.args.overview, self.living.len());
    }

    fn report_if_drained(&self) {
        if self.is_draining && self.living.is_empty() {
            self.args.root.sessions_drained();
        }
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
