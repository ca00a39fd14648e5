//! Answers to posts: JSON when nothing comes before them, a stream when something does or when they take
//! long, and nothing for what needs none.

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::{LATEST, SOON, UNPRIMED, begin_sleep, cancelled, open, progress, slept};
use crate::support::client::id_of;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::text_of;
use crate::support::sse::Item;
use crate::support::streamable::{Endpoint, Reply, call_tool, initialize};

#[tokio::test]
async fn a_handshake_is_json_and_names_the_session() {
    let gateway = Gateway::start(GatewayOptions::new("[]")).await;
    let endpoint = Endpoint::new(gateway.addr());
    let reply = endpoint.post(&initialize(1, LATEST, "{}")).await;
    let session = reply.head().header("mcp-session-id").map(str::to_owned);
    let session = session.expect("a session id");
    assert!(session.len() >= 22, "128 bits need more than {session:?}");
    assert!(
        session.bytes().all(|byte| byte.is_ascii_graphic()),
        "{session:?}"
    );
    let answer: Value = serde_json::from_str(&reply.json()).expect("JSON");
    assert_eq!(answer["result"]["protocolVersion"], LATEST);
}

#[tokio::test]
async fn an_answer_that_nothing_precedes_is_json() {
    let (_gateway, endpoint) = open(LATEST).await;
    let call = call_tool(1, "fx__raw", r#"{"result":{"content":[],"n":1.10}}"#);
    let answer = endpoint.post(&call).await.json();
    assert_eq!(
        answer,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"n":1.10}}"#
    );
    let error = endpoint
        .post(r#"{"jsonrpc":"2.0","id":"x","method":"no/such"}"#)
        .await
        .json();
    assert!(error.contains(r#""code":-32601"#), "{error}");
    assert_eq!(id_of(&error), r#""x""#);
}

#[tokio::test]
async fn notifications_and_answers_are_accepted_without_a_body() {
    let (_gateway, endpoint) = open(LATEST).await;
    for json in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/unheard-of","params":{"n":1e400}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}"#,
        r#"{"jsonrpc":"2.0","id":"nobody asked","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"x"}}"#,
    ] {
        endpoint.post(json).await.accepted();
    }
}

#[tokio::test]
async fn what_precedes_an_answer_makes_a_stream() {
    for (version, is_primed) in [("2025-03-26", false), (UNPRIMED, false), (LATEST, true)] {
        let (_gateway, endpoint) = open(version).await;
        let mut stream = begin_sleep(&endpoint, 3, 100, 2)
            .await
            .reply()
            .await
            .stream();
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(stream.head.header(name), Some(value));
        }
        let mut events = Vec::new();
        while let Some(item) = stream.next().await {
            if let Item::Event { name, data, id, .. } = item {
                assert_eq!(name, "message");
                events.push((String::from_utf8(data).expect("UTF-8"), id));
            }
        }
        if is_primed {
            let (data, id) = events.remove(0);
            assert_eq!(data, "");
            assert!(id.is_some());
        }
        let said: Vec<&str> = events.iter().map(|(data, _)| data.as_str()).collect();
        assert_eq!(
            said,
            [progress(1, 2), progress(2, 2), slept(3)],
            "{version}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_takes_long_comes_on_a_stream() {
    let (_gateway, endpoint) = open(UNPRIMED).await;
    let asked = Instant::now();
    let call = call_tool(1, "fx__sleep", r#"{"ms":17000}"#);
    let mut stream = endpoint.post(&call).await.stream();
    let took = asked.elapsed().as_secs();
    assert!((14..17).contains(&took), "the stream opened after {took} s");
    assert_eq!(stream.expect().await.data, slept(1));
    assert_eq!(stream.message().await, None);
}

#[tokio::test]
async fn many_posts_are_in_flight_and_each_gets_its_own_answer() {
    let (_gateway, endpoint) = open(LATEST).await;
    let calls = (0..60_u32).map(|number| {
        let endpoint = &endpoint;
        async move {
            let steps = number % 3;
            let reply = begin_sleep(endpoint, number, 200, steps)
                .await
                .reply()
                .await;
            let is_stream = matches!(reply, Reply::Stream(_));
            assert_eq!(is_stream, steps > 0, "{number}");
            assert_eq!(reply.message().await, slept(number));
        }
    });
    join_all(calls).await;
}

#[tokio::test]
async fn sessions_with_the_same_ids_get_their_own_answers() {
    let (gateway, one) = open(LATEST).await;
    let two = Endpoint::initialized(gateway.addr(), UNPRIMED).await;
    for id in 0..20 {
        let slow = begin_sleep(&one, id, 100, 1).await;
        let echo = call_tool(id, "fx__echo", r#"{"text":"two"}"#);
        assert_eq!(text_of(&two.post(&echo).await.json()), "two");
        assert_eq!(slow.reply().await.message().await, slept(id));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_cancels_nothing() {
    let (_gateway, endpoint) = open(LATEST).await;
    drop(begin_sleep(&endpoint, 1, 300, 0).await);
    let mut streaming = begin_sleep(&endpoint, 2, 300, 2)
        .await
        .reply()
        .await
        .stream();
    streaming.expect().await;
    drop(streaming);
    // Longer than both, and the same id is no trouble.
    let call = call_tool(1, "fx__sleep", r#"{"ms":500}"#);
    assert_eq!(endpoint.post(&call).await.json(), slept(1));
    let cancels = endpoint.call_tool("fx__received_cancels", "{}").await;
    assert_eq!(text_of(&cancels), "[]");
}

#[tokio::test]
async fn a_cancelled_call_ends_its_post_without_an_answer() {
    let (_gateway, endpoint) = open(LATEST).await;
    let waiting = begin_sleep(&endpoint, 1, 60_000, 0).await;
    let mut streaming = begin_sleep(&endpoint, 2, 60_000, 3000)
        .await
        .reply()
        .await
        .stream();
    streaming.expect().await;
    endpoint.call_tool("fx__echo", "{}").await;
    for id in [1, 2] {
        let json = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        );
        endpoint.post(&json).await.accepted();
    }
    cancelled(&endpoint, 2).await;
    match waiting.reply().await {
        Reply::Whole(response) => assert!(!response.text().contains("slept")),
        Reply::Stream(mut stream) => assert_eq!(stream.message().await, None),
    }
    let rest = async { while streaming.message().await.is_some() {} };
    tokio::time::timeout(SOON, rest)
        .await
        .expect("its stream ends");
}
