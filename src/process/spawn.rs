//! Starts a child and holds it: the handle through which its owner writes, signals and stops.
//! Dropping the handle kills the child and all of its group.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::process::Child;
use tokio::signal::unix::{Signal as SignalStream, SignalKind};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::Signal;
use super::command::Command;
use super::error::SpawnError;
use super::exit::watch_end;
use super::group::{Group, Groups};
use super::lines::Lines;
use super::output::{Outlet, Output};
use super::pipes::{drain, read, write};
use crate::turn;

/// How much a child may say and how long it may be deaf. The defaults are the design's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest line of stdout, in bytes. Longer ones are discarded to the next newline.
    pub line: usize,
    /// The longest line of stderr, in bytes. Longer ones are cut.
    pub stderr_line: usize,
    /// How many lines of stderr are delivered in a second, of up to 500 bytes each.
    pub stderr_rate: usize,
    /// Bytes of stdout's lines that are handed out and not handled yet. Beyond it stdout is not
    /// read; one more line may be in the reader.
    pub buffered: usize,
    /// How long the child may accept no byte while there is something to write.
    pub write_stall: Duration,
    /// How many lines may wait to be written.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 64 * 1024 * 1024,
            stderr_line: 8 * 1024,
            stderr_rate: 20,
            buffered: 8 * 1024 * 1024,
            write_stall: Duration::from_secs(10),
            queue: 256,
        }
    }
}

/// Starts `command` as the leader of a process group of its own, and delivers what it says and
/// what happens to it to `sink`.
///
/// `sink` is called from tasks: it must be quick, must not panic and must not drop the
/// [`Process`]. Blocks for the few milliseconds that the system takes, and for as long as a file
/// system hangs: [`start`](super::start) it beside the workers.
///
/// # Errors
/// If the program can't be found or started; the error says which and why.
///
/// # Panics
/// Outside of a tokio runtime with I/O and time.
#[expect(
    clippy::disallowed_methods,
    reason = "called beside the workers, see `start`"
)]
pub fn spawn<S>(
    command: &Command,
    limits: &Limits,
    groups: &Groups,
    sink: S,
) -> Result<Process, SpawnError>
where
    S: Fn(Output) + Send + Sync + 'static,
{
    let file = command.locate()?;
    let failed = |source| SpawnError::of(command, &file, source);
    let mut prepared = tokio::process::Command::new(&file);
    prepared
        .arg0(&command.program)
        .args(&command.args)
        .env_clear()
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = &command.cwd {
        prepared.current_dir(directory);
    }
    // Before the spawn, so that no death is missed.
    let deaths = tokio::signal::unix::signal(SignalKind::child()).map_err(failed)?;
    let Some(entered) = groups.enter(&command.name, |marker| {
        let (name, value) = marker.variable();
        prepared.env(name, value).spawn()
    }) else {
        return Err(SpawnError::Ending {
            program: command.program.clone(),
        });
    };
    let (child, group) = entered.map_err(failed)?;
    Ok(Process::new(
        child,
        deaths,
        group,
        limits,
        Outlet::new(sink),
    ))
}

/// A running child. Dropping it kills its group at once; nothing is delivered after that.
pub struct Process {
    pub(super) group: Group,
    pub(super) exit: watch::Receiver<Option<ExitStatus>>,
    stdin: Option<mpsc::Sender<Bytes>>,
    outlet: Outlet,
    /// Ended with the handle.
    pipes: JoinSet<()>,
    /// Outlives the handle by the moment it takes to reap the killed child.
    waiter: JoinSet<()>,
}

impl Process {
    fn new(
        mut child: Child,
        deaths: SignalStream,
        group: Group,
        limits: &Limits,
        outlet: Outlet,
    ) -> Self {
        let (stdin, queue) = mpsc::channel(limits.queue.max(1));
        let mut pipes = JoinSet::new();
        // All three are there: all three were asked for.
        if let Some(pipe) = child.stdin.take() {
            let written = write(pipe, queue, limits.write_stall, outlet.clone());
            pipes.spawn(turn::of("pipe", "stdin", written));
        }
        if let Some(pipe) = child.stdout.take() {
            let lines = Lines::new(limits.line);
            let read = read(pipe, lines, limits.buffered, outlet.clone());
            pipes.spawn(turn::of("pipe", "stdout", read));
        }
        if let Some(pipe) = child.stderr.take() {
            let (line, rate) = (limits.stderr_line, limits.stderr_rate);
            let drained = drain(pipe, line, rate, outlet.clone());
            pipes.spawn(turn::of("pipe", "stderr", drained));
        }
        let (ended, exit) = watch::channel(None);
        let mut waiter = JoinSet::new();
        waiter.spawn(watch_end(
            child,
            deaths,
            group.clone(),
            ended,
            outlet.clone(),
        ));
        Self {
            group,
            exit,
            stdin: Some(stdin),
            outlet,
            pipes,
            waiter,
        }
    }

    /// The child's process id, and its group's.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.group.leader().as_raw().unsigned_abs()
    }

    /// Hands over one line, without line end, to be written. From then on the child may have
    /// read it, even if it fails later.
    ///
    /// # Errors
    /// Gives the line back, which was not and will not be written: the queue is full, or stdin
    /// is closed or failed.
    pub fn write(&self, line: Bytes) -> Result<(), Bytes> {
        debug_assert!(!line.contains(&b'\n'), "a line has no newline inside");
        let Some(stdin) = &self.stdin else {
            return Err(line);
        };
        stdin
            .try_send(line)
            .map_err(mpsc::error::TrySendError::into_inner)
    }

    /// Whether [`Self::write`] can succeed at all: stdin is neither closed nor broken.
    #[must_use]
    pub fn has_stdin(&self) -> bool {
        self.stdin.as_ref().is_some_and(|stdin| !stdin.is_closed())
    }

    /// Closes the child's stdin once what was handed over is written: the polite way to ask an
    /// MCP server to end.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Signals every process of the group. Does nothing once the child has ended.
    pub fn signal(&self, signal: Signal) {
        self.group.signal(signal);
    }

    /// Kills every process of the group (SIGKILL). [`Output::Exited`] follows.
    pub fn kill_group(&self) {
        self.group.signal(Signal::SIGKILL);
    }

    /// How the child ended, if it has.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }
}

/// Covers every way an owner can go: its end, a panic, a kill.
impl Drop for Process {
    fn drop(&mut self) {
        self.outlet.close();
        self.group.end();
        self.pipes.abort_all();
        // Left to reap the child, which is dead; `kill_on_drop` is for a runtime that ends before.
        self.waiter.detach_all();
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut process = f.debug_struct("Process");
        process
            .field("pid", &self.pid())
            .field("exit", &self.exit_status());
        process.finish_non_exhaustive()
    }
}
