//! Limits of the port: connections, headers, bodies.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{MIB, Memory};
use crate::metrics;
use crate::stage::Stage;
use crate::support::client::{DEADLINE, Streamable};
use crate::support::fleet;
use crate::support::http::{self, Connection, Response};
use crate::support::servers::fixture;
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l01_max_connections() {
    const MOST: usize = 40;
    const IDLE: usize = 80;
    const WAITING: usize = 20;
    // Nobody is sent away because of the time that it takes.
    let settings = json!({ "max_connections": MOST, "header_timeout": 60 });
    let mut stage = Stage::with("max_connections", &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let sockets = || proc::open_sockets(stage.gateway.pid()).expect("it runs");
    let before = sockets();
    let memory = Memory::watch(&stage);
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(Connection::open(addr).await.expect("it listens"));
    }
    let full = stage
        .gateway
        .wait_for_log("all 40 connections are in use", DEADLINE);
    full.await;
    let head = http::request_head(addr, "GET", "/healthz", &[]);
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        let mut connection = Connection::open(addr).await.expect("it is queued");
        connection.post(&head, b"").await.expect("it is buffered");
        waiting.push(connection);
    }
    let open = sockets();
    stage.struck(format!(
        "{IDLE} connections without a byte, {WAITING} with a request behind them"
    ));
    stage.at_most("sockets", &open, &(before + MOST));
    let is_queued = waiting.iter().all(Connection::is_idle);
    stage.holds("the requests wait in the kernel's queue", is_queued);
    drop(idle);
    let room = Instant::now();
    for mut connection in waiting {
        let reply = wait::within(|| "its turn".to_owned(), DEADLINE, connection.response()).await;
        assert_eq!(reply.status, 200);
    }
    stage.within(
        "all are answered after there is room",
        room.elapsed(),
        Duration::from_secs(2),
    );
    // 64 KiB each are what headers may be.
    memory.at_most(&mut stage, 4 * MIB);
    stage.close().await;
}

/// Sends what may not be read to its end; the status.
async fn refused(addr: SocketAddr, request: &[u8]) -> u16 {
    let mut connection = Connection::open(addr).await.expect("it listens");
    connection.send(request).await.ok();
    let head = wait::within(|| "an answer".to_owned(), DEADLINE, connection.head()).await;
    let mut rest = connection.into_parts().0;
    let mut said = Vec::new();
    let end = timeout(
        DEADLINE,
        tokio::io::AsyncReadExt::read_to_end(&mut rest, &mut said),
    )
    .await;
    end.expect("the connection is closed").ok();
    head.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l06_max_header_bytes() {
    const REQUESTS: usize = 100;
    let settings = json!({ "max_header_bytes": "16KiB" });
    let mut stage = Stage::with("max_header_bytes", &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let much = "x".repeat(1 << 20);
    let one = http::request_head(addr, "GET", "/healthz", &[("x-much", &much)]) + "\r\n";
    let many = "x-many: 1\r\n".repeat(10_000);
    let many = http::request_head(addr, "GET", "/healthz", &[]) + &many + "\r\n";
    let memory = Memory::watch(&stage);
    for _ in 0..REQUESTS {
        assert_eq!(refused(addr, one.as_bytes()).await, 431);
        assert_eq!(refused(addr, many.as_bytes()).await, 431);
    }
    stage.struck(format!(
        "{REQUESTS} requests with a header of 1 MiB, {REQUESTS} with 10 000 headers"
    ));
    stage.holds("each got 431, and its connection is closed", true);
    memory.at_most(&mut stage, 2 * MIB);
    stage.close().await;
}

/// Posts all but the last byte of a body, and that when it is told; the answer may come before.
async fn hold(addr: SocketAddr, head: String, mut go: watch::Receiver<bool>) -> Option<Response> {
    const LENGTH: usize = 2 << 20;
    let mut connection = Connection::open(addr).await.ok()?;
    let start = format!("{head}content-length: {LENGTH}\r\n\r\n");
    connection.send(start.as_bytes()).await.ok()?;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let body = format!("{ping}{}", " ".repeat(LENGTH - ping.len()));
    // Refused, it is read no further.
    connection.send(&body.as_bytes()[1..]).await.ok();
    tokio::select! {
        early = connection.response() => return early.ok(),
        _ = go.wait_for(|go| *go) => {}
    }
    connection.send(b" ").await.ok()?;
    connection.response().await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l08_max_bodies_in_flight_bytes() {
    const LIMIT: i64 = 12 * MIB;
    const POSTS: usize = 20;
    const HELD: usize = 4; // of 2 MiB each; the last eighth is not for large ones, half of that not for one client
    let settings = json!({ "max_bodies_in_flight_bytes": LIMIT });
    let entries = [fixture("bad", &[])];
    let mut stage = Stage::with("max_bodies_in_flight_bytes", &entries, &settings, |o| o).await;
    let addr = stage.gateway.addr();
    let client = stage.client::<Streamable>().await;
    let head = Endpoint::initialized(addr, "2025-11-25")
        .await
        .post_head(&[]);
    let memory = Memory::watch(&stage);
    let (go, gone) = watch::channel(false);
    let mut posts = JoinSet::new();
    for _ in 0..POSTS {
        posts.spawn(hold(addr, head.clone(), gone.clone()));
    }
    for _ in HELD..POSTS {
        let reply = timeout(DEADLINE, posts.join_next())
            .await
            .expect("an answer in time");
        let reply = reply
            .expect("more")
            .expect("no panic inside")
            .expect("an answer");
        assert_eq!(
            (reply.status, reply.header("retry-after")),
            (503, Some("5"))
        );
    }
    let name = "mcproxy_bodies_in_flight_bytes";
    let in_flight = metrics::at_least(&stage.gateway, (name, &[]), 8e6, DEADLINE).await;
    stage.struck(format!(
        "{HELD} of {POSTS} bodies of 2 MiB without their last byte: {in_flight} bytes in flight"
    ));
    stage.holds("the others got 503 and Retry-After", true);
    let since = Instant::now();
    let mut calls = 0;
    while since.elapsed() < Duration::from_secs(2) {
        calls += 1;
        let text = format!("small {calls}");
        assert_eq!(fleet::echo(&client, "bad", &text).await.text, text);
    }
    stage.holds(
        &format!("{calls} small ones find room meanwhile"),
        calls > 0,
    );
    go.send_replace(true);
    for reply in posts.join_all().await {
        // Without its first byte it is no JSON; that it was read to its end is the point.
        assert_eq!(reply.expect("an answer").status, 400);
    }
    stage.holds("those that were held are read to their end", true);
    // And what their connections buffer.
    memory.at_most(&mut stage, 2 * LIMIT);
    client.close().await;
    stage.close().await;
}
