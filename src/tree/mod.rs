//! THE SUPERVISION TREE. The listing of this folder is the tree:
//!
//! ```text
//! root                        owns everything; a policy per child
//! ├── config                  watches the file; sends root the full wanted set
//! ├── registry                catalogues → prefixed names → immutable route table
//! ├── upstream:<name>    × n  one OS process each; lives exactly as long as its process
//! ├── instance           × k  the same, for one session and one server that is not shared
//! ├── sessions                dynamic supervisor; children are temporary
//! │   ├── session:<id>   × m  one per connected client
//! │   └── requests       × w  workers for the requests of clients without sessions
//! └── listener                the port (passed in as `Frontend`)
//! ```
//!
//! `config`, `registry`, `sessions` and `listener` are permanent: restarted at once, and more than
//! five restarts in 30 s end the program. Upstreams climb the ladder, for ever. Sessions are
//! temporary: a client whose session died reconnects.
//!
//! A call goes POST → session → (the session's own route table) → upstream → stdin, and its answer
//! stdout → upstream → session → the client's stream. The registry pushes tables and relays
//! nothing. Everything between actors is a message.

mod alarm;
mod beside;
mod call;
mod client;
mod config;
mod frontend;
mod heartbeat;
mod history;
mod portless;
mod pulse;
mod quota;
mod registry;
mod root;
mod sessions;
mod shares;
mod timer;
mod upstream;

/// What the simulation and the parts for tests, which stand beside the tree, use of the rooms in it.
#[cfg(test)]
pub(crate) mod inside {
    pub(crate) use super::client::{SessionEvent, SessionSink};
    pub(crate) use super::config::{ConfigArgs, ConfigParent};
    pub(crate) use super::registry::{
        Catalogue, ConfiguredServer, Registry, RegistryArgs, RegistryHandle, Routes, Store,
        Subscriber,
    };
    pub(crate) use super::root::{Root, RootArgs, RootHandle, RootMsg, Served};
    pub(crate) use super::sessions::{Sessions, SessionsArgs, Signer, Workers};
    pub(crate) use super::upstream::{
        Child, Heard, Launch, Launched, Sink, UpstreamArgs, UpstreamHandle, UpstreamMsg,
    };
}

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorCell, SpawnErr};
use tokio::sync::{mpsc, watch};

pub(crate) use beside::beside;
pub use call::CallError;
pub(crate) use call::uncertain;
pub use config::ConfigurationFault;
pub use frontend::{Frontend, FrontendLinks};
pub use heartbeat::{Beat, Part};
pub use history::{Exit as ServerExit, Follower, Likely, Line, LogNews, ServerHistory, ServerLog};
pub use portless::Portless;
pub use pulse::Pulse;
pub use quota::{Quota, Share, Taker};
pub use registry::{Approval, Cost, Held, LastSeen};
pub use root::{
    CallsStatus, Changes, ConfigurationStatus, ProcessesStatus, ProfileStatus, Reading, Restarted,
    ServerDetail, ServerStatus, ServerTools, ShutdownDelay, Standing, StatusEvent, StatusHandle,
    Steering, TreeStatus,
};
pub use sessions::{
    Event, KeyFileError, OpenedSse, Outbound, Replies, SessionHandle, SessionSeen, SessionsHandle,
    Signer, Spoken,
};
#[cfg(any(test, fuzzing))]
pub(crate) use sessions::{check_event_id, check_session_id};
pub(crate) use shares::{Rest, who_makes_room};
pub use upstream::AwakeFor;

use crate::config::model::{Config, Entry, Given, INSTRUCTIONS_READ, Limits, Profiles};
use crate::ids::ServerName;
use crate::process::Groups;
use crate::state_dir::StateDir;
use crate::supervise::{self, Spawn, Watched};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::readiness::Readiness;
use root::{Root, RootArgs, RootHandle, Served};

/// What clients would be offered by the configuration at `path`, by what a gateway has kept of its servers. Starts
/// nothing, and blocks.
#[must_use]
pub fn last_seen(state_dir: Option<&StateDir>, path: &Path, config: &Config) -> LastSeen {
    let naming = config.names.unwrap_or_default();
    let servers = config.servers.iter().filter_map(|entry| match entry {
        Entry::Run(spec, view) => Some(root::configured(spec, view, naming)),
        Entry::Disabled(_) | Entry::Refused(_) => None,
    });
    let profiles = Profiles::of(&config.profiles, None, &mut Vec::new());
    let budget = config.instructions_budget.unwrap_or(INSTRUCTIONS_READ);
    let store = registry::Store::new(state_dir, path);
    registry::last_seen(&store, servers.collect(), &Arc::new(profiles), budget)
}

/// What the tree is started with. The defaults are the program's; tests shorten them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The configuration file.
    pub config_path: PathBuf,
    /// Where state is kept; nowhere if absent. See [`Settings::keep_state_in`].
    pub state_dir: Option<StateDir>,
    /// Who signs the sessions' ids, where the operator has given a file of keys; else what was kept there.
    pub signer: Option<Signer>,
    /// The ladder, the intensity, the start slots.
    pub supervision: supervise::Settings,
    /// The limits, as far as neither the file nor the command line says anything. Of
    /// `supervision`, they stand above the ladder's delays and the time to stop.
    pub limits: Limits,
    /// What the command line says about them, which stands above the file.
    pub command_line: Given,
    /// Every process group that is alive, to be killed when nothing else helps.
    pub groups: Groups,
    /// Released by the parts `"configuration"` and `"boot"`.
    pub readiness: Readiness,
    /// What is counted.
    pub metrics: Metrics,
    /// How long the stop is put off, for whoever watches that it ends in time.
    pub shutdown_delay: ShutdownDelay,
    /// Who is told what a person at a terminal wants to see.
    pub notices: Option<mpsc::UnboundedSender<Notice>>,
}

impl Settings {
    /// The program's own numbers.
    #[must_use]
    pub fn new(config_path: PathBuf) -> Self {
        Self {
            config_path,
            state_dir: None,
            signer: None,
            supervision: supervise::Settings::default(),
            limits: Limits::default(),
            command_line: Given::default(),
            groups: Groups::default(),
            readiness: Readiness::new(&["configuration", "boot"]),
            metrics: Metrics::default(),
            shutdown_delay: ShutdownDelay::default(),
            notices: None,
        }
    }

    /// Has state kept there, and takes over the key of the sessions' ids unless there is one. Blocks.
    pub fn keep_state_in(&mut self, state_dir: Option<StateDir>) {
        self.signer
            .get_or_insert_with(|| Signer::load(state_dir.as_ref()));
        self.state_dir = state_dir;
    }
}

/// What a person at a terminal wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A server takes calls.
    ServerReady {
        /// Its name.
        server: ServerName,
        /// How many tools it offers.
        tools: usize,
    },
    /// A server ended without being asked; it is tried again.
    ServerFailed {
        /// Its name.
        server: ServerName,
        /// How it ended.
        why: String,
        /// The last line of its stderr.
        said: Option<String>,
        /// The probable cause.
        likely: Option<Likely>,
    },
}

/// How the tree ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was asked to stop, and did.
    Stopped,
    /// Permanent children died too often.
    GaveUp,
    /// Root itself died.
    RootDied,
}

impl Exit {
    /// The program's exit code: 0, or 70 (`EX_SOFTWARE`), upon which a service manager starts it afresh.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::GaveUp | Self::RootDied => 70,
        }
    }
}

/// A running tree.
#[derive(Debug)]
pub struct Tree {
    root: RootHandle,
    cell: ActorCell,
    ended: JoinHandle<()>,
    exit: watch::Receiver<Option<Exit>>,
    readings: watch::Receiver<Reading>,
    groups: Groups,
}

/// Starts the tree: root, and from there everything else.
pub async fn start(
    settings: Settings,
    spawn: impl Spawn,
    frontend: impl Frontend,
) -> Result<Tree, SpawnErr> {
    let groups = settings.groups.clone();
    let (verdict, exit) = watch::channel(None);
    let (read, readings) = watch::channel(Reading::default());
    let args = RootArgs {
        spawner: Box::new(spawn.clone()),
        port: Box::new(Served { spawn, frontend }),
        settings,
        exit: verdict,
        readings: read,
    };
    let (actor, ended) = Actor::spawn(None, Watched::new("root", Root), args).await?;
    Ok(Tree {
        cell: actor.get_cell(),
        root: RootHandle::new(actor),
        ended,
        exit,
        readings,
        groups,
    })
}

impl Tree {
    /// Reads the configuration now and tries everything that is down at once (SIGHUP).
    pub fn reload(&self) {
        self.root.reload();
    }

    /// What shows that the tree is alive, each part of it.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse::new(self.root.clone())
    }

    /// How the tree is, for those who ask.
    #[must_use]
    pub fn status(&self) -> StatusHandle {
        self.root.status()
    }

    /// How often the configuration has been read and taken so far, and what could not be used has been
    /// found so. After [`Self::reload`] it goes up.
    #[must_use]
    pub fn readings(&self) -> watch::Receiver<Reading> {
        self.readings.clone()
    }

    /// Begins the stop (SIGTERM): see [`Self::wait`].
    pub fn stop(&self) {
        self.root.stop();
    }

    /// Kills every process group at once (a second signal).
    pub fn kill_all(&self) {
        self.groups.kill_all();
    }

    /// Root itself, for tests that end it.
    #[must_use]
    pub fn root(&self) -> ActorCell {
        self.cell.clone()
    }

    /// Waits for the end of the tree. No process group of a server is alive afterwards.
    pub async fn wait(&mut self) -> Exit {
        if let Err(error) = (&mut self.ended).await {
            log::error!("root's task failed: {error}");
        }
        self.groups.kill_all();
        self.exit.borrow().unwrap_or(Exit::RootDied)
    }
}
