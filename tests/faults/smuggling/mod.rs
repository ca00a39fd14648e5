//! Row 55, request smuggling: bytes that one reader takes for a body and another for a request. Every case of the
//! corpus hides a call; behind it, on the same connection, comes a plain request. The hidden call must never
//! reach its server, and what is answered must be exactly what the case says: no reply too many or too few,
//! the plain request as if it came alone, or a closed connection.

mod corpus;

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stage::Stage;
use crate::support::gateway::fixture_server;
use crate::support::http::{Body, Head};
use crate::support::streamable::Endpoint;
use crate::support::wait;

/// What follows the replies to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The plain request is answered.
    Marker,
    /// The connection is closed without another word.
    Close,
    /// The same, once the client has said that no more will come: the plain request was taken for more of
    /// a body that is not whole.
    CloseAtEnd,
}

/// What is sent, and what comes back.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    statuses: &'static [u16],
    then: Then,
}

/// The plain request; after its reply the server closes.
const MARKER: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const HEALTHY: &[u8] = br#"{"status":"ok"}"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// A reply without its framing.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    status: u16,
    body: Vec<u8>,
}

/// Sends `bytes` and reads until the server closes. With `ends`, it is told that no more will come.
async fn exchange(addr: SocketAddr, bytes: &[u8], ends: bool) -> Vec<u8> {
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await?;
        // It may close before it has read everything.
        stream.write_all(bytes).await.ok();
        if ends {
            stream.shutdown().await.ok();
        }
        let mut received = Vec::new();
        // A reset is an end, too: what was not read is thrown away with it.
        stream.read_to_end(&mut received).await.ok();
        std::io::Result::Ok(received)
    };
    wait::within(|| "the connection's end".to_owned(), PATIENCE, exchange).await
}

/// All replies in `received`, interim ones left out.
///
/// # Panics
/// When there is anything that is no reply.
fn replies(mut received: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    while !received.is_empty() {
        let end = memchr::memmem::find(received, b"\r\n\r\n").expect("a whole head");
        let (head, rest) = received.split_at(end);
        received = rest.get(4..).expect("the empty line");
        let head = String::from_utf8_lossy(head).into_owned();
        let head = Head::parse(head.replace("HTTP/1.0 ", "HTTP/1.1 ")).expect("a reply");
        let (mut framing, mut body) = (head.body().expect("framing"), Vec::new());
        let used = framing.decode(received, &mut body).expect("a body");
        assert!(framing.is_complete() || matches!(framing, Body::UntilClose));
        received = received.get(used..).expect("what follows");
        if head.status >= 200 {
            let status = head.status;
            replies.push(Reply { status, body });
        }
    }
    replies
}

/// What is wrong with the outcome of a case, if anything.
async fn complaint(addr: SocketAddr, case: &Case) -> Option<String> {
    let mut bytes = case.bytes.clone();
    bytes.extend_from_slice(MARKER.as_bytes());
    let received = exchange(addr, &bytes, case.then == Then::CloseAtEnd).await;
    let seen = replies(&received);
    let (own, after) = seen
        .split_at_checked(case.statuses.len())
        .unwrap_or((&seen, &[]));
    let statuses: Vec<u16> = own.iter().map(|reply| reply.status).collect();
    let is_healthy = |reply: &Reply| reply.status == 200 && reply.body == HEALTHY;
    let is_after = match case.then {
        Then::Marker => matches!(after, [marker] if is_healthy(marker)),
        Then::Close | Then::CloseAtEnd => after.is_empty(),
    };
    let text = String::from_utf8_lossy(&received);
    (statuses != case.statuses || !is_after).then(|| {
        format!(
            "{}: not {:?} then {:?}: {text}",
            case.name, case.statuses, case.then
        )
    })
}

/// At the end the hidden call is sent as a request of its own, and is run: nothing about it is wrong but its place.
#[tokio::test]
async fn f55_request_smuggling() {
    let home = tempfile::tempdir().expect("a directory");
    let record = home.path().join("stdin");
    // Keeps every byte that the gateway writes to the server.
    let script = r#"tee "$0" | "$1""#;
    let args = json!(["-c", script, record, fixture_server()]);
    let entry = json!({ "name": "fx", "command": "sh", "args": args });
    let mut stage = Stage::open(55, &[entry]).await;
    let addr = stage.gateway.addr();
    let session = Endpoint::initialized(addr, "2025-11-25").await;
    let corpus = corpus::all(&session);
    let mut complaints = Vec::new();
    for case in &corpus {
        complaints.extend(complaint(addr, case).await);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n---\n"));
    stage.struck(format!(
        "{} cases, each with a call hidden in it",
        corpus.len()
    ));
    stage.holds("30 cases at least", corpus.len() >= 30);
    stage.holds("each has the replies of its own request, no more", true);
    // That one would be seen.
    session.call_tool("fx__echo", r#"{"text":"PLAIN"}"#).await;
    let received = || fs::read_to_string(&record).expect("it is written");
    // The server may answer before `tee` has written it down.
    wait::until("the call in the record", PATIENCE, async || {
        received().contains("PLAIN").then_some(())
    })
    .await;
    stage.holds(
        "the server has seen none of them",
        !received().contains(corpus::HIDDEN),
    );

    let call = corpus::hidden(&session) + MARKER;
    let seen = replies(&exchange(addr, call.as_bytes(), false).await);
    let [answer, marker] = &*seen else {
        panic!("{seen:?}");
    };
    assert_eq!((answer.status, marker.status), (200, 200));
    stage.holds("by itself it is run", received().contains(corpus::HIDDEN));
    stage.close().await;
}
