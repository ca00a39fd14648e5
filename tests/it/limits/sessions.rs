//! The limits of sessions and of what each may have going on.

use serde_json::json;

use super::{SOON, gateway};
use crate::support::client::SseClient;
use crate::support::http;
use crate::support::servers::{error_code, fixture, join, text_of};
use crate::support::streamable::Endpoint;
use crate::support::wait;

#[tokio::test]
async fn the_session_that_is_idle_for_longest_makes_room() {
    let gateway = gateway(&json!({ "max_sessions": 2 }), &[]).await;
    let _streams = (
        SseClient::connect(gateway.addr()).await,
        Endpoint::initialized(gateway.addr(), "2025-11-25").await,
    );
    let _third = SseClient::connect(gateway.addr()).await;
    let refused = http::get(gateway.addr(), "/sse").await;
    assert_eq!((refused.status, error_code(&refused.text())), (503, -32003));
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn calls_beyond_the_limits_are_busy_at_once() {
    let limits = json!({ "max_calls_per_session": 2, "max_calls_per_server": 3 });
    let servers = [fixture("a", &["--hang-on", "abort"])];
    let gateway = gateway(&limits, &servers).await;
    let (one, two) = (join(&gateway).await, join(&gateway).await);
    one.call_tool("a__echo", "{}").await;
    let abort = Some(r#"{"name":"a__abort","arguments":{}}"#);
    for client in [&one, &one, &two] {
        client.request("tools/call", abort).await;
    }
    let session = wait::until("a full session", SOON, async || {
        let answer = one.call_tool("a__echo", "{}").await;
        answer
            .contains("this session has as many requests")
            .then_some(answer)
    });
    assert_eq!(error_code(&session.await), -32003);
    let server = wait::until("a full server", SOON, async || {
        let answer = two.call_tool("a__echo", "{}").await;
        answer.contains("busy").then_some(answer)
    });
    assert!(server.await.contains("'a'"));
    // Who is there already profits from a limit that is raised.
    gateway.write_config(&super::file(&json!({}), &servers));
    wait::until("room at the server", SOON, async || {
        let answer = two.call_tool("a__echo", r#"{"text":"room"}"#).await;
        (!answer.contains("busy") && text_of(&answer) == "room").then_some(())
    })
    .await;
    let answer = one.call_tool("a__echo", r#"{"text":"room"}"#).await;
    assert_eq!(text_of(&answer), "room");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_ended_when_it_is_set() {
    let limits = json!({ "max_outgoing_bytes": "64KiB", "slow_client_timeout": 0.5 });
    let gateway = gateway(&limits, &[fixture("a", &[])]).await;
    let (slow, other) = (join(&gateway).await, join(&gateway).await);
    slow.call_tool("a__echo", "{}").await;
    slow.set_reading(false);
    let huge = Some(r#"{"name":"a__huge","arguments":{"bytes":8000000}}"#);
    for _ in 0..4 {
        slow.request("tools/call", huge).await;
    }
    gateway
        .wait_for_log("its client has read nothing for 0.5 s", SOON)
        .await;
    other.call_tool("a__echo", "{}").await;
}

#[tokio::test]
async fn what_waits_for_all_clients_is_limited_together() {
    let limits = json!({ "max_outgoing_total_bytes": "1MiB", "slow_client_timeout": 0.5 });
    let gateway = gateway(&limits, &[fixture("a", &[])]).await;
    let (slow, other) = (join(&gateway).await, join(&gateway).await);
    slow.call_tool("a__echo", "{}").await;
    slow.set_reading(false);
    // Less than a session of its own may have, and more than all may have together.
    let large = Some(r#"{"name":"a__huge","arguments":{"bytes":2000000}}"#);
    for _ in 0..3 {
        slow.request("tools/call", large).await;
    }
    gateway
        .wait_for_log("its client has read nothing for 0.5 s", SOON)
        .await;
    other.call_tool("a__echo", "{}").await;
}
