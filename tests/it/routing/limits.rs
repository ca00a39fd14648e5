//! Admission: 64 calls of one session, 128 of one server, the last 16 for sessions with few. What is over the limit
//! is told "busy" at once, and what ends makes room.

use futures_util::future::join_all;
use serde_json::Value;

use super::{SOON, settle};
use crate::support::client::SseClient;
use crate::support::servers::{failed_text, fixture, join, serve_ready, text_of};
use crate::support::wait;

const SESSION: usize = 64;
/// What is kept of a server's room for sessions that have less than their part of it: half of that for
/// other clients than theirs, which is nobody here.
const LAST: usize = 16;

/// Sends so many calls of `name` and waits for none. Gives the first id.
async fn fill(client: &SseClient, name: &str, arguments: &str, count: usize) -> Vec<u64> {
    let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
    let calls = (0..count).map(|_| client.request("tools/call", Some(&params)));
    join_all(calls).await
}

#[tokio::test]
async fn a_session_has_room_for_64_calls() {
    let (_gateway, client) =
        serve_ready(&[fixture("a", &["--hang-on", "abort"]), fixture("b", &[])]).await;
    client.call_tool("a__echo", "{}").await;
    let ids = fill(&client, "a__abort", "{}", SESSION).await;
    for request in [
        ("tools/call", Some(r#"{"name":"b__echo"}"#)),
        ("tools/list", None),
    ] {
        let answer = client.call(request.0, request.1, SOON).await;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["error"]["code"], -32003, "{answer}");
        let text = answer["error"]["message"].as_str().expect("a message");
        assert!(text.contains("busy"), "{text}");
    }
    // One goes, one may come.
    let params = format!(r#"{{"requestId":{}}}"#, ids[0]);
    client
        .notify("notifications/cancelled", Some(&params))
        .await;
    let answer = client.call_tool("b__echo", r#"{"text":"room"}"#).await;
    assert_eq!(text_of(&answer), "room");
}

#[tokio::test]
async fn a_full_session_does_not_concern_another() {
    let (gateway, full) = serve_ready(&[fixture("a", &["--hang-on", "abort"])]).await;
    let other = join(&gateway).await;
    full.call_tool("a__echo", "{}").await;
    fill(&full, "a__abort", "{}", SESSION).await;
    assert!(full.call_tool("a__echo", "{}").await.contains("-32003"));
    let answer = other.call_tool("a__echo", r#"{"text":"free"}"#).await;
    assert_eq!(text_of(&answer), "free");
}

#[tokio::test]
async fn a_server_has_room_for_120_calls_of_one_client() {
    let (gateway, one) = serve_ready(&[fixture("a", &[]), fixture("b", &[])]).await;
    let two = join(&gateway).await;
    let three = join(&gateway).await;
    let sleep = r#"{"ms":4000}"#;
    let mut calls = fill(&one, "a__sleep", sleep, SESSION).await;
    let of_two = fill(&two, "a__sleep", sleep, SESSION - LAST).await;
    settle(&one).await;
    settle(&two).await;
    let text = failed_text(&two.call_tool("a__echo", "{}").await);
    assert!(text.contains("'a'") && text.contains("busy"), "{text}");
    let of_three = fill(&three, "a__sleep", sleep, LAST / 2).await;
    settle(&three).await;
    let text = failed_text(&three.call_tool("a__echo", "{}").await);
    assert!(text.contains("'a'") && text.contains("busy"), "{text}");
    let answer = three.call_tool("b__echo", r#"{"text":"by"}"#).await;
    assert_eq!(text_of(&answer), "by");

    let answer = one.wait_response(calls.remove(0), SOON).await;
    assert_eq!(text_of(&answer), "slept");
    for id in calls {
        one.wait_response(id, SOON).await;
    }
    let answer = three.call_tool("a__echo", r#"{"text":"room"}"#).await;
    assert_eq!(text_of(&answer), "room");
    for (client, ids) in [(&two, of_two), (&three, of_three)] {
        for id in ids {
            client.wait_response(id, SOON).await;
        }
    }
    // All of it is free again, nothing has leaked.
    for _ in 0..3 {
        let ids = fill(&one, "a__echo", "{}", SESSION).await;
        for id in ids {
            let answer = one.wait_response(id, SOON).await;
            assert_eq!(text_of(&answer), "");
        }
    }
}

#[tokio::test]
async fn a_cancelled_call_keeps_its_room_at_the_server_until_it_is_answered() {
    let (gateway, one) = serve_ready(&[fixture("a", &[])]).await;
    let two = join(&gateway).await;
    let three = join(&gateway).await;
    let sleep = r#"{"ms":2500,"ignore_cancel":true}"#;
    let ids = fill(&one, "a__sleep", sleep, SESSION).await;
    fill(&two, "a__sleep", r#"{"ms":60000}"#, SESSION).await;
    fill(&three, "a__sleep", r#"{"ms":60000}"#, LAST / 2).await;
    for id in ids {
        let params = format!(r#"{{"requestId":{id}}}"#);
        one.notify("notifications/cancelled", Some(&params)).await;
    }
    settle(&one).await;
    // The server is still at work for them.
    let text = failed_text(&three.call_tool("a__echo", "{}").await);
    assert!(text.contains("busy"), "{text}");
    wait::until("room at the server", SOON, async || {
        let answer = three.call_tool("a__echo", r#"{"text":"room"}"#).await;
        (text_of(&answer) == "room").then_some(())
    })
    .await;
    assert_eq!(one.unclaimed(), Vec::<String>::new());
}
