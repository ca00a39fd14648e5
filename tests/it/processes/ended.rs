//! Daemons, orphans and what clears its environment end with their server, however that ends; those of
//! another server do not. What ends by itself is reaped.

use nix::sys::signal::Signal;

use super::{GONE, SOON, family, gone, sleep, with_family};
use crate::support::fleet::{self, config, identify, successor};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::proc::{self, Process};
use crate::support::wait;

async fn start(names: &[&str]) -> Gateway {
    let entries = names.iter().map(|name| with_family(name, ""));
    Gateway::start(GatewayOptions::new(config(entries))).await
}

fn all_alive(processes: &[Process]) -> bool {
    processes.iter().all(Process::is_alive)
}

#[tokio::test]
async fn with_a_server_that_is_removed() {
    let gateway = start(&["gone", "stays"]).await;
    let old = family(&gateway, "gone").await;
    let other = family(&gateway, "stays").await;
    gateway.write_config(&config([with_family("stays", "")]));
    gateway.wait_for_log("Server 'gone' stopped", SOON).await;
    // An orphan without environment may be the other's, which goes on undisturbed.
    let is_tied = |process: &&Process| process.command != sleep("gone", 3);
    gone(&old.iter().filter(is_tied).cloned().collect::<Vec<_>>()).await;
    assert!(all_alive(&other));
    gateway.write_config(&config([]));
    gateway.wait_for_log("Server 'stays' stopped", SOON).await;
    gone(&old).await;
    gone(&other).await;
}

#[tokio::test]
async fn with_a_server_that_is_killed() {
    let (gateway, client) = fleet::open([with_family("a", "")]).await;
    let old = family(&gateway, "a").await;
    let identity = identify(&client, "a").await;
    proc::send(identity.pid, Signal::SIGKILL);
    gone(&old).await;
    successor(&client, "a", &identity, SOON).await;
    family(&gateway, "a").await;
}

#[tokio::test]
async fn with_a_gateway_that_stops() {
    let mut gateway = start(&["a", "b"]).await;
    let mut all = family(&gateway, "a").await;
    all.extend(family(&gateway, "b").await);
    let status = gateway.terminate().await;
    assert!(status.success(), "{status}");
    assert!(!all.iter().any(Process::is_alive), "at its end: {all:?}");
    let lives = std::fs::read_dir(gateway.state_dir().join("lives"));
    assert_eq!(lives.expect("it was made").count(), 0);
}

#[tokio::test]
async fn at_once_at_a_second_signal() {
    let entry = with_family("a", "--ignore-eof --ignore-term");
    let mut gateway = Gateway::start(GatewayOptions::new(config([entry]))).await;
    let all = family(&gateway, "a").await;
    gateway.signal(Signal::SIGTERM);
    gateway.wait_for_log("Stopping", SOON).await;
    wait::until("the second signal to be taken as one", SOON, async || {
        gateway.signal(Signal::SIGTERM);
        let logs = gateway.logs();
        let is_it = |line: &String| line.contains("Second signal");
        logs.iter().any(is_it).then_some(())
    })
    .await;
    assert_eq!(gateway.wait_exit(GONE).await.code(), Some(70));
    assert!(!all.iter().any(Process::is_alive), "at its end: {all:?}");
}

#[tokio::test]
async fn an_orphan_that_ends_by_itself_is_reaped() {
    let (gateway, client) = fleet::open([with_family("a", "")]).await;
    let all = family(&gateway, "a").await;
    let identity = identify(&client, "a").await;
    let orphans = all.iter().filter(|process| {
        let parent = proc::stat(process.pid).map(|stat| stat.parent);
        parent == Some(gateway.pid())
    });
    let orphans: Vec<u32> = orphans.map(|orphan| orphan.pid).collect();
    assert!(orphans.len() >= 2, "{all:?}");
    for orphan in &orphans {
        proc::send(*orphan, Signal::SIGKILL);
    }
    wait::until("nothing, not even a zombie", GONE, async || {
        let is_there = |pid: &u32| proc::stat(*pid).is_some();
        (!orphans.iter().any(is_there)).then_some(())
    })
    .await;
    assert_eq!(identify(&client, "a").await, identity, "it goes on");
}
