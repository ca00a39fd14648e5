//! What becomes of calls during a stop: those in flight are finished or answered, each once.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::time::Instant;

use super::{LONGEST, SOON, end, start};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::Connection;
use crate::support::servers::{error_code, fixtures, text_of};
use crate::support::streamable::{Endpoint, call_tool};

/// Starts a call that takes so long, and waits until its server works on it.
async fn start_call(client: &SseClient, milliseconds: u32) -> u64 {
    let steps = milliseconds / 250;
    let params = format!(
        r#"{{"name":"fx__sleep","arguments":{{"ms":{milliseconds},"steps":{steps}}},"_meta":{{"progressToken":1}}}}"#
    );
    let id = client.request("tools/call", Some(&params)).await;
    client
        .next_notification("notifications/progress", SOON)
        .await;
    id
}

#[tokio::test]
async fn a_call_in_flight_is_finished() {
    let mut gateway = start(&[("fx", &[])]).await;
    let busy = SseClient::connect(gateway.addr()).await;
    let running = start_call(&busy, 2000).await;
    let asked = Instant::now();
    gateway.signal(Signal::SIGTERM);
    let answer = busy.wait_response(running, SOON).await;
    assert_eq!(text_of(&answer), "slept");
    let status = gateway.wait_exit(LONGEST).await;
    assert_eq!(status.code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn a_call_that_does_not_finish_is_answered_after_three_seconds() {
    let mut gateway = start(&[("fx", &[])]).await;
    let client = SseClient::connect(gateway.addr()).await;
    let running = start_call(&client, 60_000).await;
    let asked = Instant::now();
    gateway.signal(Signal::SIGTERM);
    let answer = client.wait_response(running, SOON).await;
    let took = asked.elapsed();
    assert!((2..6).contains(&took.as_secs()), "{took:?}");
    let parsed: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(parsed["result"]["isError"], true, "{answer}");
    assert!(text_of(&answer).contains("'fx'"), "{answer}");
    assert_eq!(gateway.wait_exit(LONGEST).await.code(), Some(0));
    assert!(asked.elapsed() < LONGEST);
}

#[tokio::test]
async fn what_waits_for_a_server_that_starts_is_answered() {
    let options = GatewayOptions::new(fixtures(&[("fx", &["--mute"])]));
    let mut gateway = Gateway::start(options).await;
    let client = SseClient::connect(gateway.addr()).await;
    let call = client
        .request("tools/call", Some(r#"{"name":"fx__echo","arguments":{}}"#))
        .await;
    let list = client.request("tools/list", None).await;
    client.call("ping", None, SOON).await;
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took < LONGEST, "{took:?}");
    let answer = client.wait_response(call, SOON).await;
    assert!(answer.contains("stopping"), "{answer}");
    let refused = client.wait_response(list, SOON).await;
    assert_eq!(error_code(&refused), -32000, "{refused}");
}

#[tokio::test]
async fn every_call_of_many_is_answered_once() {
    let mut gateway = start(&[("fx", &[])]).await;
    let clients = [
        SseClient::connect(gateway.addr()).await,
        SseClient::connect(gateway.addr()).await,
    ];
    let mut calls = Vec::new();
    for number in 0..60 {
        for client in &clients {
            let params = format!(
                r#"{{"name":"fx__sleep","arguments":{{"ms":{}}}}}"#,
                number * 100
            );
            calls.push((client, client.request("tools/call", Some(&params)).await));
        }
    }
    let (status, _) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    let mut finished = 0;
    for (client, id) in calls {
        let answer = client.wait_response(id, SOON).await;
        finished += usize::from(text_of(&answer) == "slept");
    }
    // Those of up to 3 s, less what the machine was late.
    assert!((20..120).contains(&finished), "{finished}");
    for client in &clients {
        assert_eq!(client.unclaimed(), Vec::<String>::new());
    }
}

/// Calls one after the other until there is another answer than its tool's; that one, unless nobody was there to be asked.
async fn calls_on(client: Endpoint) -> Option<String> {
    let head = client.post_head(&[("accept", "application/json")]);
    let call = call_tool(1, "fx__sleep", r#"{"ms":100}"#);
    loop {
        let mut connection = Connection::open(client.addr).await.ok()?;
        let answer = connection.exchange(&head, call.as_bytes()).await;
        let answer = answer.expect("who is let in is answered").text();
        if text_of(&answer) != "slept" {
            return Some(answer);
        }
    }
}

#[tokio::test]
async fn a_call_that_was_taken_is_finished_where_there_are_always_others() {
    let mut gateway = start(&[("fx", &[])]).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..8 {
        clients.spawn(calls_on(
            Endpoint::initialized(gateway.addr(), "2025-06-18").await,
        ));
    }
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took < LONGEST, "{took:?}");
    let mut heard = 0;
    while let Some(last) = clients.join_next().await {
        if let Some(last) = last.expect("no panic") {
            assert!(text_of(&last).contains("the call was not run"), "{last}");
            heard += 1;
        }
    }
    assert!(heard > 0, "some have asked in time");
}
