//! Rows 270 to 273 and 295: one client that takes all it gets, with as many sessions and connections as it likes, and what
//! is left for another. A client is an address here, or a token.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::shares::{Caller, GREEDY, OTHER};
use super::stage::{self, Stage};
use crate::support::client::DEADLINE;
use crate::support::gateway::GatewayOptions;
use crate::support::http::{self, Connection};
use crate::support::servers::fixture;
use crate::support::{streamable, wait};

const SOON: Duration = Duration::from_secs(1);
/// Who shows nothing makes room after two seconds.
const TURN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f270_sessions_of_one_client() {
    const SESSIONS: usize = 140;
    const MOST: usize = 128;
    let mut stage = Stage::open(270, &[fixture("bad", &[])]).await;
    let addr = stage.gateway.addr();
    let silent = streamable::call_tool(2, "bad__raw", r#"{"silent":true}"#);
    let mut callers = Vec::new();
    for _ in 0..SESSIONS {
        let mut caller = Caller::open(addr, GREEDY).await;
        let sent = caller.connection.post(&caller.head, silent.as_bytes());
        sent.await.expect("it is read");
        callers.push(caller);
    }
    let held = wait::until("calls in flight", DEADLINE, async || {
        let held = stage.metric("mcproxy_calls_in_flight").await;
        (held >= MOST - MOST / 16).then_some(held)
    })
    .await;
    stage.struck(format!("{SESSIONS} sessions of one address, {held} calls"));
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let mut other = Caller::open(addr, OTHER).await;
        let asked = Instant::now();
        let answer = other.call("bad__echo").await;
        slowest = slowest.max(asked.elapsed());
        assert!(!answer.contains("busy"), "{answer}");
    }
    stage.within("another address: its slowest call", slowest, SOON);
    stage.close().await;
}

/// Sends all of a body but its last byte; the status, if it is refused.
async fn hold(addr: SocketAddr, head: &str, length: usize) -> (Connection, Option<u16>) {
    let connection = Connection::open_from(addr, GREEDY).await;
    let mut connection = connection.expect("it listens");
    let start = format!("{head}content-length: {length}\r\n\r\n");
    connection.send(start.as_bytes()).await.expect("it is read");
    // Refused, it is read no further.
    let body = " ".repeat(length - 1);
    connection.send(body.as_bytes()).await.ok();
    let early = timeout(Duration::from_millis(100), connection.head()).await;
    let status = early.ok().map(|head| head.map_or(0, |head| head.status));
    (connection, status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f271_bodies_of_one_client() {
    const ALL: usize = 4 << 20;
    let settings = json!({ "max_bodies_in_flight_bytes": ALL });
    let mut stage = Stage::with(271, &[fixture("bad", &[])], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let first = Caller::open(addr, GREEDY).await;
    let (mut held, mut taken) = (Vec::new(), 0);
    for length in [256 << 10, 60 << 10, 8 << 10] {
        loop {
            let (connection, refused) = hold(addr, &first.head, length).await;
            if let Some(status) = refused {
                assert_eq!(status, 503);
                break;
            }
            held.push(connection);
            taken += length;
        }
    }
    stage.struck(format!("{taken} bytes of bodies of one address"));
    assert!(taken > ALL - ALL / 8, "{taken} of {ALL}");
    let mut other = Caller::open(addr, OTHER).await;
    let text = json!({ "text": "x".repeat(80 << 10) }).to_string();
    let call = streamable::call_tool(3, "bad__echo", &text);
    let asked = Instant::now();
    let exchange = other.connection.exchange(&other.head, call.as_bytes());
    let answer = wait::within(|| "an answer".to_owned(), DEADLINE, exchange).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    stage.within("another address: 80 KiB", asked.elapsed(), SOON);
    stage.close().await;
}

/// Uses a connection for a body that has no end.
async fn occupy(addr: SocketAddr, from: IpAddr, head: &str) -> Connection {
    let mut connection = Connection::open_from(addr, from).await.expect("it listens");
    let start = format!("{head}content-length: 1000\r\n\r\n{{");
    connection.send(start.as_bytes()).await.ok();
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f272_connections_of_one_client() {
    const MOST: usize = 40;
    let settings = json!({ "max_connections": MOST, "header_timeout": 60 });
    let mut stage = Stage::with(272, &[fixture("bad", &[])], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    // They share what connections there are.
    stage.pause().await;
    let first = Caller::open(addr, GREEDY).await;
    let mark = stage.gateway.log_mark();
    let mut held = Vec::new();
    for _ in 0..MOST + 4 {
        held.push(occupy(addr, GREEDY, &first.head).await);
    }
    let full = "all 40 connections are in use";
    stage.gateway.wait_for_log_after(mark, full, DEADLINE).await;
    stage.struck(format!("{} connections of one address in use", held.len()));
    let asked = Instant::now();
    let opens = Caller::open(addr, OTHER);
    let mut other = timeout(2 * TURN, opens).await.expect("a session");
    let answer = other.call("bad__echo").await;
    assert!(answer.contains("result"), "{answer}");
    stage.within("another address is served", asked.elapsed(), TURN);
    drop(held);
    stage.resume().await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f273_connections_of_one_token() {
    const MOST: usize = 40;
    const GREEDY_TOKEN: &str = "0123456789-of-one";
    const OTHER_TOKEN: &str = "0123456789-of-another";
    let home = tempfile::tempdir().expect("a directory");
    let tokens = home.path().join("tokens");
    std::fs::write(&tokens, format!("{GREEDY_TOKEN}\n{OTHER_TOKEN}\n")).expect("it is writable");
    let settings = json!({ "max_connections": MOST, "header_timeout": 60 });
    let options = GatewayOptions::new(stage::configuration(&[], &settings));
    let options = options.arg(format!("--token-file={}", tokens.display()));
    let mut stage = Stage::early(273, options).await;
    let addr = stage.gateway.addr();
    let set = "configuration: gateway: max_connections";
    stage.gateway.wait_for_log(set, DEADLINE).await;
    let by = |token: &str| format!("Bearer {token}");
    let (greedy, other) = (by(GREEDY_TOKEN), by(OTHER_TOKEN));
    let json = ("content-type", "application/json");
    let post = http::request_head(addr, "POST", "/mcp", &[json, ("authorization", &greedy)]);
    let mut held = Vec::new();
    // Sixty-four more than there may be are let in, to show their token.
    for _ in 0..MOST + 70 {
        held.push(occupy(addr, GREEDY, &post).await);
    }
    stage.struck(format!("{} connections of one token in use", held.len()));
    let ask = http::request_head(addr, "GET", "/status", &[("authorization", &other)]);
    let asked = Instant::now();
    let mut connection = Connection::open_from(addr, GREEDY).await.expect("it waits");
    let exchange = connection.exchange(&ask, b"");
    let reply = wait::within(|| "an answer".to_owned(), 2 * DEADLINE, exchange).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    stage.within("another token is served", asked.elapsed(), TURN);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f295_no_place_to_initialize() {
    const MOST: usize = 40;
    const TRIES: usize = 8;
    let settings = json!({ "max_connections": MOST, "header_timeout": 60 });
    let mut stage = Stage::with(295, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    stage.pause().await;
    let first = Caller::open(addr, GREEDY).await;
    let mut held = Vec::new();
    for _ in 0..MOST {
        held.push(occupy(addr, GREEDY, &first.head).await);
    }
    let before = stage.metric("mcproxy_sessions").await;
    let accept = ("accept", "application/json, text/event-stream");
    let json = ("content-type", "application/json");
    let post = http::request_head(addr, "POST", "/mcp", &[json, accept]);
    let listen = http::request_head(addr, "GET", "/sse", &[("accept", "text/event-stream")]);
    let hello = streamable::initialize(1, "2025-11-25", "{}");
    let mut refused = 0;
    for number in 0..TRIES {
        let (request, body) = if number % 2 == 0 {
            (&post, hello.as_bytes())
        } else {
            (&listen, &b""[..])
        };
        let mut connection = Connection::open_from(addr, GREEDY).await.expect("it waits");
        let exchange = connection.exchange(request, body);
        let reply = wait::within(|| "an answer".to_owned(), DEADLINE, exchange).await;
        refused += usize::from(reply.status == 503);
    }
    stage.struck(format!(
        "{refused} of {TRIES} who begin a session are refused"
    ));
    assert_eq!(refused, TRIES);
    let after = stage.metric("mcproxy_sessions").await;
    stage.at_most("sessions of theirs", &after.saturating_sub(before), &0);
    drop(held);
    stage.resume().await;
    stage.close().await;
}
