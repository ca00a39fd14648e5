//! How a message may arrive: in pieces, in chunks, too large, or never whole.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::yield_now;

use super::{SOON, gateway};
use crate::support::client::SseClient;
use crate::support::gateway::Gateway;
use crate::support::http::{self, Connection, Response};
use crate::support::servers::{error_code, text_of};
use crate::support::{proc, wait};

const PING: &str = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;

/// The head of a POST to the client's session, with more header lines.
fn post_head(client: &SseClient, headers: &str) -> String {
    let head = http::request_head(client.addr(), "POST", client.endpoint(), &[]);
    format!("{head}content-type: application/json\r\n{headers}\r\n")
}

async fn response(connection: &mut Connection) -> Response {
    wait::within(|| "the answer".to_owned(), SOON, connection.response()).await
}

async fn open(gateway: &Gateway) -> Connection {
    Connection::open(gateway.addr()).await.expect("it listens")
}

#[tokio::test]
async fn a_message_may_come_in_many_segments() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    let text = "segment ".repeat(20);
    let params = format!(r#"{{"name":"fx__echo","arguments":{{"text":"{text}"}}}}"#);
    let body = format!(r#"{{"jsonrpc":"2.0","id":"s","method":"tools/call","params":{params}}}"#);
    let head = post_head(&client, &format!("content-length: {}\r\n", body.len()));
    let mut connection = open(&gateway).await;
    for byte in format!("{head}{body}").as_bytes() {
        connection.send(&[*byte]).await.expect("it is read");
        yield_now().await;
    }
    assert_eq!(response(&mut connection).await.status, 202);
    let answer = client.wait_raw_response("\"s\"", SOON).await;
    assert_eq!(text_of(&answer), text);
}

#[tokio::test]
async fn a_message_may_come_in_chunks() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    let mut request = post_head(&client, "transfer-encoding: chunked\r\n");
    for byte in PING.chars() {
        request.extend(["1;x=y\r\n", byte.encode_utf8(&mut [0; 4]), "\r\n"]);
    }
    request.push_str("0\r\nTrailer: t\r\n\r\n");
    let mut connection = open(&gateway).await;
    connection
        .send(request.as_bytes())
        .await
        .expect("it is read");
    assert_eq!(response(&mut connection).await.status, 202);
    client.wait_raw_response("\"p\"", SOON).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_is_framed() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    let declared = post_head(&client, "content-length: 16777217\r\n");
    let mut connection = open(&gateway).await;
    connection
        .send(declared.as_bytes())
        .await
        .expect("it is read");
    let refused = response(&mut connection).await;
    assert_eq!(refused.status, 413, "unread, by what it declares");
    assert_eq!(error_code(&refused.text()), -32600);

    let chunked = post_head(&client, "transfer-encoding: chunked\r\n");
    let (stream, _) = open(&gateway).await.into_parts();
    let (mut receiving, mut sending) = stream.into_split();
    let endless = async {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let mut sent = sending.write_all(chunked.as_bytes()).await;
        while sent.is_ok() {
            sent = sending.write_all(chunk.as_bytes()).await;
        }
    };
    let answered = async {
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let read = tokio::io::AsyncReadExt::read_buf(&mut receiving, &mut answer).await;
            assert!(matches!(read, Ok(1..)), "{read:?} after {answer:?}");
        }
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let deadline = Duration::from_secs(30);
    let answer = tokio::select! {
        answer = wait::within(|| "a 413".to_owned(), deadline, answered) => answer,
        // It may cut us off, but not before the answer was sent.
        () = async { endless.await; std::future::pending().await } => unreachable!(),
    };
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    client.call("ping", None, SOON).await;
}

#[tokio::test]
async fn clients_that_close_in_the_middle_of_a_post_leave_nothing() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    client.call("ping", None, SOON).await;
    client.close_posts();
    let before = proc::open_files(gateway.pid()).expect("it runs");
    let head = post_head(&client, "content-length: 1000\r\n");
    let mut halves = Vec::new();
    for _ in 0..50 {
        let mut connection = open(&gateway).await;
        let half = format!("{head}{PING}");
        connection.send(half.as_bytes()).await.expect("it is read");
        halves.push(connection);
    }
    wait::until("the halves to be accepted", SOON, async || {
        (proc::open_files(gateway.pid())? >= before + 40).then_some(())
    })
    .await;
    drop(halves);
    wait::until("the connections to be closed", SOON, async || {
        // What the gateway itself opens after its start is not a connection.
        (proc::open_files(gateway.pid())? <= before + 5).then_some(())
    })
    .await;
    client.call("ping", None, SOON).await;
    assert_eq!(
        client.unclaimed(),
        Vec::<String>::new(),
        "half a message is none"
    );
}

#[tokio::test]
async fn bodies_are_not_kept_after_their_answers() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    // 18 × 15 MiB is more than all bodies in flight may have.
    let text = "x".repeat(15 << 20);
    let arguments = format!(r#"{{"text":"","unused":"{text}"}}"#);
    for _ in 0..18 {
        let answer = client.call_tool("fx__echo", &arguments).await;
        assert_eq!(text_of(&answer), "");
    }
}
