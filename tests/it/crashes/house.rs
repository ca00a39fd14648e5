//! The real tree in this process: its own port, its own processes, and a spawner that ends actors.

use std::net::SocketAddr;
use std::time::Duration;

use mcproxy::http::{HttpFrontend, HttpOptions, Rules, Times};
use mcproxy::process::Groups;
use mcproxy::tree::{self, Exit, Settings, Tree};
use ractor::ActorStatus;
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use crate::support::chaos::Chaos;
use crate::support::client::{DEADLINE, SseClient, SseOptions};
use crate::support::fleet::{self, Identity, config, fixture, identify};
use crate::support::streamable::Endpoint;
use crate::support::wait;

/// Two servers; the first has a grandchild, which must never outlive it.
pub(super) fn servers() -> String {
    config([fixture("one", &["--grandchild"]), fixture("two", &[])])
}

/// A running tree. Dropping it ends its actors and so its processes; [`House::close`] asks it to stop.
pub(crate) struct House {
    pub(crate) tree: Tree,
    pub(crate) chaos: Chaos,
    addr: SocketAddr,
    groups: Groups,
    home: TempDir,
}

impl House {
    pub(crate) async fn open(config: String) -> Self {
        Self::open_with(config, |_| ()).await
    }

    pub(crate) async fn open_with(config: String, set: impl FnOnce(&mut Settings)) -> Self {
        let home = TempDir::new().expect("a temporary directory");
        let path = home.path().join("mcp-servers.json");
        std::fs::write(&path, config).expect("the directory is ours");
        let mut settings = Settings::new(path);
        set(&mut settings);
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let options = HttpOptions {
            times: Times::default(),
            rules: Rules::default(),
            tokens: tokio::sync::watch::Sender::default().subscribe(),
            readiness: settings.readiness.clone(),
            metrics: settings.metrics.clone(),
            held: false.into(),
        };
        let edge = HttpFrontend::new(vec![socket], options).expect("the socket is bound");
        let (addr, groups) = (
            edge.addresses().expect("it is bound")[0],
            settings.groups.clone(),
        );
        let chaos = Chaos::default();
        let tree = tree::start(settings, chaos.clone(), edge).await;
        Self {
            tree: tree.expect("root starts"),
            chaos,
            addr,
            groups,
            home,
        }
    }

    pub(super) fn write_config(&self, text: &str) {
        let path = self.home.path().join("mcp-servers.json");
        std::fs::write(path, text).expect("the directory is ours");
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many processes of servers there are.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// One attempt to connect.
    pub(crate) async fn try_client(&self) -> std::io::Result<SseClient> {
        SseClient::try_connect(self.addr, &SseOptions::default()).await
    }

    /// A session over Streamable HTTP, without its stream.
    pub(super) async fn endpoint(&self, version: &str) -> Endpoint {
        Endpoint::initialized(self.addr, version).await
    }

    /// A client that keeps trying until it is let in, as real ones do.
    pub(crate) async fn client(&self) -> SseClient {
        wait::until("a session", DEADLINE, async || {
            let attempt = timeout(Duration::from_secs(2), self.try_client()).await;
            attempt.ok()?.ok()
        })
        .await
    }

    /// The processes behind the two servers.
    pub(crate) async fn identities(&self, client: &SseClient) -> Vec<Identity> {
        vec![identify(client, "one").await, identify(client, "two").await]
    }

    /// Waits until so many actors of this kind were started, and the last of them is there.
    pub(crate) async fn restarted(&self, kind: &str, lives: usize) {
        wait::until(
            &format!("life {lives} of the {kind} actor"),
            DEADLINE,
            async || {
                (self.chaos.spawned(kind) == lives && self.chaos.alive(kind) == 1).then_some(())
            },
        )
        .await;
    }

    /// Waits until so many actors of this kind were started.
    pub(crate) async fn spawned(&self, kind: &str, lives: usize) {
        wait::until(&format!("life {lives} of a {kind}"), DEADLINE, async || {
            (self.chaos.spawned(kind) == lives).then_some(())
        })
        .await;
    }

    /// Waits until the server behind `tool` (its `received_cancels`) was told of so many cancellations.
    pub(crate) async fn cancelled(&self, client: &SseClient, tool: &str, count: usize) {
        wait::until(&format!("{count} cancellations"), DEADLINE, async || {
            let told = fleet::Answer::of(&client.call_tool(tool, "{}").await);
            (told.text.matches("requestId").count() == count).then_some(())
        })
        .await;
    }

    /// Asks it to stop and sees that nothing is left; how long it took.
    pub(crate) async fn close(mut self) -> Duration {
        let begun = Instant::now();
        self.tree.stop();
        assert_eq!(self.end().await, Exit::Stopped);
        begun.elapsed()
    }

    /// Waits for its end, however it comes; nothing may be left.
    pub(crate) async fn end(&mut self) -> Exit {
        let ended = timeout(Duration::from_secs(15), self.tree.wait()).await;
        let exit = ended.expect("the tree ends in time");
        assert_eq!(self.tree.root().get_status(), ActorStatus::Stopped);
        let kinds = [
            "config", "registry", "upstream", "sessions", "session", "listener",
        ];
        wait::until("the end of every actor and process", DEADLINE, async || {
            let left: usize = kinds.iter().map(|kind| self.chaos.alive(kind)).sum();
            (left + self.groups.len() == 0).then_some(())
        })
        .await;
        exit
    }
}
