//! The gateway of a run, started again as often as the script wants, on the same port and with the same state.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::play::Cue;
use crate::script::Deed;
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::http::request;
use crate::support::proc;
use crate::support::wait;

/// For everything that the gateway does at once.
const SOON: Duration = Duration::from_secs(15);
/// How long a program may take to hear of a changed list and to ask for it.
const NEWS: Duration = Duration::from_millis(1500);
/// A program that is lost does not call.
const CALLED: Duration = Duration::from_secs(5);
/// How long a call has run when the gateway is killed: its reply has become a stream by then.
const RUNNING: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);
const TOKEN: &str = "a-token-that-is-long-enough-for-the-gateway";

/// Who binds the port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Socket {
    /// The gateway; nobody listens while it is away.
    Own,
    /// The test, which passes it to every gateway as a service manager does.
    Held,
}

/// What is spoken between a program and the gateway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    /// Streamable HTTP, which all of them can.
    Http,
    /// HTTP+SSE.
    Sse,
}

/// How a program reaches the gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) transport: Transport,
    pub(crate) socket: Socket,
    pub(crate) has_token: bool,
}

impl Way {
    /// Whether it is with that socket, if there is to be one.
    pub(crate) fn has(self, socket: Option<Socket>) -> bool {
        socket.is_none_or(|socket| socket == self.socket)
    }
}

pub(crate) struct Stage {
    home: TempDir,
    held: Option<TcpListener>,
    address: SocketAddr,
    way: Way,
    gateway: Gateway,
}

impl Stage {
    pub(crate) async fn set(way: Way) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        furnish(home.path());
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a free port");
        let held = (way.socket == Socket::Held).then(bind);
        let options = options(home.path(), held.as_ref(), way.has_token);
        let gateway = Gateway::start(options).await;
        let stage = Self {
            address: gateway.addr(),
            home,
            held,
            way,
            gateway,
        };
        stage.is_ready().await;
        stage
    }

    /// A place for the program's own files.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn url(&self) -> String {
        let path = match self.way.transport {
            Transport::Http => "mcp",
            Transport::Sse => "sse",
        };
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn token(&self) -> Option<&'static str> {
        self.way.has_token.then_some(TOKEN)
    }

    /// Does what is due, for as long as there is a play.
    pub(crate) async fn direct(mut self, mut due: mpsc::Receiver<Cue>) {
        while let Some((deed, go)) = due.recv().await {
            // An error says that the program does not wait for it any more.
            let go = || go.send(()).ok();
            match deed {
                Deed::Nothing => {}
                Deed::Add | Deed::Remove => {
                    self.edit(matches!(deed, Deed::Add)).await;
                    sleep(NEWS).await;
                }
                Deed::Pause(pause) => sleep(pause).await,
                Deed::KillServer(name) => self.kill_server(name).await,
                Deed::Restart(pause) => self.restart(Signal::SIGTERM, pause).await,
                Deed::Crash(pause) => self.restart(Signal::SIGKILL, pause).await,
                Deed::Away(pause) => {
                    self.end(Signal::SIGKILL).await;
                    go();
                    sleep(pause).await;
                    self.start().await;
                    continue;
                }
                Deed::RestartInCall => {
                    go();
                    self.is_called().await;
                    self.restart(Signal::SIGTERM, Duration::ZERO).await;
                    continue;
                }
                Deed::CrashInCall => {
                    go();
                    self.is_called().await;
                    sleep(RUNNING).await;
                    self.restart(Signal::SIGKILL, SECOND).await;
                    continue;
                }
            }
            go();
        }
    }

    async fn restart(&mut self, signal: Signal, pause: Duration) {
        self.end(signal).await;
        sleep(pause).await;
        self.start().await;
    }

    /// Sends the signal and waits for the gateway's end.
    async fn end(&mut self, signal: Signal) {
        self.gateway.signal(signal);
        self.gateway.wait_exit(SOON).await;
    }

    async fn start(&mut self) {
        let mut options = options(self.home(), self.held.as_ref(), self.way.has_token);
        if self.held.is_none() {
            options = options.arg("--listen").arg(self.address.to_string());
        }
        self.gateway = Gateway::start(options).await;
        self.is_ready().await;
    }

    async fn is_ready(&self) {
        for server in ["first", "second"] {
            let started = format!("Server '{server}' started");
            self.gateway.wait_for_log(&started, SOON).await;
        }
    }

    /// Adds the third server to the file, or takes it off, and waits until the gateway has done so.
    async fn edit(&self, is_added: bool) {
        let mark = self.gateway.log_mark();
        let (more, done): (&[_], _) = if is_added {
            (&["late"], "started")
        } else {
            (&[], "stopped")
        };
        self.gateway
            .rename_config(&configuration(self.home(), more));
        let done = format!("Server 'late' {done}");
        self.gateway.wait_for_log_after(mark, &done, SOON).await;
    }

    /// Kills it, and waits until the gateway knows: a call that is sent before is one that ran.
    async fn kill_server(&self, name: &str) {
        let mark = self.gateway.log_mark();
        let path = self.home().join(name).display().to_string();
        let server = self.gateway.child(&path).expect("it runs");
        assert!(proc::send(server.pid, Signal::SIGKILL), "it runs");
        let known = "was killed by signal 9";
        self.gateway.wait_for_log_after(mark, known, SOON).await;
    }

    /// Waits until a call of the first server is in flight, or none is to be expected any more.
    async fn is_called(&self) {
        let value = self.token().map(|token| format!("Bearer {token}"));
        let header = value.as_deref().map(|value| ("authorization", value));
        let counted = r#"mcproxy_calls_in_flight{server="first"} 1"#;
        let called = wait::until("a call in flight", SOON, async || {
            let headers = header.as_slice();
            let metrics = request(self.address, "GET", "/metrics", headers, b"").await;
            metrics.text().contains(counted).then_some(())
        });
        timeout(CALLED, called).await.ok();
    }
}

/// Each server is the demo server under a name of its own, by which its process is found.
fn furnish(home: &Path) {
    for name in ["first", "second", "late"] {
        std::os::unix::fs::symlink(mcproxy(), home.join(name)).expect("the directory is ours");
    }
    std::fs::write(home.join("tokens"), TOKEN).expect("the directory is ours");
    std::fs::write(home.join("mcp-servers.json"), configuration(home, &[]))
        .expect("the directory is ours");
}

fn configuration(home: &Path, more: &[&str]) -> String {
    let names = ["first", "second"].iter().chain(more);
    let entry =
        |name: &&str| json!({ "name": name, "command": home.join(name), "args": ["demo-server"] });
    json!({ "servers": names.map(entry).collect::<Vec<Value>>() }).to_string()
}

fn options(home: &Path, held: Option<&TcpListener>, has_token: bool) -> GatewayOptions {
    let mut options = GatewayOptions::default().home(home);
    if has_token {
        let tokens = home.join("tokens").display().to_string();
        options = options.arg("--token-file").arg(tokens);
    }
    if let Some(socket) = held {
        let socket = socket.try_clone().expect("a descriptor");
        options.passed.push(socket.into());
    }
    options
}
