//! Rows 134 to 136: a file system hangs, as one on a network does whose server has gone. It is one that
//! never answers (`hang.c`), seen by the gateway alone.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, interval};

use super::stage::{Stage, configuration};
use super::system::compile;
use super::wrapped::{own_mounts, wrapped};
use crate::support::client::{DEADLINE, Streamable};
use crate::support::fleet::echo;
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::servers::fixture;
use crate::support::wait;

/// What the log says of a file that takes long.
const SILENT: &str = "no answer within 5 s";
/// By when it says so: a look at it may begin a while later.
const SAID: Duration = Duration::from_secs(25);

/// A gateway for which a directory hangs.
struct Hanging {
    directory: TempDir,
    binary: PathBuf,
}

impl Hanging {
    /// `None`, said aloud, where the system lets nobody mount such a file system.
    fn new() -> Option<Self> {
        let directory = TempDir::new().expect("a temporary directory");
        fs::create_dir(directory.path().join("hung")).expect("the directory is ours");
        let program = compile(&directory, "hang", &[]);
        let start = format!("{} {program} {}", own_mounts()?, Self::at(&directory, ""));
        let mut attempt = Command::new("sh");
        attempt.args(["-c", &format!("{start} /bin/true")]);
        if !attempt.status().is_ok_and(|status| status.success()) {
            eprintln!("NOT TESTED: no file system can be mounted that hangs");
            return None;
        }
        let gateway = mcproxy().display();
        let script = format!("#!/bin/sh\nexec {start} {gateway} \"$@\"\n");
        let binary = wrapped(&directory, &script);
        Some(Self { directory, binary })
    }

    /// Something in the directory that hangs.
    fn at(directory: &TempDir, name: &str) -> String {
        let hung = directory.path().join("hung").join(name);
        hung.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        Self::at(&self.directory, name)
    }

    /// Servers of which each hangs in another way, more than the gateway has workers.
    fn servers(&self) -> Vec<Value> {
        let program = |number: usize| {
            let name = format!("gone{number}");
            json!({"name": name, "command": self.path(&name), "timeout": 2})
        };
        let mut servers: Vec<Value> = (0..8).map(program).collect();
        servers.extend([
            json!({"name": "in", "command": "/bin/sh", "cwd": self.path("x"), "timeout": 2}),
            json!({"name": "on", "command": "sh", "env": {"PATH": self.path("")}, "timeout": 2}),
        ]);
        servers
    }
}

/// Calls the server for so long; the slowest of the calls.
async fn slowest(stage: &Stage, server: &str, during: Duration) -> Duration {
    let client = stage.client::<Streamable>().await;
    let (begin, mut slowest) = (Instant::now(), Duration::ZERO);
    let mut pause = interval(Duration::from_millis(50));
    while begin.elapsed() < during {
        pause.tick().await;
        let asked = Instant::now();
        assert_eq!(echo(&client, server, "here").await.text, "here");
        slowest = slowest.max(asked.elapsed());
    }
    client.close().await;
    slowest
}

/// Ends the gateway, whose threads hang.
async fn ends(stage: &mut Stage) {
    stage.pause().await;
    let asked = Instant::now();
    let status = stage.gateway.terminate().await;
    stage.within("exit after", asked.elapsed(), Duration::from_secs(10));
    stage.holds("exit code 0", status.code() == Some(0));
}

#[tokio::test]
async fn f134_programs_hang() {
    let Some(hanging) = Hanging::new() else {
        return;
    };
    let change = |options: GatewayOptions| options.binary(hanging.binary.clone());
    let mut stage = Stage::with(134, &[fixture("x", &[])], &json!({}), change).await;
    let mut servers = hanging.servers();
    servers.extend([fixture("x", &[]), fixture("late", &[])]);
    let written = Instant::now();
    stage
        .gateway
        .write_config(&configuration(&servers, &json!({})));
    let client = stage.client::<Streamable>().await;
    wait::until("the late server", DEADLINE, async || {
        (echo(&client, "late", "here").await.text == "here").then_some(())
    })
    .await;
    client.close().await;
    stage.within(
        "another server is served after",
        written.elapsed(),
        Duration::from_secs(5),
    );
    let slowest = slowest(&stage, "x", Duration::from_secs(3)).await;
    stage.within("the slowest call", slowest, Duration::from_secs(1));
    for name in ["gone0", "gone7", "in", "on"] {
        let failed = format!("'{name}' ");
        wait::until(&format!("the failure of {name}"), DEADLINE, async || {
            let logs = stage.gateway.logs();
            let is_it = |line: &String| line.contains(&failed) && line.contains("hangs");
            logs.iter().any(is_it).then_some(())
        })
        .await;
    }
    stage.struck("the starts of 10 servers hang: the log says so");
    ends(&mut stage).await;
    stage.keep();
}

#[tokio::test]
async fn f135_files_hang() {
    let Some(hanging) = Hanging::new() else {
        return;
    };
    let home = TempDir::new().expect("a temporary directory");
    let change = |options: GatewayOptions| options.binary(hanging.binary.clone()).home(home.path());
    let mut stage = Stage::with(135, &[fixture("x", &[])], &json!({}), change).await;
    let catalogue = stage.gateway.kept("catalogues");
    let path = stage.gateway.config_path();
    lead_to(&catalogue, &hanging.path("catalogues"));
    lead_to(&path, &hanging.path("configuration"));
    let line = stage.gateway.wait_for_log(SILENT, SAID).await;
    stage.struck("the configuration is being read");
    stage.holds("the log names it", line.contains("mcp-servers.json"));
    stage.gateway.sighup();
    let slowest = slowest(&stage, "x", Duration::from_secs(3)).await;
    stage.within("the slowest call", slowest, Duration::from_secs(1));
    let logs = stage.gateway.logs();
    let lines = logs.iter().filter(|line| line.contains(SILENT)).count();
    stage.at_most("lines of it", &lines, &1);
    ends(&mut stage).await;
    stage.keep();
}

/// Puts a link in the place of what is there.
fn lead_to(path: &Path, target: &str) {
    let link = path.with_extension("link");
    symlink(target, &link).expect("the directory is ours");
    if path.is_dir() {
        fs::remove_dir_all(path).expect("it is ours");
    }
    fs::rename(link, path).expect("the directory is ours");
}

#[tokio::test]
async fn f136_start_hangs() {
    let Some(hanging) = Hanging::new() else {
        return;
    };
    let mut stage = Stage::open(136, &[]).await;
    let entries = configuration(&[], &json!({}));
    let options = GatewayOptions::new(entries)
        .binary(hanging.binary.clone())
        .arg(format!("--state-dir={}", hanging.path("state")));
    let mut second = Gateway::launch(options);
    let line = second.wait_for_log(SILENT, SAID).await;
    stage.struck("a second gateway waits for its state directory");
    stage.holds("the log names it", line.contains("hung/state"));
    let asked = Instant::now();
    let status = second.terminate().await;
    stage.within("exit after", asked.elapsed(), Duration::from_secs(2));
    stage.holds("exit code 0", status.code() == Some(0));
    stage.close().await;
}
