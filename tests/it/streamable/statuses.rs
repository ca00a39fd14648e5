//! The statuses of `/mcp`: every refusal with its number and its JSON; what clients do next depends on them.

use serde_json::Value;

use super::{LATEST, open};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::Response;
use crate::support::streamable::{Endpoint, Headers, initialize};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A refusal says what it is in JSON, as JSON-RPC has it.
fn assert_refusal(response: &Response, status: u16, code: Option<i64>, what: &str) {
    let text = response.text();
    assert_eq!(response.status, status, "{what}: {text}");
    assert_eq!(
        response.header("content-type"),
        Some("application/json"),
        "{what}"
    );
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{what}: {e}: {text}"));
    assert_eq!(json["jsonrpc"], "2.0", "{what}: {text}");
    let error = &json["error"];
    assert!(error["code"].is_i64(), "{what}: {text}");
    assert!(
        error["message"].as_str().is_some_and(|m| !m.is_empty()),
        "{text}"
    );
    if let Some(code) = code {
        assert_eq!(error["code"], code, "{what}: {text}");
    }
}

#[tokio::test]
async fn posts_are_refused_with_their_status() {
    let (_gateway, endpoint) = open(LATEST).await;
    let both = "application/json, text/event-stream";
    let cases: [(Headers<'_>, &str, u16, Option<i64>); 12] = [
        (&[("accept", "text/html")], PING, 406, None),
        (&[("content-type", "text/plain")], PING, 415, None),
        (&[("content-type", "")], PING, 415, None),
        (
            &[("content-type", "text/plain"), ("accept", both)],
            "{",
            415,
            None,
        ),
        (&[], r#"{"jsonrpc":"#, 400, Some(-32700)),
        (&[], "", 400, Some(-32700)),
        (&[], r#"{"jsonrpc":"2.0","id":1}"#, 400, Some(-32600)),
        (&[("mcp-session-id", "")], PING, 400, None),
        (&[("mcp-session-id", "unknown")], PING, 404, None),
        (&[("mcp-session-id", "\"';--")], PING, 404, None),
        (&[("mcp-protocol-version", "1.0")], PING, 400, None),
        (&[("mcp-protocol-version", "2026-07-28")], PING, 400, None),
    ];
    for (headers, body, status, code) in cases {
        let response = endpoint.post_with(headers, body).await.whole();
        let what = format!("{headers:?} {body}");
        assert_refusal(&response, status, code, &what);
    }
    // None of it has harmed the session.
    endpoint.post(PING).await.json();
}

#[tokio::test]
async fn what_clients_really_send_is_accepted() {
    let (_gateway, endpoint) = open(LATEST).await;
    let cases: [Headers<'_>; 6] = [
        &[("accept", "text/event-stream,application/json")],
        &[(
            "accept",
            "Application/JSON; q=0.9, text/event-stream; q=0.5, */*; q=0.1",
        )],
        &[("content-type", "application/json; charset=utf-8")],
        &[("content-type", "Application/Json")],
        // Absent, it is the revision that was agreed on.
        &[("mcp-protocol-version", "")],
        &[("authorization", "Bearer x"), ("last-event-id", "nonsense")],
    ];
    for headers in cases {
        let answer = endpoint.post_with(headers, PING).await.json();
        assert_eq!(
            answer, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_their_status() {
    let (gateway, endpoint) = open(LATEST).await;
    let nobody = Endpoint::new(gateway.addr());
    // 405 and not 400: clients that try HTTP+SSE first fall back on nothing else.
    let get = nobody.request("GET", &[]).await.whole();
    assert_refusal(&get, 405, None, "GET without a session");
    let delete = nobody.request("DELETE", &[]).await.whole();
    assert_refusal(&delete, 400, None, "DELETE without a session");
    for method in ["GET", "DELETE"] {
        let stranger = [("mcp-session-id", "unknown")];
        let response = nobody.request(method, &stranger).await.whole();
        assert_refusal(&response, 404, None, method);
    }
    let kinds = [("accept", "application/json")];
    let get = endpoint.request("GET", &kinds).await.whole();
    assert_refusal(&get, 406, None, "GET for JSON");
    let version = [("mcp-protocol-version", "1.0")];
    let get = endpoint.request("GET", &version).await.whole();
    assert_refusal(&get, 400, None, "GET in an unknown revision");
    for method in ["PUT", "PATCH"] {
        let response = endpoint.request(method, &[]).await.whole();
        assert_refusal(&response, 405, None, method);
        let allow = response.header("allow").unwrap_or_default().to_owned();
        for allowed in ["GET", "POST", "DELETE"] {
            assert!(allow.contains(allowed), "{method}: {allow}");
        }
    }
    assert!(!get.text().is_empty());
    endpoint.post(PING).await.json();
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let (_gateway, endpoint) = open(LATEST).await;
    let text = "x".repeat(17 << 20);
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{text}"}}}}"#);
    let response = endpoint.post(&body).await.whole();
    assert_refusal(&response, 413, None, "17 MiB");
    endpoint.post(PING).await.json();
}

#[tokio::test]
async fn nesting_over_the_limit_is_refused_and_below_it_passes() {
    let (_gateway, endpoint) = open(LATEST).await;
    let call = |depth: usize| {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        support::streamable::call_tool(
            1,
            "fx__raw",
            &format!(r#"{{"result":{{"content":[],"deep":{deep}}}}}"#),
        )
    };
    let response = endpoint.post(&call(120)).await.whole();
    assert_refusal(&response, 400, None, "120 levels");
    let answer = endpoint.post(&call(90)).await.json();
    assert!(answer.contains(&"[".repeat(90)));
}

#[tokio::test]
async fn strange_hosts_and_origins_are_refused() {
    let gateway = Gateway::start(GatewayOptions::new("[]")).await;
    let endpoint = Endpoint::new(gateway.addr());
    let hello = initialize(1, LATEST, "{}");
    for (header, status) in [
        (("host", "evil.example.com"), 421),
        (("origin", "https://evil.example.com"), 403),
        (("origin", "null"), 403),
        (("sec-fetch-site", "cross-site"), 403),
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let response = match method {
                "POST" => endpoint.post_with(&[header], &hello).await.whole(),
                _ => endpoint.request(method, &[header]).await.whole(),
            };
            assert_refusal(
                &response,
                status,
                Some(-32600),
                &format!("{method} {header:?}"),
            );
            assert_eq!(response.header("mcp-session-id"), None);
        }
    }
    let near = [("origin", "http://localhost:6274")];
    assert_eq!(endpoint.post_with(&near, &hello).await.status(), 200);
}
