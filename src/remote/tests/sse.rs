//! HTTP+SSE, the older transport: when it is spoken, and what ends it.

use serde_json::json;

use super::*;
use crate::remote::End;

/// Answers to what is posted come on the stream: here all of them are on it already.
fn older(endpoint: &'static str, stays: bool) -> impl Fn(&Asked) -> Say {
    move |asked| {
        if asked.is_get() {
            let answers = [0, 1]
                .map(|id| event(&json!({"jsonrpc": "2.0", "id": id, "result": {}}).to_string()));
            let text = format!("event: endpoint\ndata: {endpoint}\n\n{}", answers.concat());
            return events("", &text, stays);
        }
        if asked.head.contains("/messages") {
            return whole("202 Accepted", "", "");
        }
        whole("404 Not Found", "", "Cannot POST")
    }
}

#[tokio::test]
async fn it_is_spoken_where_a_post_is_not_served() {
    for transport in [Transport::Auto, Transport::Sse] {
        let mut stage = Stage::with(transport, older("/messages?s=1", true)).await;
        stage.ask(0, "initialize", None);
        assert_eq!(stage.line().await["id"], 0);
        assert_eq!(stage.line().await["id"], 1);
        stage.write(jsonrpc::notification("notifications/initialized", None));
        stage.ask(1, "ping", None);
        let posted = stage
            .asked(3, |asked| asked.head.contains("/messages?s=1"))
            .await;
        assert_eq!(posted[0].method(), "initialize");
        let gets = stage.asked(1, Asked::is_get).await;
        assert_eq!(gets.len(), 1, "there is one stream");
        drop(stage.remote.take());
        timeout(SOON, stage.gone.recv())
            .await
            .expect("its stream is closed");
    }
}

#[tokio::test]
async fn it_is_not_spoken_where_the_entry_says_so_nor_is_what_is_nothing() {
    for (transport, status) in [(Transport::Streamable, "404"), (Transport::Auto, "405")] {
        let text = format!("{status} No");
        let mut stage = Stage::with(transport, move |_| whole(&text, "", "nothing here")).await;
        stage.ask(0, "initialize", None);
        let Output::Ended(End::Failed { why, .. }) = stage.next().await else {
            panic!("an end")
        };
        assert_eq!(why, format!("answers with status {status}: nothing here"));
    }
}

#[tokio::test]
async fn its_messages_go_to_the_server_itself_only() {
    let mut stage = Stage::with(Transport::Sse, older("http://other.test/messages", true)).await;
    stage.ask(0, "initialize", None);
    let Output::Ended(End::Failed { why, .. }) = stage.next().await else {
        panic!("an end")
    };
    assert_eq!(why, "names another server's address for its messages");
}

#[tokio::test]
async fn the_end_of_its_stream_is_its_own() {
    let mut stage = Stage::with(Transport::Sse, older("/messages", false)).await;
    stage.ask(0, "initialize", None);
    loop {
        let next = stage.next().await;
        if let Output::Ended(End::Failed { why, .. }) = &next {
            let begins = "the connection failed: its event stream ended";
            assert!(why.starts_with(begins), "{why}");
            break;
        }
        assert!(matches!(next, Output::Line { .. }), "{next:?}");
    }
}
