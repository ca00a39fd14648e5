//! One run of the suite: its command line in the Node that is pinned beside it, against one URL,
//! bounded in time. What it wrote is a [`Report`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::report::Report;
use crate::targets;

/// How long all scenarios together may take. Alone they take some seconds; behind a gateway that
/// starts a process for every session, on a busy machine, a minute.
const DEADLINE: Duration = Duration::from_secs(180);

/// A release of the suite, and which of its scenarios are run.
#[derive(Clone, Copy)]
pub(crate) enum Suite {
    /// All of 0.1.16.
    V0_1_16,
    /// Of 0.2.0-alpha.12 what revision 2025-11-25 requires, and what it runs without counting it.
    Of2025_11_25,
    /// The same for revision 2026-07-28.
    Of2026_07_28,
}

/// The scenarios of an extension: the suite runs them always, and never counts them.
const TASKS: &str = "tasks-";

impl Suite {
    fn program(self) -> PathBuf {
        let package = match self {
            Self::V0_1_16 => "conformance-0.1",
            Self::Of2025_11_25 | Self::Of2026_07_28 => "conformance-0.2",
        };
        targets::installed(&format!("{package}/dist/index.js"))
    }

    fn selection(self) -> [&'static str; 2] {
        match self {
            Self::V0_1_16 => ["--suite", "all"],
            Self::Of2025_11_25 => ["--requirements", "2025-11-25"],
            Self::Of2026_07_28 => ["--requirements", "2026-07-28"],
        }
    }

    /// Runs it against `/mcp` at this address.
    ///
    /// # Panics
    /// When it takes too long, or says something else than what it wrote.
    pub(crate) async fn run(self, addr: SocketAddr) -> Report {
        let all = self.run_all(addr).await;
        all.without(|scenario| scenario.starts_with(TASKS))
    }

    /// Runs it, and tells of that extension alone.
    ///
    /// # Panics
    /// As [`run`](Self::run) does.
    pub(crate) async fn run_tasks(self, addr: SocketAddr) -> Report {
        let all = self.run_all(addr).await;
        all.without(|scenario| !scenario.starts_with(TASKS))
    }

    async fn run_all(self, addr: SocketAddr) -> Report {
        let results = TempDir::new().expect("a temporary directory");
        let child = Command::new(targets::node())
            .arg(self.program())
            .args(["server", "--url", &format!("http://{addr}/mcp")])
            .args(self.selection())
            .arg("-o")
            .arg(results.path())
            .current_dir(results.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("Node starts");
        let group = child.id().expect("nobody has waited for it yet");
        let mut ended = pin!(child.wait_with_output());
        let Ok(output) = timeout(DEADLINE, &mut ended).await else {
            killpg(Pid::from_raw(group.cast_signed()), Signal::SIGKILL).expect("it is running");
            let said = ended.await.expect("it can be waited for");
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            panic!("the suite was not over within {DEADLINE:?}:\n{said}");
        };
        let output = output.expect("it can be waited for");
        let said = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        Report::read(results.path(), &said)
            .unwrap_or_else(|what| panic!("{what}\n{said}\n{complaints}"))
    }
}
