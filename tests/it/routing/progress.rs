//! Progress: to the session and under the token that asked for it, before the answer, and to nobody else.

use serde_json::Value;

use super::{SOON, settle};
use crate::support::client::{SseClient, SseOptions};
use crate::support::servers::{fixture, gateway, serve_ready, text_of};

const PROGRESS: &str = "notifications/progress";

/// Posts a call of `sleep` with a raw token; the answer comes under `id`.
async fn post_sleep(client: &SseClient, id: u32, token: &str, steps: u32) {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"_meta":{{"progressToken":{token}}},"name":"a__sleep","arguments":{{"ms":300,"steps":{steps}}}}}}}"#
    );
    assert_eq!(client.post(&call).await.status, 202);
}

/// A progress notification exactly as the client must get it.
fn progress(token: &str, step: u32, steps: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":{step},"total":{steps},"message":"step {step}"}}}}"#
    )
}

/// The messages of the stream in their order.
fn messages(client: &SseClient) -> Vec<String> {
    let text = String::from_utf8(client.recorded()).expect("UTF-8");
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(str::to_owned).collect()
}

#[tokio::test]
async fn tokens_come_back_as_they_were_and_before_the_answer() {
    let gateway = gateway(&[fixture("a", &[])]).await;
    let options = SseOptions {
        record: true,
        ..SseOptions::default()
    };
    for token in [
        "7",
        r#""7""#,
        "0",
        "123456789012345678901234567890",
        r#""\u0061b\/""#,
        r#""""#,
    ] {
        let client = SseClient::connect_with(gateway.addr(), &options).await;
        post_sleep(&client, 1, token, 4).await;
        let answer = client.wait_raw_response("1", SOON).await;
        let all = messages(&client);
        let said = &all[1..]; // behind the endpoint
        let mut wanted: Vec<String> = (1..=4).map(|step| progress(token, step, 4)).collect();
        wanted.push(answer);
        assert_eq!(said, wanted, "{token}");
    }
}

#[tokio::test]
async fn two_clients_with_the_same_ids_and_tokens_get_their_own_progress() {
    let gateway = gateway(&[fixture("a", &[])]).await;
    let one = SseClient::connect(gateway.addr()).await;
    let two = SseClient::connect(gateway.addr()).await;
    for id in 1..=10 {
        // Told apart by the number of steps: 2 for the one, 3 for the other.
        post_sleep(&one, id, &id.to_string(), 2).await;
        post_sleep(&two, id, &id.to_string(), 3).await;
    }
    for (client, steps) in [(&one, 2), (&two, 3)] {
        for id in 1..=10 {
            client.wait_raw_response(&id.to_string(), SOON).await;
        }
        settle(client).await;
        let mut got = client.notifications();
        let ids = 1..=10;
        let mut wanted: Vec<String> = ids
            .flat_map(|id| (1..=steps).map(move |step| progress(&id.to_string(), step, steps)))
            .collect();
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted);
        assert!(client.unclaimed().is_empty());
    }
}

#[tokio::test]
async fn progress_that_nobody_asked_for_goes_nowhere() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    // Without a token of the client's: one that was never given out, and the one of this very call.
    for token in ["999", "\"x\"", "$ID", "null", "1.5"] {
        let line = format!(
            r#"{{\"jsonrpc\":\"2.0\",\"method\":\"{PROGRESS}\",\"params\":{{\"progressToken\":{},\"progress\":1}}}}\n"#,
            token.replace('"', r#"\""#)
        );
        let arguments = format!(r#"{{"text":"done","stdout":"{line}"}}"#);
        let answer = client.call_tool("a__echo", &arguments).await;
        assert_eq!(text_of(&answer), "done", "{token}");
    }
    settle(&client).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
}

#[tokio::test]
async fn progress_after_the_answer_or_the_cancellation_is_dropped() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    post_sleep(&client, 1, "\"t\"", 0).await;
    let answer = client.wait_raw_response("1", SOON).await;
    assert_eq!(text_of(&answer), "slept");
    post_sleep(&client, 2, "\"t\"", 3).await;
    client.next_notification(PROGRESS, SOON).await;
    client
        .notify("notifications/cancelled", Some(r#"{"requestId":2}"#))
        .await;
    settle(&client).await;
    while client.notifications().pop().is_some() {
        client.next_notification(PROGRESS, SOON).await; // what came before the cancellation
    }
    client.call_tool("a__sleep", r#"{"ms":600}"#).await;
    // The server went on and said two more steps, perhaps; an answered call's token is as dead.
    let late = r#"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":2,\"progress\":9}}\n"#;
    client
        .call_tool("a__echo", &format!(r#"{{"stdout":"{late}"}}"#))
        .await;
    settle(&client).await;
    let left = client.notifications();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_token_reaches_the_server_only_when_the_client_gave_one() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    let seen = async |meta: &str| {
        let params = format!(r#"{{"name":"a__raw"{meta}}}"#);
        let answer = client.call("tools/call", Some(&params), SOON).await;
        serde_json::from_str::<Value>(&text_of(&answer)).expect("params are JSON")
    };
    assert!(seen("").await.get("_meta").is_none());
    let none = seen(r#","_meta":{"x":1}"#).await;
    assert_eq!(none["_meta"], serde_json::json!({ "x": 1 }));
    let one = seen(r#","_meta":{"progressToken":"mine"}"#).await;
    let two = seen(r#","_meta":{"progressToken":"mine"}"#).await;
    // Ours, a number, and another for every call.
    assert!(one["_meta"]["progressToken"].is_u64(), "{one}");
    assert_ne!(one["_meta"]["progressToken"], two["_meta"]["progressToken"]);
}
