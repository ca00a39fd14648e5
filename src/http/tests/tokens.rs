//! The port when it asks for a token: who gets in, whose a session is, and what a change of the
//! tokens does.

use super::*;

const MINE: &str = "mine-0123456789abcdef";
const YOURS: &str = "yours-0123456789abcdef";
const WRONG: &str = "wrong-0123456789abcdef";

/// Two tokens.
pub(super) fn tokens() -> Tokens {
    Tokens::parse(&format!("{MINE}\n{YOURS}\n")).unwrap()
}

async fn guarded() -> Server {
    let server = Server::start().await;
    server.tokens.send_replace(tokens());
    server
}

/// A request with a token and more header lines, each with its line end.
fn with(method: &str, path: &str, token: &str, lines: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         {lines}Content-Length: {length}\r\n\r\n{body}"
    )
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

/// Initializes over Streamable HTTP; the session's header line.
async fn initialize(server: &Server, token: &str) -> String {
    let reply = server
        .ask(&with("POST", "/mcp", token, "", INITIALIZE))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    format!(
        "Mcp-Session-Id: {}\r\n",
        reply.header("mcp-session-id").unwrap()
    )
}

/// Opens an SSE stream; it, and the path to POST to.
async fn open(server: &Server, token: &str) -> (Connection, String) {
    let mut stream = server.connect().await;
    stream.send(&with("GET", "/sse", token, "", "")).await;
    let text = stream.read_until(": connected\n\n").await;
    let path = text.split("data: ").nth(1).unwrap().lines().next().unwrap();
    (stream, path.to_owned())
}

#[tokio::test]
async fn every_route_asks_for_a_token() {
    let server = guarded().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/sse"),
        ("POST", "/messages?session_id=1"),
        ("POST", "/mcp"),
        ("GET", "/mcp"),
        ("DELETE", "/mcp"),
        ("OPTIONS", "/mcp"),
        ("GET", "/metamcp/x/sse"),
        ("POST", "/metamcp/x/mcp"),
        ("GET", "/status"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("GET", "/healthz/x"),
    ] {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let reply = server.ask(&request).await;
        assert_eq!(reply.status, 401, "{method} {path}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        assert_eq!(reply.error_code(), -32600);
        let reply = server.ask(&with(method, path, WRONG, "", "")).await;
        assert_eq!(reply.status, 401, "{method} {path}");
        let challenge = reply.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer error=\"invalid_token\""));
        assert!(!reply.body.contains(WRONG), "{}", reply.body);
    }
    assert_eq!(server.get("/healthz", "").await.status, 200);
    assert_eq!(server.get("/readyz", "").await.status, 503);
    // The guard comes first: a page learns nothing.
    let evil = server.get("/mcp", "Origin: https://evil.com\r\n").await;
    assert_eq!((evil.status, evil.header("www-authenticate")), (403, None));
}

#[tokio::test]
async fn a_listed_page_may_ask_without_and_see_that_it_needs_one() {
    let server = guarded().await;
    let origin = "Origin: https://chat.example.org\r\n";
    let preflight = format!("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n{origin}\r\n");
    assert_eq!(server.ask(&preflight).await.status, 204);
    let reply = server.get("/mcp", origin).await;
    assert_eq!(reply.status, 401);
    let allowed = reply.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://chat.example.org"));
}

#[tokio::test]
async fn a_session_is_its_tokens() {
    let server = guarded().await;
    let session = initialize(&server, MINE).await;
    let ask = async |method: &str, token: &str| {
        let body = if method == "POST" { PING } else { "" };
        let request = with(method, "/mcp", token, &session, body);
        let mut connection = server.connect().await;
        connection.send(&request).await;
        let head = connection.read_until("\r\n\r\n").await;
        head.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    for method in ["POST", "GET", "DELETE"] {
        assert_eq!(ask(method, YOURS).await, 404, "{method}");
        assert_eq!(ask(method, WRONG).await, 401, "{method}");
    }
    let resumption = format!("{session}Last-Event-ID: 1\r\n");
    let resumed = server
        .ask(&with("GET", "/mcp", YOURS, &resumption, ""))
        .await;
    assert_eq!(resumed.status, 404);
    for method in ["POST", "GET", "DELETE"] {
        assert_eq!(ask(method, MINE).await, 200, "{method}");
    }
    assert_eq!(ask("POST", MINE).await, 404, "deleted");
}

#[tokio::test]
async fn a_stream_is_its_tokens() {
    let server = guarded().await;
    let (mut stream, path) = open(&server, MINE).await;
    for (token, status) in [(YOURS, 404), (WRONG, 401), (MINE, 202)] {
        let reply = server.ask(&with("POST", &path, token, "", PING)).await;
        assert_eq!(reply.status, status);
    }
    stream.read_until(PONG).await;
}

/// A proxy sends requests of several clients over one connection, which remembers a session.
#[tokio::test]
async fn a_connection_lends_nobody_its_token() {
    let server = guarded().await;
    let (_stream, path) = open(&server, MINE).await;
    let session = initialize(&server, MINE).await;
    for (path, lines, good) in [(&*path, "", 202), ("/mcp", &*session, 200)] {
        let mut shared = server.connect().await;
        for (token, status) in [(MINE, good), (YOURS, 404), (MINE, good)] {
            shared.send(&with("POST", path, token, lines, PING)).await;
            assert_eq!(shared.reply().await.status, status, "{path} with {token}");
        }
    }
}

#[tokio::test]
async fn streams_end_with_their_token_and_others_go_on() {
    let server = guarded().await;
    let (mut mine, path) = open(&server, MINE).await;
    let (mut yours, _) = open(&server, YOURS).await;
    let session = initialize(&server, YOURS).await;
    let mut listening = server.connect().await;
    listening
        .send(&with("GET", "/mcp", YOURS, &session, ""))
        .await;
    listening.read_until(": connected\n\n").await;
    server.tokens.send_replace(Tokens::parse(MINE).unwrap());
    yours.read_until("0\r\n\r\n").await;
    listening.read_until("0\r\n\r\n").await;
    let refused = server
        .ask(&with("POST", "/mcp", YOURS, &session, PING))
        .await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        server
            .ask(&with("POST", &path, MINE, "", PING))
            .await
            .status,
        202
    );
    mine.read_until(PONG).await;
    // The token comes back: its session over Streamable HTTP can be taken up again.
    server.tokens.send_replace(tokens());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let again = with("POST", "/mcp", YOURS, &session, PING);
    while server.ask(&again).await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "it is not taken up");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_listener_that_is_restarted_knows_the_tokens() {
    let mut server = guarded().await;
    let session = initialize(&server, MINE).await;
    server.listener.kill();
    server.restart().await;
    let request = |token| with("POST", "/mcp", token, &session, PING);
    assert_eq!(server.ask(&request(MINE)).await.status, 200);
    assert_eq!(server.ask(&request(YOURS)).await.status, 404);
    assert_eq!(server.get("/mcp", "").await.status, 401);
}
