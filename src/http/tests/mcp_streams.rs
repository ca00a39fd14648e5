//! The event streams of `/mcp`: of a POST whose answer takes long, of GET, and after a break.

use super::mcp_clients::{Client, TAKES, cancel, initialize, list, request};
use super::*;

/// Before a server that never comes up, with a first event after a moment.
async fn hurried() -> Server {
    let limits = model::Limits {
        keepalive_interval: Duration::from_millis(50),
        ..model::Limits::default()
    };
    let times = Times {
        stream_after: Duration::from_millis(20),
        resumable_after: Duration::from_millis(20),
        ..Times::default()
    };
    Server::bounded(&["late"], limits, times).await
}

/// The value behind `id: ` in the next event that has one.
async fn next_id(stream: &mut Connection) -> String {
    stream.read_until("id: ").await;
    let id = stream.read_until("\n").await;
    id.trim_end().to_owned()
}

#[tokio::test]
async fn an_answer_that_takes_long_comes_on_a_stream() {
    let server = hurried().await;
    let client = Client::open(&server, "2025-11-25").await;
    let mut stream = client.stream(&list(5)).await;
    let start = stream.read_until("data: \n\n").await;
    assert!(start.contains(": keepalive\n\n"), "{start}");
    assert!(start.contains("retry: 2000\n"), "{start}");
    stream.read_until(": keepalive\n\n").await;
    // Fast ones are answered beside it.
    assert_eq!(client.post(PING).await.body, PONG);
    // What was asked and is not wanted any more ends the stream without an answer.
    assert_eq!(client.post(&cancel(5)).await.status, 202);
    let rest = stream.read_until("\r\n0\r\n\r\n").await;
    assert!(!rest.contains("data: "), "{rest}");
}

#[tokio::test]
async fn older_clients_see_no_event_without_data() {
    let server = hurried().await;
    let client = Client::open(&server, "2025-06-18").await;
    let mut stream = client.stream(&list(5)).await;
    stream.read_until(": keepalive\n\n").await;
    stream.read_until(": keepalive\n\n").await;
    assert_eq!(client.post(&cancel(5)).await.status, 202);
    let rest = stream.read_until("\r\n0\r\n\r\n").await;
    assert!(!rest.contains("data: "), "{rest}");
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nothing() {
    let server = hurried().await;
    let client = Client::open(&server, "2025-11-25").await;
    let mut stream = client.stream(&list(5)).await;
    let id = next_id(&mut stream).await;
    drop(stream);
    let mut silent = server.connect().await;
    silent.send(&client.request("POST", TAKES, &list(6))).await;
    drop(silent);
    // It goes on where it was.
    let mut resumed = client.listen(&format!("Last-Event-ID: {id}\r\n")).await;
    resumed.read_until(": connected\n\n").await;
    resumed.read_until(": keepalive\n\n").await;
    assert_eq!(client.post(&cancel(5)).await.status, 202);
    resumed.read_until("\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_that_comes_back_gets_a_stream() {
    let server = hurried().await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = Client::open(&server, version).await;
        let mut streams = Vec::new();
        for _ in 0..4 {
            let mut stream = client.listen("").await;
            stream.read_until(": connected\n\n").await;
            streams.push(stream);
        }
        for stream in &mut streams {
            stream.read_until(": keepalive\n\n").await;
        }
        client.listen("").await.read_until(": connected\n\n").await;
        let rest = streams.remove(0).read_to_end().await;
        assert!(rest.ends_with("\r\n0\r\n\r\n"), "{rest:?}");
        for stream in &mut streams {
            stream.read_until(": keepalive\n\n").await;
        }
    }
}

#[tokio::test]
async fn what_a_get_may_not_say_is_refused() {
    let server = hurried().await;
    let client = Client::open(&server, "2025-11-25").await;
    let events = "Accept: text/event-stream\r\n";
    let unknown = format!("{events}Last-Event-ID: nonsense\r\n");
    let unknown = server.ask(&client.request("GET", &unknown, "")).await;
    assert_eq!((unknown.status, unknown.error_code()), (400, -32600));
    let version = format!("{events}MCP-Protocol-Version: 2026-07-28\r\n");
    let version = server.ask(&client.request("GET", &version, "")).await;
    assert_eq!((version.status, version.error_code()), (400, -32600));
}

#[tokio::test]
async fn streams_end_with_their_session() {
    let server = hurried().await;
    let client = Client::open(&server, "2025-11-25").await;
    let mut general = client.listen("").await;
    let mut slow = client.stream(&list(5)).await;
    slow.read_until("data: \n\n").await;
    let delete = client.request("DELETE", "MCP-Protocol-Version: 2025-11-25\r\n", "");
    assert_eq!(server.ask(&delete).await.status, 200);
    for stream in [&mut general, &mut slow] {
        stream.read_until("\r\n0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_read_its_session() {
    let server = Server::start().await;
    let headers = format!("{TAKES}Origin: https://chat.example.org\r\n");
    let body = initialize("2025-11-25");
    let reply = server.ask(&request("POST", &headers, &body)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("mcp-session-id").is_some());
    let exposed = reply.header("access-control-expose-headers");
    assert_eq!(exposed, Some("mcp-session-id, www-authenticate"));
}

#[tokio::test]
async fn a_stream_whose_session_ends_owes_nothing() {
    let server = hurried().await;
    for (version, body, ids) in [
        ("2025-11-25", list(5), vec![5]),
        ("2025-03-26", list(5), vec![5]),
        (
            "2025-03-26",
            format!("[{PING},{},{}]", list(5), list(6)),
            vec![5, 6],
        ),
    ] {
        let client = Client::open(&server, version).await;
        let mut stream = client.stream(&body).await;
        assert_eq!(client.post(&cancel(99)).await.status, 202);
        let delete = client.request("DELETE", "", "");
        assert_eq!(server.ask(&delete).await.status, 200);
        let text = stream.read_until("\r\n0\r\n\r\n").await;
        assert_eq!(text.matches("-32000").count(), ids.len(), "{text}");
        for id in ids {
            assert!(text.contains(&format!("\"id\":{id},\"error\"")), "{text}");
        }
    }
}

#[tokio::test]
async fn a_stream_whose_request_was_cancelled_ends_without_a_word() {
    let server = hurried().await;
    let client = Client::open(&server, "2025-11-25").await;
    let mut stream = client.stream(&list(5)).await;
    stream.read_until("data: \n\n").await;
    assert_eq!(client.post(&cancel(5)).await.status, 202);
    let text = stream.read_until("\r\n0\r\n\r\n").await;
    assert!(!text.contains("data:"), "{text}");
}
