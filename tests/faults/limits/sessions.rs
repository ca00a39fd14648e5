//! Limits of sessions: how many there are and how long they do nothing.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{MIB, Memory};
use crate::stage::Stage;
use crate::support::client::DEADLINE;
use crate::support::http::{self, Connection};
use crate::support::streamable::Endpoint;
use crate::support::wait;

const SESSIONS: &str = "mcproxy_sessions";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l02_max_sessions() {
    const MOST: usize = 50;
    const REFUSED: usize = 200;
    let settings = json!({ "max_sessions": MOST });
    let mut stage = Stage::with("max_sessions", &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let head = http::request_head(addr, "GET", "/sse", &[("accept", "text/event-stream")]);
    let open = async || {
        let mut connection = Connection::open(addr).await.expect("it listens");
        connection.post(&head, b"").await.expect("it is read");
        let reply = wait::within(|| "an answer".to_owned(), DEADLINE, connection.head()).await;
        (connection, reply)
    };
    let memory = Memory::watch(&stage);
    let mut streams = Vec::new();
    let mut refused = 0;
    while refused < REFUSED {
        let (connection, reply) = open().await;
        if reply.status == 200 {
            streams.push(connection);
            continue;
        }
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (503, Some("5"))
        );
        refused += 1;
    }
    let sessions = stage.metric(SESSIONS).await;
    stage.struck(format!(
        "{} streams of HTTP+SSE open, {refused} got 503 and Retry-After",
        streams.len()
    ));
    stage.at_most("sessions", &sessions, &MOST);
    assert_eq!(sessions, MOST);
    // What one has: an actor, its queue, a connection.
    memory.at_most(&mut stage, 8 * MIB);
    streams.pop();
    wait::until("room for another", DEADLINE, async || {
        let (_stream, reply) = open().await;
        (reply.status == 200).then_some(())
    })
    .await;
    stage.holds("where one ends there is room again", true);
    drop(streams);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l03_session_idle_timeout() {
    const CLIENTS: usize = 200;
    let settings = json!({ "session_idle_timeout": 1 });
    let mut stage = Stage::with("session_idle_timeout", &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let before = stage.metric(SESSIONS).await;
    let opened = stage.metric("mcproxy_sessions_total").await;
    let memory = Memory::watch(&stage);
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Endpoint::initialized(addr, "2025-11-25").await);
    }
    let last = Instant::now();
    wait::until("the end of all that are idle", 2 * DEADLINE, async || {
        (stage.metric(SESSIONS).await <= before).then_some(())
    })
    .await;
    let took = last.elapsed();
    let opened = stage.metric("mcproxy_sessions_total").await - opened;
    stage.struck(format!(
        "{opened} sessions without a request, and none of them is left"
    ));
    stage.within("the last one ended after", took, Duration::from_secs(5));
    for client in &clients {
        let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
        let answer = client.post(ping).await.message().await;
        assert_eq!(answer, r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    }
    stage.holds("each client goes on with its id", true);
    memory.at_most(&mut stage, 8 * MIB);
    stage.close().await;
}
