//! `call_timeout`: an error downstream and a cancellation upstream; progress starts it anew; a server that
//! times out three times in a row in silence is hung.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{SOON, echo, logged};
use crate::support::client::SseClient;
use crate::support::servers::{failed_text, fixture, join, serve_ready, text_of};

const TIMEOUT: Duration = Duration::from_secs(1);

/// A server whose calls time out after a second; `abort` is never answered.
fn impatient(name: &str) -> Value {
    let mut entry = fixture(name, &["--hang-on", "abort"]);
    entry["call_timeout"] = json!(1);
    entry
}

async fn pid(client: &SseClient, server: &str) -> Value {
    let text = text_of(&client.call_tool(&format!("{server}__pid"), "{}").await);
    serde_json::from_str::<Value>(&text).expect("JSON")["pid"].clone()
}

/// A call that times out.
async fn hang(client: &SseClient) -> String {
    let asked = Instant::now();
    let text = failed_text(&client.call_tool("a__abort", "{}").await);
    let took = asked.elapsed();
    assert!(
        text.contains("'a'") && text.contains("call_timeout"),
        "{text}"
    );
    assert!(took >= TIMEOUT, "{took:?}");
    text
}

#[tokio::test]
async fn a_call_that_times_out_is_an_error_here_and_cancelled_there() {
    let (_gateway, client) = serve_ready(&[impatient("a"), fixture("b", &[])]).await;
    let asked = Instant::now();
    hang(&client).await;
    let took = asked.elapsed();
    assert!(took < TIMEOUT + Duration::from_secs(2), "{took:?}");
    let cancels = text_of(&client.call_tool("a__received_cancels", "{}").await);
    let cancels: Vec<Value> = serde_json::from_str(&cancels).expect("a list");
    assert_eq!(cancels.len(), 1, "{cancels:?}");
    assert!(cancels[0]["requestId"].is_u64(), "{cancels:?}");
    assert!(
        cancels[0]["reason"]
            .as_str()
            .is_some_and(|why| why.contains("timed out"))
    );
    echo(&client, "b", "by").await;
}

#[tokio::test]
async fn progress_starts_the_timeout_anew() {
    let (_gateway, client) = serve_ready(&[impatient("a")]).await;
    // Four seconds with a word every 400 ms; without them one is too long.
    let slow = r#""name":"a__sleep","arguments":{"ms":4000,"steps":9}"#;
    let told = format!(r#"{{{slow},"_meta":{{"progressToken":1}}}}"#);
    let answer = client.call("tools/call", Some(&told), SOON).await;
    assert_eq!(text_of(&answer), "slept");
    let silent = client
        .call("tools/call", Some(&format!("{{{slow}}}")), SOON)
        .await;
    assert!(failed_text(&silent).contains("call_timeout"));
}

#[tokio::test]
async fn the_third_timeout_in_a_row_without_a_word_ends_the_server() {
    let (gateway, client) = serve_ready(&[impatient("a"), fixture("b", &[])]).await;
    let before = pid(&client, "a").await;
    hang(&client).await;
    hang(&client).await;
    assert_eq!(logged(&gateway, &["started again"]), Vec::<String>::new());
    hang(&client).await;
    let line = gateway.wait_for_log("hung", SOON).await;
    assert!(line.contains("'a'"), "{line}");
    // Parked until it is back.
    assert_ne!(pid(&client, "a").await, before);
    echo(&client, "b", "by").await;
}

#[tokio::test]
async fn a_server_that_says_anything_is_not_hung() {
    let (gateway, client) = serve_ready(&[impatient("a")]).await;
    let before = pid(&client, "a").await;
    for _ in 0..2 {
        hang(&client).await;
        hang(&client).await;
        echo(&client, "a", "a word").await;
    }
    assert_eq!(pid(&client, "a").await, before);
    assert_eq!(logged(&gateway, &["hung"]), Vec::<String>::new());
}

#[tokio::test]
async fn slow_calls_sent_together_do_not_hang_a_server_that_speaks_meanwhile() {
    let (gateway, client) = serve_ready(&[impatient("a")]).await;
    let before = pid(&client, "a").await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        let call = client.request("tools/call", Some(r#"{"name":"a__abort"}"#));
        calls.push(call.await);
    }
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(500) {
        echo(&client, "a", "working").await;
    }
    for call in calls {
        let text = failed_text(&client.wait_response(call, SOON).await);
        assert!(text.contains("call_timeout"), "{text}");
    }
    assert_eq!(pid(&client, "a").await, before);
    assert_eq!(logged(&gateway, &["hung"]), Vec::<String>::new());
}

#[tokio::test]
async fn calls_that_time_out_give_their_room_back() {
    let (gateway, client) = serve_ready(&[impatient("a")]).await;
    let other = join(&gateway).await;
    let before = pid(&client, "a").await;
    // A server has room for 128; those of two rounds, or three, overlap.
    for round in 0..5 {
        let mut calls = Vec::new();
        for _ in 0..36 {
            let sleep = r#"{"name":"a__sleep","arguments":{"ms":1300,"ignore_cancel":true}}"#;
            calls.push(client.request("tools/call", Some(sleep)).await);
        }
        echo(&other, "a", "not hung").await;
        for call in calls {
            let text = failed_text(&client.wait_response(call, SOON).await);
            assert!(text.contains("call_timeout"), "{round}: {text}");
        }
    }
    assert_eq!(pid(&client, "a").await, before);
}
