//! The statuses of the port: every refusal with its number, its JSON and its remedy.

use serde_json::Value;

use super::gateway;
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Response};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const JSON: (&str, &str) = ("content-type", "application/json");
const NOBODY: &str = "/messages?session_id=00000000000000000000000000000000";
const ROUTES: [(&str, &str); 6] = [
    ("GET", "/"),
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("GET", "/sse"),
    ("POST", NOBODY),
    ("GET", "/nothing/here"),
];

/// Method, path, headers and body of a request, and the status and the code of its refusal.
type Case<'a> = (&'a str, &'a str, Headers<'a>, &'a str, u16, i64);
type Headers<'a> = &'a [(&'a str, &'a str)];

/// A refusal says what it is in JSON, as JSON-RPC has it.
fn assert_refusal(response: &Response, status: u16, code: i64, what: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{what}: {text}");
    let kind = response.header("content-type").unwrap_or_default();
    assert_eq!(kind, "application/json", "{what}");
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{what}: {e}: {text}"));
    assert_eq!(json["jsonrpc"], "2.0", "{what}: {text}");
    assert_eq!(json["error"]["code"], code, "{what}: {text}");
    assert!(
        !json["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .is_empty(),
        "{text}"
    );
}

#[tokio::test]
async fn refusals_have_their_status_and_are_json() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    let session = client.endpoint();
    let text_plain = ("content-type", "text/plain");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let cases: [Case<'_>; 18] = [
        ("POST", "/sse", &[JSON], PING, 400, -32000),
        ("DELETE", "/sse", &[], "", 400, -32000),
        ("PUT", "/sse", &[JSON], PING, 405, -32600),
        ("GET", session, &[], "", 405, -32600),
        ("PUT", session, &[JSON], PING, 405, -32600),
        ("POST", "/healthz", &[JSON], PING, 405, -32600),
        ("POST", "/messages", &[JSON], PING, 400, -32600),
        ("POST", "/messages?session_id=", &[JSON], PING, 400, -32600),
        ("POST", NOBODY, &[JSON], PING, 404, -32600),
        (
            "POST",
            "/messages?session_id=nonsense",
            &[JSON],
            PING,
            404,
            -32600,
        ),
        ("GET", "/nothing", &[], "", 404, -32600),
        ("POST", session, &[text_plain], PING, 415, -32600),
        ("POST", session, &[form], PING, 415, -32600),
        ("POST", session, &[], PING, 415, -32600),
        ("POST", session, &[JSON], "{\"jsonrpc\":", 400, -32700),
        ("POST", session, &[JSON], "", 400, -32700),
        ("POST", session, &[JSON], "[]", 400, -32600),
        (
            "POST",
            session,
            &[JSON],
            "{\"jsonrpc\":\"2.0\",\"id\":1}",
            400,
            -32600,
        ),
    ];
    for (method, path, headers, body, status, code) in cases {
        let response = http::request(gateway.addr(), method, path, headers, body.as_bytes()).await;
        let what = format!("{method} {path} {headers:?} {body}");
        assert_refusal(&response, status, code, &what);
        let allow = match (status, path) {
            (405, "/sse") => Some("GET, POST, DELETE"),
            (405, "/healthz") => Some("GET, HEAD"),
            (405, _) => Some("POST"),
            _ => None,
        };
        assert_eq!(response.header("allow"), allow, "{what}");
    }
    client.call("ping", None, super::SOON).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn both_spellings_of_the_session_and_every_json_are_accepted() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    let camel = client.endpoint().replace("session_id", "sessionId");
    let more = format!("{}&x=1", client.endpoint());
    let utf8 = ("content-type", "Application/JSON; charset=utf-8");
    let cases = [
        (client.endpoint(), JSON),
        (&camel, JSON),
        (&more, JSON),
        (client.endpoint(), utf8),
    ];
    for (path, kind) in cases {
        let response = http::request(gateway.addr(), "POST", path, &[kind], PING.as_bytes()).await;
        assert_eq!(response.status, 202, "{path} {kind:?}");
        assert_eq!(response.text(), "Accepted");
        client.wait_raw_response("1", super::SOON).await;
    }
}

#[tokio::test]
async fn strange_hosts_and_origins_are_refused_on_every_route() {
    let gateway = gateway().await;
    for (method, path) in ROUTES {
        let ask = async |headers: &[(&str, &str)]| {
            let headers = [headers, &[JSON]].concat();
            http::request(gateway.addr(), method, path, &headers, PING.as_bytes()).await
        };
        let what = format!("{method} {path}");
        let rebound = ask(&[("host", "evil.example.com")]).await;
        assert_refusal(&rebound, 421, -32600, &what);
        let remedy = "--allowed-host evil.example.com";
        assert!(rebound.text().contains(remedy), "{}", rebound.text());
        let foreign = ask(&[("origin", "https://evil.example.com")]).await;
        assert_refusal(&foreign, 403, -32600, &what);
        assert!(
            foreign.text().contains("--allowed-origin"),
            "{}",
            foreign.text()
        );
        for origin in ["null", "file://", "http://localhost.evil.example.com"] {
            assert_refusal(&ask(&[("origin", origin)]).await, 403, -32600, origin);
        }
        let cross = ask(&[("sec-fetch-site", "cross-site")]).await;
        assert_refusal(&cross, 403, -32600, &what);
    }
}

/// The status of `GET /status` with one more header, `host` or `origin`.
async fn status_with(gateway: &Gateway, header: (&str, &str)) -> u16 {
    http::request(gateway.addr(), "GET", "/status", &[header], b"")
        .await
        .status
}

#[tokio::test]
async fn hosts_and_origins_of_the_own_network_and_listed_ones_pass() {
    let options = GatewayOptions::new("[]")
        .arg("--allowed-host=mcp.example.org,a.example.net")
        .env("MCPROXY_ALLOWED_ORIGIN", "https://chat.example.org");
    let gateway = Gateway::start(options).await;
    for host in [
        "localhost",
        "127.0.0.1:12009",
        "[::1]",
        "192.168.1.20:12009",
        "server2",
        "server2.local",
        "nas.lan",
        "nas.home.arpa",
        "host.docker.internal:12009",
        "mcp.example.org",
        "a.example.net",
    ] {
        assert_eq!(status_with(&gateway, ("host", host)).await, 200, "{host}");
    }
    for host in ["example.org", "example.net", "local.example.com"] {
        assert_eq!(status_with(&gateway, ("host", host)).await, 421, "{host}");
    }
    for origin in [
        "http://localhost:3000",
        "http://127.0.0.1",
        "https://chat.example.org",
    ] {
        assert_eq!(
            status_with(&gateway, ("origin", origin)).await,
            200,
            "{origin}"
        );
    }
    for origin in ["http://chat.example.org", "https://x.chat.example.org"] {
        assert_eq!(
            status_with(&gateway, ("origin", origin)).await,
            403,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn health_is_told_without_a_session() {
    let gateway = gateway().await;
    let health = http::get(gateway.addr(), "/healthz").await;
    assert_eq!(health.status, 200);
    assert_eq!(health.header("cache-control"), Some("no-store"));
    let home = http::get(gateway.addr(), "/").await;
    assert_eq!(home.status, 200);
    assert!(home.text().contains("/sse"), "{}", home.text());
}
