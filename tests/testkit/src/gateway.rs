//! The real `mcproxy` binary as a process of the test: its own directory, port 0, captured log, and an end
//! that leaves nothing behind or fails the test.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::time::Instant;

pub use super::options::GatewayOptions;
use super::options::command;
use super::output::Lines;
use super::proc::{self, Process};
use super::puppet::Strings;
use super::wait;

/// From exec to the line that names the port.
const START: Duration = Duration::from_secs(10);
/// The gateway promises 10 s.
const STOP: Duration = Duration::from_secs(15);
/// What is left of children after the gateway's end must be gone by then.
const LEFTOVERS: Duration = Duration::from_secs(2);
/// The gateway logs this and its address once the port is bound.
const LISTENING: &str = "Listening on http://";

/// Absolute path of the `mcproxy` under test: cargo builds it before the tests and benches of its package, and
/// puts it above the folder of theirs.
pub fn mcproxy() -> &'static Path {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
        let this = std::env::current_exe().expect("the test has a file");
        let folder = this.ancestors().nth(2).expect("it is in `deps`");
        folder.join("mcproxy")
    });
    &PATH
}

/// Absolute path of the server that misbehaves on demand, see `build.rs`.
pub fn fixture_server() -> &'static Path {
    Path::new(env!("FIXTURE_SERVER"))
}

/// A running gateway. Dropping it ends it (SIGTERM, after 15 s SIGKILL) and panics when one of its
/// descendants survives; those are ended by pid first.
pub struct Gateway {
    child: Child,
    status: Option<ExitStatus>,
    started: Instant,
    addr: Option<SocketAddr>,
    is_silent: bool,
    home: PathBuf,
    stdout: Lines,
    stderr: Lines,
    /// Of a puppet.
    strings: Option<Strings>,
    /// Every descendant seen so far: those of a gateway that has ended can't be found any more.
    seen: Mutex<HashMap<(u32, u64), Process>>,
    _temporary: Option<TempDir>,
}

impl Gateway {
    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When it ends before, or is not listening after 10 s; with all that it said.
    pub async fn start(options: GatewayOptions) -> Self {
        let mut gateway = Self::launch(options);
        wait::until("the gateway to listen", START, async || {
            if let Some(status) = gateway.exited() {
                gateway.dump();
                panic!("the gateway ended before it listened: {status}");
            }
            gateway.listening()
        })
        .await;
        gateway
    }

    /// Starts it and waits for nothing: for starts that should fail.
    pub fn launch(options: GatewayOptions) -> Self {
        let (home, temporary) = if let Some(home) = &options.home {
            (home.clone(), None)
        } else {
            let directory = TempDir::new().expect("a temporary directory");
            (directory.path().to_owned(), Some(directory))
        };
        if let Some(config) = &options.config {
            fs::write(home.join("mcp-servers.json"), config).expect("the directory is ours");
        }
        let mut command = command(&home, &options);
        let stdin = options.puppet.map_or_else(Stdio::null, |_| Stdio::piped());
        command
            .envs(options.env)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut passed = options.passed.into_iter();
        let (first, second) = (passed.next(), passed.next());
        first.map(|socket| command.stdin(socket));
        second.map(|socket| command.stderr(socket));
        let started = Instant::now();
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        let stdout = Lines::collect(child.stdout.take().expect("it is piped"));
        let strings = |stdin| Strings::new(stdin, stdout.clone());
        Self {
            strings: child.stdin.take().map(strings),
            stdout,
            stderr: match child.stderr.take() {
                Some(stderr) => Lines::collect(stderr),
                None => Lines::collect(std::io::empty()),
            },
            child,
            status: None,
            started,
            addr: None,
            is_silent: options.is_silent,
            home,
            seen: Mutex::default(),
            _temporary: temporary,
        }
    }

    /// Where it listens, once it has said so.
    pub fn listening(&mut self) -> Option<SocketAddr> {
        if self.addr.is_none() {
            self.addr = if self.is_silent {
                proc::listening(self.pid())
            } else {
                self.stdout.find_map(0, listening_address)
            };
        }
        self.addr
    }

    /// Where it listens.
    ///
    /// # Panics
    /// When it was launched and [`Gateway::listening`] has not said so yet.
    pub fn addr(&self) -> SocketAddr {
        self.addr.expect("it listens")
    }

    /// The moment before its exec.
    pub fn started(&self) -> Instant {
        self.started
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn config_path(&self) -> PathBuf {
        self.home.join("mcp-servers.json")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.home.join("state")
    }

    /// What it keeps of its configuration file: `file` below that place. Empty until there is one.
    pub fn kept(&self, file: &str) -> PathBuf {
        let folders = fs::read_dir(self.state_dir().join("configurations"));
        let mut folders = folders.into_iter().flatten().flatten();
        folders
            .next()
            .map_or_else(PathBuf::new, |folder| folder.path().join(file))
    }

    /// Writes the configuration in place.
    pub fn write_config(&self, text: &str) {
        fs::write(self.config_path(), text).expect("the directory is ours");
    }

    /// Replaces the configuration as editors do: another file, renamed over it.
    pub fn rename_config(&self, text: &str) {
        let other = self.home.join("mcp-servers.json.new");
        fs::write(&other, text).expect("the directory is ours");
        fs::rename(other, self.config_path()).expect("the directory is ours");
    }

    /// All that are below it now, children of children too, zombies not.
    pub fn children(&self) -> Vec<Process> {
        let children = proc::descendants(self.pid());
        let mut seen = self.seen.lock().expect("no panic inside");
        let known = |child: &Process| ((child.pid, child.started), child.clone());
        seen.extend(children.iter().map(known));
        children
    }

    /// The one descendant whose command line contains `part`; the first when there are several.
    pub fn child(&self, part: &str) -> Option<Process> {
        self.children()
            .into_iter()
            .find(|child| child.command.contains(part))
    }

    /// Log lines so far (stdout).
    pub fn logs(&self) -> Vec<String> {
        self.stdout.all()
    }

    /// Lines of stderr so far.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.all()
    }

    /// How many lines have been logged: a mark for [`Gateway::wait_for_log_after`].
    pub fn log_mark(&self) -> usize {
        self.stdout.count()
    }

    /// The first line with `part`, of all.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn wait_for_log(&self, part: &str, deadline: Duration) -> String {
        self.wait_for_log_after(0, part, deadline).await
    }

    /// The first line with `part` after `mark`.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn wait_for_log_after(&self, mark: usize, part: &str, deadline: Duration) -> String {
        let what = format!("the log line {part:?}");
        wait::until(&what, deadline, async || {
            self.stdout
                .find_map(mark, |line| line.contains(part).then(|| line.to_owned()))
        })
        .await
    }

    /// The first line with `part` on stderr: its pipe may be read a moment after its end.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn wait_for_stderr(&self, part: &str, deadline: Duration) -> String {
        let what = format!("{part:?} on stderr");
        wait::until(&what, deadline, async || {
            self.stderr
                .find_map(0, |line| line.contains(part).then(|| line.to_owned()))
        })
        .await
    }

    pub fn signal(&self, signal: Signal) {
        // Reaped: the pid may be another's by now.
        if self.status.is_none() {
            proc::send(self.pid(), signal);
        }
    }

    /// Has a puppet do this, and waits for its answer.
    ///
    /// # Panics
    /// When it is none, or does not answer in time.
    pub async fn command(&mut self, command: &str) -> String {
        let strings = self.strings.as_mut().expect("it is a puppet");
        assert!(strings.pull(command), "it has gone");
        let what = format!("the answer to {command:?}");
        wait::until(&what, STOP, async || strings.reply()).await
    }

    /// Asks it to read its configuration again.
    pub fn sighup(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// SIGTERM, then waits for its end.
    ///
    /// # Panics
    /// When it has not ended after 15 s.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.children();
        self.signal(Signal::SIGTERM);
        self.wait_exit(STOP).await
    }

    /// Waits for its end, however it comes.
    ///
    /// # Panics
    /// When it has not ended in time.
    pub async fn wait_exit(&mut self, deadline: Duration) -> ExitStatus {
        wait::until("the gateway to end", deadline, async || {
            self.children();
            self.exited()
        })
        .await
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("it is our child");
        }
        self.status
    }

    /// What it said, into the output of the failing test.
    fn dump(&self) {
        for (name, lines) in [("stdout", self.logs()), ("stderr", self.stderr())] {
            let skipped = lines.len().saturating_sub(200);
            eprintln!("--- {name} of the gateway ({skipped} earlier lines left out)");
            for line in lines.iter().skip(skipped) {
                eprintln!("{line}");
            }
        }
    }

    fn end(&mut self) -> ExitStatus {
        self.children();
        self.signal(Signal::SIGTERM);
        let ended = wait::poll_blocking(STOP, || {
            self.children();
            self.exited()
        });
        ended.unwrap_or_else(|| {
            self.signal(Signal::SIGKILL);
            self.child.wait().expect("it is our child")
        })
    }

    /// Gives descendants 2 s to go, then ends them; those that had to be ended.
    fn survivors(&self) -> Vec<Process> {
        let seen = self.seen.lock().expect("no panic inside");
        let alive =
            || -> Vec<Process> { seen.values().filter(|p| p.is_alive()).cloned().collect() };
        let gone = wait::poll_blocking(LEFTOVERS, || alive().is_empty().then_some(()));
        if gone.is_some() {
            return Vec::new();
        }
        let survivors = alive();
        for process in &survivors {
            process.signal(Signal::SIGKILL);
        }
        survivors
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let status = self.end();
        let survivors = self.survivors();
        if thread::panicking() {
            self.dump();
            eprintln!("--- ended: {status}; descendants that survived: {survivors:?}");
            return;
        }
        // Killed, it had no chance to end them.
        let killed = status.signal() == Some(Signal::SIGKILL as i32);
        if killed || survivors.is_empty() {
            return;
        }
        self.dump();
        panic!("descendants survived the gateway: {survivors:?}");
    }
}

/// The address in a log line that names it.
pub fn listening_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENING)?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}
