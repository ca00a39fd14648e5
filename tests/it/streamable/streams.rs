//! The streams for what belongs to no post: who may open them, what comes on them and what does not.

use serde_json::Value;

use super::{LATEST, SOON, UNPRIMED, begin_sleep, open, progress, slept};
use crate::support::servers::text_of;
use crate::support::streamable::{Endpoint, EventStream};
use crate::support::wait;

const CHANGED: &str = "notifications/tools/list_changed";

/// Gives `fx` these tools beside its own, which it says to everybody.
async fn set_tools(endpoint: &Endpoint, names: &str) {
    let arguments = format!(r#"{{"names":[{names}]}}"#);
    let answer = endpoint.call_tool("fx__set_tools", &arguments).await;
    assert_eq!(text_of(&answer), "set");
}

async fn expect_changed(stream: &mut EventStream) {
    let message: Value = serde_json::from_str(&stream.expect().await.data).expect("JSON");
    assert_eq!(message["method"], CHANGED);
}

#[tokio::test]
async fn the_newest_is_told_and_the_one_before_when_it_has_gone() {
    let (_gateway, endpoint) = open(LATEST).await;
    let mut first = endpoint.listen().await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(first.head.header(name), Some(value));
    }
    let mut second = endpoint.listen().await;
    set_tools(&endpoint, r#""new""#).await;
    expect_changed(&mut second).await;
    drop(second);
    set_tools(&endpoint, r#""other""#).await;
    expect_changed(&mut first).await;
}

#[tokio::test]
async fn another_session_has_its_own() {
    let (gateway, one) = open(LATEST).await;
    let two = Endpoint::initialized(gateway.addr(), UNPRIMED).await;
    let mut streams = [one.listen().await, two.listen().await];
    set_tools(&one, r#""new""#).await;
    for stream in &mut streams {
        expect_changed(stream).await;
    }
}

#[tokio::test]
async fn a_message_is_on_exactly_one_stream() {
    let (_gateway, endpoint) = open(UNPRIMED).await;
    let mut general = endpoint.listen().await;
    let mut post = begin_sleep(&endpoint, 1, 600, 3)
        .await
        .reply()
        .await
        .stream();
    assert_eq!(post.expect().await.data, progress(1, 3));
    set_tools(&endpoint, r#""new""#).await;
    expect_changed(&mut general).await;
    for wanted in [progress(2, 3), progress(3, 3), slept(1)] {
        assert_eq!(post.expect().await.data, wanted);
    }
    assert_eq!(post.message().await, None);
    // Nothing of the call came here in the meantime.
    set_tools(&endpoint, r#""new","newer""#).await;
    expect_changed(&mut general).await;
}

#[tokio::test]
async fn what_was_said_before_it_opened_is_not_lost() {
    let (_gateway, endpoint) = open(LATEST).await;
    set_tools(&endpoint, r#""early""#).await;
    wait::until("the tool", SOON, async || {
        let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let listed = endpoint.post(list).await.message().await;
        listed.contains("fx__early").then_some(())
    })
    .await;
    expect_changed(&mut endpoint.listen().await).await;
}

#[tokio::test]
async fn it_does_not_end_by_itself_and_ends_with_the_session() {
    let (_gateway, endpoint) = open(LATEST).await;
    let mut stream = endpoint.listen().await;
    endpoint.call_tool("fx__sleep", r#"{"ms":300}"#).await;
    set_tools(&endpoint, r#""new""#).await;
    expect_changed(&mut stream).await;
    assert_eq!(endpoint.delete().await.status, 200);
    assert_eq!(stream.message().await, None);
}
