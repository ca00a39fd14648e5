//! The start slots: how many servers are in their first start at once.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{SOON, list};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::fixtures;
use crate::support::wait;

/// Clock ticks in a second, in which the kernel gives the start of a process.
const TICKS: u64 = 100;

#[tokio::test]
async fn four_servers_are_in_their_first_start_at_once() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let mute: Vec<(&str, &[&str])> = names.iter().map(|name| (*name, &["--mute"][..])).collect();
    let gateway = Gateway::start(GatewayOptions::new(fixtures(&mute))).await;
    let mut started = wait::until("nine servers", Duration::from_secs(15), async || {
        let children: BTreeSet<(u64, u32)> = gateway
            .children()
            .iter()
            .map(|child| (child.started, child.pid))
            .collect();
        (children.len() == names.len()).then_some(children)
    })
    .await
    .into_iter()
    .map(|(started, _)| started);
    let first: Vec<u64> = started.by_ref().take(4).collect();
    let second: Vec<u64> = started.by_ref().take(4).collect();
    let third = started.next().expect("nine");
    // None says anything, so each slot is given on after 2 s.
    let room = 2 * TICKS - TICKS / 10;
    assert!(second[0] >= first[0] + room, "{first:?} {second:?}");
    assert!(third >= second[0] + room, "{second:?} {third}");
    assert!(first[3] < second[0], "{first:?} {second:?}");
}

#[tokio::test]
async fn a_slot_is_free_as_soon_as_its_server_is_initialised() {
    let names: Vec<String> = (1..=20).map(|number| format!("s{number}")).collect();
    let fast: Vec<(&str, &[&str])> = names.iter().map(|name| (&**name, &[][..])).collect();
    let gateway = Gateway::start(GatewayOptions::new(fixtures(&fast))).await;
    let client = SseClient::connect(gateway.addr()).await;
    let tools = list(&client, SOON).await;
    // In the order of the configuration, however they became ready.
    let mut owners: Vec<&str> = tools
        .iter()
        .filter_map(|tool| tool.split("__").next())
        .collect();
    owners.dedup();
    assert_eq!(owners, names);
    let elapsed = gateway.started().elapsed();
    assert!(
        elapsed < Duration::from_secs(8),
        "four rounds of 2 s: {elapsed:?}"
    );
}
