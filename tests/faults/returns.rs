//! Row 222: a client that comes back while its last connection looks alive.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::slow_requests::allow_descriptors;
use super::stage::Stage;
use crate::support::client::DEADLINE;
use crate::support::servers::fixture;
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

/// How often the client opens its stream, and never reads nor ends the one before.
const TIMES: usize = 500;
const CHANGED: &str = "notifications/tools/list_changed";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f222_a_client_comes_back() {
    allow_descriptors();
    let mut stage = Stage::with(222, &[fixture("x", &[])], &json!({}), |o| o).await;
    let addr = stage.gateway.addr();
    let sockets = || proc::open_sockets(stage.gateway.pid()).expect("it runs");
    let mut clients = Vec::new();
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        clients.push(Endpoint::initialized(addr, version).await);
    }
    let before = sockets();
    let memory = proc::rss(stage.gateway.pid()).expect("it runs");
    let mut left = Vec::new();
    for time in 0..TIMES {
        // Each is answered with a stream, or this panics.
        left.push(clients[time % 3].listen().await);
    }
    let open = wait::until("the others' ends", DEADLINE, async || {
        let open = sockets();
        (open <= before + 3 * 4).then_some(open)
    });
    let open = open.await;
    stage.struck(format!(
        "{TIMES} streams opened by clients that had some; {open} sockets, {before} before"
    ));
    let more = i64::try_from(proc::rss(stage.gateway.pid()).expect("it runs")).expect("it fits")
        - i64::try_from(memory).expect("it fits");
    stage.memory("more", more, 8 << 20);

    let mut newest = left.split_off(TIMES - 3);
    let told = Instant::now();
    clients[0]
        .call_tool("x__set_tools", r#"{"names":["fresh"]}"#)
        .await;
    for stream in &mut newest {
        let said = stream.expect().await;
        assert!(said.data.contains(CHANGED), "{}", said.data);
    }
    stage.within(
        "each is told on its newest stream",
        told.elapsed(),
        Duration::from_secs(2),
    );
    // Of those that are open the one before it goes on when it ends.
    drop(newest);
    let mut one_before = left.split_off(TIMES - 6);
    clients[0]
        .call_tool("x__set_tools", r#"{"names":["other"]}"#)
        .await;
    for stream in &mut one_before {
        let said = stream.expect().await;
        assert!(said.data.contains(CHANGED), "{}", said.data);
    }
    stage.holds("and on the one before when that is gone", true);
    stage.close().await;
}
