//! The client of Streamable HTTP against a stand-in server that does what it is told.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::client::{StreamableClient, StreamableOptions, id_of};
use crate::support::http::Head;
use crate::support::sse::Item;
use crate::support::streamable::{Endpoint, Event, Reply};

const SOON: Duration = Duration::from_secs(5);

/// A server that gives every request to `answer`, head and body, and writes back what that gives; then it
/// closes the connection.
async fn stand_in(answer: fn(&str, &str) -> String) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((socket, _)) = listener.accept().await {
            connections.spawn(serve(socket, answer));
        }
    });
    (addr, tasks)
}

async fn serve(mut socket: TcpStream, answer: fn(&str, &str) -> String) {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let parsed = Head::parse(format!("HTTP/1.1 200 OK\r\n{head}")).expect("headers");
            let length = parsed.header("content-length").unwrap_or("0");
            if body.len().to_string() == length {
                let said = answer(head, body);
                return socket.write_all(said.as_bytes()).await.expect("open");
            }
        }
        if !socket.read_buf(&mut received).await.is_ok_and(|n| n > 0) {
            return; // a connection that nobody used
        }
    }
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

fn json(body: &str) -> String {
    http("200 OK", "content-type: application/json\r\n", body)
}

fn events(body: &str) -> String {
    http("200 OK", "content-type: text/event-stream\r\n", body)
}

/// Shakes hands as `s1`; the result of anything else is the request's head, as JSON or, for `stream`, behind
/// a priming event, a comment and a progress notification.
fn server(head: &str, body: &str) -> String {
    if head.starts_with("GET") {
        assert!(head.contains("mcp-session-id: s1\r\n"), "{head}");
        let from = head.contains("last-event-id: 5");
        return events(if from {
            "id: 6\ndata: {\"method\":\"later\"}\n\n"
        } else {
            "id: 1\ndata: {\"method\":\"knock\",\"id\":\"k\"}\n\n"
        });
    }
    if head.starts_with("DELETE") {
        return http("200 OK", "", "");
    }
    let message: Value = serde_json::from_str(body).expect("JSON");
    let id = &message["id"];
    let shown = Value::from(head);
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{shown}}}"#);
    match message["method"].as_str() {
        Some("initialize") => {
            let result = r#"{"protocolVersion":"2025-06-18"}"#;
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
            let headers = "Mcp-Session-Id: s1\r\ncontent-type: application/json\r\n";
            http("200 OK", headers, &body)
        }
        Some("stream") => events(&format!(
            "id: a\nretry: 500\ndata: \n\n: hi\n\nid: b\ndata: {{\"method\":\"progress\"}}\n\nid: c\ndata: {answer}\n\n"
        )),
        Some("break") => "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
        Some("unanswered") => events("id: a\ndata: \n\n"),
        Some("refuse") => http("404 Not Found", "", "gone"),
        Some(_) if !id.is_null() => json(&answer),
        _ => http("202 Accepted", "", ""),
    }
}

#[tokio::test]
async fn answers_are_read_from_json_and_from_streams() {
    let (addr, _server) = stand_in(server).await;
    let client = StreamableClient::of(addr, &StreamableOptions::default());
    client.initialize().await;
    let answer = client.call("m", None, SOON).await;
    assert!(answer.contains("mcp-session-id: s1"), "{answer}");
    assert!(answer.contains("mcp-protocol-version: 2025-06-18"));
    assert!(answer.contains("accept: application/json, text/event-stream"));
    let answer = client.call("stream", None, SOON).await;
    assert!(answer.contains("POST /mcp"), "{answer}");
    client.next_notification("progress", SOON).await;
    let knock = client.next_notification("knock", SOON).await;
    assert_eq!(id_of(&knock), r#""k""#);
    client.respond(&knock, r#""result":{}"#).await;
    client.send(r#"{"id":"a","method":"m"}"#).await;
    client.wait_raw_response(r#""a""#, SOON).await;
    assert!(client.notifications().is_empty() && client.unclaimed().is_empty());
    client.close().await;
}

#[tokio::test]
async fn many_requests_are_in_flight() {
    let (addr, _server) = stand_in(server).await;
    let client = StreamableClient::of(addr, &StreamableOptions::default());
    client.initialize().await;
    let mut ids = Vec::new();
    for number in 0..40 {
        let method = if number % 2 == 0 { "m" } else { "stream" };
        ids.push(client.request(method, None).await);
    }
    for id in ids.into_iter().rev() {
        let answer = client.wait_response(id, SOON).await;
        assert_eq!(id_of(&answer), id.to_string());
    }
}

async fn fail(method: &str) {
    let (addr, _server) = stand_in(server).await;
    let client = StreamableClient::of(addr, &StreamableOptions::default());
    client.call(method, None, Duration::from_secs(60)).await;
}

#[tokio::test]
#[should_panic(expected = "the answer to 1: 404: gone")]
async fn a_refused_request_is_no_answer() {
    fail("refuse").await;
}

#[tokio::test]
#[should_panic(expected = "the answer to 1: the server closed the connection")]
async fn a_call_does_not_outlive_its_stream() {
    fail("break").await;
}

#[tokio::test]
#[should_panic(expected = "the answer to 1: the server ended the stream")]
async fn a_stream_that_ends_early_is_no_answer() {
    fail("unanswered").await;
}

#[tokio::test]
async fn every_event_and_header_is_seen() {
    let (addr, _server) = stand_in(server).await;
    let mut endpoint = Endpoint::at(addr, "/metamcp/x/mcp");
    endpoint.initialize("2025-06-18", "{}").await;
    let mut stream = endpoint
        .post(r#"{"id":1,"method":"stream"}"#)
        .await
        .stream();
    let priming = Item::Event {
        name: "message".to_owned(),
        data: Vec::new(),
        id: Some("a".to_owned()),
        retry: Some("500".to_owned()),
    };
    assert_eq!(stream.next().await, Some(priming));
    assert_eq!(stream.next().await, Some(Item::Comment("hi".to_owned())));
    let progress = Event {
        id: Some("b".to_owned()),
        data: r#"{"method":"progress"}"#.to_owned(),
    };
    assert_eq!(stream.expect().await, progress);
    assert!(stream.expect().await.data.contains("POST /metamcp/x/mcp"));
    assert_eq!(stream.message().await, None);
    let replaced = [("accept", "*/*"), ("mcp-session-id", "")];
    let reply = endpoint
        .post_with(&replaced, r#"{"id":1,"method":"m"}"#)
        .await;
    let head = reply.json();
    assert!(head.contains("accept: */*") && !head.contains("mcp-session-id"));
    let later = endpoint.resume("5").await.expect().await;
    assert_eq!(later.data, r#"{"method":"later"}"#);
    assert_eq!(endpoint.delete().await.status, 200);
    let refused = endpoint.post(r#"{"id":1,"method":"refuse"}"#).await;
    assert_eq!(refused.status(), 404);
    assert!(matches!(refused, Reply::Whole(_)));
}
