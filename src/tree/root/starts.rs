//! How each of root's children is started: from what root holds, and with the handles of those that
//! were started before it.

use std::sync::Arc;

use ractor::{ActorCell, SpawnErr};

use super::ChildId;
use super::hooks::RootHooks;
use crate::config::model::ServerSpec;
use crate::ids::Generation;
use crate::supervise::{Spawned, Start};
use crate::tree::config::ConfigArgs;
use crate::tree::frontend::FrontendLinks;
use crate::tree::quota::Quota;
use crate::tree::registry::{RegistryArgs, RegistryHandle, Store};
use crate::tree::sessions::{SessionsArgs, Workers};
use crate::tree::upstream::{self, Past, UpstreamArgs};

impl RootHooks {
    pub(super) fn start_config(&mut self, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let args = ConfigArgs {
            path: self.settings.config_path.clone(),
            state_dir: self.settings.state_dir.clone(),
            command_line: self.settings.command_line.clone(),
            root: Arc::new(self.root.clone()),
        };
        let (config, spawned) = self.spawner.config(args, parent)?;
        self.config = Some(config);
        Ok(spawned)
    }

    /// A registry learns everything that its predecessor knew before anybody else speaks to it.
    pub(super) fn start_registry(&mut self, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let args = RegistryArgs {
            last: self.routes.clone(),
            store: Store::new(self.settings.state_dir.as_ref(), &self.settings.config_path),
            root: Arc::new(self.root.clone()),
            latch_opens: self.boot.latch_opens(self.limits().first_list_timeout),
        };
        let (registry, spawned) = self.spawner.registry(args, parent)?;
        registry.budget(self.budget);
        if let Some(profiles) = self.profiles.held() {
            registry.profiles(Arc::clone(profiles));
        }
        if let Some(wanted) = &self.wanted {
            registry.wanted(wanted.clone());
        }
        for (server, (generation, state)) in &self.states {
            registry.server_state(server.clone(), *generation, state.clone());
        }
        for upstream in self.upstreams.values() {
            if upstream.session().is_none() {
                upstream.hello(registry.clone());
            }
        }
        if let Some(sessions) = &self.sessions {
            sessions.hello(registry.clone());
        }
        self.registry = Some(registry);
        Ok(spawned)
    }

    /// A new life of the sessions. Those of the former one are gone, or will be any moment: they
    /// own nothing any more, and nothing they still say starts an instance.
    pub(super) fn start_sessions(
        &mut self,
        generation: Generation,
        parent: ActorCell,
    ) -> Result<Spawned, SpawnErr> {
        self.owners.clear();
        self.life = generation;
        let args = SessionsArgs {
            workers: Workers::new(self.limits(), self.settings.metrics.clone()),
            registry: self.registry()?,
            root: Arc::new(self.root.for_sessions(generation)),
            limits: self.limits(),
            signer: self.signer.clone(),
            state_dir: self.settings.state_dir.clone(),
            metrics: self.settings.metrics.clone(),
        };
        let (sessions, spawned) = self.spawner.sessions(args, parent)?;
        self.sessions = Some(sessions);
        Ok(spawned)
    }

    pub(super) fn start_listener(&mut self, parent: ActorCell) -> Result<Spawned, SpawnErr> {
        let sessions = self
            .sessions
            .clone()
            .ok_or_else(|| missing("the sessions"))?;
        let steering = self.steering.clone();
        let links = FrontendLinks {
            sessions,
            steering: steering.ok_or_else(|| missing("who steers"))?,
            status: self.root.status().with(self.sampler.clone()),
            limits: self.limits.subscribe(),
            serving: self.serving(),
            profiles: self.profiles.known(),
        };
        self.port.start(links, parent)
    }

    pub(super) fn upstream_args(
        &mut self,
        generation: Generation,
        spec: &Arc<ServerSpec>,
        start: &Start,
    ) -> Result<UpstreamArgs, SpawnErr> {
        let limits = self.limits();
        let metrics = self.settings.metrics.server(&spec.name);
        Ok(UpstreamArgs {
            spec: Arc::clone(spec),
            generation,
            permits: Quota::counted_in(&metrics.permits, limits.max_calls_per_server),
            start: *start,
            ladder: self.supervision().ladder,
            owner: None,
            root: Arc::new(self.root.clone()),
            registry: self.registry()?,
            groups: self.settings.groups.clone(),
            limits,
            metrics,
            past: self.past(spec),
            history: self.book.history(&spec.name),
            launch: Arc::new(upstream::launch),
        })
    }

    /// What is known of former lives of that entry; another entry is another server.
    fn past(&mut self, spec: &Arc<ServerSpec>) -> Arc<Past> {
        let new = || (Arc::clone(spec), Arc::new(Past::to_recall()));
        let (of, past) = self.pasts.entry(spec.name.clone()).or_insert_with(new);
        if of.needs_restart(spec) {
            (*of, *past) = (Arc::clone(spec), Arc::default());
            past.begins_anew();
        }
        let past = Arc::clone(past);
        self.recall_eras();
        past
    }

    pub(super) fn start_upstream(
        &mut self,
        args: UpstreamArgs,
        parent: ActorCell,
    ) -> Result<Spawned, SpawnErr> {
        let metrics = Arc::clone(&args.metrics);
        let (upstream, spawned) = self.spawner.upstream(args, parent)?;
        metrics.starts.inc();
        self.upstreams.insert(ChildId::of(&upstream), upstream);
        Ok(spawned)
    }

    fn registry(&self) -> Result<RegistryHandle, SpawnErr> {
        self.registry.clone().ok_or_else(|| missing("the registry"))
    }
}

/// Cannot happen while children are started in their order; if it does, the policy goes on.
pub(super) fn missing(what: &str) -> SpawnErr {
    SpawnErr::StartupFailed(format!("{what} must be there first").into())
}
