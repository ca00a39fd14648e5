//! How root's children are started, stopped and talked about. It keeps their handles, and what
//! the registry's successor has to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorCell, ActorProcessingErr, SpawnErr};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{ChildId, RootHandle};
use crate::config::model::ServerSpec;
use crate::ids::{Generation, ServerName};
use crate::supervise::{Failure, Host, Spawn, Spawned, Start, Status};
use crate::tree::config::{ConfigActor, ConfigArgs, ConfigHandle};
use crate::tree::edge::{Edge, EdgeLinks};
use crate::tree::registry::{
    Registry, RegistryArgs, RegistryHandle, Routes, ServerState, Store, Wanted,
};
use crate::tree::sessions::{IDLE_OUT, Sessions, SessionsArgs, SessionsHandle, Signer};
use crate::tree::upstream::{Upstream, UpstreamArgs, UpstreamExit, UpstreamHandle};
use crate::tree::{Exit, Notice, Settings};

/// How many calls one upstream may have in flight.
const CALLS_PER_UPSTREAM: usize = 128;
/// Calls in flight have so long to finish before a reload or a removal stops their server.
const DRAIN: Duration = Duration::from_secs(5);

/// What a child is started from. The permanent ones need nothing but their place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChildSpec {
    Permanent,
    Upstream(Arc<ServerSpec>),
}

/// Root's half of the supervision.
pub(super) struct RootHost<S, E> {
    pub(super) spawn: S,
    pub(super) edge: E,
    pub(super) settings: Settings,
    pub(super) root: RootHandle,
    pub(super) config: Option<ConfigHandle>,
    pub(super) registry: Option<RegistryHandle>,
    pub(super) sessions: Option<SessionsHandle>,
    pub(super) upstreams: BTreeMap<ServerName, UpstreamHandle>,
    /// The last table, for the registry's successor.
    pub(super) routes: Option<Arc<Routes>>,
    pub(super) wanted: Option<Vec<Wanted>>,
    /// What the registry was last told of every server that is not ready.
    states: BTreeMap<ServerName, (Generation, ServerState)>,
    generations: BTreeMap<ServerName, Generation>,
    /// Those whose start has failed since they were configured.
    failed: BTreeSet<ServerName>,
    latch_opens: Instant,
    /// One for all lives of the sessions.
    signer: Signer,
    pub(super) is_stopping: bool,
    /// Set when the tree can't go on.
    pub(super) verdict: Option<Exit>,
}

impl<S: Spawn, E: Edge> RootHost<S, E> {
    pub(super) fn new(spawn: S, edge: E, settings: Settings, root: RootHandle) -> Self {
        Self {
            latch_opens: Instant::now() + settings.boot_latch,
            signer: Signer::load(settings.state_dir.as_deref()),
            spawn,
            edge,
            settings,
            root,
            config: None,
            registry: None,
            sessions: None,
            upstreams: BTreeMap::new(),
            routes: None,
            wanted: None,
            states: BTreeMap::new(),
            generations: BTreeMap::new(),
            failed: BTreeSet::new(),
            is_stopping: false,
            verdict: None,
        }
    }

    /// Tells the registry, and its successors, which servers there are.
    pub(super) fn tell_wanted(&mut self, wanted: Vec<Wanted>) {
        self.states
            .retain(|name, _| wanted.iter().any(|w| w.server == *name));
        if let Some(registry) = &self.registry {
            registry.wanted(wanted.clone());
        }
        self.wanted = Some(wanted);
    }

    pub(super) fn notice(&self, notice: Notice) {
        if let Some(notices) = &self.settings.notices
            && notices.send(notice).is_err()
        {
            log::trace!("nobody reads the notices");
        }
    }

    fn start_config(&mut self, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let args = ConfigArgs {
            path: self.settings.config_path.clone(),
            root: self.root.clone(),
        };
        let (actor, started) = self.spawn.spawn("config", ConfigActor, args, parent)?;
        self.config = Some(ConfigHandle::new(actor.clone()));
        Ok((actor, started).into())
    }

    /// A registry learns everything that its predecessor knew before anybody else speaks to it.
    fn start_registry(&mut self, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let args = RegistryArgs {
            last: self.routes.clone(),
            store: Store::new(self.settings.state_dir.as_deref()),
            root: Arc::new(self.root.clone()),
            latch_opens: self.latch_opens,
        };
        let (actor, started) = self.spawn.spawn("registry", Registry, args, parent)?;
        let registry = RegistryHandle::new(actor.clone());
        if let Some(wanted) = &self.wanted {
            registry.wanted(wanted.clone());
        }
        for (server, (generation, state)) in &self.states {
            registry.server_state(server.clone(), *generation, state.clone());
        }
        for upstream in self.upstreams.values() {
            upstream.hello(registry.clone());
        }
        if let Some(sessions) = &self.sessions {
            sessions.hello(registry.clone());
        }
        self.registry = Some(registry);
        Ok((actor, started).into())
    }

    fn start_sessions(&mut self, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let spawn = self.spawn.clone();
        let args = SessionsArgs {
            registry: self.registry()?,
            root: self.root.clone(),
            limit: self.settings.session_limit,
            idle_out: IDLE_OUT,
            signer: self.signer.clone(),
        };
        let (actor, started) = self
            .spawn
            .spawn("sessions", Sessions { spawn }, args, parent)?;
        self.sessions = Some(SessionsHandle::new(actor.clone()));
        Ok((actor, started).into())
    }

    fn start_listener(&mut self, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let sessions = self
            .sessions
            .clone()
            .ok_or_else(|| missing("the sessions"))?;
        let (listener, args) = self.edge.listener(EdgeLinks { sessions });
        let (actor, started) = self.spawn.spawn("listener", listener, args, parent)?;
        Ok((actor, started).into())
    }

    fn start_upstream(
        &mut self,
        generation: Generation,
        spec: &Arc<ServerSpec>,
        start: &Start,
        parent: ActorCell,
    ) -> Result<Spawned, SpawnErr> {
        let permits = Arc::new(Semaphore::new(CALLS_PER_UPSTREAM));
        let args = UpstreamArgs {
            spec: Arc::clone(spec),
            generation,
            permits: Arc::clone(&permits),
            start: *start,
            ladder: self.settings.supervision.ladder.clone(),
            owner: None,
            root: self.root.clone(),
            registry: self.registry()?,
            groups: self.settings.groups.clone(),
            limits: self.settings.limits.clone(),
        };
        self.generations.insert(spec.name.clone(), generation);
        let (actor, started) = self.spawn.spawn("upstream", Upstream, args, parent)?;
        let handle = UpstreamHandle::new(actor.clone(), spec.name.clone(), generation, permits);
        self.upstreams.insert(spec.name.clone(), handle);
        Ok((actor, started).into())
    }

    fn registry(&self) -> Result<RegistryHandle, SpawnErr> {
        self.registry.clone().ok_or_else(|| missing("the registry"))
    }

    /// Passes on what became of a server. That it is ready, its own catalogue says.
    fn server_changed(&mut self, server: &ServerName, status: Option<&Status>) {
        let state = match status {
            Some(Status::Starting { .. }) => ServerState::Starting {
                has_failed: self.failed.contains(server),
            },
            Some(Status::Queued | Status::Stopping { .. } | Status::Stopped) => {
                ServerState::Between { has_failed: false }
            }
            Some(Status::Backoff {
                first_step: true, ..
            }) => ServerState::Between { has_failed: true },
            Some(Status::Backoff { last, until, .. }) => ServerState::Down {
                why: last.text.clone(),
                next_try: *until,
            },
            Some(Status::Ready { .. }) => {
                self.states.remove(server);
                return;
            }
            None => {
                self.states.remove(server);
                self.generations.remove(server);
                self.failed.remove(server);
                self.upstreams.remove(server);
                return;
            }
        };
        let generation = self
            .generations
            .get(server)
            .copied()
            .unwrap_or(Generation(0));
        if let Some(registry) = &self.registry {
            registry.server_state(server.clone(), generation, state.clone());
        }
        self.states.insert(server.clone(), (generation, state));
    }
}

impl<S: Spawn, E: Edge> Host for RootHost<S, E> {
    type Id = ChildId;
    type Spec = ChildSpec;

    fn spawn(
        &mut self,
        id: &ChildId,
        generation: Generation,
        spec: &ChildSpec,
        start: &Start,
        parent: ActorCell,
    ) -> Result<Spawned, SpawnErr> {
        match (id, spec) {
            (ChildId::Config, _) => self.start_config(parent),
            (ChildId::Registry, _) => self.start_registry(parent),
            (ChildId::Sessions, _) => self.start_sessions(parent),
            (ChildId::Listener, _) => self.start_listener(parent),
            (ChildId::Upstream(_), ChildSpec::Upstream(spec)) => {
                self.start_upstream(generation, spec, start, parent)
            }
            (ChildId::Upstream(_), ChildSpec::Permanent) => Err(missing("its entry")),
        }
    }

    fn stop(&mut self, id: &ChildId, cell: &ActorCell) {
        let drain = if self.is_stopping {
            Duration::ZERO
        } else {
            DRAIN
        };
        match id {
            ChildId::Upstream(server) => {
                if let Some(upstream) = self.upstreams.get(server) {
                    upstream.stop(drain);
                }
            }
            ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => {
                cell.stop(Some("stopped by root".into()));
            }
        }
    }

    fn status_changed(&mut self, id: &ChildId, status: Option<&Status>) {
        if let (
            ChildId::Upstream(server),
            Some(Status::Backoff {
                until,
                failures,
                crash_looping,
                ..
            }),
        ) = (id, status)
        {
            let wait = until
                .saturating_duration_since(Instant::now())
                .as_secs_f32();
            log::warn!(
                "Server '{server}' is started again in {wait:.1} s (failure {failures} in a row)"
            );
            let ladder = &self.settings.supervision.ladder;
            if *crash_looping && !ladder.is_crash_loop(failures.saturating_sub(1)) {
                log::warn!("Server '{server}' is crash-looping; it is tried again for ever");
            }
        }
        if let ChildId::Upstream(server) = id {
            self.server_changed(server, status);
        }
    }

    fn exited(&mut self, id: &ChildId, of: Generation, failure: &Failure, was_asked: bool) {
        match id {
            ChildId::Upstream(server) => {
                if self
                    .upstreams
                    .get(server)
                    .is_some_and(|upstream| upstream.generation() == of)
                {
                    self.upstreams.remove(server);
                }
                if !was_asked {
                    self.failed.insert(server.clone());
                    log::warn!("Server '{server}' {failure}");
                    self.notice(Notice::ServerFailed {
                        server: server.clone(),
                        why: failure.to_string(),
                    });
                }
            }
            ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => {
                if !was_asked {
                    log::error!("The {id:?} actor {of} has ended and is restarted: {failure}");
                }
            }
        }
    }

    fn killed(&mut self, id: &ChildId, of: Generation) {
        log::warn!("{id:?} {of} did not stop in time and is killed");
    }

    fn give_up(&mut self, id: &ChildId, reason: &str) {
        log::error!("The gateway ends, to be started afresh: {id:?}: {reason}");
        self.verdict = Some(Exit::GaveUp);
    }

    fn failure_of(&self, error: &ActorProcessingErr) -> Option<Failure> {
        error
            .downcast_ref::<UpstreamExit>()
            .map(|exit| exit.0.clone())
    }
}

/// Cannot happen while children are started in their order; if it does, the policy goes on.
fn missing(what: &str) -> SpawnErr {
    SpawnErr::StartupFailed(format!("{what} must be there first").into())
}
