//! The boot latch: what waits for it, what does not, and what opens it.

use std::time::Duration;

use serde_json::json;

use super::{LATCH, SOON, has, list, readiness, wait_ready};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{configuration, error_code, fixture, fixtures, text_of};

async fn start(list: &[(&str, &[&str])]) -> Gateway {
    Gateway::start(GatewayOptions::new(fixtures(list))).await
}

#[tokio::test]
async fn the_port_answers_before_any_server_is_ready() {
    let gateway = start(&[("slow", &["--slow-start", "4000"])]).await;
    assert_eq!(http::get(gateway.addr(), "/healthz").await.status, 200);
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    client.call("ping", None, SOON).await;
    let (status, waiting) = readiness(gateway.addr()).await;
    let elapsed = gateway.started().elapsed();
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
    assert_eq!((status, waiting), (503, vec!["boot".to_owned()]));
    list(&client, SOON).await;
    wait_ready(&gateway).await;
}

#[tokio::test]
async fn the_first_list_waits_until_it_is_whole() {
    let gateway = start(&[("fast", &[]), ("slow", &["--slow-start", "4000"])]).await;
    let client = SseClient::connect(gateway.addr()).await;
    // A call to a server that is ready waits for nobody; one to a server that is not, for it.
    let parked = client
        .request(
            "tools/call",
            Some(r#"{"name":"slow__echo","arguments":{"text":"at last"}}"#),
        )
        .await;
    gateway.wait_for_log("Server 'fast' started", SOON).await;
    let early = client.call_tool("fast__echo", r#"{"text":"first"}"#).await;
    assert_eq!(text_of(&early), "first");
    let elapsed = gateway.started().elapsed();
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
    let tools = list(&client, SOON).await;
    assert!(gateway.started().elapsed() >= Duration::from_secs(4));
    assert!(
        has(&tools, "fast__echo") && has(&tools, "slow__echo"),
        "{tools:?}"
    );
    let answer = client.wait_response(parked, SOON).await;
    assert_eq!(text_of(&answer), "at last");
    assert_eq!(
        client.notifications(),
        Vec::<String>::new(),
        "nothing changed since"
    );
}

#[tokio::test]
async fn a_failed_first_start_is_not_waited_for() {
    let gateway = start(&[
        ("fast", &[]),
        ("broken", &["--exit-at-start", "1"]),
        ("silent", &["--list-error"]),
    ])
    .await;
    let client = SseClient::connect(gateway.addr()).await;
    let tools = list(&client, Duration::from_secs(7)).await;
    let elapsed = gateway.started().elapsed();
    assert!(
        elapsed < Duration::from_secs(7),
        "that was the latch: {elapsed:?}"
    );
    assert!(has(&tools, "fast__echo"), "{tools:?}");
    assert!(
        tools.iter().all(|tool| tool.starts_with("fast__")),
        "{tools:?}"
    );
    wait_ready(&gateway).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_eight_seconds() {
    let mut mute = fixture("mute", &["--mute"]);
    mute["timeout"] = json!(12);
    let entries = configuration(&[mute, fixture("fast", &[])]);
    let gateway = Gateway::start(GatewayOptions::new(entries)).await;
    let client = SseClient::connect(gateway.addr()).await;
    gateway.wait_for_log("Server 'fast' started", SOON).await;
    // An unknown name may still be one of the mute server's.
    let unknown = client
        .request("tools/call", Some(r#"{"name":"mute__echo"}"#))
        .await;
    let waiting = client.request("tools/list", None).await;
    assert_eq!(readiness(gateway.addr()).await.0, 503);
    let answer = client.wait_response(waiting, LATCH).await;
    let elapsed = gateway.started().elapsed();
    assert!(elapsed >= Duration::from_secs(8), "{elapsed:?}");
    assert!(elapsed < LATCH, "{elapsed:?}");
    let said = gateway.wait_for_log("Lists are given without 'mute'", SOON);
    said.await;
    let tools = support::servers::tool_names(&answer);
    assert!(has(&tools, "fast__echo"), "{tools:?}");
    let refused = client.wait_response(unknown, SOON).await;
    assert_eq!(error_code(&refused), -32602, "{refused}");
    // Open once, open for good: the next list is there at once.
    list(&client, Duration::from_secs(3)).await;
    // Its start has not failed yet, and when it has, it is not waited for.
    assert_eq!(readiness(gateway.addr()).await.0, 503);
    wait_ready(&gateway).await;
    let elapsed = gateway.started().elapsed();
    assert!(elapsed >= Duration::from_secs(12), "{elapsed:?}");
}

#[tokio::test]
async fn a_late_server_is_announced() {
    let gateway = start(&[("late", &["--slow-start", "11500"]), ("fast", &[])]).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    let tools = list(&client, LATCH).await;
    assert!(!has(&tools, "late__echo"), "{tools:?}");
    assert_eq!(readiness(gateway.addr()).await.0, 503);
    client
        .next_notification("notifications/tools/list_changed", SOON)
        .await;
    assert!(has(&list(&client, SOON).await, "late__echo"));
    wait_ready(&gateway).await;
}
