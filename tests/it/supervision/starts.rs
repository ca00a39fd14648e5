//! First starts: at most four at once, and with more time after each that ran out of it.

use std::time::Duration;

use super::STEP;
use crate::support::client::DEADLINE;
use crate::support::fleet::{self, config, echo, fixture};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::{proc, wait};

/// When each of so many servers was started after the first, in seconds as the kernel counts them.
async fn starts(gateway: &Gateway, servers: usize) -> Vec<f64> {
    let what = format!("{servers} servers");
    let children = wait::until(&what, STEP, async || {
        let children = proc::children(gateway.pid());
        (children.len() == servers).then_some(children)
    })
    .await;
    let mut ticks: Vec<u64> = children.iter().map(|child| child.started).collect();
    ticks.sort_unstable();
    let after = |tick: &u64| Duration::from_millis((tick - ticks[0]) * 10).as_secs_f64();
    ticks.iter().map(after).collect()
}

async fn open(flags: &[&str], servers: usize) -> Gateway {
    let entry = |number| fixture(&format!("s{number}"), flags);
    Gateway::start(GatewayOptions::new(config((0..servers).map(entry)))).await
}

#[tokio::test]
async fn four_at_once_and_a_slot_is_free_after_two_seconds() {
    let gateway = open(&["--mute"], 9).await;
    let starts = starts(&gateway, 9).await;
    assert!(starts[3] < 1.0, "the first four do not wait: {starts:?}");
    // A tick of the kernel is 10 ms.
    assert!(starts[4] > 1.95 && starts[4] < 3.5, "{starts:?}");
    assert!(starts[8] - starts[4] > 1.95, "then four more: {starts:?}");
}

#[tokio::test]
async fn a_slot_is_free_when_initialize_is_answered() {
    let gateway = open(&["--slow-start", "600"], 9).await;
    let starts = starts(&gateway, 9).await;
    assert!(starts[4] > 0.55, "{starts:?}");
    assert!(starts[8] - starts[4] > 0.55, "{starts:?}");
    assert!(starts[4] < 1.9, "they do not wait for the 2 s: {starts:?}");
}

#[tokio::test]
async fn mute_servers_do_not_keep_a_good_one_waiting() {
    let mut entries: Vec<_> = (0..5)
        .map(|n| fixture(&format!("mute{n}"), &["--mute"]))
        .collect();
    entries.push(fixture("good", &[]));
    let gateway = Gateway::start(GatewayOptions::new(config(entries))).await;
    gateway
        .wait_for_log("Server 'good' started", Duration::from_secs(5))
        .await;
}

/// An `npx` that installs for longer than its deadline must not be killed for ever.
#[tokio::test]
async fn the_deadline_doubles_until_a_slow_first_start_gets_through() {
    let slow = fixture("slow", &["--slow-start", "2500"]).with("timeout", 1);
    let (gateway, client) = fleet::open([slow, fixture("good", &[])]).await;
    assert_eq!(echo(&client, "good", "here").await.text, "here");
    let list = client.call("tools/list", None, DEADLINE).await;
    assert!(
        list.contains("good__echo") && !list.contains("slow__echo"),
        "{list:.300}"
    );
    for seconds in [1, 2] {
        let line = format!(
            "Server 'slow' was not ready within {seconds} s: it did not answer 'initialize'"
        );
        gateway.wait_for_log(&line, STEP).await;
    }
    client.next_notification(super::CHANGED, STEP).await;
    assert_eq!(echo(&client, "slow", "at last").await.text, "at last");
    assert_eq!(
        super::ladder_of(&gateway, "slow").len(),
        2,
        "two were enough"
    );
}
