//! Streamable HTTP at the address of the older transport: a client that was given the wrong one works.

use super::mcp_clients::{TAKES, initialize, request};
use super::*;

const LATEST: &str = "2025-11-25";
const PATHS: [&str; 4] = ["/sse", "/sse/", "/metamcp/x/sse", "//sse"];

/// A request of Streamable HTTP to `path`.
fn at(path: &str, method: &str, headers: &str, body: &str) -> String {
    request(method, headers, body).replace(" /mcp ", &format!(" {path} "))
}

/// Initializes at `path`; the session's header line.
async fn open(server: &Server, path: &str, headers: &str) -> String {
    let asked = at(
        path,
        "POST",
        &format!("{TAKES}{headers}"),
        &initialize(LATEST),
    );
    let opened = server.ask(&asked).await;
    assert_eq!(opened.status, 200, "{path}: {}", opened.body);
    let id = opened.header("mcp-session-id").unwrap();
    format!("Mcp-Session-Id: {id}\r\n")
}

/// The head and the first event of what answers `request`.
async fn begins(server: &Server, request: &str) -> (Connection, String) {
    let mut stream = server.connect().await;
    stream.send(request).await;
    let text = stream.read_until(": connected\n\n").await;
    (stream, text)
}

#[tokio::test]
async fn a_client_posts_listens_and_deletes() {
    let server = Server::start().await;
    for path in PATHS {
        let session = open(&server, path, "").await;
        // It is one session, wherever it is asked for.
        for path in [path, "/mcp"] {
            let ping = at(path, "POST", &format!("{TAKES}{session}"), PING);
            let answer = server.ask(&ping).await;
            assert_eq!((answer.status, &*answer.body), (200, PONG), "{path}");
        }
        let listens = format!("Accept: text/event-stream\r\n{session}");
        let (_stream, text) = begins(&server, &at(path, "GET", &listens, "")).await;
        assert!(!text.contains("endpoint"), "{text}");
        let delete = at(path, "DELETE", &session, "");
        assert_eq!(server.ask(&delete).await.status, 200, "{path}");
        for method in ["GET", "POST", "DELETE"] {
            let headers = format!("{TAKES}{session}");
            let gone = server.ask(&at(path, method, &headers, PING)).await;
            assert_eq!((gone.status, gone.error_code()), (404, -32001), "{path}");
        }
        let other = server.ask(&at(path, "PUT", &session, "")).await;
        assert_eq!(
            (other.status, other.header("allow")),
            (405, Some("GET, POST, DELETE"))
        );
    }
}

#[tokio::test]
async fn a_get_without_a_session_is_the_older_transports() {
    let server = Server::start().await;
    for more in [
        "",
        "Mcp-Session-Id: \r\n",
        "MCP-Protocol-Version: 2025-11-25\r\n",
        "MCP-Protocol-Version: 1.0\r\n",
        "Last-Event-ID: 7\r\n",
        "Content-Type: application/json\r\n",
        "Accept: text/event-stream, application/json\r\n",
    ] {
        for path in PATHS {
            let asked = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
            let (_stream, text) = begins(&server, &asked).await;
            assert!(text.contains("event: endpoint\ndata: /"), "{more}: {text}");
        }
    }
}

#[tokio::test]
async fn an_id_of_one_transport_is_unknown_in_the_other() {
    let server = Server::start().await;
    for path in PATHS {
        let (_stream, messages) = server.open_sse_at(path).await;
        let (_, id) = messages.split_once('=').unwrap();
        let theirs = format!("{TAKES}Mcp-Session-Id: {id}\r\n");
        for (method, body) in [
            ("POST", PING),
            ("POST", &*initialize(LATEST)),
            ("GET", ""),
            ("DELETE", ""),
        ] {
            let reply = server.ask(&at(path, method, &theirs, body)).await;
            assert_eq!(
                (reply.status, reply.error_code()),
                (404, -32001),
                "{method} {path}"
            );
        }
        assert_eq!(server.post(&messages, PING).await.status, 202);
        let session = open(&server, path, "").await;
        let id = session.trim_end().rsplit(' ').next().unwrap();
        let there = server
            .post(&format!("/messages?session_id={id}"), PING)
            .await;
        assert_eq!(there.status, 404);
    }
}

#[tokio::test]
async fn who_begins_anew_gets_a_session_or_a_404() {
    let server = Server::start().await;
    let live = open(&server, "/sse", "").await;
    let dead = open(&server, "/sse", "").await;
    assert_eq!(
        server.ask(&at("/sse", "DELETE", &dead, "")).await.status,
        200
    );
    for (headers, status) in [
        (&*live, 200),
        (&dead, 404),
        ("Mcp-Session-Id: \r\n", 200),
        ("Mcp-Session-Id:  \t\r\n", 200),
        ("Mcp-Session-Id: null\r\n", 404),
        ("Mcp-Session-Id: undefined\r\n", 404),
        ("Mcp-Session-Id: 0123456789abcdef0123456789abcdef\r\n", 404),
        ("MCP-Protocol-Version: 2025-11-25\r\n", 200),
    ] {
        for path in ["/mcp", "/sse", "/metamcp/x/sse"] {
            let headers = format!("{TAKES}{headers}");
            let reply = server
                .ask(&at(path, "POST", &headers, &initialize(LATEST)))
                .await;
            assert_eq!(reply.status, status, "{headers}");
            let id = reply.header("mcp-session-id");
            assert_eq!(id.is_some(), status == 200, "{headers}");
            assert!(id.is_none_or(|id| !live.contains(id)), "{headers}");
        }
    }
    // The one that it had goes on.
    let ping = at("/sse", "POST", &format!("{TAKES}{live}"), PING);
    assert_eq!(server.ask(&ping).await.body, PONG);
}

#[tokio::test]
async fn pages_of_listed_origins_may_use_it() {
    let server = Server::start().await;
    let page = "Origin: https://chat.example.org\r\n";
    for path in ["/sse", "/mcp", "/metamcp/x/sse"] {
        let preflight = at(
            path,
            "OPTIONS",
            &format!("{page}Access-Control-Request-Method: DELETE\r\n"),
            "",
        );
        let allowed = server.ask(&preflight).await;
        assert_eq!(allowed.status, 204, "{path}");
        let methods = allowed.header("access-control-allow-methods");
        assert_eq!(methods, Some("GET, POST, DELETE, OPTIONS"));
        let opened = server
            .ask(&at(
                path,
                "POST",
                &format!("{TAKES}{page}"),
                &initialize(LATEST),
            ))
            .await;
        let exposed = opened.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("mcp-session-id"), "{exposed}");
    }
}
