//! Rows 32 to 34: connections on which too little happens.

use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::stage::{Stage, wait};
use crate::support::client::{Sse, SseClient};
use crate::support::http::{self, Connection};
use crate::support::servers::fixture;
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

/// How many connections there are in row 32.
const IDLE: usize = 1000;
/// How many clients are slow at once.
const SLOW: usize = 20;
/// What a busy machine may add.
pub(crate) const LATE: Duration = Duration::from_secs(2);

/// The time for headers, as seconds for the configuration and as a duration.
fn header_time() -> (u64, Duration) {
    let seconds = wait(3, 10);
    (seconds, Duration::from_secs(seconds))
}

fn body_time() -> (u64, Duration) {
    let seconds = wait(2, 30);
    (seconds, Duration::from_secs(seconds))
}

/// Both ends of all connections are descriptors, more than a process may have by default.
pub(super) fn allow_descriptors() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    let wanted = soft.max(4096).min(hard);
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).expect("up to the hard limit");
}

/// Waits for the end of a connection; when it came.
pub(crate) async fn closed(mut stream: TcpStream, deadline: Duration) -> Instant {
    let mut said = Vec::new();
    let end = timeout(deadline, stream.read_to_end(&mut said)).await;
    // A reset is an end too.
    end.expect("the gateway closes it").ok();
    Instant::now()
}

/// How long a new client waits.
pub(crate) async fn newcomer(addr: SocketAddr) -> Duration {
    let asked = Instant::now();
    assert_eq!(http::get(addr, "/healthz").await.status, 200);
    asked.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f32_idle_connections() {
    allow_descriptors();
    let (seconds, header) = header_time();
    let settings = json!({ "header_timeout": seconds });
    let mut stage = Stage::with(32, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let open = || proc::open_sockets(stage.gateway.pid()).expect("it runs");
    let before = open();
    let first = Instant::now();
    let mut idle = JoinSet::new();
    for _ in 0..IDLE {
        let stream = TcpStream::connect(addr).await.expect("it listens");
        idle.spawn(closed(stream, header + DEADLINE));
    }
    let last = Instant::now();
    let sockets = wait::until("all to be accepted", DEADLINE, async || {
        let open = open();
        (open >= before + IDLE).then_some(open)
    })
    .await;
    stage.struck(format!("{before} sockets before, {sockets} after"));

    let mut slowest = Duration::ZERO;
    let mut ends = Vec::new();
    let mut ticks = interval(Duration::from_millis(50));
    while ends.is_empty() {
        ticks.tick().await;
        slowest = slowest.max(newcomer(addr).await);
        let ended = idle.try_join_next();
        ends.extend(ended.map(|end| end.expect("no panic inside")));
    }
    ends.extend(idle.join_all().await);
    let earliest = ends.iter().min().expect("many").duration_since(first);
    assert!(earliest + LATE / 10 >= header, "too early: {earliest:?}");
    let latest = ends.iter().max().expect("many").duration_since(last);
    stage.within("the last one was closed after", latest, header + LATE);
    // 100 ms are meant.
    stage.within("a new client's slowest answer", slowest, SERVED);
    stage.close().await;
}

/// What a new client's answer may take on a busy machine; 100 ms are meant.
pub(crate) const SERVED: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(20);

/// What became of a client that sends a byte now and then.
#[derive(Debug)]
pub(crate) struct Dripped {
    sent: usize,
    pub(crate) took: Duration,
    answer: String,
}

/// Sends `head`, then a byte each `pause` until the connection is closed.
async fn drip(addr: SocketAddr, head: String, pause: Duration) -> Dripped {
    let mut connection = Connection::open(addr).await.expect("it listens");
    connection.send(head.as_bytes()).await.expect("it is read");
    drip_on(connection, pause).await
}

/// Sends a byte each `pause` until the connection is closed.
pub(crate) async fn drip_on(connection: Connection, pause: Duration) -> Dripped {
    let start = Instant::now();
    let (mut stream, _) = connection.into_parts();
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut sent, mut answer) = (0, Vec::new());
    loop {
        tokio::select! {
            read = stream.read_buf(&mut answer) => {
                if matches!(read, Ok(0) | Err(_)) {
                    break;
                }
            }
            _ = ticks.tick() => sent += usize::from(stream.write_all(b"x").await.is_ok()),
        }
    }
    Dripped {
        sent,
        took: start.elapsed(),
        answer: String::from_utf8_lossy(&answer).into_owned(),
    }
}

/// What became of so many at once.
async fn drip_all(addr: SocketAddr, heads: Vec<String>, pause: Duration) -> Vec<Dripped> {
    let mut dripping = JoinSet::new();
    for head in heads {
        dripping.spawn(drip(addr, head, pause));
    }
    dripping.join_all().await
}

fn judge(stage: &mut Stage, dripped: &[Dripped], time: Duration) {
    let quickest = dripped.iter().map(|one| one.took).min().expect("several");
    assert!(quickest + LATE / 10 >= time, "too early: {dripped:?}");
    let slowest = dripped.iter().map(|one| one.took).max().expect("several");
    stage.within("the last one was closed after", slowest, time + LATE);
}

#[tokio::test]
async fn f33_slow_headers() {
    let (seconds, header) = header_time();
    let settings = json!({ "header_timeout": seconds });
    let mut stage = Stage::with(33, &[], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let pause = header / 10;
    let head = http::request_head(addr, "GET", "/healthz", &[]) + "x-slow: ";
    let dripped = drip_all(addr, vec![head; SLOW], pause).await;
    let sent = dripped.iter().map(|one| one.sent).min().expect("several");
    assert!(sent >= 5, "{dripped:?}");
    stage.struck(format!(
        "{SLOW} clients sent at least {sent} bytes, one each {pause:?}"
    ));
    judge(&mut stage, &dripped, header);
    let lines = stage.gateway.logs();
    let said = lines
        .iter()
        .filter(|line| line.contains("header_timeout"))
        .count();
    stage.holds("it is said in the log", said >= 1);
    stage.at_most("lines about it", &said, &2);
    stage.close().await;
}

#[tokio::test]
async fn f34_slow_body() {
    let (seconds, body) = body_time();
    let settings = json!({ "body_timeout": seconds });
    let mut stage = Stage::with(34, &[fixture("bad", &[])], &settings, |options| options).await;
    let addr = stage.gateway.addr();
    let client = stage.client::<Sse>().await;
    let endpoint = Endpoint::initialized(addr, "2025-11-25").await;
    let heads = [messages_head(addr, &client), endpoint.post_head(&[])];
    let with_length = |head: &String| format!("{head}content-length: 100000\r\n\r\n");
    let all: Vec<String> = (heads.iter().cycle().take(SLOW).map(with_length)).collect();
    let pause = body / 10;
    let dripped = drip_all(addr, all, pause).await;
    let sent = dripped.iter().map(|one| one.sent).min().expect("several");
    assert!(sent >= 5, "{dripped:?}");
    stage.struck(format!(
        "{SLOW} clients sent at least {sent} bytes of a body, one each {pause:?}, to /messages and /mcp"
    ));
    judge(&mut stage, &dripped, body);
    let timed_out = |one: &Dripped| one.answer.starts_with("HTTP/1.1 408 ");
    stage.holds("each got 408", dripped.iter().all(timed_out));

    // One that makes progress takes as long as it takes.
    let took = progress(addr, &endpoint.post_head(&[]), body).await;
    stage.holds(
        &format!("one that makes progress is served, after {took:.1?}"),
        took > body,
    );
    client.close().await;
    stage.close().await;
}

fn messages_head(addr: SocketAddr, client: &SseClient) -> String {
    let json = ("content-type", "application/json");
    http::request_head(addr, "POST", client.endpoint(), &[json])
}

/// Posts a call of 5 KB in pieces, each shortly before it would be too late; how long it took.
async fn progress(addr: SocketAddr, head: &str, body: Duration) -> Duration {
    let text = "x".repeat(5000);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"bad__echo","arguments":{{"text":"{text}"}}}}}}"#
    );
    let mut connection = Connection::open(addr).await.expect("it listens");
    let head = format!("{head}content-length: {}\r\n\r\n", call.len());
    connection.send(head.as_bytes()).await.expect("it is read");
    let start = Instant::now();
    let mut ticks = interval(body / 2);
    for piece in call.as_bytes().chunks(1400) {
        ticks.tick().await;
        connection.send(piece).await.expect("it is read");
    }
    let answer = wait::within(|| "an answer".to_owned(), DEADLINE, connection.response()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(&text));
    start.elapsed()
}
