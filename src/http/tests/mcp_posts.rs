//! What `/mcp` answers to every kind of request.

use super::mcp_clients::{Client, TAKES, cancel, initialize, list, request};
use super::*;

const LATEST: &str = "2025-11-25";
const JSON: &str = "Content-Type: application/json\r\n";
const BOTH: &str = "Accept: application/json, text/event-stream\r\n";
const TOLD: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

#[tokio::test]
async fn a_session_is_opened_used_and_ended() {
    let server = Server::start().await;
    let client = Client::open(&server, LATEST).await;
    assert!(
        client.id.bytes().all(|b| b.is_ascii_graphic()),
        "{}",
        client.id
    );
    let pong = client.post(PING).await;
    assert_eq!((pong.status, pong.body.as_str()), (200, PONG));
    assert_eq!(pong.header("content-type"), Some("application/json"));
    assert_eq!(pong.header("mcp-session-id"), None);
    for body in [TOLD, r#"{"jsonrpc":"2.0","id":7,"result":{}}"#] {
        let accepted = client.post(body).await;
        assert_eq!((accepted.status, accepted.body.as_str()), (202, ""));
    }
    // Another session does not disturb it.
    let other = Client::open(&server, "2025-03-26").await;
    assert_ne!(other.id, client.id);

    let deleted = server.ask(&client.request("DELETE", "", "")).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (200, ""));
    for request in [
        client.request("POST", TAKES, PING),
        client.request("DELETE", "", ""),
        client.request("GET", "Accept: text/event-stream\r\n", ""),
        client.request("POST", TAKES, &initialize(LATEST)),
    ] {
        let gone = server.ask(&request).await;
        assert_eq!((gone.status, gone.error_code()), (404, -32001), "{request}");
        assert!(gone.body.contains("Session not found"), "{}", gone.body);
    }
    assert_eq!(other.post(PING).await.body, PONG);
}

#[tokio::test]
async fn a_connection_that_knows_a_session_hears_of_its_end() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    for turn in 1..=2 {
        let client = Client::open(&server, LATEST).await;
        let ping = client.request("POST", TAKES, PING);
        for _ in 0..2 {
            connection.send(&ping).await;
            assert_eq!(connection.reply().await.status, 200);
        }
        let deleted = server.ask(&client.request("DELETE", "", "")).await;
        assert_eq!(deleted.status, 200);
        connection.send(&ping).await;
        let gone = connection.reply().await;
        assert_eq!((gone.status, gone.error_code()), (404, -32001), "{turn}");
    }
}

#[tokio::test]
async fn a_connection_that_knows_a_session_knows_its_transport() {
    let server = Server::start().await;
    let (_stream, path) = server.open_sse().await;
    let mut connection = server.connect().await;
    connection.send(&post(&path, PING)).await;
    assert_eq!(connection.reply().await.status, 202);
    let id = path.split_once('=').unwrap().1;
    let headers = format!("{TAKES}Mcp-Session-Id: {id}\r\n");
    connection.send(&request("POST", &headers, PING)).await;
    assert_eq!(connection.reply().await.status, 404);
    connection.send(&post(&path, PING)).await;
    assert_eq!(connection.reply().await.status, 202);
}

#[tokio::test]
async fn what_a_post_must_say_of_itself() {
    let server = Server::start().await;
    let client = Client::open(&server, LATEST).await;
    for (headers, status) in [
        (TAKES.to_owned(), 200),
        (format!("{JSON}Accept: */*\r\n"), 200),
        (
            format!("{JSON}Accept: application/*, text/*;q=0.1\r\n"),
            200,
        ),
        (
            format!("{JSON}Accept: text/event-stream\r\nAccept: application/json\r\n"),
            200,
        ),
        (format!("{JSON}Accept: application/json\r\n"), 200),
        (format!("{JSON}Accept: text/event-stream\r\n"), 200),
        (format!("{JSON}Accept: */*, text/event-stream;q=0\r\n"), 200),
        (JSON.to_owned(), 200),
        (format!("{JSON}Accept: text/html\r\n"), 406),
        (
            format!("{BOTH}Content-Type: Application/JSON; charset=utf-8\r\n"),
            200,
        ),
        (format!("{BOTH}Content-Type: text/plain\r\n"), 415),
        (BOTH.to_owned(), 415),
        (format!("{TAKES}MCP-Protocol-Version: 2024-11-05\r\n"), 200),
        (format!("{TAKES}MCP-Protocol-Version: {LATEST}\r\n"), 200),
        (format!("{TAKES}MCP-Protocol-Version: 1.0\r\n"), 400),
        (format!("{TAKES}MCP-Protocol-Version: \r\n"), 400),
        (
            format!("{TAKES}MCP-Protocol-Version: {LATEST}\r\nMCP-Protocol-Version: {LATEST}\r\n"),
            400,
        ),
        (format!("{TAKES}Mcp-Session-Id: {}\r\n", client.id), 400),
        (format!("{TAKES}Mcp-Session-Id: \u{e9}\r\n"), 400),
    ] {
        let reply = server.ask(&client.request("POST", &headers, PING)).await;
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.body);
        if status != 200 {
            assert_eq!(reply.error_code(), -32600, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn without_a_session_a_client_can_only_initialize() {
    let server = Server::start().await;
    let forged = format!("{TAKES}Mcp-Session-Id: forged\r\n");
    let empty = format!("{TAKES}Mcp-Session-Id: \r\n");
    for (request, status, code, id) in [
        (request("POST", TAKES, PING), 400, -32000, "1"),
        (request("POST", TAKES, TOLD), 400, -32000, "null"),
        (
            request("POST", TAKES, &format!("[{}]", initialize("2025-03-26"))),
            400,
            -32000,
            "null",
        ),
        (request("POST", TAKES, "{"), 400, -32700, "null"),
        (
            request("POST", TAKES, r#"{"id":5,"method":"initialize"}"#),
            400,
            -32600,
            "5",
        ),
        (request("POST", &forged, PING), 404, -32001, "null"),
        (request("POST", &forged, "no JSON"), 404, -32001, "null"),
        (request("POST", &empty, PING), 400, -32000, "1"),
        (request("DELETE", &forged, ""), 404, -32001, "null"),
        (request("DELETE", "", ""), 400, -32000, "null"),
        (request("GET", &forged, ""), 404, -32001, "null"),
        (
            request("GET", "Accept: application/json\r\n", ""),
            405,
            -32000,
            "null",
        ),
        (request("GET", "", ""), 405, -32000, "null"),
        (
            request("GET", "Mcp-Session-Id: \r\n", ""),
            405,
            -32000,
            "null",
        ),
    ] {
        let reply = server.ask(&request).await;
        assert_eq!(
            (reply.status, reply.error_code()),
            (status, code),
            "{request}"
        );
        assert!(
            reply.body.contains(&format!("\"id\":{id},")),
            "{request}: {}",
            reply.body
        );
    }
    // By this, clients that prefer HTTP+SSE know that they are not at /sse.
    let reply = server
        .ask(&request("GET", "Accept: text/event-stream\r\n", ""))
        .await;
    assert_eq!((reply.status, reply.error_code()), (405, -32000));
    assert_eq!(reply.header("allow"), Some("POST"));
}

#[tokio::test]
async fn what_is_no_message_for_this_session_is_refused() {
    let server = Server::with(|limits| limits.max_body_bytes = 10_000).await;
    let client = Client::open(&server, LATEST).await;
    let deep = format!("{}1{}", "[".repeat(513), "]".repeat(513));
    let long = format!("{PING}{}", " ".repeat(10_000));
    for (body, status, code, id) in [
        ("", 400, -32700, "null"),
        ("{", 400, -32700, "null"),
        ("{}", 400, -32600, "null"),
        (r#"{"id":4,"method":"ping"}"#, 400, -32600, "4"),
        (&deep, 400, -32600, "null"),
        (&format!("[{PING}]"), 400, -32600, "null"),
        ("[", 400, -32600, "null"),
        (&long, 413, -32600, "null"),
    ] {
        let reply = client.post(body).await;
        assert_eq!(
            (reply.status, reply.error_code()),
            (status, code),
            "{body:.80}"
        );
        assert!(
            reply.body.contains(&format!("\"id\":{id},")),
            "{body:.80}: {}",
            reply.body
        );
    }
    assert_eq!(client.post(PING).await.body, PONG);
}

#[tokio::test]
async fn a_cancelled_request_gets_no_answer() {
    let server = Server::before(&["late"], |_| {}).await;
    let client = Client::open(&server, LATEST).await;
    let mut connection = server.connect().await;
    connection
        .send(&client.request("POST", TAKES, &list(5)))
        .await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let reply = loop {
        // The two POSTs may overtake each other.
        assert_eq!(client.post(&cancel(5)).await.status, 202);
        let wait = Duration::from_millis(20);
        if let Ok(reply) = tokio::time::timeout(wait, connection.reply()).await {
            break reply;
        }
        assert!(tokio::time::Instant::now() < deadline, "no reply");
    };
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
}

#[tokio::test]
async fn a_session_that_ends_answers_what_it_was_asked() {
    let server = Server::before(&["late"], |_| {}).await;
    let client = Client::open(&server, LATEST).await;
    let mut connection = server.connect().await;
    connection
        .send(&client.request("POST", TAKES, &list(5)))
        .await;
    // On the same connection as the request before: it was handed over by then.
    assert_eq!(client.post(PING).await.body, PONG);
    let mut waiting = server.connect().await;
    waiting.send(&client.request("POST", TAKES, &list(6))).await;
    assert_eq!(
        server.ask(&client.request("DELETE", "", "")).await.status,
        200
    );
    let reply = connection.reply().await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.error_code(), -32000);
    assert!(reply.body.contains("\"id\":5,"), "{}", reply.body);
}

#[tokio::test]
async fn requests_follow_one_another_on_a_connection() {
    let server = Server::start().await;
    let client = Client::open(&server, LATEST).await;
    let mut connection = server.connect().await;
    connection
        .send(&client.request("POST", TAKES, PING).repeat(20))
        .await;
    for _ in 0..20 {
        let reply = connection.reply().await;
        assert_eq!((reply.status, reply.body.as_str()), (200, PONG));
    }
}

/// Some clients keep the id that they had when they begin anew, or send the header before they have one.
#[tokio::test]
async fn whoever_initializes_again_gets_a_session_of_its_own() {
    let server = Server::start().await;
    let client = Client::open(&server, LATEST).await;
    for id in [&*client.id, ""] {
        let headers = format!("{TAKES}Mcp-Session-Id: {id}\r\n");
        let reply = server
            .ask(&request("POST", &headers, &initialize(LATEST)))
            .await;
        assert_eq!(reply.status, 200, "{id:?}: {}", reply.body);
        let given = reply.header("mcp-session-id").expect("an id of its own");
        assert_ne!(given, client.id, "{id:?}");
    }
    assert_eq!(client.post(PING).await.body, PONG, "the first lives on");
}

/// What comes before the answer is left out for who takes JSON only; who takes events only gets one.
#[tokio::test]
async fn whoever_takes_one_kind_of_answer_gets_that() {
    let server = Server::start().await;
    let client = Client::open(&server, LATEST).await;
    for kind in ["application/json", "text/event-stream"] {
        let headers = format!("{JSON}Accept: {kind}\r\n");
        let mut connection = server.connect().await;
        connection
            .send(&client.request("POST", &headers, PING))
            .await;
        let reply = connection.read_until(PONG).await;
        assert!(
            reply.contains(&format!("content-type: {kind}\r\n")),
            "{reply}"
        );
    }
}
