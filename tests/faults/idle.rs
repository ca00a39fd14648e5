//! Rows 220, 221: connections on which nothing is asked for the moment.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::slow_requests::{LATE, SERVED, closed, drip_on, newcomer};
use super::stage::Stage;
use crate::support::client::DEADLINE;
use crate::support::http::{self, Connection};
use crate::support::streamable::Endpoint;

/// How many of each kind.
const EACH: usize = 10;

/// A connection on which `/healthz` was answered, and `more` came with the request.
async fn answered(addr: SocketAddr, more: &str) -> Connection {
    let mut connection = Connection::open(addr).await.expect("it listens");
    let request = http::request_head(addr, "GET", "/healthz", &[]) + "\r\n" + more;
    connection
        .send(request.as_bytes())
        .await
        .expect("it is read");
    let reply = timeout(DEADLINE, connection.response()).await;
    assert_eq!(reply.expect("in time").expect("a reply").status, 200);
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f220_idle_after_an_answer() {
    const HEADER: Duration = Duration::from_secs(1);
    const IDLE: Duration = Duration::from_secs(4);
    let settings = json!({ "header_timeout": 1, "connection_idle_timeout": 4 });
    let mut stage = Stage::with(220, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let mut dripping = JoinSet::new();
    let (mut begun, mut idle, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let start = Instant::now();
    for _ in 0..EACH {
        let slow = answered(addr, "").await;
        dripping.spawn(drip_on(slow, HEADER / 10));
        begun.push(answered(addr, "GET /healthz HT").await);
        used.push(answered(addr, "").await);
        idle.push(answered(addr, "").await);
    }
    stage.struck(format!(
        "{EACH} connections each: idle, a header a byte a time, a header begun with the request before"
    ));
    for connection in begun {
        closed(connection.into_parts().0, HEADER + DEADLINE).await;
    }
    let dripped = dripping.join_all().await;
    let slowest = dripped.iter().map(|one| one.took).max().expect("several");
    stage.within("a header's last byte", slowest, HEADER + LATE);
    let ended = start.elapsed();
    stage.within("all headers were given up after", ended, HEADER + LATE);

    // Half of the idle time later the others can be used, and then stay as long again.
    tokio::time::sleep_until(start + IDLE / 2).await;
    let head = http::request_head(addr, "GET", "/healthz", &[]) + "\r\n";
    for connection in &mut used {
        connection.send(head.as_bytes()).await.expect("it is open");
        let reply = timeout(DEADLINE, connection.response()).await;
        assert_eq!(reply.expect("in time").expect("a reply").status, 200);
    }
    stage.holds("those that were idle for longer are served", true);
    for connection in idle {
        let mut stream = connection.into_parts().0;
        let end = timeout(IDLE + DEADLINE, stream.read(&mut [0])).await;
        assert_eq!(end.expect("it is closed").expect("no reset"), 0);
        // What was on its way is read: a reset would take away what came before it.
        stream.write_all(head.as_bytes()).await.expect("it is read");
        let end = timeout(DEADLINE, stream.read(&mut [0])).await;
        assert_eq!(end.expect("the same").expect("no reset"), 0);
    }
    let idle_for = start.elapsed();
    stage.within("idle ones are closed after", idle_for, IDLE + LATE);
    assert!(idle_for >= IDLE, "too early: {idle_for:?}");
    assert!(used.iter().all(Connection::is_idle), "they were used");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f221_idle_connections_make_room() {
    const MOST: usize = 40;
    const NEWCOMERS: usize = 20;
    let settings = json!({ "max_connections": MOST });
    let mut stage = Stage::with(221, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let endpoint = Endpoint::initialized(addr, "2025-11-25").await;
    let head = endpoint.post_head(&[]);
    let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let mut idle = Vec::new();
    // The bystanders have some.
    while idle.len() < MOST {
        let mut connection = Connection::open(addr).await.expect("it is queued at least");
        let exchange = connection.exchange(&head, ping);
        let Ok(reply) = timeout(Duration::from_millis(500), exchange).await else {
            break;
        };
        assert_eq!(reply.expect("a reply").status, 200);
        idle.push(connection);
    }
    stage.struck(format!("{} idle connections, of one session", idle.len()));
    let mut slowest = Duration::ZERO;
    for _ in 0..NEWCOMERS {
        slowest = slowest.max(newcomer(addr).await);
    }
    stage.within(
        "a new client's slowest answer",
        slowest,
        SERVED + Duration::from_secs(1),
    );
    let stays = idle.last().is_some_and(Connection::is_idle);
    stage.holds("the youngest of them stays", stays);
    stage.close().await;
}
