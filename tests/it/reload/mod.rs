//! The configuration is edited while the gateway runs: however the file is saved, only what changed
//! is touched, a bad file changes nothing, and no call is lost.

mod bad_files;
mod changes;
mod draining;
mod offers;
mod places;
mod saves;
mod secrets;

use std::time::Duration;

use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::proc::Process;
use crate::support::wait;

/// The promise is 1 s after the save; the machine may be busy.
const SOON: Duration = Duration::from_secs(3);
/// What only the poll can notice: every 5 s, and then the same.
const POLLED: Duration = Duration::from_secs(8);
/// A server's start, and everything else that should not take long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway and a client of it.
struct Bench {
    gateway: Gateway,
    client: SseClient,
}

impl Bench {
    /// Boots with these servers and waits until each has started.
    async fn start(servers: &[&str]) -> Self {
        let entries: Vec<String> = servers.iter().map(|name| server(name)).collect();
        Self::boot(GatewayOptions::new(file(&entries)), servers).await
    }

    /// Boots and waits until each of `servers` has started.
    async fn boot(options: GatewayOptions, servers: &[&str]) -> Self {
        let gateway = Gateway::start(options).await;
        for name in servers {
            started(&gateway, 0, name).await;
        }
        let client = SseClient::connect(gateway.addr()).await;
        client.initialize().await;
        Self { gateway, client }
    }

    /// The one process of a server.
    fn process(&self, name: &str) -> Process {
        let mut processes = processes(&self.gateway, name);
        assert_eq!(processes.len(), 1, "processes of {name}: {processes:?}");
        processes.remove(0)
    }

    /// Saves with `save`, and waits until exactly that is said of it; where the log was before.
    async fn reload(&self, save: impl FnOnce(), summary: &str, within: Duration) -> usize {
        let mark = self.gateway.log_mark();
        save();
        applied(&self.gateway, mark, summary, within).await;
        mark
    }

    /// Saves these entries in place, and waits until exactly that is said of it.
    async fn save(&self, entries: &[String], summary: &str) -> usize {
        let save = || self.gateway.write_config(&file(entries));
        self.reload(save, summary, SOON).await
    }

    /// Asserts that a server answers, as soon as its tools are listed.
    async fn assert_answers(&self, name: &str) {
        let tool = format!("{name}__echo");
        let listed = format!(r#""{tool}""#);
        wait::until(&format!("{tool} to be listed"), PATIENCE, async || {
            self.list().await.contains(&listed).then_some(())
        })
        .await;
        let answer = self.client.call_tool(&tool, r#"{"text":"here"}"#).await;
        assert!(
            answer.contains(r#"{"type":"text","text":"here"}"#),
            "{answer}"
        );
    }

    /// What the tool `pid` of a server says, raw: which process, and its marker.
    async fn asked(&self, name: &str) -> String {
        self.client.call_tool(&format!("{name}__pid"), "{}").await
    }

    /// The merged list, raw.
    async fn list(&self) -> String {
        self.client.call("tools/list", None, PATIENCE).await
    }
}

/// An entry for a fixture whose marker is its name.
fn server(name: &str) -> String {
    server_with(name, "")
}

/// The same with more fields, such as `, "timeout": 5`.
fn server_with(name: &str, fields: &str) -> String {
    marked(name, &format!("{name}."), fields)
}

/// With this marker, which is an argument.
fn marked(name: &str, marker: &str, fields: &str) -> String {
    let command = fixture_server().display();
    format!(
        r#"{{ "name": "{name}", "command": "{command}", "args": ["--marker", "{marker}"]{fields} }}"#
    )
}

/// The file with these entries, one a line: entry 0 is line 2.
fn file(entries: &[String]) -> String {
    format!("{{ \"servers\": [\n{}\n] }}\n", entries.join(",\n"))
}

/// The processes of the fixture with this name.
fn processes(gateway: &Gateway, name: &str) -> Vec<Process> {
    let marker = format!("--marker {name}.");
    let mut children = gateway.children();
    children.retain(|child| child.command.ends_with(&marker));
    children
}

/// Waits for the summary line, to the letter.
async fn applied(gateway: &Gateway, mark: usize, summary: &str, within: Duration) {
    let line = gateway.wait_for_log_after(mark, "reload: +", within).await;
    assert!(
        line.ends_with(&format!(" [INFO] reload: {summary}")),
        "expected {summary:?}: {line}"
    );
}

async fn started(gateway: &Gateway, mark: usize, name: &str) {
    let line = format!(" [INFO] Server '{name}' started");
    gateway.wait_for_log_after(mark, &line, PATIENCE).await;
}

/// Waits until a process has gone.
async fn gone(process: &Process, within: Duration) {
    let what = format!("the end of {}", process.command);
    wait::until(&what, within, async || (!process.is_alive()).then_some(())).await;
}

/// Log lines with `part` after `mark`.
fn lines_after(gateway: &Gateway, mark: usize, part: &str) -> Vec<String> {
    let mut lines = gateway.logs().split_off(mark);
    lines.retain(|line| line.contains(part));
    lines
}
