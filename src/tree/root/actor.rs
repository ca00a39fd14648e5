//! The actor: dispatch.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::watch;

use super::hooks::{ChildSpec, RootHooks};
use super::port::Port;
use super::shutdown::Shutdown;
use super::spawner::Spawner;
use super::{ChildId, Reading, RootHandle, RootMsg};
use crate::config::model::ServerSpec;
use crate::ids::{Generation, ServerName};
use crate::supervise::Supervisor;
use crate::telemetry::readiness::Readiness;
use crate::tree::{Exit, Notice, Settings};

/// The root of the tree.
pub(crate) struct Root;

/// What root is started with.
pub(crate) struct RootArgs {
    /// How its children are started.
    pub spawner: Box<dyn Spawner>,
    /// What serves the port.
    pub port: Box<dyn Port>,
    /// The numbers and paths.
    pub settings: Settings,
    /// Where the verdict goes when the tree ends in its own way.
    pub exit: watch::Sender<Option<Exit>>,
    /// Where it is counted how often what was read was taken, or found to be of no use.
    pub readings: watch::Sender<Reading>,
}

/// The state.
pub(crate) struct RootState {
    pub(super) myself: ActorRef<RootMsg>,
    pub(super) supervisor: Supervisor<RootHooks>,
    pub(super) shutdown: Shutdown,
    exit: watch::Sender<Option<Exit>>,
    pub(super) readings: watch::Sender<Reading>,
    pub(super) readiness: Readiness,
    pub(super) is_configured: bool,
}

impl Actor for Root {
    type Msg = RootMsg;
    type State = RootState;
    type Arguments = RootArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<RootMsg>,
        args: RootArgs,
    ) -> Result<RootState, ActorProcessingErr> {
        let root = RootHandle::new(myself.clone());
        let readiness = args.settings.readiness.clone();
        let mut hooks = RootHooks::new((args.spawner, args.port), args.settings, root.clone());
        hooks.steering = Some(root.steering(args.readings.subscribe()));
        let supervision = hooks.supervision();
        let send = move |tick| root.tick(tick);
        Ok(RootState {
            supervisor: Supervisor::new(hooks, supervision, myself.get_cell(), send),
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
        state: &mut RootState,
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
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RootMsg::Configured { config, retry } => state.on_configured(config, retry),
            RootMsg::RoutesChanged(routes) => state.on_routes(routes),
            RootMsg::ConfigJudged { is_faulty, faults } => {
                state.supervisor.hooks_mut().book.judged(is_faulty, faults);
            }
            RootMsg::Spawned {
                child,
                generation,
                pid,
            } => {
                let book = &mut state.supervisor.hooks_mut().book;
                book.spawned(child, generation, pid);
            }
            RootMsg::GetStatus { reply } => state.on_get_status(reply),
            RootMsg::Restart { server, reply } => state.on_restart(&server, reply),
            RootMsg::GetServer { server, reply } => state.on_get_server(&server, reply),
            RootMsg::GetTools { reply } => state.on_get_tools(reply),
            RootMsg::Approve {
                server,
                digest,
                reply,
            } => state.on_approve(server, digest, reply),
            RootMsg::Initialized { child, generation } => {
                state.supervisor.on_initialised(child, generation);
            }
            RootMsg::Ready {
                child,
                generation,
                tools,
            } => state.on_ready(child, generation, tools),
            RootMsg::Unused { child, generation } => state.on_unused(&child, generation),
            RootMsg::Woken { child, why } => state.on_woken(&child, why),
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
                if let Some(config) = &state.supervisor.hooks().config {
                    config.reload();
                }
            }
            RootMsg::Stop => state.begin_shutdown(),
            RootMsg::BootElapsed => state.on_boot_elapsed(),
            RootMsg::SessionsCalling { step, are_they } => {
                state.shutdown.are_calling(step, are_they);
            }
            RootMsg::PhaseElapsed(phase) => state.shutdown.elapsed(phase),
        }
        state.after_event();
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<RootMsg>,
        event: SupervisionEvent,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        state.supervisor.on_supervision_event(event);
        state.after_event();
        Ok(())
    }
}

impl RootState {
    fn after_event(&mut self) {
        if let Some(verdict) = self.supervisor.hooks().verdict {
            return self.end(verdict);
        }
        self.remove_orphans();
        self.go_on_stopping();
    }

    fn on_ready(&mut self, child: ChildId, generation: Generation, tools: usize) {
        if let ChildId::Upstream(server) = &child {
            let text = format!("is ready, with {tools} tools");
            let events = &mut self.supervisor.hooks_mut().book.events;
            events.note(Some(server), "ready", &text);
        }
        if let ChildId::Upstream(server) = &child
            && !self.supervisor.hooks().is_known_to_finish(server)
        {
            let server = server.clone();
            let notice = Notice::ServerReady { server, tools };
            self.supervisor.hooks().notice(notice);
        }
        self.supervisor.on_ready(child, generation);
    }

    /// Ends the tree with this verdict; the children that are left are killed with root.
    pub(super) fn end(&mut self, verdict: Exit) {
        self.exit.send_replace(Some(verdict));
        self.myself.stop(Some(format!("{verdict:?}")));
    }

    /// What a server runs from, if it is configured.
    pub(super) fn spec(&self, server: &ServerName) -> Option<&Arc<ServerSpec>> {
        let id = ChildId::Upstream(server.clone());
        match self.supervisor.children().spec(&id)? {
            ChildSpec::Upstream(spec) => Some(spec),
            ChildSpec::Permanent => None,
        }
    }
}
