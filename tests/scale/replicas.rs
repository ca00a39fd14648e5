//! Gateways that know each other's sessions, each of which can be ended and started again where it was.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::get;
use crate::support::proc;
use crate::support::servers::fixture;

const SOON: Duration = Duration::from_secs(30);
/// Twice as long as a balancer needs to see that one is not ready.
pub(crate) const DELAY: Duration = Duration::from_secs(3);

/// The gateways, and where they keep what they keep.
pub(crate) struct Replicas {
    pub(crate) nodes: Vec<Gateway>,
    addrs: Vec<SocketAddr>,
    homes: Vec<TempDir>,
    config: Value,
    pub(crate) keys: PathBuf,
    _keys: TempDir,
}

impl Replicas {
    /// Three with a fixture server `fx` that is told `flags`, and whose entry has `fields` besides.
    pub(crate) async fn start(flags: &[&str], fields: &[(&str, Value)]) -> Self {
        let mut server = fixture("fx", flags);
        for (name, value) in fields {
            server[*name] = value.clone();
        }
        let limits = json!({ "shutdown_delay": DELAY.as_secs() });
        let folder = tempfile::tempdir().expect("a temporary directory");
        let keys = folder.path().join("keys");
        std::fs::write(&keys, "a".repeat(64)).expect("the directory is ours");
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o640))
            .expect("the file is ours");
        let mut replicas = Self {
            nodes: Vec::new(),
            addrs: Vec::new(),
            homes: Vec::new(),
            config: json!({ "gateway": limits, "servers": [server] }),
            keys,
            _keys: folder,
        };
        for _ in 0..3 {
            let home = tempfile::tempdir().expect("a temporary directory");
            let node = Gateway::start(replicas.options(&home)).await;
            replicas.addrs.push(node.addr());
            replicas.nodes.push(node);
            replicas.homes.push(home);
        }
        for node in &replicas.nodes {
            node.wait_for_log("Server 'fx' started", SOON).await;
        }
        replicas
    }

    fn options(&self, home: &TempDir) -> GatewayOptions {
        GatewayOptions::new(self.config.to_string())
            .home(home.path())
            .arg("--session-key-file")
            .arg(self.keys.display().to_string())
    }

    pub(crate) fn addrs(&self) -> [SocketAddr; 3] {
        let addrs: Result<[SocketAddr; 3], _> = self.addrs.clone().try_into();
        addrs.expect("three")
    }

    /// The node that has the process `pid` among its own.
    pub(crate) fn node_of(&self, pid: u32) -> Option<usize> {
        let has = |node: &Gateway| proc::descendants(node.pid()).iter().any(|p| p.pid == pid);
        self.nodes.iter().position(has)
    }

    /// Ends a node as a service manager does, and starts it again.
    pub(crate) async fn restart(&mut self, index: usize) {
        self.nodes[index].signal(Signal::SIGTERM);
        let status = self.nodes[index].wait_exit(SOON).await;
        assert_eq!(status.code(), Some(0));
        self.begin(index).await;
    }

    /// Kills a node.
    pub(crate) async fn kill(&mut self, index: usize) {
        self.nodes[index].signal(Signal::SIGKILL);
        self.nodes[index].wait_exit(SOON).await;
    }

    /// Starts a node again that has ended, and waits until it is ready.
    pub(crate) async fn begin(&mut self, index: usize) {
        let options = self.options(&self.homes[index]);
        let listen = self.addrs[index].to_string();
        let node = Gateway::start(options.arg("--listen").arg(listen)).await;
        node.wait_for_log("Server 'fx' started", SOON).await;
        self.nodes[index] = node;
    }

    /// Each node reads its keys again: these, which are a digit each.
    pub(crate) async fn give_keys(&self, digits: &[&str]) {
        let lines: Vec<String> = digits.iter().map(|digit| digit.repeat(64)).collect();
        std::fs::write(&self.keys, lines.join("\n")).expect("the directory is ours");
        for node in &self.nodes {
            let mark = node.log_mark();
            node.sighup();
            node.wait_for_log_after(mark, "Session keys read again", SOON)
                .await;
        }
    }

    /// A figure of `/metrics`, of all nodes together.
    pub(crate) async fn sum(&self, metric: &str) -> f64 {
        let mut sum = 0.0;
        for node in &self.nodes {
            let text = get(node.addr(), "/metrics").await.text();
            let line = text.lines().find_map(|line| line.strip_prefix(metric));
            let figure = line.and_then(|rest| rest.trim().parse::<f64>().ok());
            sum += figure.unwrap_or_else(|| panic!("no {metric} in {text}"));
        }
        sum
    }
}
