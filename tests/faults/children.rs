//! Rows 20 to 23: what servers start themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::stage::{Stage, configuration};
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet::{self, Identity, identify, successor};
use crate::support::gateway::{Gateway, fixture_server};
use crate::support::proc::{self, Process};
use crate::support::servers::fixture;
use crate::support::wait;

/// How long whatever a server started may outlive it.
const GONE: Duration = Duration::from_secs(2);
/// How many children there are in row 23, half of them in a session of their own.
const CROWD: usize = 500;

fn stdout_of(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/fd/1")).ok()
}

/// Waits until none of these lives.
async fn gone(processes: &[Process]) {
    wait::until("the end of all", DEADLINE, async || {
        (!processes.iter().any(Process::is_alive)).then_some(())
    })
    .await;
}

/// Takes all servers but the bystanders out of the configuration, and waits until `server` has stopped.
async fn remove(stage: &Stage, server: &str, rest: &[Value]) {
    let file = configuration(rest, &json!({}));
    stage.gateway.write_config(&file);
    let stopped = format!("Server '{server}' stopped");
    stage.gateway.wait_for_log(&stopped, DEADLINE).await;
}

#[tokio::test]
async fn f20_grandchild_holds_stdout() {
    let entries = [
        fixture("bad", &["--grandchild"]),
        fixture("worse", &["--setsid-grandchild"]),
    ];
    let mut stage = Stage::open(20, &entries).await;
    let client = stage.client::<Sse>().await;
    let open = proc::open_files(stage.gateway.pid()).expect("it runs");
    for server in ["bad", "worse"] {
        let before = identify(&client, server).await;
        let holder = before.grandchild.expect("it has one");
        let pipe = stdout_of(before.pid).expect("it runs");
        assert_eq!(stdout_of(holder).as_ref(), Some(&pipe));

        let call = fleet::send(&client, &format!("{server}__exit"), r#"{"code":0}"#).await;
        wait::until("the server's exit", DEADLINE, async || {
            (!proc::is_alive(before.pid)).then_some(())
        })
        .await;
        let struck = Instant::now();
        let pipe = pipe.display();
        stage.struck(format!(
            "pid {} exited while its child {holder} held its stdout, {pipe}",
            before.pid
        ));
        let answer = fleet::answer(&client, call).await;
        stage.holds("its call got an error", answer.is_error);
        successor(&client, server, &before, DEADLINE).await;
        stage.within("ready again after", struck.elapsed(), GONE);
        before.gone(DEADLINE).await;
    }
    let now = wait::until("as many descriptors as before", DEADLINE, async || {
        proc::open_files(stage.gateway.pid()).filter(|now| *now <= open)
    })
    .await;
    stage.at_most("descriptors", &now, &open);
    client.close().await;
    stage.close().await;
}

/// A server with a child in a session of its own, and an orphan in another one. Both ignore SIGTERM.
fn with_escapees(name: &str) -> Value {
    let program = fixture_server().display();
    let script = format!(
        "('{program}' --sleep-forever --setsid-grandchild '--marker=orphan of {name}' </dev/null >/dev/null 2>&1 &); \
         exec '{program}' --setsid-grandchild"
    );
    json!({ "name": name, "command": "/bin/sh", "args": ["-c", script] })
}

/// The server's child and its orphan, once they lead sessions of their own.
async fn escapees(gateway: &Gateway, name: &str, identity: &Identity) -> [Process; 2] {
    let leads = |process: &Process| process.group == process.pid;
    wait::until("the server's descendants", DEADLINE, async || {
        let orphan = gateway.child(&format!("=orphan of {name}"))?;
        let child = proc::process(identity.grandchild?)?;
        let is_adopted = orphan.parent == gateway.pid();
        (is_adopted && leads(&orphan) && leads(&child)).then_some([child, orphan])
    })
    .await
}

#[tokio::test]
async fn f21_setsid_grandchild() {
    let entries = ["bad", "worse", "last"].map(with_escapees);
    let mut stage = Stage::open(21, &entries).await;
    let client = stage.client::<Sse>().await;
    for server in ["bad", "worse"] {
        let identity = identify(&client, server).await;
        let escaped = escapees(&stage.gateway, server, &identity).await;
        let how = if server == "bad" {
            remove(&stage, server, &entries[1..]).await;
            "removed"
        } else {
            proc::send(identity.pid, Signal::SIGKILL);
            "killed"
        };
        let stopped = Instant::now();
        let [child, orphan] = &escaped;
        stage.struck(format!(
            "{server} was {how}; its child {} and an orphan {} led sessions of their own",
            child.pid, orphan.pid
        ));
        gone(&escaped).await;
        let what = format!("gone after the server was {how}");
        stage.within(&what, stopped.elapsed(), GONE);
    }
    // The gateway's own stop fails its test when any of these is left 2 s later.
    let identity = identify(&client, "last").await;
    escapees(&stage.gateway, "last", &identity).await;
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f22_ignores_sigterm() {
    let flags = ["--ignore-term", "--ignore-eof"];
    let mut stage = Stage::open(22, &[fixture("bad", &flags), fixture("worse", &flags)]).await;
    let client = stage.client::<Sse>().await;
    let stubborn = identify(&client, "bad").await.pid;
    let stubborn = proc::process(stubborn).expect("it runs");
    proc::send(stubborn.pid, Signal::SIGTERM);

    let file = configuration(&[fixture("worse", &flags)], &json!({}));
    stage.gateway.write_config(&file);
    let struck = Instant::now();
    gone(std::slice::from_ref(&stubborn)).await;
    let took = struck.elapsed();
    assert!(
        took >= Duration::from_secs(3),
        "it ended by itself: {took:?}"
    );
    stage.struck(format!(
        "pid {} outlived SIGTERM and the end of its stdin",
        stubborn.pid
    ));
    stage.within("gone after", took, Duration::from_millis(5500));
    client.close().await;
    stage.close().await;
}

/// Half of the children are in the server's process group, half in a session of their own. They are forks of shells
/// that wait for a writer of `fifo`: 500 programs to be loaded would be another fault.
fn crowded(fifo: &Path) -> Value {
    let (half, fifo) = (CROWD / 2, fifo.display());
    let waiting = format!("read line <{fifo}");
    let forks =
        |count| format!("n=0; while [ $n -lt {count} ]; do ({waiting}) & n=$((n + 1)); done");
    let script = format!(
        "mkfifo {fifo} 2>/dev/null; setsid sh -c '{}; {waiting}' & {}; exec '{}'",
        forks(half - 1),
        forks(half),
        fixture_server().display()
    );
    json!({ "name": "bad", "command": "/bin/sh", "args": ["-c", script] })
}

/// How many children this process has; without a look at every other one, of which there are many.
fn children_of(pid: u32) -> usize {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    list.unwrap_or_default().split_ascii_whitespace().count()
}

fn crowd(gateway: &Gateway, fifo: &Path) -> Vec<Process> {
    let fifo = fifo.display().to_string();
    let mut all = gateway.children();
    all.retain(|process| process.command.contains(&fifo));
    all
}

async fn full_crowd(stage: &Stage, fifo: &Path, server: u32) -> Vec<Process> {
    wait::until("all children", DEADLINE, async || {
        if children_of(server) < CROWD / 2 {
            return None;
        }
        let crowd = crowd(&stage.gateway, fifo);
        (crowd.len() == CROWD).then_some(crowd)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_five_hundred_children() {
    let home = TempDir::new().expect("a temporary directory");
    let fifo = &home.path().join("fifo");
    let mut stage = Stage::open(23, &[crowded(fifo)]).await;
    let client = stage.client::<Sse>().await;
    let first = identify(&client, "bad").await;
    let children = full_crowd(&stage, fifo, first.pid).await;
    proc::send(first.pid, Signal::SIGKILL);
    let killed = Instant::now();
    stage.struck(format!("killed with {} children", children.len()));
    gone(&children).await;
    stage.within("gone after it was killed", killed.elapsed(), GONE);

    let second = successor(&client, "bad", &first, DEADLINE).await;
    let children = full_crowd(&stage, fifo, second.pid).await;
    remove(&stage, "bad", &[]).await;
    let stopped = Instant::now();
    stage.struck(format!("removed with {} children", children.len()));
    gone(&children).await;
    stage.within("gone after its stop", stopped.elapsed(), GONE);
    stage.at_most("survivors", &crowd(&stage.gateway, fifo).len(), &0);
    client.close().await;
    stage.close().await;
}
