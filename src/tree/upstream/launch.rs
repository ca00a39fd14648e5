//! From a configured entry to the process that serves it; and all that an upstream asks of it, so
//! that a simulation can put servers of its own in its place.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::config::model::{self, Limits, Program, ServerSpec, Target};
use crate::ids::ServerName;
use crate::process::{self, Command, Grace, Groups, Output, Process, SpawnError, StopReport};
use crate::remote::{self, Remote, Secrets};

/// The command that means the running binary itself.
const OURSELVES: &str = "mcproxy";

/// Where all that a server says and does goes.
pub(crate) type Sink = Box<dyn Fn(Heard) + Send + Sync>;

/// What a server says, and what happens to it.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A process.
    Process(Output),
    /// A remote server.
    Remote(remote::Output),
}

/// How servers are started: [`launch`], but in a simulation.
pub(crate) type Launch =
    Arc<dyn Fn(&Arc<ServerSpec>, &Arc<Limits>, &Groups, Sink) -> Launching + Send + Sync>;

/// A start, which may take as long as a file system hangs. What it delivers may come before its end.
pub(crate) type Launching = Pin<Box<dyn Future<Output = Launched> + Send>>;

/// A server that runs, or why it does not.
pub(crate) type Launched = Result<Box<dyn Child>, LaunchError>;

/// Why a server could not even be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// Its process.
    #[error(transparent)]
    Process(#[from] SpawnError),
    /// What a remote server is asked with.
    #[error("{0}")]
    Remote(String),
}

impl LaunchError {
    /// See [`SpawnError::searched`].
    pub(super) fn searched(&self) -> Option<&str> {
        match self {
            Self::Process(error) => error.searched(),
            Self::Remote(_) => None,
        }
    }
}

/// A running server. Dropping it kills it at once.
pub(crate) trait Child: Send + Sync {
    /// See [`Process::pid`]; a remote server has none.
    fn pid(&self) -> Option<u32>;

    /// See [`Process::write`].
    fn write(&self, line: Bytes) -> Result<(), Bytes>;

    /// See [`Process::has_stdin`].
    fn has_stdin(&self) -> bool;

    /// See [`Process::stop`].
    fn stop(self: Box<Self>, grace: Grace) -> Pin<Box<dyn Future<Output = StopReport> + Send>>;

    /// See [`Remote::secrets`]; what a process has of them is its own.
    fn secrets(&self) -> Option<Secrets> {
        None
    }
}

impl Child for Process {
    fn pid(&self) -> Option<u32> {
        Some(Self::pid(self))
    }

    fn write(&self, line: Bytes) -> Result<(), Bytes> {
        Self::write(self, line)
    }

    fn has_stdin(&self) -> bool {
        Self::has_stdin(self)
    }

    fn stop(self: Box<Self>, grace: Grace) -> Pin<Box<dyn Future<Output = StopReport> + Send>> {
        Box::pin(Self::stop(*self, grace))
    }
}

/// How long a remote server may take to hear the goodbye.
const GOODBYE: Duration = Duration::from_millis(1500);

impl Child for Remote {
    fn pid(&self) -> Option<u32> {
        None
    }

    fn write(&self, line: Bytes) -> Result<(), Bytes> {
        Self::write(self, line)
    }

    fn has_stdin(&self) -> bool {
        self.is_open()
    }

    fn secrets(&self) -> Option<Secrets> {
        Some(Self::secrets(self))
    }

    fn stop(self: Box<Self>, _: Grace) -> Pin<Box<dyn Future<Output = StopReport> + Send>> {
        Box::pin(async move {
            let start = Instant::now();
            Self::stop(*self, GOODBYE).await;
            StopReport {
                exit: None,
                forced: false,
                took: start.elapsed(),
            }
        })
    }
}

/// Starts the server's process, or gets ready to ask it. `sink` is called for everything it says and does.
pub(crate) fn launch(
    spec: &Arc<ServerSpec>,
    limits: &Arc<Limits>,
    groups: &Groups,
    sink: Sink,
) -> Launching {
    let (spec, limits) = (Arc::clone(spec), Arc::clone(limits));
    let groups = groups.clone();
    Box::pin(async move {
        let program = match &spec.target {
            Target::Program(program) => program.clone(),
            Target::Remote(remote) => return ask(&spec, remote.clone(), &limits, sink).await,
        };
        let place = (program.command.clone(), program.cwd.clone());
        let ours = groups.clone();
        let spawn = move || spawn(&spec, program, &limits, &ours, sink);
        process::start(&groups, place, spawn)
            .await
            .map_err(Into::into)
    })
}

/// Gets ready to ask a remote server. Its files are read beside the workers.
async fn ask(
    spec: &Arc<ServerSpec>,
    wanted: model::Remote,
    limits: &Limits,
    sink: Sink,
) -> Launched {
    let transport = wanted.transport;
    let ours = Arc::clone(spec);
    let fill = move || {
        let filled = wanted.fill(&ours.env_files);
        filled.map_err(|error| error.to_string())
    };
    let filled = spawn_blocking(fill).await;
    let filled = filled.unwrap_or_else(|error| Err(error.to_string()));
    let filled = filled.map_err(LaunchError::Remote)?;
    warn_of_exposed(&spec.name, filled.exposed);
    let place = remote::Place {
        url: filled.url,
        headers: filled.headers,
        transport,
    };
    let limits = remote::Limits {
        message: limits.max_line_bytes,
        buffered: process::Limits::default().buffered,
        requests: pipes(limits).queue,
    };
    let told = move |output| sink(Heard::Remote(output));
    let remote = remote::connect(place, limits, told).await;
    let remote = remote.map_err(|error| LaunchError::Remote(error.to_string()))?;
    Ok(Box::new(remote))
}

fn spawn(
    spec: &ServerSpec,
    wanted: Program,
    limits: &Limits,
    groups: &Groups,
    sink: Sink,
) -> Result<Box<dyn Child>, SpawnError> {
    let filled = wanted.fill(&spec.env_files);
    let filled = filled.map_err(|error| SpawnError::Unprepared {
        program: wanted.command.clone(),
        why: error.to_string(),
    })?;
    warn_of_exposed(&spec.name, filled.exposed);
    let extra = filled.env.iter();
    let extra = extra.map(|(name, value)| (name.as_str(), value.as_str()));
    let command = Command {
        name: spec.name.to_string(),
        program: program(&wanted.command),
        env: process::environment(wanted.inherit_env, extra),
        args: filled.args,
        cwd: wanted.cwd,
    };
    let pipes = pipes(limits);
    let told = move |output| sink(Heard::Process(output));
    Ok(Box::new(process::spawn(&command, &pipes, groups, told)?))
}

/// The files of secrets that were warned of; of so many at most.
static EXPOSED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
const MOST_EXPOSED: usize = 256;

/// Says of each file once that everybody may read the secrets in it, however often servers start.
fn warn_of_exposed(server: &ServerName, files: Vec<PathBuf>) {
    for file in files {
        let mut said = EXPOSED.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST_EXPOSED && said.insert(file.clone()) {
            let file = file.display();
            log::warn!(server = server.as_str(); "Server '{server}' has secrets from {file}, which every user of this machine may read: chmod 640 the file");
        }
    }
}

/// What concerns the pipes. All calls that may be in flight find room in the queue.
fn pipes(limits: &Limits) -> process::Limits {
    let defaults = process::Limits::default();
    process::Limits {
        line: limits.max_line_bytes,
        stderr_line: limits.max_stderr_line_bytes,
        stderr_rate: limits.stderr_lines_per_second,
        write_stall: limits.stdin_timeout,
        queue: defaults.queue.max(2 * limits.max_calls_per_server),
        ..defaults
    }
}

/// `mcproxy` is this very binary, wherever it lies. After an upgrade the file it was started from
/// may be gone; the kernel still has it.
#[expect(
    clippy::disallowed_methods,
    reason = "called beside the workers, see `launch`"
)]
fn program(command: &str) -> String {
    if command != OURSELVES {
        return command.to_owned();
    }
    std::env::current_exe()
        .ok()
        .filter(|path| path.exists())
        .and_then(|path| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| "/proc/self/exe".to_owned())
}
