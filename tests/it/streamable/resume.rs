//! `Last-Event-ID`: a stream that broke is taken up behind the last event that arrived, each message once.

use super::{LATEST, SOON, begin_sleep, kept, open, progress, slept, start_again};
use crate::support::client::id_of;
use crate::support::gateway::Gateway;
use crate::support::servers::{failed_text, text_of};
use crate::support::sse::Item;
use crate::support::streamable::{Endpoint, EventStream};
use crate::support::wait;

/// The id of the next event, priming ones too.
async fn first_id(stream: &mut EventStream) -> String {
    loop {
        if let Item::Event { id, .. } = stream.next().await.expect("an event") {
            return id.expect("an id");
        }
    }
}

/// Opens the stream behind this event; the one that broke may not have been missed yet.
async fn resume(endpoint: &Endpoint, last: &str) -> EventStream {
    let what = format!("the stream behind {last}");
    wait::until(&what, SOON, async || {
        let headers = [("last-event-id", last)];
        let reply = endpoint.request("GET", &headers).await;
        (reply.status() != 409).then(|| reply.stream())
    })
    .await
}

async fn assert_rest(mut stream: EventStream, wanted: &[String]) {
    let mut rest = Vec::new();
    while let Some(event) = stream.message().await {
        rest.push(event.data);
    }
    assert_eq!(rest, wanted);
}

#[tokio::test]
async fn the_stream_of_a_post_is_resumed_while_its_call_runs() {
    let (_gateway, endpoint) = open(LATEST).await;
    let mut stream = begin_sleep(&endpoint, 3, 400, 3)
        .await
        .reply()
        .await
        .stream();
    let primed = first_id(&mut stream).await;
    let first = stream.expect().await;
    assert_eq!(first.data, progress(1, 3));
    drop(stream);
    let rest = [progress(2, 3), progress(3, 3), slept(3)];
    let id = first.id.expect("an id");
    assert_ne!(id, primed);
    assert_rest(resume(&endpoint, &id).await, &rest).await;
    // From the beginning, and after its end.
    let all = [&[progress(1, 3)], rest.as_slice()].concat();
    assert_rest(resume(&endpoint, &primed).await, &all).await;
}

#[tokio::test]
async fn an_answer_that_came_while_nobody_read_is_kept() {
    let (_gateway, endpoint) = open(LATEST).await;
    let mut stream = begin_sleep(&endpoint, 3, 100, 1)
        .await
        .reply()
        .await
        .stream();
    let primed = first_id(&mut stream).await;
    drop(stream);
    // It has ended by then.
    endpoint.call_tool("fx__sleep", r#"{"ms":300}"#).await;
    assert_rest(
        resume(&endpoint, &primed).await,
        &[progress(1, 1), slept(3)],
    )
    .await;
}

#[tokio::test]
async fn two_streams_are_not_mixed_up() {
    let (_gateway, endpoint) = open(LATEST).await;
    let mut streams = Vec::new();
    for id in 1..=2 {
        let reply = begin_sleep(&endpoint, id, 200, id).await.reply().await;
        streams.push(reply.stream());
    }
    let mut places = Vec::new();
    for stream in &mut streams {
        places.push(first_id(stream).await);
    }
    drop(streams);
    assert_ne!(places[0], places[1]);
    let second = [progress(1, 2), progress(2, 2), slept(2)];
    assert_rest(resume(&endpoint, &places[1]).await, &second).await;
    assert_rest(
        resume(&endpoint, &places[0]).await,
        &[progress(1, 1), slept(1)],
    )
    .await;
}

#[tokio::test]
async fn the_general_stream_is_resumed() {
    let (_gateway, endpoint) = open(LATEST).await;
    let mut general = endpoint.listen().await;
    let update = |uri: &str| {
        format!(r#"{{"method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#)
    };
    let subscribe =
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"fx://text/0"}}"#;
    endpoint.post(subscribe).await.json();
    let mut ids = Vec::new();
    for _ in 0..3 {
        endpoint
            .call_tool("fx__notify", &update("fx://text/0"))
            .await;
        ids.push(general.expect().await.id.expect("an id"));
    }
    drop(general);
    endpoint
        .call_tool("fx__notify", &update("fx://text/0"))
        .await;
    let mut resumed = resume(&endpoint, &ids[0]).await;
    let mut again = Vec::new();
    for _ in 0..3 {
        again.push(resumed.expect().await.id.expect("an id"));
    }
    assert_eq!(again[..2], ids[1..], "the same messages under the same ids");
    // It is the general stream from here on.
    endpoint
        .call_tool("fx__notify", &update("fx://text/0"))
        .await;
    resumed.expect().await;
}

#[tokio::test]
async fn a_call_that_was_lost_with_the_gateway_is_answered_as_one_that_failed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(kept(home.path())).await;
    let mut endpoint = Endpoint::initialized(gateway.addr(), LATEST).await;
    endpoint.call_tool("fx__pid", "{}").await;
    let mut stream = begin_sleep(&endpoint, 42, 60_000, 600)
        .await
        .reply()
        .await
        .stream();
    let id = stream.expect().await.id.expect("an id");
    let gateway = start_again(gateway, home.path()).await;
    endpoint.addr = gateway.addr();
    let mut resumed = resume(&endpoint, &id).await;
    let answer = resumed.expect().await.data;
    assert_eq!(id_of(&answer), "42");
    assert!(failed_text(&answer).contains("may or may not"), "{answer}");
    assert_eq!(resumed.message().await, None);
    let answer = endpoint.call_tool("fx__echo", r#"{"text":"on"}"#).await;
    assert_eq!(text_of(&answer), "on");
}
