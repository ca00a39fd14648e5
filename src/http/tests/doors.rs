//! Who is let in, on every route: each row of the table is sent to each of them as raw bytes. Where
//! a row passes, a route answers as it answers a plain request from this machine.

use super::*;

/// Every way in, those to nowhere and of the wrong method too.
const ROUTES: [(&str, &str); 30] = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("POST", "/"),
    ("GET", "/sse"),
    ("POST", "/sse"),
    ("POST", "/messages"),
    (
        "POST",
        "/messages?session_id=0123456789abcdef0123456789abcdef",
    ),
    ("GET", "/messages"),
    ("POST", "/message?sessionId=1"),
    ("POST", "/mcp"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp"),
    ("OPTIONS", "/mcp"),
    ("PUT", "/mcp"),
    ("GET", "/metamcp/x/sse"),
    ("POST", "/metamcp/x/message?sessionId=1"),
    ("POST", "/metamcp/x/mcp"),
    ("GET", "/metamcp/x/mcp"),
    ("DELETE", "/metamcp/x/mcp"),
    ("OPTIONS", "/metamcp/x/mcp"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("POST", "/metrics"),
    ("GET", "/.well-known/oauth-protected-resource"),
    ("GET", "/mcp/.well-known/openid-configuration"),
    ("POST", "/register"),
    ("GET", "/nothing"),
    ("OPTIONS", "/nothing"),
];

/// What is before the path in the request line, the version of HTTP, header lines, and the status
/// that refuses the request; 0 if it passes.
type Row = (&'static str, &'static str, &'static str, u16);

const HOSTS: [Row; 40] = [
    // Addresses, this machine, names that no stranger can have.
    ("", "1.1", "Host: 127.0.0.1:12009", 0),
    ("", "1.1", "Host: 192.168.1.20", 0),
    ("", "1.1", "Host: [::1]:12009", 0),
    ("", "1.1", "Host: [fe80::1]", 0),
    ("", "1.1", "Host: LocalHost:1", 0),
    ("", "1.1", "Host: localhost.", 0),
    ("", "1.1", "Host: localhost:", 0),
    ("", "1.1", "Host: a.localhost", 0),
    ("", "1.1", "Host: server2", 0),
    ("", "1.1", "Host: server2.local:12009", 0),
    ("", "1.1", "Host: host.docker.internal", 0),
    ("", "1.1", "Host: nas.lan", 0),
    ("", "1.1", "Host: GW.example.org:443", 0),
    ("", "1.1", "Host: a.b.wild.org", 0),
    ("", "1.1", "Host: port.org:8443", 0),
    ("", "1.1", "hOsT:\tlocalhost\t", 0),
    ("", "1.0", "Host: localhost", 0),
    ("http://localhost", "1.1", "Host: localhost", 0),
    ("HTTP://LOCALHOST:80", "1.1", "Host: localhost", 0),
    // Strangers.
    ("", "1.1", "Host: evil.com", 421),
    ("", "1.0", "Host: evil.com", 421),
    ("", "1.1", "Host: evil.com.:12009", 421),
    ("", "1.1", "Host: localhost.evil.com", 421),
    ("", "1.1", "Host: 127.0.0.1.nip.io", 421),
    ("", "1.1", "Host: xn--lclhost-9xa.com", 421),
    ("", "1.1", "Host: port.org:8444", 421),
    ("http://evil.com", "1.1", "Host: evil.com", 421),
    (
        "",
        "1.1",
        "Host: evil.com\r\nX-Forwarded-Host: localhost",
        421,
    ),
    // What means two things, or nothing.
    ("", "1.1", "X: y", 400),
    ("", "1.0", "X: y", 400),
    ("", "1.1", "Host:", 400),
    ("", "1.1", "Host: localhost\r\nHost: localhost", 400),
    ("", "1.1", "Host: localhost\r\nhost: evil.com", 400),
    ("", "1.1", "Host: localhost, evil.com", 400),
    ("", "1.1", "Host: user@localhost", 400),
    ("", "1.1", "Host: localhost:99999", 400),
    ("", "1.1", "Host: [fe80::1%25eth0]", 400),
    ("", "1.1", "Host: 2130706433", 400),
    ("", "1.1", "Host: l\u{f6}calhost", 400),
    ("http://evil.com", "1.1", "Host: localhost", 400),
];

/// The same behind `Host: nas.lan:12009`.
const PAGES: [Row; 26] = [
    ("", "1.1", "Origin: http://localhost:6274", 0),
    ("", "1.1", "Origin: https://127.0.0.1", 0),
    ("", "1.1", "Origin: http://[::1]:3000", 0),
    ("", "1.1", "Origin: http://nas.lan:12009", 0),
    ("", "1.1", "Origin: HTTP://NAS.lan:12009", 0),
    ("", "1.1", "Origin: https://chat.example.org", 0),
    ("", "1.1", "Origin: vscode-webview://1a2b3c", 0),
    ("", "1.1", "Sec-Fetch-Site: none", 0),
    (
        "",
        "1.1",
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors",
        0,
    ),
    ("", "1.1", "Sec-Fetch-Mode: cors", 0),
    (
        "",
        "1.1",
        "Origin: https://chat.example.org\r\nSec-Fetch-Site: cross-site",
        0,
    ),
    ("", "1.1", "Origin: null", 403),
    ("", "1.1", "Origin:", 403),
    ("", "1.1", "Origin: *", 403),
    ("", "1.1", "Origin: https://evil.com", 403),
    ("", "1.0", "Origin: https://evil.com", 403),
    ("", "1.1", "Origin: http://evil.com:12009", 403),
    ("", "1.1", "Origin: http://localhost.evil.com", 403),
    ("", "1.1", "Origin: http://localhost@evil.com", 403),
    ("", "1.1", "Origin: http://nas.lan", 403),
    ("", "1.1", "Origin: http://nas.lan:12010", 403),
    ("", "1.1", "Origin: http://localhost/", 403),
    ("", "1.1", "Origin: file://", 403),
    ("", "1.1", "Origin: http://localhost http://evil.com", 403),
    (
        "",
        "1.1",
        "Origin: http://localhost\r\nOrigin: http://localhost",
        403,
    ),
    ("", "1.1", "Sec-Fetch-Site: cross-site", 403),
];

/// The head of the reply to a request on a connection of its own.
async fn head(server: &Server, method: &str, path: &str, row: Row) -> (u16, String) {
    let (before, version, lines, _) = row;
    let request =
        format!("{method} {before}{path} HTTP/{version}\r\n{lines}\r\nContent-Length: 0\r\n\r\n");
    let mut connection = server.connect().await;
    connection.send(&request).await;
    let head = connection.read_until("\r\n\r\n").await.to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(!head.contains("access-control-allow-origin: *"), "{head}");
    (status, head)
}

#[tokio::test]
async fn every_row_holds_on_every_route() {
    let server = Server::start().await;
    let plain = ("", "1.1", "Host: localhost", 0);
    let pages = PAGES.map(|(before, version, lines, status)| {
        let lines = format!("Host: nas.lan:12009\r\n{lines}");
        (before, version, &*lines.leak(), status)
    });
    for (method, path) in ROUTES {
        let (usual, _) = head(&server, method, path, plain).await;
        assert!(![403, 421].contains(&usual), "{method} {path}: {usual}");
        for row in HOSTS.iter().chain(&pages).copied() {
            let (status, head) = head(&server, method, path, row).await;
            let is_listed = ["chat.example", "webview"]
                .iter()
                .any(|name| row.2.contains(name));
            let expected = match row.3 {
                // A preflight is for the guard to answer.
                0 if method == "OPTIONS" && is_listed => 204,
                0 if method == "OPTIONS" && row.2.contains("Origin:") => 403,
                0 => usual,
                refused => refused,
            };
            assert_eq!(status, expected, "{method} {path} with {row:?}: {head}");
            let may_read = head.contains("access-control-allow-origin: ");
            assert_eq!(may_read, is_listed, "{method} {path} with {row:?}: {head}");
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
