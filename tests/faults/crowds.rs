//! Rows 155 to 158: what a crowd takes, and what is left of it for others: memory, connections, streams.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::slow_requests::allow_descriptors;
use super::stage::{self, Stage};
use crate::support::client::{DEADLINE, Sse, Streamable};
use crate::support::fleet;
use crate::support::gateway::GatewayOptions;
use crate::support::http::{self, Connection};
use crate::support::servers::fixture;
use crate::support::{proc, wait};

const MIB: usize = 1 << 20;
const TOKEN: &str = "0123456789-of-the-owner";
/// More than there are connections by default.
const CROWD: usize = 1100;
/// Two seconds are what a stranger has before it makes room.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f155_burst() {
    const CLIENTS: usize = 16;
    const LEFT: usize = 48;
    let mut stage = Stage::open(155, &[fixture("bad", &[])]).await;
    stage.pause().await;
    let pid = stage.gateway.pid();
    let rss = || usize::try_from(proc::rss(pid).expect("it runs")).expect("less than that");
    let before = rss();
    let text = "x".repeat(4 * MIB);
    let mut calls = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = stage.client::<Streamable>().await;
        let text = text.clone();
        calls.spawn(async move {
            let answer = fleet::echo(&client, "bad", &text).await;
            client.close().await;
            (answer.text == text, answer)
        });
    }
    let mut peak = before;
    let mut whole = 0;
    while let Some(called) = calls.join_next().await {
        peak = peak.max(rss());
        let (is_whole, answer) = called.expect("no panic inside");
        assert!(
            is_whole || answer.text.contains("busy"),
            "{:.200}",
            answer.text
        );
        whole += usize::from(is_whole);
    }
    stage.struck(format!(
        "{whole} results of 4 MiB; {} MiB at the peak",
        peak / MIB
    ));
    let began = Instant::now();
    let left = wait::until("memory to go back", Duration::from_secs(40), async || {
        let more = rss().saturating_sub(before);
        (more <= LEFT * MIB).then_some(more)
    })
    .await;
    stage.within("after", began.elapsed(), Duration::from_secs(30));
    stage.at_most("MiB more", &(left / MIB), &LEFT);
    stage.resume().await;
    stage.close().await;
}

/// So many connections that say nothing.
async fn crowd(addr: SocketAddr) -> Vec<Connection> {
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(Connection::open(addr).await.expect("it is queued at least"));
    }
    crowd
}

/// How long the answer to `head` takes, which is to be 200.
async fn asked(addr: SocketAddr, head: &str) -> Duration {
    let began = Instant::now();
    let mut connection = Connection::open(addr).await.expect("it is queued at least");
    let exchange = connection.exchange(head, b"");
    let reply = wait::within(|| "an answer".to_owned(), 2 * DEADLINE, exchange).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f156_strangers_without_a_token() {
    allow_descriptors();
    // Nobody is sent away because of the time that headers take.
    let settings = json!({ "header_timeout": 60 });
    let options = GatewayOptions::new(stage::configuration(&[], &settings));
    let mut stage = Stage::early(156, options.env("MCPROXY_TOKEN", TOKEN)).await;
    let addr = stage.gateway.addr();
    let mut crowd = crowd(addr).await;
    let owner = [("authorization", &*format!("Bearer {TOKEN}"))];
    let head = http::request_head(addr, "GET", "/status", &owner);
    let first = asked(addr, &head).await;
    stage.struck(format!("{CROWD} connections without a token"));
    stage.within("the owner's first answer", first, SOON);
    let next = asked(addr, &head).await;
    stage.within("and the next", next, SOON);
    let oldest = crowd.first_mut().expect("many");
    let told = wait::within(|| "words".to_owned(), DEADLINE, oldest.response()).await;
    stage.holds("the oldest made room and was told why", told.status == 503);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f157_strangers_where_no_token_is_asked_for() {
    allow_descriptors();
    let settings = json!({ "header_timeout": 60 });
    let mut stage = Stage::with(157, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let crowd = crowd(addr).await;
    let first = asked(addr, &http::request_head(addr, "GET", "/healthz", &[])).await;
    stage.struck(format!("{} connections without a byte", crowd.len()));
    stage.within("a new client's answer", first, SOON);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f158_streams_of_foreign_pages() {
    const PLACES: usize = 16;
    const IMAGES: usize = 60;
    const SESSIONS: &str = "mcproxy_sessions";
    let mut stage = Stage::with(158, &[], &json!({ "max_sessions": 40 }), |o| o).await;
    let addr = stage.gateway.addr();
    let sse = stage.client::<Sse>().await;
    let mcp = stage.client::<Streamable>().await;
    let before = stage.metric(SESSIONS).await;
    let accept = [("accept", "image/avif,image/webp,*/*;q=0.8")];
    let head = http::request_head(addr, "GET", "/sse", &accept);
    let mut images = Vec::new();
    for _ in 0..IMAGES {
        let mut connection = Connection::open(addr).await.expect("it listens");
        connection.post(&head, b"").await.expect("it is read");
        let reply = wait::within(|| "a stream".to_owned(), DEADLINE, connection.head()).await;
        assert_eq!(reply.status, 200);
        images.push(connection);
    }
    stage.struck(format!("{IMAGES} streams opened whose Accept names none"));
    let open = wait::until("the oldest to be closed", DEADLINE, async || {
        let open = stage.metric(SESSIONS).await - before;
        (open == PLACES).then_some(open)
    })
    .await;
    stage.at_most("such streams open", &open, &PLACES);
    fleet::echo(&sse, "by1", "still here").await;
    fleet::echo(&mcp, "by1", "still here").await;
    stage.holds("the streams of others stay", true);
    sse.close().await;
    mcp.close().await;
    stage.close().await;
}
