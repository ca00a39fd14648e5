//! Ids come back as they were sent, and answers that nobody waits for go nowhere.

use futures_util::future::join_all;

use super::{SOON, settle};
use crate::support::client::SseClient;
use crate::support::servers::{fixture, join, serve_ready, text_of};

/// Ids as clients write them. `1` and `"1"` are two.
const IDS: [&str; 10] = [
    "1",
    r#""1""#,
    "0",
    "-7",
    "123456789012345678901234567890",
    r#""\u0061\ud800""#,
    r#""""#,
    r#""a/b\"c\\""#,
    "\"\u{1f980}\"",
    r#""2f1d7a5e-0f7c-4d63-9a5b-6f0f5e0e7c11""#,
];

async fn post_call(client: &SseClient, id: &str, tool: &str, arguments: &str) {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    );
    assert_eq!(client.post(&call).await.status, 202, "{call}");
}

#[tokio::test]
async fn ids_come_back_with_their_type_and_their_bytes() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    for id in IDS {
        for request in [
            r#""method":"ping""#,
            r#""method":"tools/list""#,
            r#""method":"no/such""#,
            r#""method":"tools/call","params":{"name":"a__echo","arguments":{"text":"x"}}"#,
            r#""method":"tools/call","params":{"name":"a__fail","arguments":{"error":{"code":1,"message":""}}}"#,
            r#""method":"tools/call","params":{"name":"unknown"}"#,
        ] {
            let message = format!(r#"{{"jsonrpc":"2.0","id": {id} ,{request}}}"#);
            assert_eq!(client.post(&message).await.status, 202, "{message}");
            let answer = client.wait_raw_response(id, SOON).await;
            let start = format!(r#"{{"jsonrpc":"2.0","id":{id},"#);
            assert!(answer.starts_with(&start), "{message}: {answer:.200}");
        }
    }
    // All at once: no id is taken for another.
    let calls = IDS.iter().map(|id| {
        let text = serde_json::to_string(id).expect("text is JSON");
        let arguments = format!(r#"{{"text":{text}}}"#);
        let client = &client;
        async move { post_call(client, id, "a__echo", &arguments).await }
    });
    join_all(calls).await;
    for id in IDS {
        let answer = client.wait_raw_response(id, SOON).await;
        assert_eq!(text_of(&answer), id);
    }
    settle(&client).await;
    assert!(client.unclaimed().is_empty());
}

#[tokio::test]
async fn two_clients_with_the_same_ids_get_their_own_answers() {
    let (gateway, one) = serve_ready(&[fixture("a", &[])]).await;
    let two = join(&gateway).await;
    for id in IDS {
        post_call(&one, id, "a__sleep", r#"{"ms":200}"#).await;
        post_call(&two, id, "a__echo", r#"{"text":"two"}"#).await;
    }
    for id in IDS {
        assert_eq!(text_of(&two.wait_raw_response(id, SOON).await), "two");
        assert_eq!(text_of(&one.wait_raw_response(id, SOON).await), "slept");
    }
    for client in [&one, &two] {
        settle(client).await;
        assert!(client.unclaimed().is_empty());
    }
}

#[tokio::test]
async fn second_answers_and_answers_to_unknown_ids_are_dropped() {
    let flags = [
        vec!["--twice"],
        vec!["--wrong-id"],
        vec!["--string-ids"],
        vec!["--twice", "--wrong-id", "--string-ids"],
    ];
    let names = ["twice", "wrong", "strings", "all"];
    let servers: Vec<_> = names
        .iter()
        .zip(&flags)
        .map(|(name, flags)| fixture(name, flags))
        .collect();
    let (_gateway, client) = serve_ready(&servers).await;
    for name in names {
        let calls = (0..50).map(|n| {
            let client = &client;
            async move {
                let text = format!("{name} {n}");
                let arguments = format!(r#"{{"text":"{text}"}}"#);
                let answer = client.call_tool(&format!("{name}__echo"), &arguments).await;
                assert_eq!(text_of(&answer), text);
            }
        });
        join_all(calls).await;
        let tool = format!("{name}__fail");
        let answer = client
            .call_tool(&tool, r#"{"error":{"code":7,"message":""}}"#)
            .await;
        assert!(
            answer.ends_with(r#""error":{"code":7,"message":""}}"#),
            "{answer}"
        );
    }
    for name in names {
        // Its own last words may come behind the answers it was asked for.
        client.call_tool(&format!("{name}__pid"), "{}").await;
    }
    settle(&client).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_that_comes_after_the_cancellation_is_dropped() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    post_call(
        &client,
        "\"late\"",
        "a__sleep",
        r#"{"ms":400,"ignore_cancel":true}"#,
    )
    .await;
    client
        .notify("notifications/cancelled", Some(r#"{"requestId":"late"}"#))
        .await;
    // One that the server answers after it; both sleep on threads of their own.
    client.call_tool("a__sleep", r#"{"ms":900}"#).await;
    settle(&client).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
    let cancels = text_of(&client.call_tool("a__received_cancels", "{}").await);
    assert!(cancels.contains("requestId"), "it was withdrawn: {cancels}");
}
