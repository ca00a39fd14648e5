//! Whatever ends a call, a session or a process, nothing stays counted: after the end of clients and servers
//! every gauge is at zero.

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{SOON, scrape, server, server_in, status, value_is};
use crate::support::client::{Client, Streamable, Transport};
use crate::support::gateway::Gateway;
use crate::support::servers::{fixture, gateway, join};
use crate::support::{http, proc, wait};

const HANG: &str = r#"{"name":"a__abort","arguments":{}}"#;

fn hanging() -> Value {
    fixture("a", &["--hang-on", "abort"])
}

async fn hang<T: Transport>(client: &Client<T>, times: usize) -> Vec<u64> {
    let mut ids = Vec::new();
    for _ in 0..times {
        ids.push(client.request("tools/call", Some(HANG)).await);
    }
    ids
}

/// Waits until nothing is held by anybody.
async fn nothing_is_held(gateway: &Gateway) {
    wait::until("every gauge to be at zero", SOON, async || {
        let held = scrape(gateway).await.held();
        held.is_empty().then_some(())
    })
    .await;
    let status = status(gateway).await;
    for pointer in [
        "/sessions/open",
        "/calls_in_flight",
        "/bodies_in_flight_bytes",
    ] {
        assert_eq!(status.pointer(pointer), Some(&Value::from(0)), "{status}");
    }
}

#[tokio::test]
async fn clients_that_vanish_leave_nothing() {
    let gateway = gateway(&[hanging()]).await;
    server_in(&gateway, "a", "ready").await;
    let open = async || status(&gateway).await["connections"]["open"].as_u64();
    let idle = open().await;
    let (one, two) = (join(&gateway).await, join(&gateway).await);
    hang(&one, 5).await;
    hang(&two, 7).await;
    value_is(&gateway, r#"mcproxy_calls_in_flight{server="a"}"#, 12.0).await;
    value_is(&gateway, "mcproxy_sessions", 2.0).await;
    assert_eq!(server(&gateway, "a").await["calls_in_flight"], 12);
    assert_eq!(status(&gateway).await["calls_in_flight"], 12);
    one.close().await;
    two.close().await;
    value_is(&gateway, "mcproxy_sessions", 0.0).await;
    value_is(&gateway, "mcproxy_session_calls_in_flight", 0.0).await;
    value_is(&gateway, r#"mcproxy_calls_in_flight{server="a"}"#, 0.0).await;
    let cancelled = r#"mcproxy_calls_total{outcome="cancelled",server="a"}"#;
    assert_eq!(scrape(&gateway).await.value(cancelled), Some(12.0));
    // The server has not answered them: it may be at them for a while, unless it ends.
    let pid = server(&gateway, "a").await["pid"].as_u64().expect("a pid");
    assert!(proc::send(
        u32::try_from(pid).expect("it fits"),
        Signal::SIGKILL
    ));
    nothing_is_held(&gateway).await;
    wait::until("the connections to end", SOON, async || {
        // One that was just being closed then may have been counted.
        (open().await <= idle).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_killed_server_leaves_nothing() {
    let gateway = gateway(&[hanging()]).await;
    server_in(&gateway, "a", "ready").await;
    let (client, other) = (
        join(&gateway).await,
        Streamable::client(gateway.addr()).await,
    );
    other.initialize().await;
    let ids = (hang(&client, 9).await, hang(&other, 3).await);
    value_is(&gateway, r#"mcproxy_call_permits_in_use{server="a"}"#, 12.0).await;
    let pid = server(&gateway, "a").await["pid"].as_u64().expect("a pid");
    assert!(proc::send(
        u32::try_from(pid).expect("it fits"),
        Signal::SIGKILL
    ));
    for id in ids.0 {
        client.wait_response(id, SOON).await;
    }
    for id in ids.1 {
        other.wait_response(id, SOON).await;
    }
    let lost = r#"mcproxy_calls_total{outcome="lost",server="a"}"#;
    assert_eq!(scrape(&gateway).await.value(lost), Some(12.0));
    client.leave().await;
    other.leave().await;
    nothing_is_held(&gateway).await;
}

#[tokio::test]
async fn a_removed_server_takes_its_series_along() {
    let gateway = gateway(&[hanging()]).await;
    server_in(&gateway, "a", "ready").await;
    let client = join(&gateway).await;
    hang(&client, 2).await;
    value_is(&gateway, r#"mcproxy_calls_in_flight{server="a"}"#, 2.0).await;
    gateway.rename_config("[]");
    wait::until("the series to end", SOON, async || {
        scrape(&gateway)
            .await
            .of_server("a")
            .is_empty()
            .then_some(())
    })
    .await;
    client.leave().await;
    nothing_is_held(&gateway).await;
}

#[tokio::test]
async fn bodies_that_never_end_are_counted_as_long_as_they_are_held() {
    let gateway = gateway(&[]).await;
    let mut slow = http::Connection::open(gateway.addr())
        .await
        .expect("it listens");
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                accept: application/json, text/event-stream\r\ncontent-length: 100000\r\n\r\n";
    slow.send(head.as_bytes()).await.expect("it reads");
    slow.send(&[b' '; 10_000]).await.expect("it reads");
    value_is(&gateway, "mcproxy_bodies_in_flight_bytes", 10_000.0).await;
    drop(slow);
    nothing_is_held(&gateway).await;
}
