//! What a server started goes with it, however the server ends. The grandchildren here ignore SIGTERM and hold
//! the server's stdout.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::STEP;
use crate::support::fleet::{self, Identity, config, fixture, identify, successor};
use crate::support::{proc, wait};

/// The promise.
const GONE: Duration = Duration::from_secs(2);

async fn open() -> (
    support::gateway::Gateway,
    support::client::SseClient,
    Identity,
) {
    let (gateway, client) = fleet::open([fixture("parent", &["--grandchild"])]).await;
    let identity = identify(&client, "parent").await;
    let grandchild = identity.grandchild.expect("it has one");
    assert!(proc::is_alive(grandchild));
    (gateway, client, identity)
}

#[tokio::test]
async fn of_a_killed_server() {
    let (_gateway, client, old) = open().await;
    proc::send(old.pid, Signal::SIGKILL);
    old.gone(GONE).await;
    successor(&client, "parent", &old, STEP).await;
}

#[tokio::test]
async fn of_a_server_that_exits() {
    let (_gateway, client, old) = open().await;
    client.call_tool("parent__exit", "{}").await;
    old.gone(GONE).await;
    successor(&client, "parent", &old, STEP).await;
}

#[tokio::test]
async fn of_a_removed_server() {
    let (gateway, _client, old) = open().await;
    gateway.write_config(&config([]));
    gateway.wait_for_log("Server 'parent' stopped", STEP).await;
    old.gone(GONE).await;
    assert_eq!(gateway.children(), []);
}

#[tokio::test]
async fn of_a_changed_server() {
    let (gateway, client, old) = open().await;
    gateway.write_config(&config([fixture("parent", &["--grandchild", "--tools=1"])]));
    let new = successor(&client, "parent", &old, STEP).await;
    old.gone(GONE).await;
    assert_eq!(gateway.children().len(), 2, "{new:?}");
}

#[tokio::test]
async fn of_a_server_that_misses_its_start_deadline() {
    let mute = fixture("mute", &["--mute", "--grandchild"]).with("timeout", 0.5);
    let (gateway, _client) = fleet::open([mute]).await;
    let all = wait::until("parent and child", STEP, async || {
        let all = gateway.children();
        (all.len() == 2).then_some(all)
    })
    .await;
    gateway
        .wait_for_log("was not ready within 0.5 s", STEP)
        .await;
    wait::until("their end", GONE, async || {
        (!all.iter().any(proc::Process::is_alive)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_all_servers_at_a_second_signal() {
    let stubborn = ["--grandchild", "--ignore-term", "--ignore-eof"];
    let (mut gateway, client) =
        fleet::open([fixture("a", &stubborn), fixture("b", &stubborn)]).await;
    let all = [identify(&client, "a").await, identify(&client, "b").await];
    gateway.signal(Signal::SIGTERM);
    gateway.wait_for_log("Stopping", STEP).await;
    // Two signals at once count as one, so the second one has to come later than the first.
    wait::until("the second signal to be taken as one", STEP, async || {
        gateway.signal(Signal::SIGTERM);
        gateway
            .logs()
            .iter()
            .any(|line| line.contains("Second signal"))
            .then_some(())
    })
    .await;
    let status = gateway.wait_exit(GONE).await;
    assert_ne!(status.code(), Some(0), "{status}");
    for identity in all {
        identity.gone(GONE).await;
    }
}
