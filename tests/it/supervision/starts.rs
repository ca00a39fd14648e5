//! First starts: at most four at once, and with more time after each that ran out of it.

use std::time::Duration;

use super::STEP;
use crate::support::fleet::{config, fixture};
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
