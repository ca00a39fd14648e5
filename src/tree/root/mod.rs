//! `RootSupervisor`: owns everything, has a policy per child, and no business of its own.
//!
//! It starts the children in order, takes the wanted set from the config actor, keeps the last
//! route table for the registry's successor, and stops the house in phases. Nobody supervises it:
//! its end is the end of the program.

mod actor;
mod beat;
mod boot;
mod host;
mod instances;
mod limits;
mod repeats;
mod shutdown;
mod standing;
mod starts;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ractor::{ActorRef, RpcReplyPort};

pub(crate) use actor::{Root, RootArgs};
pub use standing::Standing;
pub use status::{ConfigurationStatus, ServerStatus, StatusHandle, TreeStatus};

use crate::config::model::Config;
use crate::ids::{Generation, ServerName};
use crate::supervise::Tick;
use crate::tree::client::Owner;
use crate::tree::heartbeat::Beat;
use crate::tree::registry::{Routes, Subscriber};
use crate::tree::upstream::UpstreamHandle;
use crate::turn::Kind;

/// What a child of root is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ChildId {
    /// The config actor.
    Config,
    /// The registry.
    Registry,
    /// A configured server.
    Upstream(ServerName),
    /// A session's own instance of a configured server, by the session's serial number.
    Instance(ServerName, u64),
    /// The sessions' supervisor.
    Sessions,
    /// The listener.
    Listener,
}

impl ChildId {
    fn of(upstream: &UpstreamHandle) -> Self {
        let server = upstream.server().clone();
        match upstream.session() {
            None => Self::Upstream(server),
            Some(session) => Self::Instance(server, session),
        }
    }
}

pub(crate) enum RootMsg {
    /// From the config actor: the whole configuration, or that there is no usable one.
    Configured { config: Option<Config>, retry: bool },
    /// From the registry: the new table.
    RoutesChanged(Arc<Routes>),
    /// From the config actor: whether something in the file can't be used as it is now.
    ConfigJudged { is_faulty: bool },
    /// From an upstream: its process runs.
    Spawned {
        child: ChildId,
        generation: Generation,
        pid: u32,
    },
    /// From an upstream: `initialize` was answered.
    Initialized {
        child: ChildId,
        generation: Generation,
    },
    /// From an upstream: it takes calls and offers so many tools.
    Ready {
        child: ChildId,
        generation: Generation,
        tools: usize,
    },
    /// From a session: it has a use for an instance of this server of its own. `SessionEvent::Instance`
    /// answers it, or the instance itself when it is ready.
    InstanceWanted {
        server: ServerName,
        owner: Owner,
        /// Which life of the sessions' supervisor the session belongs to.
        life: Generation,
    },
    /// From the sessions: this one has ended, and its instances end with it.
    SessionEnded { session: u64 },
    /// From a session: its client uses its instances no more, for now.
    InstancesUnused { session: u64 },
    /// From the supervision's own tasks.
    Tick(Tick<ChildId>),
    /// From the listener's handlers: what is known of the tree. Answered at once.
    GetStatus { reply: RpcReplyPort<TreeStatus> },
    /// From whoever feeds the watchdog: to be answered, and passed on to the permanent children.
    Beat(Beat),
    /// From main, on SIGHUP.
    Reload,
    /// From main, on SIGTERM and SIGINT.
    Stop,
    /// From itself: readiness has waited for first starts for long enough.
    BootElapsed,
    /// From the sessions, during the stop: whether any has a call without an answer.
    SessionsCalling(bool),
    /// From itself: this phase of the stop has taken long enough.
    PhaseElapsed(shutdown::Phase),
}

impl Kind for RootMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Configured { .. } => "Configured",
            Self::RoutesChanged(_) => "RoutesChanged",
            Self::ConfigJudged { .. } => "ConfigJudged",
            Self::Spawned { .. } => "Spawned",
            Self::Initialized { .. } => "Initialized",
            Self::Ready { .. } => "Ready",
            Self::InstanceWanted { .. } => "InstanceWanted",
            Self::SessionEnded { .. } => "SessionEnded",
            Self::InstancesUnused { .. } => "InstancesUnused",
            Self::Tick(_) => "Tick",
            Self::GetStatus { .. } => "GetStatus",
            Self::Beat(_) => "Beat",
            Self::Reload => "Reload",
            Self::Stop => "Stop",
            Self::BootElapsed => "BootElapsed",
            Self::SessionsCalling(_) => "SessionsCalling",
            Self::PhaseElapsed(_) => "PhaseElapsed",
        }
    }
}

/// Root's handle. Nothing here waits.
#[derive(Clone, Debug)]
pub(crate) struct RootHandle {
    actor: ActorRef<RootMsg>,
    /// The life of the sessions' supervisor that it was given to.
    life: Generation,
}

impl RootHandle {
    pub(in crate::tree) fn new(actor: ActorRef<RootMsg>) -> Self {
        let life = Generation(0);
        Self { actor, life }
    }

    /// The same for this life of the sessions' supervisor and all its sessions.
    fn for_sessions(&self, life: Generation) -> Self {
        let actor = self.actor.clone();
        Self { actor, life }
    }

    /// What the file says now; `None` when it can't be used.
    pub(in crate::tree) fn configured(&self, config: Option<Config>, retry: bool) {
        self.tell(RootMsg::Configured { config, retry });
    }

    /// Whether something in the file can't be used as it is now.
    pub(in crate::tree) fn config_judged(&self, is_faulty: bool) {
        self.tell(RootMsg::ConfigJudged { is_faulty });
    }

    pub(in crate::tree) fn spawned(&self, upstream: &UpstreamHandle, pid: u32) {
        self.tell(RootMsg::Spawned {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
            pid,
        });
    }

    /// For those who want to know how the tree is.
    pub(in crate::tree) fn status(&self) -> StatusHandle {
        StatusHandle::new(self.actor.clone())
    }

    pub(in crate::tree) fn initialized(&self, upstream: &UpstreamHandle) {
        self.tell(RootMsg::Initialized {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
        });
    }

    pub(in crate::tree) fn ready(&self, upstream: &UpstreamHandle, tools: usize) {
        self.tell(RootMsg::Ready {
            child: ChildId::of(upstream),
            generation: upstream.generation(),
            tools,
        });
    }

    /// A session uses this isolated server. Asking again for what is there changes nothing.
    pub(in crate::tree) fn instance_wanted(&self, server: ServerName, owner: Owner) {
        let life = self.life;
        self.tell(RootMsg::InstanceWanted {
            server,
            owner,
            life,
        });
    }

    /// To be told once a session *has* ended, when all that it said is on its way already: a
    /// wish that came later would start an instance that nobody ends.
    pub(in crate::tree) fn session_ended(&self, session: u64) {
        self.tell(RootMsg::SessionEnded { session });
    }

    /// A session has no use for the instances of its own that there are. It may want one again.
    pub(in crate::tree) fn instances_unused(&self, session: u64) {
        self.tell(RootMsg::InstancesUnused { session });
    }

    pub(in crate::tree) fn sessions_calling(&self, are_they: bool) {
        self.tell(RootMsg::SessionsCalling(are_they));
    }

    pub(in crate::tree) fn beat(&self, beat: Beat) {
        self.tell(RootMsg::Beat(beat));
    }

    pub(in crate::tree) fn reload(&self) {
        self.tell(RootMsg::Reload);
    }

    pub(in crate::tree) fn stop(&self) {
        self.tell(RootMsg::Stop);
    }

    pub(in crate::tree) fn tick(&self, tick: Tick<ChildId>) {
        self.tell(RootMsg::Tick(tick));
    }

    fn tell(&self, message: RootMsg) -> bool {
        self.actor.cast(message).is_ok()
    }
}

impl Subscriber for RootHandle {
    fn routes_changed(&self, routes: Arc<Routes>) -> bool {
        self.tell(RootMsg::RoutesChanged(routes))
    }
}
