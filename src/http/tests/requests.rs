//! What every route answers to every kind of request.

use super::*;
use crate::http::problem::Problem;
use crate::ids::SessionId;
use crate::tree::CallError;
use warp::Reply as _;

#[tokio::test]
async fn health_and_readiness() {
    let server = Server::start().await;
    let health = server.get("/healthz", "").await;
    assert_eq!(
        (health.status, health.body.as_str()),
        (200, r#"{"status":"ok"}"#)
    );
    assert_eq!(health.header("content-type"), Some("application/json"));

    let waiting = server.get("/readyz", "").await;
    assert_eq!(waiting.status, 503);
    assert!(waiting.body.contains("configuration"), "{}", waiting.body);
    server.readiness.release("configuration");
    server.readiness.release("servers");
    assert_eq!(server.get("/readyz", "").await.status, 200);

    let mut connection = server.connect().await;
    connection
        .send("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let head = connection.read_until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[tokio::test]
async fn the_first_page_says_where_to_connect() {
    let server = Server::start().await;
    let page = server.get("/", "").await;
    assert_eq!(page.status, 200);
    for address in ["http://localhost/mcp", "http://localhost/sse"] {
        assert!(page.body.contains(address), "{}", page.body);
    }
    assert_eq!(
        page.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    // A client that was given no path is told.
    let events = server.get("/", "Accept: text/event-stream\r\n").await;
    assert_eq!((events.status, events.error_code()), (404, -32600));
    assert!(events.body.contains("/sse"), "{}", events.body);
}

#[tokio::test]
async fn wrong_methods_and_paths() {
    let server = Server::start().await;
    for (method, path, status, allow) in [
        ("PUT", "/sse", 405, Some("GET, POST, DELETE")),
        ("HEAD", "/sse", 405, Some("GET, POST, DELETE")),
        ("OPTIONS", "/sse/", 405, Some("GET, POST, DELETE")),
        ("PUT", "/mcp", 405, Some("GET, POST, DELETE")),
        ("HEAD", "/mcp", 405, Some("GET, POST, DELETE")),
        ("OPTIONS", "/mcp/", 405, Some("GET, POST, DELETE")),
        ("GET", "/messages", 405, Some("POST")),
        ("OPTIONS", "/messages", 405, Some("POST")),
        ("PUT", "/messages?session_id=1", 405, Some("POST")),
        ("POST", "/healthz", 405, Some("GET, HEAD")),
        ("POST", "/readyz", 405, Some("GET, HEAD")),
        ("POST", "/", 404, None),
        ("POST", "//mcp//more", 404, None),
        ("PUT", "//mcp//", 405, Some("GET, POST, DELETE")),
        ("GET", "/nothing", 404, None),
        ("GET", "/sse/more", 404, None),
        ("GET", "/mcp/more", 404, None),
        ("PATCH", "/metamcp/team/sse", 405, Some("GET, POST, DELETE")),
        ("GET", "/metamcp/team/message", 405, Some("POST")),
        ("PATCH", "/metamcp/team/mcp", 405, Some("GET, POST, DELETE")),
        ("GET", "/metamcp/mcp", 404, None),
        ("GET", "/metamcp/team", 404, None),
        ("GET", "/metamcp/a/b/sse", 404, None),
        ("GET", "/SSE", 404, None),
        ("GET", "/.well-known/oauth-protected-resource", 404, None),
        (
            "GET",
            "/.well-known/oauth-authorization-server/sse",
            404,
            None,
        ),
        ("POST", "/register", 404, None),
    ] {
        let mut connection = server.connect().await;
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        connection.send(&request).await;
        if method == "HEAD" {
            let head = connection.read_until("\r\n\r\n").await;
            assert!(head.starts_with("HTTP/1.1 405"), "{head}");
            continue;
        }
        let reply = connection.reply().await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
        assert_eq!(reply.error_code(), -32600);
        assert_eq!(reply.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn pages_of_listed_origins_may_read() {
    let server = Server::start().await;
    let listed = "Origin: https://chat.example.org\r\n";
    for path in ["/healthz", "/nothing"] {
        let reply = server.get(path, listed).await;
        let allowed = reply.header("access-control-allow-origin");
        assert_eq!(allowed, Some("https://chat.example.org"));
        assert_eq!(reply.header("vary"), Some("origin"));
        let exposed = reply.header("access-control-expose-headers");
        assert_eq!(exposed, Some("mcp-session-id, www-authenticate"));
    }
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /messages HTTP/1.1\r\nHost: localhost\r\n{origin}\
             Access-Control-Request-Method: POST\r\n\r\n"
        )
    };
    let allowed = server.ask(&preflight(listed)).await;
    assert_eq!(allowed.status, 204);
    assert_eq!(
        allowed.header("access-control-allow-methods"),
        Some("GET, POST, DELETE, OPTIONS")
    );
    let headers = allowed.header("access-control-allow-headers").unwrap();
    for header in [
        "accept",
        "authorization",
        "content-type",
        "last-event-id",
        "mcp-protocol-version",
        "mcp-session-id",
    ] {
        assert!(
            headers.split(", ").any(|listed| listed == header),
            "{headers}"
        );
    }

    let refused = server
        .ask(&preflight("Origin: http://localhost:6274\r\n"))
        .await;
    assert_eq!(refused.status, 403);
    let unlisted = server
        .get("/healthz", "Origin: http://localhost:6274\r\n")
        .await;
    assert_eq!(unlisted.status, 200);
    assert_eq!(unlisted.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_message_is_accepted_and_answered_on_the_stream() {
    let server = Server::start().await;
    let (mut stream, path) = server.open_sse().await;
    let accepted = server.post(&path, PING).await;
    assert_eq!((accepted.status, accepted.body.as_str()), (202, "Accepted"));
    assert_eq!(
        accepted.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let event = stream.read_until(&format!("data: {PONG}\n\n")).await;
    assert!(event.contains("event: message\ndata: {"), "{event}");

    // The spelling of the TypeScript SDK, the slash of the Python SDK, a proxied absolute target.
    for path in [
        path.replace("session_id", "sessionId"),
        path.replace("/messages?", "/messages/?x=1&"),
        format!("http://localhost{path}"),
    ] {
        assert_eq!(server.post(&path, PING).await.status, 202, "{path}");
        stream.read_until(PONG).await;
    }
    // What a client answers, and what it announces, is taken too.
    for body in [
        r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    ] {
        assert_eq!(server.post(&path, body).await.status, 202, "{body}");
    }
}

#[tokio::test]
async fn messages_without_a_live_session() {
    let server = Server::start().await;
    let unknown = SessionId::random().unwrap();
    let unknown = unknown.secret();
    for (path, status) in [
        ("/messages".to_owned(), 400),
        ("/messages?".to_owned(), 400),
        ("/messages?session_id=".to_owned(), 400),
        ("/messages?session_id=short".to_owned(), 404),
        ("/messages?session_id=%00".to_owned(), 404),
        (format!("/messages?session_id={unknown}"), 404),
    ] {
        let reply = server.post(&path, PING).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(reply.error_code(), -32600);
        assert_eq!(reply.body.contains("Could not find session"), status == 404);
        assert!(!reply.body.contains(unknown));
    }
}

#[tokio::test]
async fn a_session_ends_with_its_stream() {
    let server = Server::start().await;
    let (stream, path) = server.open_sse().await;
    assert_eq!(server.post(&path, PING).await.status, 202);
    drop(stream);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while server.post(&path, PING).await.status != 404 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the session lives on"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let server = Server::start().await;
    let (_stream, path) = server.open_sse().await;
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{}1{}}}",
        "[".repeat(512),
        "]".repeat(512)
    );
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("nonsense", -32700),
        ("{}", -32600),
        (r#"{"id":4,"method":"ping"}"#, -32600),
        ("[]", -32600),
        (&format!("[{PING},{PING}]"), -32600),
        (&deep, -32600),
        (&"[".repeat(100_000), -32600),
        (&"{\"a\":".repeat(100_000), -32600),
    ] {
        let reply = server.post(&path, body).await;
        assert_eq!(reply.status, 400, "{body:.80}");
        assert_eq!(reply.error_code(), code, "{body:.80}");
    }
    let batch = server.post(&path, "[]").await;
    assert!(batch.body.contains("batch"), "{}", batch.body);
    let with_id = server.post(&path, r#"{"id":4,"method":"ping"}"#).await;
    assert!(with_id.body.contains(r#""id":4"#), "{}", with_id.body);
}

#[test]
fn what_the_tree_refuses_has_a_status() {
    for (error, status, retry) in [
        (CallError::UnknownSession, 404, None),
        (CallError::Gone, 503, Some("5")),
        (CallError::Overloaded("1000 sessions"), 503, Some("5")),
        (CallError::Timeout, 503, Some("5")),
    ] {
        let reply = Problem::from(error).into_response();
        assert_eq!(reply.status(), status);
        let header = reply.headers().get("retry-after");
        assert_eq!(header.map(|value| value.to_str().unwrap()), retry);
    }
}
