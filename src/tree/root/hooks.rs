//! Root's half of the supervision: it keeps its children's handles, stops them, and passes on what
//! becomes of them; what the registry's successor has to be told, too. How each is started is in
//! `starts.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use log::Level;
use ractor::{ActorCell, ActorProcessingErr, SpawnErr};
use tokio::sync::watch;
use tokio::time::Instant;

use super::boot::Boot;
use super::port::Port;
use super::reload::{Offered, Shown};
use super::repeats::Repeats;
use super::spawner::Spawner;
use super::starts::missing;
use super::status::{Definitions, Sampler, StatusBook};
use super::steering::{Restarts, Steering};
use super::{ChildId, RootHandle};
use crate::config::model::{INSTRUCTIONS_READ, Limits, Naming, ServerSpec};
use crate::ids::{Generation, ServerName};
use crate::supervise::{Failure, FailureKind, Spawned, Start, Status, SupervisorHooks};
use crate::tree::client::InstanceOwner;
use crate::tree::config::ConfigHandle;
use crate::tree::registry::{ConfiguredServer, RegistryHandle, Routes, ServerState};
use crate::tree::sessions::{SessionsHandle, Signer};
use crate::tree::upstream::{Past, UpstreamArgs, UpstreamExit, UpstreamHandle};
use crate::tree::{Exit, Notice, Settings};

/// What a child is started from. The permanent ones need nothing but their place in the tree.
#[derive(Debug, Clone)]
pub(super) enum ChildSpec {
    Permanent,
    Upstream(Arc<ServerSpec>),
}

/// Two are equal that need no restart between them.
impl PartialEq for ChildSpec {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Permanent, Self::Permanent) => true,
            (Self::Upstream(own), Self::Upstream(others)) => !own.needs_restart(others),
            (Self::Permanent | Self::Upstream(_), _) => false,
        }
    }
}

/// Root's half of the supervision.
pub(super) struct RootHooks {
    pub(super) spawner: Box<dyn Spawner>,
    pub(super) port: Box<dyn Port>,
    pub(super) settings: Settings,
    /// The limits that hold now, and who follows them.
    pub(super) limits: watch::Sender<Arc<Limits>>,
    /// What clients are offered now, and who follows it.
    pub(super) offered: Offered,
    /// What of all that is offered profiles show.
    pub(super) profiles: Shown,
    pub(super) root: RootHandle,
    pub(super) config: Option<ConfigHandle>,
    pub(super) registry: Option<RegistryHandle>,
    pub(super) sessions: Option<SessionsHandle>,
    /// The living instances of servers, the sessions' own among them.
    pub(super) upstreams: BTreeMap<ChildId, UpstreamHandle>,
    /// Whom the sessions' own instances belong to, by serial number.
    pub(super) owners: HashMap<u64, InstanceOwner>,
    /// Which life of the sessions' supervisor it is.
    pub(super) life: Generation,
    /// The last table, for the registry's successor.
    pub(super) routes: Option<Arc<Routes>>,
    pub(super) wanted: Option<Vec<ConfiguredServer>>,
    /// How names are written where an entry does not say it.
    pub(super) naming: Naming,
    /// How many bytes the instructions of all servers may have together.
    pub(super) budget: usize,
    /// What the registry was last told of every server that is not ready.
    pub(super) states: BTreeMap<ServerName, (Generation, ServerState)>,
    /// What former lives of each server taught, and of which entry.
    pub(super) pasts: BTreeMap<ServerName, (Arc<ServerSpec>, Arc<Past>)>,
    pub(super) generations: BTreeMap<ServerName, Generation>,
    /// Those that slept until they were started last.
    pub(super) sleepers: BTreeSet<ServerName>,
    /// Given to each listener.
    pub(super) steering: Option<Steering>,
    pub(super) restarts: Restarts,
    /// Who looks at the servers' processes, for the status.
    pub(super) sampler: Sampler,
    /// For the status.
    pub(super) book: StatusBook,
    /// What was said of tools that are not defined as they were.
    pub(super) definitions: Definitions,
    /// What the log said of failures.
    repeats: Repeats,
    /// Those whose start has failed since they were configured.
    pub(super) failed: BTreeSet<ServerName>,
    pub(super) boot: Boot,
    /// One for all lives of the sessions.
    pub(super) signer: Signer,
    pub(super) is_stopping: bool,
    /// Set when the tree can't go on.
    pub(super) verdict: Option<Exit>,
}

impl RootHooks {
    pub(super) fn new(
        (spawner, port): (Box<dyn Spawner>, Box<dyn Port>),
        settings: Settings,
        root: RootHandle,
    ) -> Self {
        let limits = settings
            .limits
            .with(&settings.command_line, &settings.limits);
        settings.shutdown_delay.set(limits.shutdown_delay);
        settings.metrics.limit_sessions(limits.max_sessions);
        Self {
            boot: Boot::begin(),
            signer: settings
                .signer
                .clone()
                .unwrap_or_else(|| Signer::load(None)),
            limits: watch::Sender::new(Arc::new(limits)),
            offered: Offered::default(),
            profiles: Shown::default(),
            spawner,
            port,
            sampler: Sampler::new(settings.groups.clone(), settings.metrics.clone()),
            settings,
            root,
            config: None,
            registry: None,
            sessions: None,
            upstreams: BTreeMap::new(),
            owners: HashMap::new(),
            life: Generation(0),
            routes: None,
            wanted: None,
            naming: Naming::default(),
            budget: INSTRUCTIONS_READ,
            states: BTreeMap::new(),
            pasts: BTreeMap::new(),
            generations: BTreeMap::new(),
            sleepers: BTreeSet::new(),
            steering: None,
            restarts: Restarts::default(),
            book: StatusBook::default(),
            definitions: Definitions::default(),
            repeats: Repeats::default(),
            failed: BTreeSet::new(),
            is_stopping: false,
            verdict: None,
        }
    }

    /// Tells the registry, and its successors, which servers there are.
    pub(super) fn tell_wanted(&mut self, wanted: Vec<ConfiguredServer>) {
        let names: BTreeSet<&ServerName> = wanted.iter().map(|wanted| &wanted.server).collect();
        self.states.retain(|name, _| names.contains(name));
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

    /// Whether a server is known to end when its work is done.
    pub(super) fn is_known_to_finish(&self, server: &ServerName) -> bool {
        let past = self.pasts.get(server);
        past.is_some_and(|(_, past)| past.is_known_to_finish())
    }

    /// Failures that were said before are said as if they were new.
    pub(super) fn say_failures_again(&mut self) {
        self.repeats = Repeats::default();
        for (_, past) in self.pasts.values() {
            past.repeats(false);
        }
    }

    /// Logs that a server has failed, and says whether it is said to people at all.
    fn say_failure(&mut self, id: &ChildId, server: &ServerName, failure: &Failure) -> bool {
        let ladder = self.supervision().ladder;
        let count = self.repeats.ended(id, failure, &ladder);
        if let Some((_, past)) = self.pasts.get(server) {
            past.repeats(count.is_none());
        }
        let times = match count {
            Some(1) => String::new(),
            Some(count) => format!(" ({count} times now; said ever more rarely)"),
            None => " (as before)".to_owned(),
        };
        // A PATH is long, and the same each time.
        let is_old = failure.kind == FailureKind::StartFailed && count != Some(1);
        let detail = failure.detail.as_ref().filter(|_| !is_old);
        let detail = detail.map_or_else(String::new, |detail| format!("; {detail}"));
        let level = if count.is_some() {
            Level::Warn
        } else {
            Level::Debug
        };
        let who = self.label(id);
        log::log!(level, server = server.as_str(); "{who} {failure}{times}{detail}");
        count.is_some()
    }
}

impl SupervisorHooks for RootHooks {
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
        self.book.started(id, &self.settings.metrics);
        match (id, spec) {
            (ChildId::Config, _) => self.start_config(parent),
            (ChildId::Registry, _) => self.start_registry(parent),
            (ChildId::Sessions, _) => self.start_sessions(generation, parent),
            (ChildId::Listener, _) => self.start_listener(parent),
            (ChildId::Upstream(server), ChildSpec::Upstream(spec)) => {
                let is_counted = self.note_start(server, generation);
                let args = self.upstream_args(generation, spec, start)?;
                if is_counted {
                    args.history.started();
                }
                self.start_upstream(args, parent)
            }
            (ChildId::Instance(_, session), ChildSpec::Upstream(spec)) => {
                let owner = self.owners.get(session).cloned();
                let owner = Some(owner.ok_or_else(|| missing("its session"))?);
                let args = self.upstream_args(generation, spec, start)?;
                self.start_upstream(UpstreamArgs { owner, ..args }, parent)
            }
            (ChildId::Upstream(_) | ChildId::Instance(..), ChildSpec::Permanent) => {
                Err(missing("its entry"))
            }
        }
    }

    fn stop(&mut self, id: &ChildId, cell: &ActorCell) {
        let drain = if self.is_stopping || self.is_orphan(id) {
            Duration::ZERO
        } else {
            self.limits.borrow().drain_timeout
        };
        match id {
            ChildId::Upstream(_) | ChildId::Instance(..) => {
                if let Some(upstream) = self.upstreams.get(id) {
                    upstream.stop(drain);
                }
            }
            ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => {
                cell.stop(Some("stopped by root".into()));
            }
        }
    }

    fn status_changed(&mut self, id: &ChildId, status: Option<&Status>) {
        if let Some(Status::Backoff {
            until,
            failures,
            crash_looping,
            last,
            ..
        }) = status
        {
            let (who, server) = (self.label(id), subject(id));
            let wait = until.saturating_duration_since(Instant::now());
            let wait = wait.as_secs_f32();
            let is_silent = self.repeats.is_silent(id);
            let level = if is_silent { Level::Debug } else { Level::Warn };
            let count = if last.kind == FailureKind::Unauthorized {
                String::new()
            } else {
                format!(" (failure {failures} in a row)")
            };
            log::log!(level, server; "{who} is started again in {wait:.1} s{count}");
            let ladder = self.supervision().ladder;
            let is_failure = last.kind != FailureKind::Unauthorized;
            if is_failure && *crash_looping && !ladder.is_crash_loop(failures.saturating_sub(1)) {
                log::warn!(server; "{who} is crash-looping; it is tried again for ever");
                if let ChildId::Upstream(server) = id {
                    let text = "is crash-looping; it is tried again for ever";
                    self.book.events.note(Some(server), "crash-looping", text);
                }
            }
        }
        self.repeats.status_changed(id, status);
        match id {
            ChildId::Upstream(server) => {
                self.count_server(server, status);
                self.server_changed(server, status);
                self.restarts.settle(server, status);
            }
            ChildId::Instance(server, session) => self.instance_changed(server, *session, status),
            ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => {}
        }
    }

    fn exited(&mut self, id: &ChildId, of: Generation, failure: &Failure, was_asked: bool) {
        let is_it = |upstream: &UpstreamHandle| upstream.generation() == of;
        if self.upstreams.get(id).is_some_and(is_it) {
            self.upstreams.remove(id);
        }
        // The server has said so itself, and may end like this after every call.
        let was_asked = was_asked || failure.kind == FailureKind::Finished;
        self.book.exited(id, of, failure, was_asked);
        match id {
            ChildId::Upstream(server) | ChildId::Instance(server, _) if !was_asked => {
                let is_said = self.say_failure(id, server, failure);
                if matches!(id, ChildId::Upstream(_)) {
                    self.failed.insert(server.clone());
                    if is_said {
                        let (said, likely) = self.book.clue(server);
                        self.notice(Notice::ServerFailed {
                            server: server.clone(),
                            why: failure.to_string(),
                            said,
                            likely,
                        });
                    }
                }
            }
            ChildId::Upstream(_) | ChildId::Instance(..) => {}
            ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => {
                if !was_asked {
                    log::error!("The {id:?} actor {of} has ended and is restarted: {failure}");
                    let text = format!("the {id:?} actor has ended and is restarted");
                    self.book.events.note(None, "actor", &text);
                }
            }
        }
    }

    fn killed(&mut self, id: &ChildId, _: Generation) {
        log::warn!(server = subject(id); "{} did not stop in time and is killed", self.label(id));
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

/// Whose lines in the log are counted together: a server's, with those of its instances.
fn subject(id: &ChildId) -> &str {
    match id {
        ChildId::Upstream(server) | ChildId::Instance(server, _) => server.as_str(),
        ChildId::Config | ChildId::Registry | ChildId::Sessions | ChildId::Listener => "",
    }
}
