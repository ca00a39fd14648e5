//! What is logged, in which words and where to; and that no log, however broken, stops or slows
//! the gateway.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step is a failed test, in the helpers too"
)]

mod lines;
mod sinks;
mod terminal;

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, fixture_server};
use crate::support::syslogd::Syslogd;
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

/// How many lines of stderr have `part`.
fn on_stderr(gateway: &Gateway, part: &str) -> usize {
    let lines = gateway.stderr();
    lines.iter().filter(|line| line.contains(part)).count()
}
