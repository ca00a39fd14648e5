//! The real binary under test: started on a free port with a configuration of real servers,
//! watched through its log, ended with SIGTERM; nothing of it may be left afterwards.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::processes::{self, Process};
use crate::servers::Server;

/// How long all servers together may take to become ready, on a busy machine.
const START: Duration = Duration::from_secs(40);
/// How long a test may take from the gateway's start to its stop.
const SCENARIO: Duration = Duration::from_secs(120);
/// How long a stop may take; the gateway promises 10 s.
const STOP: Duration = Duration::from_secs(12);
/// How long after its exit a descendant may still be seen.
const GONE: Duration = Duration::from_secs(2);
/// How long a server may take to end by itself, when nobody is left to end it.
const ENDED: Duration = Duration::from_secs(20);

/// Whose the port is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// The gateway's own: gone with it.
    Bound,
    /// A service manager's, which passes it to each gateway: it stays open.
    Passed,
    /// The gateway's own, for those who send this token; all that can be logged is logged.
    Guarded(&'static str),
}

/// A running gateway.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) pid: u32,
    port: u16,
    kind: Port,
    protocol: Option<&'static str>,
    socket: Option<std::net::TcpListener>,
    config: PathBuf,
    state: PathBuf,
    lines: watch::Sender<Vec<String>>,
    log: watch::Receiver<Vec<String>>,
    readers: JoinSet<()>,
}

/// Runs `body` against a gateway that serves `servers`, all of them ready, and stops the gateway
/// whatever comes out. A failure carries the gateway's log.
pub(crate) async fn with<F>(dir: &Path, servers: &[Server], body: F) -> Result<()>
where
    F: AsyncFnOnce(&mut Gateway) -> Result<()>,
{
    run(
        Gateway::start(Port::Bound, None, dir, servers)?,
        servers,
        body,
    )
    .await
}

/// The same where both eras are served, whatever the servers are.
pub(crate) async fn with_both_eras<F>(dir: &Path, servers: &[Server], body: F) -> Result<()>
where
    F: AsyncFnOnce(&mut Gateway) -> Result<()>,
{
    let gateway = Gateway::start(Port::Bound, Some("both"), dir, servers)?;
    run(gateway, servers, body).await
}

/// The same with a port of this kind.
pub(crate) async fn with_port<F>(port: Port, dir: &Path, servers: &[Server], body: F) -> Result<()>
where
    F: AsyncFnOnce(&mut Gateway) -> Result<()>,
{
    run(Gateway::start(port, None, dir, servers)?, servers, body).await
}

async fn run<F>(mut gateway: Gateway, servers: &[Server], body: F) -> Result<()>
where
    F: AsyncFnOnce(&mut Gateway) -> Result<()>,
{
    let scenario = async {
        gateway.ready(servers).await?;
        body(&mut gateway).await
    };
    let outcome = timeout(SCENARIO, scenario)
        .await
        .unwrap_or_else(|_| bail!("not over within {SCENARIO:?}"));
    let stopped = gateway.stop().await;
    let log = gateway.log.borrow().join("\n");
    outcome
        .and(stopped)
        .with_context(|| format!("the gateway's log:\n{log}\n"))
}

/// Writes a configuration as careful editors do: a new file, renamed over the old one.
fn write_config(path: &Path, protocol: Option<&str>, servers: &[Server]) -> Result<()> {
    let entries: Vec<_> = servers.iter().map(Server::entry).collect();
    let mut file = json!({ "servers": entries });
    if let Some(protocol) = protocol {
        file["gateway"] = json!({ "protocol": protocol });
    }
    let text = serde_json::to_string_pretty(&file)?;
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text)?;
    Ok(std::fs::rename(fresh, path)?)
}

impl Gateway {
    fn start(
        kind: Port,
        protocol: Option<&'static str>,
        dir: &Path,
        servers: &[Server],
    ) -> Result<Self> {
        // Own folder: what the watcher sees there is the configuration and nothing else.
        let config = dir.join("config/mcp-servers.json");
        std::fs::create_dir_all(dir.join("config"))?;
        write_config(&config, protocol, servers)?;
        let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
        let port = socket.local_addr()?.port();
        let socket = (kind == Port::Passed).then_some(socket);
        let (lines, log) = watch::channel(Vec::new());
        let mut readers = JoinSet::new();
        let state = dir.join("state");
        let command = command(kind, port, socket.as_ref(), &config, &state)?;
        let child = spawn(command, &lines, &mut readers)?;
        Ok(Self {
            pid: child.id().context("it ended at once")?,
            child,
            port,
            kind,
            protocol,
            socket,
            config,
            state,
            lines,
            log,
            readers,
        })
    }

    /// SIGKILL. Its servers end when they see that their input has ended.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let below = processes::descendants(self.pid)?;
        self.child.kill().await?;
        let left = linger(below, ENDED).await;
        ensure!(left.is_empty(), "left by the one that was killed: {left:?}");
        // What is logged from here on is the next one's.
        self.lines.send_replace(Vec::new());
        Ok(())
    }

    /// Another after a kill, at the same port with the same state; `servers` are ready again.
    pub(crate) async fn start_again(&mut self, servers: &[Server]) -> Result<()> {
        let socket = self.socket.as_ref();
        let command = command(self.kind, self.port, socket, &self.config, &self.state)?;
        self.child = spawn(command, &self.lines, &mut self.readers)?;
        self.pid = self.child.id().context("it ended at once")?;
        self.ready(servers).await
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where clients of HTTP+SSE connect.
    pub(crate) fn sse(&self) -> String {
        format!("http://{}/sse", self.address())
    }

    /// Where clients of Streamable HTTP connect.
    pub(crate) fn http(&self) -> String {
        format!("http://{}/mcp", self.address())
    }

    /// Replaces the configuration.
    pub(crate) fn reconfigure(&self, servers: &[Server]) -> Result<()> {
        write_config(&self.config, self.protocol, servers)
    }

    /// The first log line that `wanted` accepts, waited for.
    pub(crate) async fn logged(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let mut log = self.log.clone();
        let found = timeout(
            patience,
            log.wait_for(|lines| lines.iter().any(|line| wanted(line))),
        );
        let lines = found
            .await
            .with_context(|| format!("{what} was not logged within {patience:?}"))?
            .with_context(|| format!("the gateway ended before {what}"))?;
        let line = lines.iter().find(|line| wanted(line));
        Ok(line.context("it was there")?.clone())
    }

    /// Whether the log has this anywhere so far.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        self.log.borrow().iter().any(|line| line.contains(text))
    }

    async fn ready(&self, servers: &[Server]) -> Result<()> {
        for server in servers {
            let started = format!("[INFO] Server '{}' started", server.name);
            self.logged(&started, START, |line| line.ends_with(&started))
                .await?;
        }
        Ok(())
    }

    /// SIGTERM, exit code 0 in time, and no descendant left.
    async fn stop(&mut self) -> Result<()> {
        let below = processes::descendants(self.pid)?;
        let pid = nix::unistd::Pid::from_raw(self.pid.cast_signed());
        // It may have died by itself; then its exit status below says how.
        let signalled = nix::sys::signal::kill(pid, Signal::SIGTERM);
        let status = timeout(STOP, self.child.wait())
            .await
            .with_context(|| format!("no exit within {STOP:?} after SIGTERM"))??;
        self.readers.shutdown().await;
        let left = linger(below, GONE).await;
        for process in &left {
            process.signal(Signal::SIGKILL)?;
        }
        ensure!(
            status.code() == Some(0),
            "it ended with {status} (signalled: {signalled:?})"
        );
        ensure!(left.is_empty(), "left behind: {left:?}");
        Ok(())
    }
}

/// The binary, at `port` or with `socket` passed to it: as stdin, which a shell puts where
/// `sd_listen_fds(3)` has it and then becomes the gateway.
fn command(
    kind: Port,
    port: u16,
    socket: Option<&std::net::TcpListener>,
    config: &Path,
    state: &Path,
) -> Result<Command> {
    const PASS: &str = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";
    let binary = env!("CARGO_BIN_EXE_mcproxy");
    let mut command = match socket {
        None => Command::new(binary),
        Some(_) => Command::new("/bin/sh"),
    };
    match socket {
        None => command.stdin(Stdio::null()),
        Some(socket) => {
            let socket: OwnedFd = socket.try_clone()?.into();
            command.args(["-c", PASS, binary]).stdin(socket)
        }
    };
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MCPROXY_") {
            command.env_remove(name);
        }
    }
    if let Port::Guarded(token) = kind {
        command.env("MCPROXY_TOKEN", token).arg("--log-level=trace");
    }
    command
        .arg("--log")
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg("--config")
        .arg(config)
        .arg("--state-dir")
        .arg(state);
    Ok(command)
}

/// Starts the binary; what it logs goes to `lines`.
fn spawn(
    mut command: Command,
    lines: &watch::Sender<Vec<String>>,
    readers: &mut JoinSet<()>,
) -> Result<Child> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("no stdout")?;
    let stderr = child.stderr.take().context("no stderr")?;
    readers.spawn(collect(stdout, lines.clone()));
    readers.spawn(collect(stderr, lines.clone()));
    Ok(child)
}

/// Those of `processes` that are still alive when the time is over.
async fn linger(mut processes: Vec<Process>, patience: Duration) -> Vec<Process> {
    let deadline = Instant::now() + patience;
    loop {
        processes.retain(Process::is_alive);
        if processes.is_empty() || Instant::now() > deadline {
            return processes;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn collect(stream: impl AsyncRead + Unpin, log: watch::Sender<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.send_modify(|log| log.push(line));
    }
}
