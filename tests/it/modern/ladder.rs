//! What a request must say of itself, one row a rung: each is wrong on its rung and on one further down, so
//! that the order is seen too.

use serde_json::{Value, json};

use super::{Asks, MODERN, error, meta, open, post};
use crate::support::streamable::{Endpoint, Headers};

const VERSION: (&str, &str) = ("mcp-protocol-version", MODERN);
const LIST: (&str, &str) = ("mcp-method", "tools/list");
const CALL: (&str, &str) = ("mcp-method", "tools/call");
const BOTH: &str = "application/json, text/event-stream";

/// A request with this `_meta`.
fn list_with(meta: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": meta}})
        .to_string()
}

fn call() -> String {
    Asks::call("fx__echo", json!({"text": "x"})).body()
}

/// `_meta` with another revision.
fn of(version: &str) -> Value {
    let mut meta = meta();
    meta["io.modelcontextprotocol/protocolVersion"] = version.into();
    meta
}

/// What is wrong, headers beside those of every POST, body, and what it is answered with: status, code, id.
type Rung<'a> = (&'a str, Headers<'a>, String, (u16, i64, &'a str));

async fn assert_rungs(rungs: &[Rung<'_>]) {
    let gateway = open().await;
    for (what, headers, body, (status, code, id)) in rungs {
        let response = post(gateway.addr(), headers, body).await;
        let text = response.text();
        let seen = (response.status, error(&response));
        assert_eq!(seen, (*status, ((*id).to_owned(), *code)), "{what}: {text}");
        assert_eq!(response.header("mcp-session-id"), None, "{what}");
    }
    // None of it has harmed anybody.
    let echo = Asks::call("fx__echo", json!({"text": "x"}));
    assert_eq!(echo.result(gateway.addr()).await["content"][0]["text"], "x");
}

#[tokio::test]
async fn a_post_is_json_and_takes_either_form() {
    let no_meta = list_with(&json!({}));
    let text = ("content-type", "text/plain");
    let json_only = ("accept", "application/json");
    assert_rungs(&[
        (
            "type before Accept",
            &[VERSION, text, ("accept", "text/html")],
            "{".into(),
            (415, -32600, "null"),
        ),
        (
            "Accept before JSON",
            &[VERSION, ("accept", "text/html")],
            "{".into(),
            (406, -32600, "null"),
        ),
        ("JSON", &[VERSION, LIST], "{".into(), (400, -32700, "null")),
        (
            "half an Accept",
            &[VERSION, json_only],
            no_meta,
            (406, -32600, "7"),
        ),
        (
            "the other half",
            &[VERSION, ("accept", "text/event-stream")],
            call(),
            (406, -32600, "7"),
        ),
        (
            "no Accept",
            &[VERSION, ("accept", "")],
            call(),
            (406, -32600, "7"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_post_is_of_one_era() {
    let no_meta = list_with(&json!({}));
    let initialize = r#"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{}}"#.to_owned();
    let discover = r#"{"jsonrpc":"2.0","id":7,"method":"server/discover"}"#.to_owned();
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#.to_owned();
    assert_rungs(&[
        (
            "not by the header alone",
            &[VERSION, LIST],
            no_meta.clone(),
            (400, -32602, "7"),
        ),
        (
            "nor by a later one",
            &[("mcp-protocol-version", "2027-01-01")],
            no_meta,
            (400, -32602, "7"),
        ),
        ("nor discovery", &[VERSION], discover, (400, -32602, "7")),
        (
            "a handshake under its header",
            &[VERSION],
            initialize,
            (400, -32020, "7"),
        ),
        (
            "a batch of it",
            &[VERSION],
            format!("[{}]", call()),
            (400, -32600, "null"),
        ),
        (
            "a batch with it",
            &[],
            format!("[{},{}]", r#"{"jsonrpc":"2.0","method":"x"}"#, call()),
            (400, -32600, "null"),
        ),
        ("an answer", &[VERSION], answer, (400, -32600, "null")),
        (
            "an older header",
            &[("mcp-protocol-version", "1.0")],
            list_with(&json!({})),
            (400, -32600, "7"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_envelope_is_whole_before_headers_are_compared() {
    let mut no_capabilities = meta();
    no_capabilities
        .as_object_mut()
        .unwrap()
        .remove("io.modelcontextprotocol/clientCapabilities");
    let mut no_object = meta();
    no_object["io.modelcontextprotocol/clientCapabilities"] = json!([]);
    let mut no_text = meta();
    no_text["io.modelcontextprotocol/protocolVersion"] = json!(7);
    let mut loud = meta();
    loud["io.modelcontextprotocol/logLevel"] = json!("loud");
    let wrong = ("mcp-method", "prompts/list");
    assert_rungs(&[
        (
            "no capabilities",
            &[VERSION, wrong],
            list_with(&no_capabilities),
            (400, -32602, "7"),
        ),
        (
            "capabilities that are none",
            &[VERSION, wrong],
            list_with(&no_object),
            (400, -32602, "7"),
        ),
        (
            "a revision that is no text",
            &[VERSION, wrong],
            list_with(&no_text),
            (400, -32602, "7"),
        ),
        (
            "an unknown level",
            &[VERSION, wrong],
            list_with(&loud),
            (400, -32602, "7"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn headers_say_the_revision_and_the_method_of_the_body() {
    let list = || list_with(&meta());
    let unknown =
        json!({"jsonrpc": "2.0", "id": 7, "method": "x", "params": {"_meta": of("2027-01-01")}});
    let mismatch = (400, -32020, "7");
    assert_rungs(&[
        ("no revision", &[LIST], list(), mismatch),
        (
            "an older one",
            &[("mcp-protocol-version", "2025-11-25"), LIST],
            list(),
            mismatch,
        ),
        (
            "another one",
            &[("mcp-protocol-version", "2027-01-01"), LIST],
            list(),
            mismatch,
        ),
        ("twice", &[VERSION, VERSION, LIST], list(), mismatch),
        ("no method", &[VERSION], list(), mismatch),
        (
            "another method",
            &[VERSION, ("mcp-method", "prompts/list")],
            list(),
            mismatch,
        ),
        (
            "its letters",
            &[VERSION, ("mcp-method", "TOOLS/LIST")],
            list(),
            mismatch,
        ),
        ("the method twice", &[VERSION, LIST, LIST], list(), mismatch),
        (
            "before the revision is refused",
            &[("mcp-protocol-version", "2027-01-01")],
            unknown.to_string(),
            mismatch,
        ),
    ])
    .await;
}

#[tokio::test]
async fn headers_say_the_name_in_the_body() {
    let name = |name| ("mcp-name", name);
    let mismatch = (400, -32020, "7");
    assert_rungs(&[
        ("no name", &[VERSION, CALL], call(), mismatch),
        (
            "another name",
            &[VERSION, CALL, name("fx__pid")],
            call(),
            mismatch,
        ),
        (
            "the server's own name",
            &[VERSION, CALL, name("echo")],
            call(),
            mismatch,
        ),
        (
            "the name twice",
            &[VERSION, CALL, name("fx__echo"), name("fx__echo")],
            call(),
            mismatch,
        ),
        (
            "bad base64",
            &[VERSION, CALL, name("=?base64?ZnhfX2VjaG8?=")],
            call(),
            mismatch,
        ),
        (
            "other base64",
            &[VERSION, CALL, name("=?base64?ZnhfX3BpZA==?=")],
            call(),
            mismatch,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_revision_that_is_not_served_is_refused_with_those_that_are() {
    let gateway = open().await;
    let later = ("mcp-protocol-version", "2027-01-01");
    let unknown =
        json!({"jsonrpc": "2.0", "id": 7, "method": "x", "params": {"_meta": of("2027-01-01")}});
    let headers = [later, ("mcp-method", "x")];
    let response = post(gateway.addr(), &headers, &unknown.to_string()).await;
    assert_eq!(
        (response.status, error(&response)),
        (400, ("7".to_owned(), -32022))
    );
    let refused: Value = serde_json::from_str(&response.text()).unwrap();
    let wanted = json!({"supported": [MODERN], "requested": "2027-01-01"});
    assert_eq!(refused["error"]["data"], wanted);
    let discovered = Asks::new("server/discover", json!({}))
        .result(gateway.addr())
        .await;
    assert_eq!(discovered["supportedVersions"], json!([MODERN]));
    // One that has a handshake has no requests like this.
    let older = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": of("2025-11-25")}});
    let headers = [("mcp-protocol-version", "2025-11-25"), LIST];
    let response = post(gateway.addr(), &headers, &older.to_string()).await;
    assert_eq!((response.status, error(&response).1), (400, -32022));
}

#[tokio::test]
async fn what_was_taken_out_is_not_found() {
    let gateway = open().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "roots/list",
        "x",
    ] {
        let asks = Asks::new(method, json!({"uri": "fixture://a"}));
        assert_eq!(
            asks.refusal(gateway.addr()).await,
            (404, -32601),
            "{method}"
        );
    }
}

#[tokio::test]
async fn what_good_clients_send_is_served() {
    let gateway = open().await;
    let addr = gateway.addr();
    let endpoint = Endpoint::initialized(addr, "2025-11-25").await;
    let session = endpoint.session.as_deref().unwrap();
    let echo = || Asks::call("fx__echo", json!({"text": "x"}));
    for asks in [
        echo(),
        echo().with("mcp-name", "  fx__echo \t"),
        echo().with("mcp-method", " tools/call"),
        echo().with("mcp-name", "=?base64?ZnhfX2VjaG8=?="),
        echo().with("accept", "*/*"),
        echo().with("accept", &format!("{BOTH};q=0.5")),
        // What belongs to sessions means nothing.
        echo().with("mcp-session-id", "unknown"),
        echo().with("mcp-session-id", session),
        echo().with("last-event-id", "x"),
        echo().with("mcp-param-other", "=?base64?!?="),
    ] {
        let headers = asks.headers.clone();
        let result = asks.result(addr).await;
        assert_eq!(result["content"][0]["text"], "x", "{headers:?}");
        assert_eq!(result["resultType"], "complete", "{headers:?}");
    }
    // The same id from many at once is normal.
    for path in ["/mcp", "/metamcp/x/mcp", "/sse"] {
        let asks = echo();
        let headers = asks.headers.iter();
        let headers: Vec<(&str, &str)> = headers.map(|(name, value)| (&**name, &**value)).collect();
        let answer = Endpoint::at(addr, path)
            .post_with(&headers, &asks.body())
            .await;
        assert!(answer.json().contains(r#""id":7"#), "{path}");
    }
}

#[tokio::test]
async fn notifications_are_taken_and_dropped() {
    let gateway = open().await;
    let sleep = Asks::call("fx__sleep", json!({"ms": 1000}));
    let asked = sleep.begin(gateway.addr()).await;
    let params = json!({"requestId": 7, "_meta": meta()});
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    let bare = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    for (headers, body) in [
        (
            &[VERSION, ("mcp-method", "notifications/cancelled")][..],
            cancelled.to_string(),
        ),
        (&[], cancelled.to_string()),
        (&[VERSION], bare.to_owned()),
    ] {
        let accepted = post(gateway.addr(), headers, &body).await;
        assert_eq!((accepted.status, accepted.text()), (202, String::new()));
    }
    // Whoever asked is not disturbed: an id is any client's choice.
    assert!(asked.reply().await.json().contains("slept"));
}

#[tokio::test]
async fn a_session_goes_on_beside_and_may_not_be_mixed_up() {
    let gateway = open().await;
    let endpoint = Endpoint::initialized(gateway.addr(), "2025-11-25").await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"x"}}}}"#;
    assert!(endpoint.post(ping).await.json().contains(r#""result":{}"#));
    // What its body says decides, and its headers do not say so.
    let response = endpoint.post(&call()).await.whole();
    assert_eq!(
        (response.status, error(&response)),
        (400, ("7".to_owned(), -32020))
    );
    let initialize =
        json!({"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {"_meta": meta()}});
    let headers = [VERSION, ("mcp-method", "initialize")];
    let response = endpoint
        .post_with(&headers, &initialize.to_string())
        .await
        .whole();
    assert_eq!((response.status, error(&response).1), (404, -32601));
    endpoint.post(ping).await.json();
}
