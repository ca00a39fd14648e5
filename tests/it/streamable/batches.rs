//! Batches, which exist in one revision only, and the messages in them.

use serde_json::Value;

use super::{LATEST, UNPRIMED, open};
use crate::support::client::{Client, SseClient, id_of};
use crate::support::servers::{fixture, gateway, text_of};
use crate::support::streamable::{Reply, call_tool};

/// The only revision with batches.
const BATCHES: &str = "2025-03-26";

/// All answers, from an array or a stream, by their ids.
async fn answers(reply: Reply) -> Vec<String> {
    let mut all = Vec::new();
    match reply {
        Reply::Whole(_) => {
            let body: Vec<Value> = serde_json::from_str(&reply.json()).expect("an array");
            all.extend(body.iter().map(Value::to_string));
        }
        Reply::Stream(mut stream) => {
            while let Some(event) = stream.message().await {
                all.push(event.data);
            }
        }
    }
    all.sort_by_key(|answer| id_of(answer).to_owned());
    all
}

fn ping(id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)
}

#[tokio::test]
async fn each_request_of_a_batch_is_answered() {
    let (_gateway, endpoint) = open(BATCHES).await;
    let batch = format!(
        r#"[{},{{"jsonrpc":"2.0","method":"notifications/x"}},{},{}]"#,
        ping(1),
        call_tool(2, "fx__echo", r#"{"text":"two"}"#),
        r#"{"jsonrpc":"2.0","id":3,"method":"no/such"}"#,
    );
    let got = answers(endpoint.post(&batch).await).await;
    assert_eq!(got.len(), 3, "{got:?}");
    assert_eq!(id_of(&got[0]), "1");
    assert_eq!(text_of(&got[1]), "two");
    assert!(got[2].contains("-32601"), "{got:?}");
}

#[tokio::test]
async fn a_batch_without_requests_is_accepted() {
    let (_gateway, endpoint) = open(BATCHES).await;
    let note = r#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    let answer = r#"{"jsonrpc":"2.0","id":5,"result":{}}"#;
    endpoint
        .post(&format!("[{note},{answer}]"))
        .await
        .accepted();
}

#[tokio::test]
async fn a_hundred_messages_are_a_batch_and_one_more_is_not() {
    let (_gateway, endpoint) = open(BATCHES).await;
    let batch = |count| {
        let pings: Vec<String> = (1..=count).map(ping).collect();
        format!("[{}]", pings.join(","))
    };
    assert_eq!(answers(endpoint.post(&batch(50)).await).await.len(), 50);
    for body in [batch(101), "[]".to_owned()] {
        let response = endpoint.post(&body).await.whole();
        assert_eq!(response.status, 400, "{body:.100}");
        assert!(response.text().contains("-32600"), "{}", response.text());
    }
}

/// JSON-RPC 2.0, section 6: what is no message in a batch has an error of its own.
#[tokio::test]
async fn what_is_no_message_does_not_spoil_the_others() {
    let (_gateway, endpoint) = open(BATCHES).await;
    let got = answers(endpoint.post(&format!("[7,{}]", ping(1))).await).await;
    assert_eq!(got.len(), 2, "{got:?}");
    assert_eq!(id_of(&got[0]), "1");
    assert!(got[1].contains("-32600"), "{got:?}");
}

#[tokio::test]
async fn other_revisions_have_no_batches() {
    for version in [UNPRIMED, LATEST] {
        let (_gateway, endpoint) = open(version).await;
        let response = endpoint.post(&format!("[{}]", ping(1))).await.whole();
        assert_eq!(response.status, 400, "{version}");
        assert!(response.text().contains("-32600"), "{}", response.text());
    }
}

#[tokio::test]
async fn over_sse_it_is_the_revision_too_that_decides() {
    let gateway = gateway(&[fixture("fx", &[])]).await;
    for (version, status) in [(BATCHES, 202), (UNPRIMED, 400), (LATEST, 400)] {
        let client: SseClient = Client::connect(gateway.addr()).await;
        client.initialize_as(version).await;
        let batch = r#"[{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","id":"b","method":"ping"}]"#;
        assert_eq!(client.post(batch).await.status, status, "{version}");
        if status == 202 {
            client.wait_raw_response(r#""b""#, super::SOON).await;
            client.wait_raw_response(r#""a""#, super::SOON).await;
        }
    }
}
