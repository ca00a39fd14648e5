//! Tests of the test support itself, run by the `it` target: its parsers on any split of the bytes, and the
//! client against a stand-in server that does what it is told.

mod fixture;
mod modern;
mod streamable;

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::support::client::{SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions, listening_address};
use crate::support::http::{self, Body, Chunked, Head};
use crate::support::proc::{self, Stat};
use crate::support::sse::{Item, Parser};
use crate::support::wait;

fn event(name: &str, data: &str) -> Item {
    Item::Event {
        name: name.to_owned(),
        data: data.into(),
        id: None,
        retry: None,
    }
}

fn numbered(event: Item, number: &str, pause: Option<&str>) -> Item {
    let Item::Event { name, data, .. } = event else {
        return event;
    };
    Item::Event {
        name,
        data,
        id: Some(number.to_owned()),
        retry: pause.map(str::to_owned),
    }
}

/// Feeds `bytes` in pieces that end at `cuts`.
fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.extend([0, bytes.len()]);
    ends.sort_unstable();
    ends.windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

proptest! {
    #[test]
    fn an_event_stream_reads_the_same_however_it_is_cut(cuts: Vec<prop::sample::Index>) {
        let stream = "event: endpoint\ndata: /m?s=1\n\n: hello\n\ndata:a\ndata: b\r\n\r\nretry: 1\n\n\
            event: message\ndata:  x:y\nid: 7\n\nevent: dropped\n\ndata\n\nid: a b\nretry: 500\ndata: \n\n\
            data: unfinished\n";
        let mut parser = Parser::default();
        let mut items = Vec::new();
        for piece in pieces(stream.as_bytes(), &cuts) {
            parser.push(piece, &mut |item| items.push(item));
        }
        prop_assert_eq!(items, [
            event("endpoint", "/m?s=1"),
            Item::Comment("hello".to_owned()),
            event("message", "a\nb"),
            numbered(event("message", " x:y"), "7", None),
            event("message", ""),
            numbered(event("message", ""), "a b", Some("500")),
        ]);
    }

    #[test]
    fn a_chunked_body_reads_the_same_however_it_is_cut(cuts: Vec<prop::sample::Index>) {
        let encoded = b"4\r\nWiki\r\nA;name=value\r\npedia\r\n in\r\n0\r\nTrailer: x\r\n\r\n";
        let followed = [encoded.as_slice(), b"HTTP/1.1 200"].concat();
        let mut body = Body::Chunked(Chunked::default());
        let mut out = Vec::new();
        let mut used = 0;
        for piece in pieces(&followed, &cuts) {
            used += body.decode(piece, &mut out).expect("well-formed");
        }
        prop_assert!(body.is_complete());
        prop_assert_eq!(used, encoded.len());
        prop_assert_eq!(out, b"Wikipedia\r\n in");
    }
}

#[test]
fn malformed_chunks_are_errors() {
    for encoded in ["x\r\n", "-1\r\n", "1\r\nab\r\n"] {
        let mut body = Body::Chunked(Chunked::default());
        let decoded = body.decode(encoded.as_bytes(), &mut Vec::new());
        assert!(decoded.is_err(), "{encoded:?}");
    }
}

#[test]
fn a_head_says_how_its_body_is_framed() {
    let body = |text: &str| Head::parse(text.to_owned()).expect("well-formed").body();
    let length = body("HTTP/1.1 202 Accepted\r\nContent-Length: 8");
    assert!(matches!(length, Ok(Body::Length(8))));
    let chunked = body("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked");
    assert!(matches!(chunked, Ok(Body::Chunked(_))));
    assert!(matches!(
        body("HTTP/1.1 204 No Content"),
        Ok(Body::Length(0))
    ));
    assert!(matches!(body("HTTP/1.1 200 OK"), Ok(Body::UntilClose)));
    assert!(body("HTTP/1.1 200 OK\r\ncontent-length: x").is_err());
    assert!(Head::parse("ICY 200 OK".to_owned()).is_err());
}

#[test]
fn a_stat_line_is_read_past_a_hostile_name() {
    let line = "77 (a) R 1 (b) S 5 6 6 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 3 0 4242 10 20";
    let stat = Stat::parse(line).expect("well-formed");
    assert_eq!((stat.state, stat.parent, stat.group), ('S', 5, 6));
    assert_eq!((stat.threads, stat.started), (3, 4242));
    assert_eq!(stat.cpu, Duration::from_secs(3), "at 100 ticks a second");
    assert!(Stat::parse("77 (a").is_none());
}

#[test]
fn this_process_is_alive_and_measurable() {
    let pid = std::process::id();
    assert!(proc::is_alive(pid));
    assert!(proc::pss(pid).expect("own maps are readable") > 100_000);
    assert!(proc::open_files(pid).expect("own files are readable") >= 3);
    let own = proc::process(pid).expect("it is running");
    assert!(own.is_alive());
    let mut former = own.clone();
    former.started -= 1;
    assert!(!former.is_alive(), "the same pid, another process");
    assert!(
        proc::children(own.parent)
            .iter()
            .any(|child| child.pid == pid)
    );
}

#[test]
fn descendants_are_found_through_a_shell() {
    let mut shell = std::process::Command::new("sh")
        .args(["-c", "sleep 71 & wait"])
        .spawn()
        .expect("a shell");
    let sleep = wait::until_blocking("the grandchild", Duration::from_secs(5), || {
        let mut below = proc::descendants(std::process::id()).into_iter();
        below.find(|process| process.command == "sleep 71" && process.parent == shell.id())
    });
    sleep.signal(nix::sys::signal::Signal::SIGKILL);
    shell.wait().expect("it ends with its child");
    assert!(!sleep.is_alive());
}

#[test]
fn the_listening_address_is_found_in_a_log_line() {
    let line = "2025-02-05 10:30:45,123 [INFO] Listening on http://127.0.0.1:4711";
    let addr = listening_address(line).expect("it is there");
    assert_eq!(addr, SocketAddr::from(([127, 0, 0, 1], 4711)));
    assert!(listening_address("[INFO] Server 'x' started").is_none());
}

/// A gateway that is a shell script; what it does on SIGTERM is given.
async fn scripted(on_term: &str) -> Gateway {
    let home = tempfile::tempdir().expect("a directory");
    let script = home.path().join("gateway");
    let text = format!(
        "#!/bin/sh\nsleep 72 &\ntrap '{on_term}' TERM\n\
         echo \"arguments: $*\"\necho '[INFO] Listening on http://127.0.0.1:9'\nwait\n"
    );
    // Written by another process: were it open for writing here while some other test forks, exec would
    // answer "text file busy".
    let write = r#"printf '%s' "$1" > "$2" && chmod +x "$2""#;
    let status = std::process::Command::new("sh")
        .args(["-c", write, "sh", &text])
        .arg(&script)
        .status();
    assert!(status.is_ok_and(|status| status.success()));
    let mut options = GatewayOptions::new("{}").arg("--listen=127.0.0.1:9");
    options.binary = Some(script);
    Gateway::start(options).await
}

#[tokio::test]
async fn a_gateway_is_started_watched_and_ended() {
    let mut gateway = scripted("kill $!; exit 3").await;
    assert_eq!(gateway.addr(), SocketAddr::from(([127, 0, 0, 1], 9)));
    let arguments = gateway
        .wait_for_log("arguments:", Duration::from_secs(5))
        .await;
    let config = gateway.config_path();
    assert!(
        arguments.contains(&format!("--config {}", config.display())),
        "{arguments}"
    );
    assert!(!arguments.contains("127.0.0.1:0"), "replaced: {arguments}");
    let sleep = wait::until("its child", Duration::from_secs(5), async || {
        gateway.child("sleep 72")
    })
    .await;
    assert_eq!(sleep.parent, gateway.pid());
    assert_eq!(gateway.terminate().await.code(), Some(3));
    drop(gateway);
    assert!(!sleep.is_alive() && !config.exists());
}

#[tokio::test]
async fn a_descendant_that_survives_its_gateway_fails_the_test() {
    let gateway = scripted("exit 0").await;
    let sleep = wait::until("its child", Duration::from_secs(5), async || {
        gateway.child("sleep 72")
    })
    .await;
    let dropping = std::panic::AssertUnwindSafe(|| drop(gateway));
    let panic = std::panic::catch_unwind(dropping).expect_err("it survives");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(
        message.contains("descendants survived the gateway"),
        "{message}"
    );
    wait::until("the survivor's end", Duration::from_secs(5), async || {
        (!sleep.is_alive()).then_some(())
    })
    .await;
}

/// An SSE server with one session: what `answers` gives for a posted body goes to its stream, cut into
/// chunks of 7 bytes; `None` ends the stream.
async fn stand_in(answers: fn(&str) -> Option<String>) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut receiver = Some(receiver);
        let mut connections = JoinSet::new();
        while let Ok((socket, _)) = listener.accept().await {
            let mut first = [0; 1];
            socket.peek(&mut first).await.expect("a request");
            if &first == b"G" {
                connections.spawn(stream(socket, receiver.take().expect("one stream")));
            } else {
                connections.spawn(posts(socket, sender.clone(), answers));
            }
        }
    });
    (addr, tasks)
}

async fn stream(mut socket: TcpStream, mut answers: mpsc::UnboundedReceiver<Option<String>>) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
        transfer-encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("open");
    let mut next = Some("event: endpoint\ndata: /messages?session_id=x\n\n: hi\n\n".to_owned());
    while let Some(text) = next {
        for piece in text.as_bytes().chunks(7) {
            let head = format!("{:x}\r\n", piece.len());
            let chunk = [head.as_bytes(), piece, b"\r\n"].concat();
            socket.write_all(&chunk).await.expect("open");
        }
        next = answers.recv().await.flatten();
    }
    socket.write_all(b"0\r\n\r\n").await.expect("open");
}

async fn posts(
    mut socket: TcpStream,
    answers: mpsc::UnboundedSender<Option<String>>,
    answer: fn(&str) -> Option<String>,
) {
    let mut received = Vec::new();
    while socket.read_buf(&mut received).await.is_ok_and(|n| n > 0) {
        let text = String::from_utf8(received.clone()).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = Head::parse(format!("HTTP/1.1 200 OK\r\n{head}")).expect("headers");
        if head.header("content-length") != Some(body.len().to_string().as_str()) {
            continue;
        }
        answers.send(answer(body)).expect("the stream is open");
        received.clear();
        let accepted = b"HTTP/1.1 202 Accepted\r\ncontent-length: 8\r\n\r\nAccepted";
        socket.write_all(accepted).await.expect("open");
    }
}

/// Answers with the request itself as result; knows two special methods.
fn echo(body: &str) -> Option<String> {
    let message = |raw: &str| format!("event: message\ndata: {raw}\n\n");
    let request: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{body}}}"#,
        request["id"]
    );
    match request["method"].as_str() {
        Some("end") => None,
        Some("twice") => Some(message(&answer).repeat(2)),
        Some("notifications/knock") => Some(message(r#"{"method":"notifications/answer"}"#)),
        _ => Some(message(&answer)),
    }
}

#[tokio::test]
async fn many_calls_are_in_flight_and_each_gets_its_own_answer() {
    let (addr, _server) = stand_in(echo).await;
    let client = SseClient::connect(addr).await;
    assert_eq!(client.endpoint(), "/messages?session_id=x");
    let calls = (0..100).map(|n| {
        let client = &client;
        async move {
            let params = format!(r#"{{"n":{n}}}"#);
            let answer = client
                .call("m", Some(&params), Duration::from_secs(5))
                .await;
            assert!(
                answer.contains(&format!(r#""params":{{"n":{n}}}"#)),
                "{answer}"
            );
        }
    });
    futures_util::future::join_all(calls).await;
    let first = client.request("m", None).await;
    let second = client.request("m", None).await;
    let deadline = Duration::from_secs(5);
    let answer = client.wait_response(second, deadline).await;
    assert!(answer.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{second},"#)));
    let answer = client.wait_response(first, deadline).await;
    assert!(answer.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{first},"#)));
    assert!(client.unclaimed().is_empty());
    client.close().await;
}

#[tokio::test]
async fn second_answers_notifications_and_comments_are_kept() {
    let (addr, _server) = stand_in(echo).await;
    let options = SseOptions {
        record: true,
        ..SseOptions::default()
    };
    let client = SseClient::connect_with(addr, &options).await;
    let deadline = Duration::from_secs(5);
    client.wait_comments(1, deadline).await;
    client.call("twice", None, deadline).await;
    let second = client.wait_raw_response("1", deadline).await;
    assert!(second.contains("twice"));
    client.notify("notifications/knock", None).await;
    client
        .next_notification("notifications/answer", deadline)
        .await;
    let posted = client.post(r#"{"id":"a","method":"m"}"#).await;
    assert_eq!((posted.status, posted.text().as_str()), (202, "Accepted"));
    client.wait_raw_response("\"a\"", deadline).await;
    assert!(client.notifications().is_empty() && client.unclaimed().is_empty());
    assert!(
        client
            .recorded()
            .starts_with(b"event: endpoint\ndata: /messages?")
    );
}

#[tokio::test]
async fn the_end_of_the_stream_is_seen() {
    let (addr, _server) = stand_in(echo).await;
    let client = SseClient::connect(addr).await;
    assert!(client.ended().is_none());
    client.notify("end", None).await;
    let reason = client.wait_end(Duration::from_secs(5)).await;
    assert_eq!(reason, "the server ended the stream");
}

#[tokio::test]
#[should_panic(expected = "the answer to 1: the server ended the stream")]
async fn a_call_does_not_outlive_its_stream() {
    let (addr, _server) = stand_in(echo).await;
    let client = SseClient::connect(addr).await;
    client.call("end", None, Duration::from_secs(60)).await;
}

#[tokio::test]
#[should_panic(expected = "in vain for a miracle")]
async fn waiting_names_what_did_not_happen() {
    wait::until("a miracle", Duration::from_millis(30), async || None::<()>).await;
}

#[tokio::test]
async fn a_plain_request_has_its_own_connection() {
    let (addr, _server) = stand_in(echo).await;
    let _stream = SseClient::connect(addr).await;
    let answer = http::request(addr, "POST", "/", &[("x", "y")], b"{}").await;
    assert_eq!(answer.header("Content-Length"), Some("8"));
}
