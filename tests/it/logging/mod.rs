//! What is logged, in which words and where to; and that no log, however broken, stops or slows
//! the gateway.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step is a failed test, in the helpers too"
)]

mod lines;
mod sinks;
mod terminal;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::task::JoinSet;

use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, fixture_server};
use crate::support::{proc, wait};

/// For everything that should not take long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A configuration of one fixture with these arguments.
fn one_server(name: &str, args: &[&str]) -> String {
    let command = fixture_server().display();
    let args: Vec<String> = args.iter().map(|arg| format!("{arg:?}")).collect();
    format!(
        r#"[{{ "name": "{name}", "command": "{command}", "args": [{}] }}]"#,
        args.join(", ")
    )
}

/// Where a process listens, as the kernel knows it.
async fn address(pid: u32) -> SocketAddr {
    wait::until("the gateway to listen", PATIENCE, async || {
        proc::listening(pid)
    })
    .await
}

/// Asserts that a gateway serves.
async fn assert_serves(addr: SocketAddr, tool: &str) {
    let client = SseClient::connect(addr).await;
    client.initialize().await;
    let answer = client.call_tool(tool, r#"{"text":"here"}"#).await;
    assert!(answer.contains(r#""text":"here""#), "{answer}");
}

/// A syslogd that keeps what it receives.
struct Syslogd {
    lines: Arc<Mutex<Vec<String>>>,
    task: JoinSet<()>,
}

impl Syslogd {
    /// Binds the socket, over what a dead one left there.
    fn start(path: &Path) -> Self {
        std::fs::remove_file(path).ok();
        let socket = UnixDatagram::bind(path).expect("the directory is ours");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let sink = Arc::clone(&lines);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length) = socket.recv(&mut buffer).await {
                let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
                sink.lock().expect("no panic inside").push(line);
            }
        });
        Self { lines, task }
    }

    /// Ends it. The socket's file is still there, as after a real one's death.
    async fn die(mut self) {
        self.task.shutdown().await;
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic inside").clone()
    }

    fn count(&self, part: &str) -> usize {
        self.lines()
            .iter()
            .filter(|line| line.contains(part))
            .count()
    }

    async fn wait_for(&self, part: &str) -> String {
        let what = format!("the syslog line {part:?}");
        wait::until(&what, PATIENCE, async || {
            let mut lines = self.lines().into_iter();
            lines.find(|line| line.contains(part))
        })
        .await
    }
}

/// How many lines of stderr have `part`.
fn on_stderr(gateway: &Gateway, part: &str) -> usize {
    let lines = gateway.stderr();
    lines.iter().filter(|line| line.contains(part)).count()
}
