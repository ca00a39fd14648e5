//! The event stream itself: how it opens, what keeps it alive, how messages look on it.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::{SOON, gateway};
use crate::support::client::{SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::wait;

fn recording() -> SseOptions<'static> {
    SseOptions {
        record: true,
        ..SseOptions::default()
    }
}

/// What has come so far, once it ends with `end`.
async fn recorded(client: &SseClient, end: &str) -> String {
    wait::until(end, SOON, async || {
        let text = String::from_utf8(client.recorded()).expect("UTF-8");
        text.ends_with(end).then_some(text)
    })
    .await
}

#[tokio::test]
async fn a_stream_opens_with_a_relative_endpoint_and_a_comment() {
    let gateway = gateway().await;
    let client = SseClient::connect_with(gateway.addr(), &recording()).await;
    let head = client.head();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    let cache = head.header("cache-control").expect("a cache-control");
    for directive in ["no-cache", "no-store", "no-transform"] {
        assert!(cache.contains(directive), "{cache}");
    }
    assert_eq!(head.header("content-encoding"), None);
    let opening = recorded(&client, ": connected\n\n").await;
    let id = opening
        .strip_prefix("event: endpoint\ndata: /messages?session_id=")
        .and_then(|rest| rest.strip_suffix("\n\n: connected\n\n"))
        .unwrap_or_else(|| panic!("{opening:?}"));
    assert!(id.len() >= 22, "128 bits need more than {id:?}");
    assert!(id.bytes().all(|b| b.is_ascii_graphic()), "{id:?}");
}

#[tokio::test]
async fn a_message_is_one_event_on_one_line() {
    let gateway = gateway().await;
    let client = SseClient::connect_with(gateway.addr(), &recording()).await;
    let opening = recorded(&client, ": connected\n\n").await;
    let response = client
        .post("{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": 1,\n  \"method\": \"ping\"\n}\n")
        .await;
    assert_eq!(
        (response.status, response.text()),
        (202, "Accepted".to_owned())
    );
    let event = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
    assert_eq!(recorded(&client, event).await, format!("{opening}{event}"));
}

#[tokio::test]
async fn every_stream_is_a_session_of_its_own() {
    let gateway = gateway().await;
    let mut endpoints = HashSet::new();
    let mut clients = Vec::new();
    for _ in 0..50 {
        let client = SseClient::connect(gateway.addr()).await;
        endpoints.insert(client.endpoint().to_owned());
        clients.push(client);
    }
    assert_eq!(endpoints.len(), clients.len());
    clients[7].call("ping", None, SOON).await;
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(client.unclaimed(), Vec::<String>::new(), "client {number}");
    }
}

#[tokio::test]
async fn a_silent_stream_gets_a_comment_every_thirty_seconds() {
    let gateway = Gateway::start(GatewayOptions::new("[]")).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.wait_comments(1, SOON).await;
    let opened = Instant::now();
    client.wait_comments(2, Duration::from_secs(40)).await;
    let pause = opened.elapsed();
    assert!(pause > Duration::from_secs(28), "{pause:?}");
    assert!(pause < Duration::from_secs(35), "{pause:?}");
    assert_eq!(client.ended(), None);
}
