//! What the registry is told. Only its handle builds these.

use std::sync::Arc;
use std::time::Duration;

use ractor::RpcReplyPort;
use serde::Serialize;
use tokio::time::Instant;

use super::catalogue::{Catalogue, Lessons};
use super::handle::Subscriber;
use super::job::Tables;
use crate::config::model::{Isolation, Profiles, View};
use crate::ids::{Generation, Prefix, ServerName};
use crate::tree::alarm::Alarm;
use crate::tree::heartbeat::Beat;
use crate::tree::upstream::UpstreamHandle;
use crate::turn::Kind;

/// One configured server, as far as the registry has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfiguredServer {
    /// Its name.
    pub server: ServerName,
    /// What is run for it, as a number: a kept catalogue of something else is not shown.
    pub fingerprint: u64,
    /// What its tools and prompts are called by.
    pub prefix: Prefix,
    /// Whether each session has an instance of its own.
    pub isolation: Isolation,
    /// What of it clients see.
    pub view: Arc<View>,
}

/// What root says of a server. That it is ready, the server's own catalogue says.
#[derive(Debug, Clone)]
pub(crate) enum ServerState {
    /// This generation was started. Its catalogue may overtake this news, and counts for more.
    Starting {
        /// Whether a start has failed: the boot latch does not wait for it any longer.
        has_failed: bool,
    },
    /// This generation has ended or is on its way out, and the next one is near: calls wait for it.
    Between {
        /// As above.
        has_failed: bool,
    },
    /// It waits for its next start.
    Down {
        /// How it ended.
        why: String,
        /// When it is tried again.
        next_try: Instant,
    },
    /// It runs when somebody wants it.
    Asleep {
        /// Wakes it.
        alarm: Alarm,
    },
}

/// What became of a server whose tools were to be approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Approval {
    /// Clients see all of its tools as it has them.
    Approved {
        /// Those that they saw otherwise before, or not at all, by its own names.
        tools: Vec<String>,
    },
    /// What is held is not what was looked at: nothing is approved.
    Changed,
    /// Its entry has no `"on_changed_tools": "hold"`: nothing of it is ever held.
    NotHeld,
    /// There is no such server.
    Unknown,
}

pub(crate) enum RegistryMsg {
    /// From root, after each change of the configuration: all servers, in order.
    Wanted(Vec<ConfiguredServer>),
    /// From root, before `Wanted`: what clients may be shown of it.
    Profiles(Arc<Profiles>),
    /// From root, before `Wanted`: how many bytes the instructions of all servers may have together.
    Budget(usize),
    /// From root: what became of a server.
    ServerState {
        server: ServerName,
        generation: Generation,
        state: ServerState,
    },
    /// From an upstream: it is ready and offers this; `None` if it takes calls but could not say
    /// what it offers. Older generations are ignored.
    Catalogue {
        handle: UpstreamHandle,
        catalogue: Option<Arc<Catalogue>>,
    },
    /// From an upstream: what was learnt in this life. It is told again at its next boot.
    Learnt {
        server: ServerName,
        generation: Generation,
        lessons: Lessons,
    },
    /// From root, in the operator's name: what is held of this server is to be shown, if its digest is this one.
    Approve {
        looked_at: (ServerName, String),
        reply: RpcReplyPort<Approval>,
    },
    /// From a session: push the table to it, now and at each change.
    Join {
        session: u64,
        subscriber: Arc<dyn Subscriber>,
    },
    /// From a session that ends.
    Leave { session: u64 },
    /// From root: to be answered.
    Beat(Beat),
    /// From root: the limits, or the first configuration, put the boot latch's time there.
    LatchOpens(Instant),
    /// From root: at the start there is no configuration that can be used. Nobody waits for one.
    Unconfigured,
    /// From itself: the first lists have waited for long enough.
    LatchElapsed,
    /// From the task that merges; `None` if it failed.
    Merged {
        merged: Option<Box<Tables>>,
        took: Duration,
    },
    /// From itself: another long merge may be done.
    Rested,
    /// From itself: what clients are offered may be logged.
    Announce,
    /// From the task that keeps catalogues.
    KeptCatalogue(Result<(), String>),
}

impl Kind for RegistryMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Wanted(_) => "ConfiguredServer",
            Self::Profiles(_) => "Profiles",
            Self::Budget(_) => "Budget",
            Self::ServerState { .. } => "ServerState",
            Self::Catalogue { .. } => "Catalogue",
            Self::Learnt { .. } => "Learnt",
            Self::Approve { .. } => "Approve",
            Self::Join { .. } => "Join",
            Self::Leave { .. } => "Leave",
            Self::Beat(_) => "Beat",
            Self::LatchOpens(_) => "LatchOpens",
            Self::Unconfigured => "Unconfigured",
            Self::LatchElapsed => "LatchElapsed",
            Self::Merged { .. } => "Merged",
            Self::Rested => "Rested",
            Self::Announce => "Announce",
            Self::KeptCatalogue(_) => "KeptCatalogue",
        }
    }
}
