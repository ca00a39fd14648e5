//! What the suite is run against: the server of `server/` by itself, or a gateway in front of it,
//! alone or among others.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, GatewayOptions, listening_address};
use crate::support::output::Lines;
use crate::support::servers::{configuration, fixture};
use crate::support::wait;

/// For the start of a process, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(40);

/// Its name in the configuration; no client sees it.
const NAME: &str = "conformance";

/// Those beside it: some only have tools, some are hard to live with.
const OTHERS: [(&str, &[&str]); 8] = [
    ("many", &["--tools=100"]),
    ("paged", &["--tools=20", "--page-size=3"]),
    ("asking", &["--server-requests"]),
    ("flooding", &["--flood-notifications=50"]),
    ("chatty", &["--garbage"]),
    ("crlf", &["--crlf"]),
    ("twice", &["--twice"]),
    ("confused", &["--wrong-id"]),
];

/// The folder of this test: its packages are beside its sources.
fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// A file of an installed package.
///
/// # Panics
/// When it is not there, with what to run.
pub(crate) fn installed(file: &str) -> PathBuf {
    existing(home().join("node_modules").join(file))
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing: the conformance suite is not installed; run tests/run",
        path.display()
    );
    path
}

/// The Node that `tests/real` pins: the suite needs 22, and that of the machine may be older.
pub(crate) fn node() -> PathBuf {
    let real = home().with_file_name("real");
    existing(real.join("node_modules/node/bin/node"))
}

fn server() -> PathBuf {
    home().join("server/main.mjs")
}

/// What the server speaks, as its `--era` has it.
#[derive(Clone, Copy)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

impl Era {
    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// The server by itself. Dropping it ends it.
pub(crate) struct Direct {
    child: Child,
    said: Lines,
}

impl Direct {
    pub(crate) fn start(era: Era) -> Self {
        let mut child = Command::new(node())
            .arg(server())
            .args(["--era", era.name(), "--http", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node starts");
        let said = Lines::collect(child.stdout.take().expect("it is piped"));
        Self { child, said }
    }

    /// Where it listens.
    ///
    /// # Panics
    /// When it does not in time.
    pub(crate) async fn addr(&self) -> SocketAddr {
        wait::until("the server to listen", START, async || {
            self.said.find_map(0, listening_address)
        })
        .await
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The server's entry in a configuration, with the names that the suite knows.
pub(crate) fn entry(era: Era, isolation: &str) -> Value {
    json!({
        "name": NAME,
        "command": node(),
        "args": [server(), Path::new("--era"), Path::new(era.name())],
        "prefix": "",
        "isolation": isolation,
    })
}

/// Nine other servers.
pub(crate) fn others() -> Vec<Value> {
    let demo = json!({ "name": "demo", "command": "mcproxy", "args": ["demo-server"] });
    let fixtures = OTHERS.iter().map(|(name, flags)| fixture(name, flags));
    fixtures.chain([demo]).collect()
}

/// A gateway with these entries, each of them ready.
///
/// # Panics
/// When one is not ready in time.
pub(crate) async fn gateway(entries: &[Value]) -> Gateway {
    gateway_of(configuration(entries), entries).await
}

/// As [`gateway`], with a configuration that has more in it.
pub(crate) async fn gateway_of(configuration: String, entries: &[Value]) -> Gateway {
    let gateway = Gateway::start(GatewayOptions::new(configuration)).await;
    for entry in entries {
        let name = entry["name"].as_str().expect("a name");
        let started = format!("Server '{name}' started");
        gateway.wait_for_log(&started, START).await;
    }
    gateway
}
