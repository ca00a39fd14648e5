//! Limits are changed while clients are connected: nothing is restarted and nobody is cut off.

use serde_json::{Value, json};

use super::{SOON, file, gateway};
use crate::support::client::SseClient;
use crate::support::gateway::Gateway;
use crate::support::http::{self, Connection};
use crate::support::servers::{fixture, join, text_of};
use crate::support::wait;

/// Saves these limits and waits until the log says `change`.
async fn set(gateway: &Gateway, limits: &Value, servers: &[Value], change: &str) {
    let mark = gateway.log_mark();
    gateway.write_config(&file(limits, servers));
    gateway.wait_for_log_after(mark, change, SOON).await;
}

#[tokio::test]
async fn sessions_and_bodies_are_limited_anew_for_those_who_are_there() {
    let servers = [fixture("a", &[])];
    let gateway = gateway(&json!({}), &servers).await;
    let (one, two) = (join(&gateway).await, join(&gateway).await);
    let pid = text_of(&one.call_tool("a__pid", "{}").await);
    let json = ("content-type", "application/json");
    let head = http::request_head(gateway.addr(), "POST", one.endpoint(), &[json]);
    let mut kept = Connection::open(gateway.addr()).await.unwrap();
    let ping = format!(
        r#"{{"jsonrpc":"2.0","id":"p","method":"ping"}}{}"#,
        " ".repeat(2000)
    );
    assert_eq!(
        kept.exchange(&head, ping.as_bytes()).await.unwrap().status,
        202
    );

    let limits = json!({ "max_sessions": 1, "max_body_bytes": "1KiB" });
    let change = "reload: gateway: max_sessions 1000 -> 1, max_body_bytes 16MiB -> 1KiB";
    set(&gateway, &limits, &servers, change).await;
    // The sessions go on, and no other comes.
    for client in [&one, &two] {
        assert_eq!(text_of(&client.call_tool("a__pid", "{}").await), pid);
    }
    assert_eq!(http::get(gateway.addr(), "/sse").await.status, 503);
    // On the same connection as before.
    assert_eq!(
        kept.exchange(&head, ping.as_bytes()).await.unwrap().status,
        413
    );

    let limits = json!({ "max_sessions": 3 });
    let change = "reload: gateway: max_sessions 1 -> 3, max_body_bytes 1KiB -> 16MiB";
    set(&gateway, &limits, &servers, change).await;
    let _third = SseClient::connect(gateway.addr()).await;
    assert_eq!(http::get(gateway.addr(), "/sse").await.status, 503);
    let mut kept = Connection::open(gateway.addr()).await.unwrap();
    assert_eq!(
        kept.exchange(&head, ping.as_bytes()).await.unwrap().status,
        202
    );
    assert_eq!(text_of(&one.call_tool("a__pid", "{}").await), pid);
}

#[tokio::test]
async fn connections_are_limited_anew() {
    let gateway = gateway(&json!({ "max_connections": 4 }), &[]).await;
    let head = http::request_head(gateway.addr(), "GET", "/healthz", &[]);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut connection = Connection::open(gateway.addr()).await.unwrap();
        assert_eq!(connection.exchange(&head, b"").await.unwrap().status, 200);
        open.push(connection);
    }
    set(
        &gateway,
        &json!({ "max_connections": 2 }),
        &[],
        "max_connections 4 -> 2",
    )
    .await;
    for connection in &mut open {
        assert_eq!(connection.exchange(&head, b"").await.unwrap().status, 200);
    }
    let mut waiting = Connection::open(gateway.addr()).await.unwrap();
    waiting.post(&head, b"").await.unwrap();
    drop(open.pop());
    gateway
        .wait_for_log("all 2 connections are in use", SOON)
        .await;
    assert!(waiting.is_idle(), "two are two still");
    set(
        &gateway,
        &json!({ "max_connections": 3 }),
        &[],
        "max_connections 2 -> 3",
    )
    .await;
    let reply = wait::within(|| "its turn".to_owned(), SOON, waiting.response()).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_wrong_limit_keeps_what_it_was_and_the_rest_is_applied() {
    let servers = [fixture("a", &[])];
    let gateway = gateway(&json!({ "max_sessions": 1 }), &servers).await;
    let client = join(&gateway).await;
    let wrong = json!({ "max_sessions": "many", "max_body_bytes": "1KiB", "max_sesions": 5 });
    let added = [servers[0].clone(), fixture("b", &[])];
    set(
        &gateway,
        &wrong,
        &added,
        "reload: gateway: max_body_bytes 16MiB -> 1KiB",
    )
    .await;
    gateway
        .wait_for_log("'max_sessions': a whole number from 1 to", SOON)
        .await;
    gateway
        .wait_for_log("did you mean 'max_sessions'?", SOON)
        .await;
    assert_eq!(http::get(gateway.addr(), "/sse").await.status, 503);
    client.call_tool("b__echo", "{}").await;
}

#[tokio::test]
async fn the_object_is_read_for_itself_whatever_else_is_in_the_file() {
    let servers = [fixture("a", &[])];
    let gateway = gateway(&json!({ "max_sessions": 1 }), &servers).await;
    let client = join(&gateway).await;
    let pid = text_of(&client.call_tool("a__pid", "{}").await);

    // Beside an entry that can't be used.
    let broken = [json!({ "name": "a", "command": 5 })];
    let change = "reload: gateway: max_sessions 1 -> 2";
    set(&gateway, &json!({ "max_sessions": 2 }), &broken, change).await;
    assert_eq!(text_of(&client.call_tool("a__pid", "{}").await), pid);

    // No object: all stays, and the entries are applied.
    let added = [servers[0].clone(), fixture("b", &[])];
    set(
        &gateway,
        &json!(5),
        &added,
        "'gateway' is an object, not a number",
    )
    .await;
    wait::until("the new server", SOON, async || {
        let answer = client.call_tool("b__echo", "{}").await;
        (!answer.contains("error")).then_some(())
    })
    .await;
    let second = SseClient::connect(gateway.addr()).await;
    assert_eq!(http::get(gateway.addr(), "/sse").await.status, 503);

    // Gone: the defaults.
    let mark = gateway.log_mark();
    gateway.write_config(&json!({ "servers": servers }).to_string());
    let change = "reload: gateway: max_sessions 2 -> 1000";
    gateway.wait_for_log_after(mark, change, SOON).await;
    let _third = SseClient::connect(gateway.addr()).await;
    drop(second);
    assert_eq!(text_of(&client.call_tool("a__pid", "{}").await), pid);
}
