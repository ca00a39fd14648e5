//! The way out: who reads slowly is served, who does not read is ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::{Client, House, Server, settle};
use crate::protocol::version::Version;
use crate::tree::call::{Answer, CallError};

const MIB: usize = 1024 * 1024;

fn large() -> Answer {
    Answer::Result(Bytes::from(format!("\"{}\"", "x".repeat(MIB))))
}

/// A client with over 8 MiB on its stream and one more call in flight.
async fn overfull(house: &House) -> (Client, Server) {
    let mut server = house.server("s", 1, &["t"]).await;
    let client = house.client().await;
    for id in 0..10 {
        client.calls(id, "s__t");
    }
    for _ in 0..9 {
        server.reply_token().await.answer(large());
    }
    settle().await;
    (client, server)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_ended() {
    let house = House::of(&["s"]).await;
    let start = Instant::now();
    let (mut client, mut server) = overfull(&house).await;
    let reply_token = server.reply_token().await;
    let (number, _) = server.cancelled().await;
    assert_eq!(number, reply_token.call().number, "its call is withdrawn");
    assert!(
        (5..=7).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
    // What was queued can still be read.
    for id in 0..9 {
        assert_eq!(client.next().await["id"], id);
    }
    assert_eq!(client.next_or_end().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_a_little_is_slow_and_not_stuck() {
    let house = House::of(&["s"]).await;
    let (mut client, mut server) = overfull(&house).await;
    let reply_token = server.reply_token().await;
    for _ in 0..20 {
        sleep(Duration::from_secs(4)).await;
        client.stream.touch();
    }
    reply_token.answer(super::result("1"));
    for id in 0..10 {
        assert_eq!(client.next().await["id"], id);
    }
    client.asks("p", "ping", Value::Null);
    assert_eq!(client.next().await["id"], "p");
}

#[tokio::test(start_paused = true)]
async fn while_there_is_no_room_requests_are_refused_where_they_are_posted() {
    let house = House::of(&["s"]).await;
    let (mut client, mut server) = overfull(&house).await;
    let reply_token = server.reply_token().await;
    let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
    assert!(matches!(client.posts(&ping), Err(CallError::Overloaded(_))));
    // Progress is worth less than room; a cancellation makes some.
    reply_token.progress(Bytes::from_static(b"{}"));
    settle().await;
    client.tells("notifications/cancelled", &json!({"requestId": 9}));
    server.cancelled().await;
    for id in 0..9 {
        assert_eq!(client.next().await["id"], id);
    }
    client.hears_nothing().await;
    client.posts(&ping).unwrap();
    assert_eq!(client.next().await["id"], "p");
}

#[tokio::test(start_paused = true)]
async fn a_client_is_not_late_with_what_was_not_there() {
    let house = House::of(&["s"]).await;
    let mut client = house.client().await;
    sleep(Duration::from_secs(3_600)).await;
    let start = Instant::now();
    let mut server = house.server("s", 1, &["t"]).await;
    for id in 0..9 {
        client.calls(id, "s__t");
    }
    for _ in 0..9 {
        server.reply_token().await.answer(large());
    }
    sleep(Duration::from_secs(4)).await;
    assert!(client.stream.next().await.is_some());
    assert!(start.elapsed() < Duration::from_secs(5));
    for id in 1..9 {
        assert_eq!(client.next().await["id"], id);
    }
    client.asks("p", "ping", Value::Null);
    assert_eq!(client.next().await["id"], "p");
}

#[tokio::test(start_paused = true)]
async fn all_streams_of_a_session_count_together_and_the_stuck_one_is_cut() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let client = house.mcp(Version::LATEST).await;
    let cut = Arc::new(Notify::new());
    let mut streams = Vec::new();
    for id in 0..10 {
        let stream = client.calls(id, "s__t");
        stream.cut_with(Arc::clone(&cut));
        streams.push(stream);
    }
    for _ in 0..9 {
        server.reply_token().await.answer(large());
    }
    let _unanswered = server.reply_token().await;
    settle().await;
    assert!(matches!(
        client.session.exchange(Vec::new(), true),
        Err(CallError::Overloaded(_))
    ));
    sleep(Duration::from_secs(4)).await;
    assert!(streams[0].next().await.is_some());
    drop(streams.remove(1));
    settle().await;
    assert!(
        client.session.exchange(Vec::new(), true).is_ok(),
        "what is dropped does not count"
    );
    assert_eq!(house.ended(), 0);

    streams[8].begin_stream();
    assert!(streams[8].next().await.is_some());
    streams.push(client.calls(10, "s__t"));
    server.reply_token().await.answer(large());
    timeout(Duration::from_secs(7), cut.notified())
        .await
        .unwrap();
    settle().await;
    assert_eq!(house.ended(), 1);
    assert!(house.sessions.find_streamable(&client.id).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_read_of_a_stream_that_broke_makes_room() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let client = house.mcp(Version::LATEST).await;
    let stream = client.calls(1, "s__t");
    let reply_token = server.reply_token().await;
    for _ in 0..9 {
        reply_token.progress(Bytes::from("1".repeat(MIB)));
    }
    settle().await;
    let full = client.session.exchange(Vec::new(), true);
    assert!(matches!(full, Err(CallError::Overloaded(_))));
    drop(stream);
    let stream = client.calls(2, "s__t");
    // The event stream of a call, begun and broken before it is read.
    stream.begin_stream();
    let reply_token = server.reply_token().await;
    for _ in 0..9 {
        reply_token.progress(Bytes::from("1".repeat(MIB)));
    }
    settle().await;
    let full = client.session.exchange(Vec::new(), true);
    assert!(matches!(full, Err(CallError::Overloaded(_))));
    drop(stream);
    assert!(client.session.exchange(Vec::new(), true).is_ok());
}
