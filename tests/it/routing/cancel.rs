//! A cancellation reaches the one server that has the call, under the id that this server knows, and a
//! cancelled call gets no answer.

use serde_json::Value;

use super::{SOON, settle};
use crate::support::client::SseClient;
use crate::support::servers::{fixture, join, serve_ready, text_of};
use crate::support::wait;

async fn post_sleep(client: &SseClient, id: &str, server: &str, milliseconds: u32) {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{server}__sleep","arguments":{{"ms":{milliseconds}}}}}}}"#
    );
    assert_eq!(client.post(&call).await.status, 202);
}

async fn cancel(client: &SseClient, params: &str) {
    client.notify("notifications/cancelled", Some(params)).await;
}

/// The params of all cancellations that a server has got.
async fn received(client: &SseClient, server: &str) -> Vec<Value> {
    let answer = client
        .call_tool(&format!("{server}__received_cancels"), "{}")
        .await;
    serde_json::from_str(&text_of(&answer)).expect("a list")
}

async fn wait_received(client: &SseClient, server: &str, count: usize) -> Vec<Value> {
    let what = format!("{count} cancellations at '{server}'");
    wait::until(&what, SOON, async || {
        let got = received(client, server).await;
        (got.len() >= count).then_some(got)
    })
    .await
}

#[tokio::test]
async fn a_cancellation_reaches_the_right_server_and_the_right_id_only() {
    let (gateway, one) = serve_ready(&[fixture("a", &[]), fixture("b", &[])]).await;
    let two = join(&gateway).await;
    // The same id four times: two clients, two servers.
    post_sleep(&one, "3", "a", 1500).await;
    post_sleep(&two, "3", "a", 1500).await;
    post_sleep(&two, "4", "b", 1500).await;
    post_sleep(&one, "4", "b", 1500).await;
    cancel(
        &one,
        r#"{"reason":"caf\u00e9", "requestId": 3 ,"extra":1.10}"#,
    )
    .await;

    let got = wait_received(&one, "a", 1).await;
    assert_eq!(got.len(), 1, "{got:?}");
    assert!(got[0]["requestId"].is_u64(), "the gateway's own: {got:?}");
    assert_eq!(got[0]["reason"], "café");
    assert_eq!(got[0]["extra"].to_string(), "1.1");
    // A sleeper that was cancelled says nothing: that the others answer shows that it was not them.
    for (client, id) in [(&two, "3"), (&two, "4"), (&one, "4")] {
        assert_eq!(text_of(&client.wait_raw_response(id, SOON).await), "slept");
    }
    assert_eq!(received(&one, "a").await.len(), 1);
    assert_eq!(received(&one, "b").await, Vec::<Value>::new());
    settle(&one).await;
    assert_eq!(one.unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cancelled_call_gets_no_answer_even_if_its_server_answers() {
    let (_gateway, client) = serve_ready(&[fixture("a", &["--hang-on", "echo"])]).await;
    post_sleep(&client, "\"x\"", "a", 300).await;
    cancel(&client, r#"{"requestId":"x"}"#).await;
    // The id is free again, for the same client too.
    post_sleep(&client, "\"x\"", "a", 600).await;
    let answer = client.wait_raw_response("\"x\"", SOON).await;
    assert_eq!(text_of(&answer), "slept");
    assert_eq!(received(&client, "a").await.len(), 1);
    settle(&client).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cancellation_of_nothing_is_not_passed_on() {
    let (gateway, one) = serve_ready(&[fixture("a", &[])]).await;
    let two = join(&gateway).await;
    post_sleep(&two, "1", "a", 500).await;
    one.call_tool("a__echo", "{}").await;
    for params in [
        r#"{"requestId":1}"#,   // answered
        r#"{"requestId":77}"#,  // never used
        r#"{"requestId":"1"}"#, // another type
        r#"{"requestId":null}"#,
        r#"{"reason":"no id"}"#,
        "[]",
    ] {
        cancel(&one, params).await;
    }
    cancel(&two, r#"{"requestId":"1"}"#).await;
    assert_eq!(text_of(&two.wait_raw_response("1", SOON).await), "slept");
    assert_eq!(received(&one, "a").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_parked_call_that_is_cancelled_is_never_sent() {
    let (gateway, client) = serve_ready(&[fixture("a", &["--slow-start", "1000"])]).await;
    client.call_tool("a__echo", "{}").await;
    let mark = gateway.log_mark();
    let child = gateway.child("fixture-server").expect("it runs");
    child.signal(nix::sys::signal::Signal::SIGKILL);
    gateway
        .wait_for_log_after(mark, "is started again", SOON)
        .await;
    // Parked: it would tell on itself by its name among the dummies.
    let call = r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"a__set_tools","arguments":{"names":["ran"]}}}"#;
    assert_eq!(client.post(call).await.status, 202);
    cancel(&client, r#"{"requestId":9}"#).await;
    gateway
        .wait_for_log_after(mark, "Server 'a' started", SOON)
        .await;
    assert_eq!(received(&client, "a").await, Vec::<Value>::new());
    let listed = client.call("tools/list", None, SOON).await;
    assert!(!listed.contains("a__ran"), "{listed}");
    settle(&client).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn the_calls_of_a_client_that_goes_are_cancelled() {
    let (gateway, staying) = serve_ready(&[fixture("a", &[]), fixture("b", &[])]).await;
    let going = join(&gateway).await;
    post_sleep(&staying, "1", "a", 1500).await;
    post_sleep(&going, "1", "a", 60_000).await;
    post_sleep(&going, "2", "b", 60_000).await;
    settle(&going).await;
    going.close().await;
    assert_eq!(wait_received(&staying, "a", 1).await.len(), 1);
    assert_eq!(wait_received(&staying, "b", 1).await.len(), 1);
    assert_eq!(
        text_of(&staying.wait_raw_response("1", SOON).await),
        "slept"
    );
    assert_eq!(received(&staying, "a").await.len(), 1);
}
