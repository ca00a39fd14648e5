//! Rows 38 to 40: connections and sessions that come and go, or stay without a word.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::stage::{self, Stage};
use crate::support::client::DEADLINE;
use crate::support::gateway::Gateway;
use crate::support::http::{self, Connection};
use crate::support::sse::{Item, Parser};
use crate::support::{proc, streamable, wait};

const MIB: i64 = 1 << 20;
/// What was freed goes back some seconds later.
const GIVEN_BACK: Duration = Duration::from_secs(30);

fn rss(gateway: &Gateway) -> i64 {
    let bytes = proc::rss(gateway.pid()).expect("it runs");
    bytes.try_into().expect("no machine has so much")
}

fn files(gateway: &Gateway) -> usize {
    proc::open_files(gateway.pid()).expect("it runs")
}

/// Comes, says so much of a request, and goes: nothing, half of one, or a whole one whose answer is a stream.
async fn visit(addr: SocketAddr, number: usize) {
    let part = match number % 3 {
        0 => "",
        1 => "GET /sse HTTP/1.1\r\nhost: 127",
        _ => "GET /sse HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
    };
    let mut socket = TcpStream::connect(addr).await.expect("it listens");
    socket
        .write_all(part.as_bytes())
        .await
        .expect("it is taken");
    if number.is_multiple_of(2) {
        // Gone without a FIN: a reset.
        socket2::SockRef::from(&socket)
            .set_linger(Some(Duration::ZERO))
            .expect("a socket option");
    }
}

/// Waits until the gateway holds as many descriptors as before.
async fn settled(gateway: &Gateway, before: usize) {
    wait::until("all connections to be closed", DEADLINE, async || {
        (files(gateway) <= before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn f38_connect_disconnect() {
    const WARM_UP: usize = 1_000;
    const VISITS: usize = 10_000;
    let mut stage = Stage::open(38, &[]).await;
    // The bystanders' connections come and go too; memory is compared without them.
    stage.pause().await;
    let addr = stage.gateway.addr();
    let before_all = files(&stage.gateway);
    for number in 0..WARM_UP {
        visit(addr, number).await;
    }
    settled(&stage.gateway, before_all).await;
    let before = rss(&stage.gateway);
    stage.resume().await;
    for number in 0..VISITS {
        visit(addr, number).await;
    }
    stage.struck(format!("{VISITS} connections"));
    stage.pause().await;
    settled(&stage.gateway, before_all).await;
    let open = files(&stage.gateway);
    stage.at_most("descriptors", &open, &before_all);
    // What the allocator has kept of it goes back when there is calm.
    let grown = wait::until("memory to go back", GIVEN_BACK, async || {
        let grown = rss(&stage.gateway) - before;
        (grown < 2 * MIB).then_some(grown)
    });
    let grown = grown.await;
    stage.memory("memory more", grown, 2 * MIB);
    stage.resume().await;
    stage.close().await;
}

#[tokio::test]
async fn f39_abandoned_sessions() {
    const LIMIT: usize = 1_000;
    const AT_ONCE: usize = 16;
    let count = stage::wait(8_000, 100_000);
    let mut stage = Stage::open(39, &[]).await;
    let addr = stage.gateway.addr();
    let before = rss(&stage.gateway);
    let initialize = streamable::initialize(1, "2025-11-25", "{}");
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let head = http::request_head(addr, "POST", "/mcp", &headers);
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (initialize, head) = (initialize.clone(), head.clone());
        clients.spawn(async move {
            let mut connection = Connection::open(addr).await.expect("it listens");
            let mut opened = 0;
            for _ in 0..count / AT_ONCE {
                let exchange = connection.exchange(&head, initialize.as_bytes());
                let response = wait::within(|| "initialize".to_owned(), DEADLINE, exchange).await;
                assert_eq!(response.status, 200, "{}", response.text());
                opened += usize::from(response.header("mcp-session-id").is_some());
            }
            opened
        });
    }
    let opened: usize = clients.join_all().await.into_iter().sum();
    assert_eq!(opened, count / AT_ONCE * AT_ONCE);
    stage.struck(format!("{opened} sessions opened, none deleted"));
    let open = stage.metric("mcproxy_sessions").await;
    stage.at_most("sessions alive", &open, &LIMIT);
    let grown = rss(&stage.gateway) - before;
    stage.memory("memory more", grown, 20 * MIB);
    stage.close().await;
}

#[tokio::test]
async fn f40_idle_stream() {
    const BEATS: u32 = 19;
    let interval = stage::wait(Duration::from_millis(400), Duration::from_secs(30));
    let settings = json!({ "keepalive_interval": interval.as_secs_f64() });
    let mut stage = Stage::with(40, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let mut connection = Connection::open(addr).await.expect("it listens");
    let get = format!("{}\r\n", http::request_head(addr, "GET", "/sse", &[]));
    connection.send(get.as_bytes()).await.expect("it is read");
    let head = wait::within(|| "a stream".to_owned(), DEADLINE, connection.head()).await;
    let is = |name: &str, value: &str| head.header(name).is_some_and(|v| v.contains(value));
    stage.holds("X-Accel-Buffering: no", is("x-accel-buffering", "no"));
    stage.holds("Cache-Control: no-store", is("cache-control", "no-store"));

    let mut pieces = support::sse::Pieces::of(connection, head.body().expect("a body"));
    let (mut parser, mut beats, mut longest) = (Parser::default(), 0, Duration::ZERO);
    let begin = Instant::now();
    let mut last = begin;
    while beats < BEATS {
        let piece = tokio::time::timeout(interval * 2 + DEADLINE, pieces.next()).await;
        let piece = piece.expect("a comment in time").expect("a stream");
        let mut comments = 0;
        let bytes = piece.expect("the stream does not end");
        parser.push(bytes, &mut |item| {
            comments += u32::from(matches!(item, Item::Comment(_)));
        });
        if comments > 0 {
            longest = longest.max(last.elapsed());
            last = Instant::now();
            beats += comments;
        }
    }
    stage.struck(format!(
        "silent for {:.1?} but for {beats} comments",
        begin.elapsed()
    ));
    // One second of 30 is what a busy machine may be late; of a shortened interval it is more.
    stage.within("longest gap", longest, interval + Duration::from_secs(1));
    stage.close().await;
}
