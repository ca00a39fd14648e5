//! What root is told, and by whom.

use std::sync::Arc;

use ractor::RpcReplyPort;

use super::child_id::ChildId;
use super::shutdown::Phase;
use super::status::{ServerDetail, ServerTools, TreeStatus};
use super::steering::Restarted;
use crate::config::model::Config;
use crate::ids::{Generation, ServerName};
use crate::supervise::Tick;
use crate::tree::alarm::Use;
use crate::tree::client::InstanceOwner;
use crate::tree::config::ConfigurationFault;
use crate::tree::heartbeat::Beat;
use crate::tree::registry::{Approval, Routes};
use crate::tree::sessions::Stop;
use crate::turn::Kind;

/// What root is told.
pub(crate) enum RootMsg {
    /// From the config actor: the whole configuration, or that there is no usable one.
    Configured { config: Option<Config>, retry: bool },
    /// From the registry: the new table.
    RoutesChanged(Arc<Routes>),
    /// From the config actor: whether something in the file can't be used as it is now, and all that is
    /// wrong with it.
    ConfigJudged {
        is_faulty: bool,
        faults: Vec<ConfigurationFault>,
    },
    /// From an upstream: its process runs, or its address is asked.
    Spawned {
        child: ChildId,
        generation: Generation,
        pid: Option<u32>,
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
    /// From an upstream: nobody has used it for long, and it takes nothing any more.
    Unused {
        child: ChildId,
        generation: Generation,
    },
    /// From whoever has a use for a server that sleeps.
    Woken { child: ChildId, why: Use },
    /// From a session: it has a use for an instance of this server of its own. `SessionEvent::Instance`
    /// answers it, or the instance itself when it is ready.
    InstanceWanted {
        server: ServerName,
        owner: InstanceOwner,
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
    /// From the operator: this server is to be started afresh. Answered when it is ready or has failed.
    Restart {
        server: ServerName,
        reply: RpcReplyPort<Restarted>,
    },
    /// The same of one server; `None` for an unknown one.
    GetServer {
        server: ServerName,
        reply: RpcReplyPort<Option<ServerDetail>>,
    },
    /// The same for the tools of all servers.
    GetTools {
        reply: RpcReplyPort<Vec<ServerTools>>,
    },
    /// From the operator: what is held of this server is to be shown, if its digest is this one. The registry answers.
    Approve {
        server: ServerName,
        digest: String,
        reply: RpcReplyPort<Approval>,
    },
    /// From whoever feeds the watchdog: to be answered, and passed on to the permanent children.
    Beat(Beat),
    /// From main, on SIGHUP.
    Reload,
    /// From main, on SIGTERM and SIGINT.
    Stop,
    /// From itself: readiness has waited for first starts for long enough.
    BootElapsed,
    /// From the sessions, during the stop: whether any has a call without an answer.
    SessionsCalling {
        /// The step of the stop that they know of.
        step: Stop,
        are_they: bool,
    },
    /// From itself: this phase of the stop has taken long enough.
    PhaseElapsed(Phase),
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
            Self::Unused { .. } => "Unused",
            Self::Woken { .. } => "Woken",
            Self::InstanceWanted { .. } => "InstanceWanted",
            Self::SessionEnded { .. } => "SessionEnded",
            Self::InstancesUnused { .. } => "InstancesUnused",
            Self::Tick(_) => "Tick",
            Self::GetStatus { .. } => "GetStatus",
            Self::Restart { .. } => "Restart",
            Self::GetServer { .. } => "GetServer",
            Self::GetTools { .. } => "GetTools",
            Self::Approve { .. } => "Approve",
            Self::Beat(_) => "Beat",
            Self::Reload => "Reload",
            Self::Stop => "Stop",
            Self::BootElapsed => "BootElapsed",
            Self::SessionsCalling { .. } => "SessionsCalling",
            Self::PhaseElapsed(_) => "PhaseElapsed",
        }
    }
}
