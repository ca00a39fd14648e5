//! Who is let in, on every route: each row of the table is sent to each of them as raw bytes. Where
//! a row passes, a route answers as it answers a plain request from this machine.

use super::*;

use super::mcp_clients::Client;
use testkit::strangers::ROUTES;

/// The head of the reply to a request on a connection of its own.
async fn head(server: &Server, request: &str) -> String {
    let mut connection = server.connect().await;
    connection.send(request).await;
    connection.read_until("\r\n\r\n").await
}

#[tokio::test]
async fn every_row_holds_on_every_route() {
    let server = Server::start().await;
    for route in ROUTES {
        let usual = strangers::status(&head(&server, &strangers::ordinary().request(route)).await);
        assert!(![403, 421].contains(&usual), "{route:?}: {usual}");
        for row in strangers::rows() {
            let head = head(&server, &row.request(route)).await;
            assert_eq!(row.complaint(route, usual, &head), None);
        }
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let server = Server::start().await;
    let (_sse, messages) = server.open_sse().await;
    let (_old, message) = server.open_sse_at("/metamcp/x/sse").await;
    for path in [&*messages, &message, "/mcp", "/metamcp/x/mcp"] {
        for (kind, is_json) in [
            ("Content-Type: application/json", true),
            ("Content-Type: Application/JSON; charset=utf-8", true),
            ("Content-Type: text/plain", false),
            ("Content-Type: text/plain; application/json", false),
            ("Content-Type: application/x-www-form-urlencoded", false),
            ("Content-Type: multipart/form-data; boundary=x", false),
            ("Content-Type: application/json-patch", false),
            ("Content-Type: application/json, text/plain", false),
            (
                "Content-Type: application/json\r\nContent-Type: text/plain",
                false,
            ),
            ("Content-Type:", false),
            ("X: y", false),
        ] {
            let length = PING.len();
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n\
                 Accept: application/json, text/event-stream\r\nContent-Length: {length}\r\n\r\n{PING}"
            );
            let status = server.ask(&request).await.status;
            assert_eq!(status == 415, !is_json, "{path} with {kind:?}: {status}");
        }
    }
}

#[tokio::test]
async fn a_body_is_utf_8_and_not_compressed() {
    let server = Server::start().await;
    let (_sse, messages) = server.open_sse().await;
    let client = Client::open(&server, "2025-11-25").await;
    let session = format!("Mcp-Session-Id: {}\r\n", client.id);
    let bytes = |text: &str| text.as_bytes().to_vec();
    let marked = [b"\xef\xbb\xbf", PING.as_bytes()].concat();
    let wide: Vec<u8> = PING.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (path, served) in [(&*messages, 202), ("/mcp", 200), ("/sse", 200)] {
        for (headers, body, status, words) in [
            ("", marked.clone(), served, ""),
            ("Content-Encoding: identity\r\n", marked.clone(), served, ""),
            ("", wide.clone(), 415, "UTF-16"),
            ("Content-Encoding: gzip\r\n", bytes(PING), 415, "'gzip'"),
            ("Content-Encoding: br\r\n", bytes("\x0b"), 415, "'br'"),
        ] {
            let mut connection = server.connect().await;
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}{session}\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            connection.send(&head).await;
            assert!(connection.try_send(&body).await);
            let reply = connection.reply().await;
            assert_eq!(reply.status, status, "{path} {headers}: {}", reply.body);
            assert!(reply.body.contains(words), "{}", reply.body);
        }
    }
}

#[tokio::test]
async fn nobody_grants_access_here() {
    let server = Server::start().await;
    for tokens in [Tokens::default(), tokens::tokens()] {
        server.tokens.send_replace(tokens);
        for path in [
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-protected-resource/mcp",
            "/.well-known/oauth-protected-resource/metamcp/x/mcp",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-authorization-server/sse",
            "/.well-known/openid-configuration",
            "/.well-known/openid-configuration/mcp",
            "/mcp/.well-known/oauth-protected-resource",
            "/mcp/.well-known/openid-configuration",
            "/register",
            "/authorize?response_type=code",
            "/token",
        ] {
            for method in ["GET", "POST"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
                );
                let reply = server.ask(&request).await;
                assert_eq!(reply.status, 404, "{method} {path}");
                assert_eq!(reply.header("www-authenticate"), None);
                // Where a token was refused, this is what the client shows.
                assert!(reply.body.contains("'Authorization: Bearer TOKEN'"));
            }
        }
    }
}
