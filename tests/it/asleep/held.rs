//! What keeps a server awake.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{SOON, asleep, echo, on_demand, server, server_in};
use crate::support::both::join_with;
use crate::support::client::Sse;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::ModernClient;
use crate::support::servers::{configuration, join, text_of};
use crate::support::wait;

/// So long a server sleeps after its last use here.
const IDLE: f64 = 0.5;

/// It is held by this alone, and so ready for four times as long as it would be unused, and then some.
async fn stays_awake(gateway: &Gateway, why: &str) {
    let is_held = |status: &Value| status["awake_for"] == json!([why]);
    wait::until(why, SOON, async || {
        Some(server(gateway, "a").await).filter(is_held)
    })
    .await;
    let until = Instant::now() + Duration::from_secs_f64(4.0 * IDLE);
    while Instant::now() < until {
        let status = server(gateway, "a").await;
        assert_eq!(status["state"], "ready");
        assert!(is_held(&status), "{}", status["awake_for"]);
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_call_does_and_its_end_begins_the_time() {
    let (gateway, _home) = asleep(&[on_demand("a", IDLE, &[])]).await;
    let client = join(&gateway).await;
    echo(&client, "a", "x").await;
    let params = r#"{"name":"a__sleep","arguments":{"ms":3000}}"#;
    let call = client.request("tools/call", Some(params)).await;
    stays_awake(&gateway, "calls").await;
    let answer = client.wait_response(call, SOON).await;
    assert!(answer.contains("result"), "{answer}");
    server_in(&gateway, "a", "asleep").await;
}

#[tokio::test]
async fn a_subscription_does_until_it_ends() {
    let (gateway, _home) = asleep(&[on_demand("a", IDLE, &["--offers"])]).await;
    let client = join(&gateway).await;
    let uri = r#"{"uri":"fx://text/0"}"#;
    client.call("resources/subscribe", Some(uri), SOON).await;
    stays_awake(&gateway, "subscriptions").await;
    client.call("resources/unsubscribe", Some(uri), SOON).await;
    server_in(&gateway, "a", "asleep").await;
    client.call("resources/subscribe", Some(uri), SOON).await;
    stays_awake(&gateway, "subscriptions").await;
    client.leave().await;
    server_in(&gateway, "a", "asleep").await;
}

#[tokio::test]
async fn a_level_of_the_log_alone_does_not_and_is_told_again() {
    let (gateway, _home) = asleep(&[on_demand("a", IDLE, &["--offers"])]).await;
    let client = join(&gateway).await;
    let level = r#"{"level":"debug"}"#;
    client.call("logging/setLevel", Some(level), SOON).await;
    for _ in 0..2 {
        wait::until("the level", SOON, async || {
            let state = text_of(&client.call_tool("a__state", "{}").await);
            let state: Value = serde_json::from_str(&state).expect("JSON");
            (state["level"] == "debug").then_some(())
        })
        .await;
        server_in(&gateway, "a", "asleep").await;
    }
}

#[tokio::test]
async fn who_listens_without_a_session_does() {
    let (gateway, _home) = asleep(&[on_demand("a", IDLE, &["--offers", "--era=modern"])]).await;
    let client = ModernClient::new(gateway.addr());
    let filter = r#"{"resourceSubscriptions":["fx://text/0"]}"#;
    let stream = client.listen("1", filter).await;
    server_in(&gateway, "a", "ready").await;
    stays_awake(&gateway, "subscriptions").await;
    drop(stream);
    server_in(&gateway, "a", "asleep").await;
}

const SAMPLING: &str = "sampling/createMessage";

#[tokio::test]
async fn what_it_asks_before_it_answers_does() {
    let flags = ["--offers", "--era=modern"];
    let (gateway, _home) = asleep(&[on_demand("a", IDLE, &flags)]).await;
    let client = join_with::<Sse>(&gateway, r#"{"sampling":{}}"#).await;
    let ask = json!({ "name": "a__ask", "arguments": { "method": SAMPLING } }).to_string();
    let call = client.request("tools/call", Some(&ask)).await;
    let request = client.next_notification(SAMPLING, SOON).await;
    stays_awake(&gateway, "questions").await;
    client.respond(&request, r#""result":{"n":7}"#).await;
    let answer = client.wait_response(call, SOON).await;
    assert!(
        answer.contains("result") && !answer.contains("isError\":true"),
        "{answer}"
    );
    server_in(&gateway, "a", "asleep").await;
}

#[tokio::test]
async fn a_question_to_the_client_does() {
    let mut entry = on_demand("a", IDLE, &["--offers"]);
    entry["isolation"] = json!("session");
    let (gateway, _home) = asleep(&[entry]).await;
    let client = join_with::<Sse>(&gateway, r#"{"sampling":{}}"#).await;
    let ask = format!(r#"{{"method":"{SAMPLING}","id":"late","wait":false,"after_ms":100}}"#);
    assert_eq!(text_of(&client.call_tool("a__ask", &ask).await), "asked");
    let request = client.next_notification(SAMPLING, SOON).await;
    let until = Instant::now() + Duration::from_secs_f64(4.0 * IDLE);
    while Instant::now() < until {
        assert_eq!(gateway.children().len(), 1);
        assert_eq!(
            server(&gateway, "a").await["awake_for"],
            json!(["questions"])
        );
        sleep(Duration::from_millis(100)).await;
    }
    client.respond(&request, r#""result":{}"#).await;
    wait::until("it to sleep", SOON, async || {
        gateway.children().is_empty().then_some(())
    })
    .await;
}

/// Nobody could wake it by what is not listed.
#[tokio::test]
async fn a_list_that_cannot_be_read_does() {
    let entry = on_demand("a", IDLE, &["--list-error"]);
    let gateway = Gateway::start(GatewayOptions::new(configuration(&[entry]))).await;
    stays_awake(&gateway, "unread_lists").await;
}
