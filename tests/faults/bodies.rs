//! Rows 29 to 31: requests that are too much, on the routes of both transports.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::metrics;
use super::stage::Stage;
use crate::support::client::{DEADLINE, SseClient};
use crate::support::fleet::echo;
use crate::support::http::{self, Connection};
use crate::support::servers::fixture;
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

const MIB: usize = 1 << 20;
/// The default limit of a body.
const LIMIT: usize = 16 * MIB;
/// The counter of requests that were refused.
const REFUSED: &str = "mcproxy_requests_refused_total";
/// The revision with batches.
const BATCHES: &str = "2025-03-26";

/// A session over each transport, and the head of its posts.
struct Posters {
    sse: SseClient,
    heads: [(&'static str, String); 2],
    addr: SocketAddr,
}

impl Posters {
    async fn of(stage: &Stage) -> Self {
        let addr = stage.gateway.addr();
        let sse = SseClient::connect(addr).await;
        sse.initialize_as(BATCHES).await;
        let json = ("content-type", "application/json");
        let messages = http::request_head(addr, "POST", sse.endpoint(), &[json]);
        let mcp = Endpoint::initialized(addr, BATCHES).await.post_head(&[]);
        Self {
            sse,
            heads: [("/messages", messages), ("/mcp", mcp)],
            addr,
        }
    }
}

/// One post on a connection of its own: the status, the body, and whether the connection was closed.
async fn post(addr: SocketAddr, head: &str, body: &[u8]) -> (u16, String, bool) {
    let exchange = async {
        let mut connection = Connection::open(addr).await?;
        let response = connection.exchange(head, body).await?;
        let is_closed = response.header("connection") == Some("close");
        std::io::Result::Ok((response.status, response.text(), is_closed))
    };
    wait::within(|| "an answer".to_owned(), DEADLINE, exchange).await
}

#[expect(clippy::cast_possible_wrap, reason = "memory is less than 2⁶³ bytes")]
fn grown(pid: u32, base: u64) -> i64 {
    proc::peak_rss(pid).expect("it runs") as i64 - base as i64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f29_deep_or_large_body() {
    let mut stage = Stage::open(29, &[fixture("bad", &[])]).await;
    let posters = Posters::of(&stage).await;
    let pid = stage.gateway.pid();
    let large = vec![b' '; LIMIT + 1];
    // Nearly as large as it may be, so that it is read whole; the rest is left to the bystanders.
    let half = (LIMIT - 2 * MIB) / 2;
    let deep = ["[".repeat(half), "]".repeat(half)].concat();
    proc::forget_peak(pid);
    let base = proc::rss(pid).expect("it runs");
    for (route, head) in &posters.heads {
        let (status, text, is_closed) = post(posters.addr, head, &large).await;
        stage.struck(format!("{} bytes to {route}: {text}", large.len()));
        stage.holds(&format!("{route}: 413"), status == 413);
        stage.holds("its connection is closed", is_closed);

        let (status, text, _) = post(posters.addr, head, deep.as_bytes()).await;
        stage.struck(format!("{half} deep to {route}: {text}"));
        stage.holds(&format!("{route}: 400"), status == 400);
    }
    let limit = i64::try_from(LIMIT).expect("it fits");
    stage.memory("memory", grown(pid, base), limit);
    for reason in ["body", "depth"] {
        let refused = metrics::sum(&stage.gateway, REFUSED, &[("reason", reason)]).await;
        stage.struck(format!("{REFUSED}, {reason}: {refused}"));
        assert!(refused >= 2.0, "{reason}: {refused}");
    }
    assert_eq!(echo(&posters.sse, "bad", "on").await.text, "on");
    stage.close().await;
}

/// What became of a body that never ends.
struct Endless {
    status: u16,
    sent: usize,
}

/// Sends chunks until the connection is closed.
async fn send_for_ever(addr: SocketAddr, head: &str) -> Endless {
    let mut connection = Connection::open(addr).await.expect("it listens");
    let head = format!("{head}transfer-encoding: chunked\r\n\r\n");
    connection.send(head.as_bytes()).await.expect("it is read");
    let (stream, _) = connection.into_parts();
    let (mut read, mut write) = stream.into_split();
    let chunk = [b"10000\r\n", vec![b' '; 0x10000].as_slice(), b"\r\n"].concat();
    let sent = AtomicUsize::new(0);
    let writing = async {
        while write.write_all(&chunk).await.is_ok() {
            sent.fetch_add(chunk.len(), Ordering::Relaxed);
        }
    };
    let reading = async {
        let mut answer = Vec::new();
        // However it ends: there is no end of the request that could be answered.
        read.read_to_end(&mut answer).await.ok();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let both = async { Ok::<_, String>(tokio::join!(writing, reading).1) };
    let answer = wait::within(|| "the end of the connection".to_owned(), DEADLINE, both).await;
    let head = http::Head::parse(answer).expect("an answer");
    Endless {
        status: head.status,
        sent: sent.into_inner(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f30_endless_chunked_body() {
    let mut stage = Stage::open(30, &[fixture("bad", &[])]).await;
    let posters = Posters::of(&stage).await;
    let pid = stage.gateway.pid();
    proc::forget_peak(pid);
    let base = proc::rss(pid).expect("it runs");
    for (route, head) in &posters.heads {
        let Endless { status, sent } = send_for_ever(posters.addr, head).await;
        let mebibytes = sent / MIB;
        stage.struck(format!("{mebibytes} MiB were sent to {route}"));
        stage.holds("more than the limit was sent", sent > LIMIT);
        stage.holds(&format!("{route}: 413 and closed"), status == 413);
    }
    // While it grows, a buffer of unknown size is there twice.
    let limit = i64::try_from(2 * LIMIT).expect("it fits");
    stage.memory("memory", grown(pid, base), limit);
    assert_eq!(echo(&posters.sse, "bad", "on").await.text, "on");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f31_huge_batch() {
    let mut stage = Stage::open(31, &[fixture("bad", &[])]).await;
    let posters = Posters::of(&stage).await;
    let ping = |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    let batch: Vec<String> = (0..10_000).map(ping).collect();
    let batch = format!("[{}]", batch.join(","));
    for (route, head) in &posters.heads {
        let mut quickest = Duration::MAX;
        for _ in 0..5 {
            let asked = Instant::now();
            let (status, text, _) = post(posters.addr, head, batch.as_bytes()).await;
            quickest = quickest.min(asked.elapsed());
            assert_eq!(status, 400, "{text}");
            assert!(text.contains("-32600"), "{text}");
        }
        stage.struck(format!("5 × {} bytes to {route}", batch.len()));
        stage.holds(&format!("{route}: 400 and -32600"), true);
        // 10 ms are meant; a debug build takes longer to read half a MB.
        stage.within("the quickest of 5", quickest, Duration::from_millis(250));
    }
    stage.holds(
        "not one of its messages was done",
        posters.sse.unclaimed().is_empty(),
    );
    assert_eq!(echo(&posters.sse, "bad", "on").await.text, "on");
    stage.close().await;
}
