//! The actor: dispatch, and what to do with a configuration.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::watch;

use super::host::{ChildSpec, RootHost};
use super::shutdown::{Phase, Shutdown};
use super::{ChildId, RootHandle, RootMsg};
use crate::config::model::{Config, Entry, ServerSpec};
use crate::ids::{Generation, ServerName};
use crate::supervise::{Diff, Spawn, Supervisor, Want, Wanted as Wish};
use crate::telemetry::readiness::Readiness;
use crate::tree::edge::Edge;
use crate::tree::registry::Wanted;
use crate::tree::{Exit, Notice, Settings};

/// The root of the tree.
pub(crate) struct Root<S, E> {
    marker: std::marker::PhantomData<fn() -> (S, E)>,
}

impl<S, E> Default for Root<S, E> {
    fn default() -> Self {
        Self {
            marker: std::marker::PhantomData,
        }
    }
}

/// What root is started with.
pub(crate) struct RootArgs<S, E> {
    /// How actors are started.
    pub spawn: S,
    /// What serves the port.
    pub edge: E,
    /// The numbers and paths.
    pub settings: Settings,
    /// Where the verdict goes when the tree ends in its own way.
    pub exit: watch::Sender<Option<Exit>>,
    /// Where it is counted how often what was read was taken, or found to be of no use.
    pub readings: watch::Sender<u64>,
}

/// The state.
pub(crate) struct RootState<S: Spawn, E: Edge> {
    pub(super) myself: ActorRef<RootMsg>,
    pub(super) supervisor: Supervisor<RootHost<S, E>>,
    pub(super) shutdown: Shutdown,
    exit: watch::Sender<Option<Exit>>,
    readings: watch::Sender<u64>,
    readiness: Readiness,
    pub(super) is_configured: bool,
}

impl<S: Spawn, E: Edge> Actor for Root<S, E> {
    type Msg = RootMsg;
    type State = RootState<S, E>;
    type Arguments = RootArgs<S, E>;

    async fn pre_start(
        &self,
        myself: ActorRef<RootMsg>,
        args: RootArgs<S, E>,
    ) -> Result<RootState<S, E>, ActorProcessingErr> {
        let root = RootHandle::new(myself.clone());
        let readiness = args.settings.readiness.clone();
        let host = RootHost::new(args.spawn, args.edge, args.settings, root.clone());
        let supervision = host.supervision();
        let send = move |tick| root.tick(tick);
        Ok(RootState {
            supervisor: Supervisor::new(host, supervision, myself.get_cell(), send),
            shutdown: Shutdown::default(),
            exit: args.exit,
            readings: args.readings,
            readiness,
            is_configured: false,
            myself,
        })
    }

    async fn post_start(
        &self,
        _: ActorRef<RootMsg>,
        state: &mut RootState<S, E>,
    ) -> Result<(), ActorProcessingErr> {
        let permanent = ChildSpec::Permanent;
        let supervisor = &mut state.supervisor;
        supervisor.add_permanent(ChildId::Config, permanent.clone(), None);
        supervisor.add_permanent(ChildId::Registry, permanent.clone(), None);
        supervisor.add_permanent(ChildId::Sessions, permanent.clone(), None);
        supervisor.add_permanent(ChildId::Listener, permanent, Some(ChildId::Sessions));
        state.time_boot();
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<RootMsg>,
        message: RootMsg,
        state: &mut RootState<S, E>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RootMsg::Configured { config, retry } => state.on_configured(config, retry),
            RootMsg::RoutesChanged(routes) => state.on_routes(routes),
            RootMsg::ConfigJudged { is_faulty } => {
                state.supervisor.host_mut().book.judged(is_faulty);
            }
            RootMsg::Spawned {
                child,
                generation,
                pid,
            } => {
                let book = &mut state.supervisor.host_mut().book;
                book.spawned(child, generation, pid);
            }
            RootMsg::GetStatus { reply } => state.on_get_status(reply),
            RootMsg::Initialized { child, generation } => {
                state.supervisor.on_initialised(child, generation);
            }
            RootMsg::Ready {
                child,
                generation,
                tools,
            } => state.on_ready(child, generation, tools),
            RootMsg::InstanceWanted {
                server,
                owner,
                life,
            } => state.on_instance_wanted(server, owner, life),
            RootMsg::SessionEnded { session } | RootMsg::InstancesUnused { session } => {
                state.disown(session);
            }
            RootMsg::Tick(tick) => state.supervisor.on_tick(tick),
            RootMsg::Beat(beat) => state.pass_on(&beat),
            RootMsg::Reload => {
                if let Some(config) = &state.supervisor.host().config {
                    config.reload();
                }
            }
            RootMsg::Stop => state.begin_shutdown(),
            RootMsg::BootElapsed => state.on_boot_elapsed(),
            RootMsg::SessionsCalling(are_they) => state.shutdown.are_calls_done = !are_they,
            RootMsg::PhaseElapsed(phase) => state.shutdown.elapsed(phase),
        }
        state.after_event();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<RootMsg>,
        event: SupervisionEvent,
        state: &mut RootState<S, E>,
    ) -> Result<(), ActorProcessingErr> {
        state.supervisor.on_supervision_event(event);
        state.after_event();
        Ok(())
    }
}

impl<S: Spawn, E: Edge> RootState<S, E> {
    fn after_event(&mut self) {
        if let Some(verdict) = self.supervisor.host().verdict {
            return self.end(verdict);
        }
        self.remove_orphans();
        self.go_on_stopping();
    }

    fn on_ready(&mut self, child: ChildId, generation: Generation, tools: usize) {
        if let ChildId::Upstream(server) = &child
            && !self.supervisor.host().is_known_to_finish(server)
        {
            let server = server.clone();
            let notice = Notice::ServerReady { server, tools };
            self.supervisor.host().notice(notice);
        }
        self.supervisor.on_ready(child, generation);
    }

    /// Ends the tree with this verdict; the children that are left are killed with root.
    pub(super) fn end(&mut self, verdict: Exit) {
        self.exit.send_replace(Some(verdict));
        self.myself.stop(Some(format!("{verdict:?}")));
    }

    /// Takes a configuration. One that can't be used changes nothing; at the very start there is
    /// nothing to keep, and the tree goes on without servers.
    fn on_configured(&mut self, config: Option<Config>, retry: bool) {
        if self.shutdown.phase != Phase::Running {
            return;
        }
        self.configure(config, retry);
        self.readings.send_modify(|count| *count += 1);
    }

    fn configure(&mut self, config: Option<Config>, retry: bool) {
        let Some(config) = config else {
            if !self.is_configured {
                self.begin_unconfigured();
            }
            return;
        };
        self.take_limits(&config.limits);
        let wanted: Vec<Wanted> = config
            .servers
            .iter()
            .filter_map(|entry| self.wanted(entry))
            .collect();
        self.begin_with(&wanted);
        let host = self.supervisor.host_mut();
        host.tell_wanted(wanted);
        host.book.configured(&config);
        let left_out = left_out(&config);
        self.review_instances(&config);
        let wishes = config.servers.into_iter().filter_map(wish).collect();
        let diff = self.supervisor.want(wishes, retry);
        if !self.is_configured {
            let count = diff.added.len();
            let plural = if count == 1 { "" } else { "s" };
            log::info!("configuration: {count} server{plural}, {left_out}");
        } else if retry || !diff.is_empty() {
            log::info!("{}", summary(&diff));
            // Whoever did that looks whether it helped.
            self.supervisor.host_mut().say_failures_again();
        }
        if self.is_configured {
            self.supervisor.host().settings.metrics.reloaded();
        }
        self.is_configured = true;
        self.readiness.release("configuration");
    }

    /// What the registry has to know of an entry. A refused one is there only if it was before.
    fn wanted(&self, entry: &Entry) -> Option<Wanted> {
        let spec = match entry {
            Entry::Run(spec) => spec,
            Entry::Disabled(_) => return None,
            Entry::Refused(name) => self.spec(name)?,
        };
        Some(Wanted {
            server: spec.name.clone(),
            fingerprint: fingerprint(spec),
            prefix: spec.prefix.clone(),
            isolation: spec.isolation,
        })
    }

    /// What a server runs from, if it is configured.
    pub(super) fn spec(&self, server: &ServerName) -> Option<&Arc<ServerSpec>> {
        let id = ChildId::Upstream(server.clone());
        match self.supervisor.roster().spec(&id)? {
            ChildSpec::Upstream(spec) => Some(spec),
            ChildSpec::Permanent => None,
        }
    }
}

/// `1 disabled`, `1 disabled, 2 refused`
fn left_out(config: &Config) -> String {
    let count = |is: fn(&&Entry) -> bool| config.servers.iter().filter(is).count();
    let disabled = count(|entry| matches!(entry, Entry::Disabled(_)));
    let refused = count(|entry| matches!(entry, Entry::Refused(_))) + config.nameless.len();
    match refused {
        0 => format!("{disabled} disabled"),
        _ => format!("{disabled} disabled, {refused} refused"),
    }
}

fn wish(entry: Entry) -> Option<Want<ChildId, ChildSpec>> {
    let (name, what) = match entry {
        Entry::Run(spec) => {
            let start_deadline = spec.start_timeout;
            let name = spec.name.clone();
            let spec = ChildSpec::Upstream(Arc::clone(&spec));
            (
                name,
                Wish::Run {
                    spec,
                    start_deadline,
                },
            )
        }
        Entry::Refused(name) => (name, Wish::Keep),
        Entry::Disabled(_) => return None,
    };
    let id = ChildId::Upstream(name);
    Some(Want { id, what })
}

/// What is run, as a number: a kept catalogue is shown only for the same. It says nothing of the
/// environment, which may hold secrets.
fn fingerprint(spec: &ServerSpec) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&spec.command, &spec.args, &spec.cwd).hash(&mut hasher);
    hasher.finish()
}

/// So many servers of each kind are named in the line about a reload.
const NAMED_AT_MOST: usize = 20;

/// `reload: +1 (fetch) ~1 (github: env) -0 =7`
fn summary(diff: &Diff<ChildId, ChildSpec>) -> String {
    let name = |id: &ChildId| match id {
        ChildId::Upstream(server) => server.to_string(),
        ChildId::Instance(..)
        | ChildId::Config
        | ChildId::Registry
        | ChildId::Sessions
        | ChildId::Listener => {
            format!("{id:?}")
        }
    };
    let list = |mut names: Vec<String>| match names.len() {
        0 => "0".to_owned(),
        count => {
            if count > NAMED_AT_MOST {
                names.truncate(NAMED_AT_MOST);
                names.push("…".to_owned());
            }
            format!("{count} ({})", names.join(", "))
        }
    };
    let changed = diff.changed.iter().map(|(id, old, new)| match (old, new) {
        (ChildSpec::Upstream(old), ChildSpec::Upstream(new)) => {
            format!("{}: {}", name(id), old.differences(new).join(" "))
        }
        (ChildSpec::Permanent | ChildSpec::Upstream(_), _) => name(id),
    });
    format!(
        "reload: +{} ~{} -{} ={}",
        list(diff.added.iter().map(name).collect()),
        list(changed.collect()),
        list(diff.removed.iter().map(name).collect()),
        diff.unchanged.len()
    )
}
