//! The messages that the gateway answers itself, and those that it must not answer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{SOON, gateway};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{error_code, fixtures, text_of, tool_names};

fn parse(answer: &str) -> Value {
    serde_json::from_str(answer).expect("JSON")
}

#[tokio::test]
async fn a_probe_before_initialize_is_answered_at_once_and_the_session_lives_on() {
    // A server that never gets ready: nothing of this may wait for it.
    let options = GatewayOptions::new(fixtures(&[("mute", &["--mute"])]));
    let gateway = Gateway::start(options).await;
    let client = SseClient::connect(gateway.addr()).await;
    let asked = Instant::now();
    client
        .post(r#"{"jsonrpc":"2.0","id":"server-discover-probe-1","method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#)
        .await;
    let refused = client
        .wait_raw_response("\"server-discover-probe-1\"", SOON)
        .await;
    assert_eq!(error_code(&refused), -32601);
    let answer = parse(&client.initialize().await);
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    client.call("ping", None, SOON).await;
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn every_revision_of_the_handshake_is_spoken() {
    let gateway = gateway().await;
    for (asked, spoken) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("nonsense", "2025-11-25"),
    ] {
        let client = SseClient::connect(gateway.addr()).await;
        let answer = parse(&client.initialize_as(asked).await);
        let result = &answer["result"];
        assert_eq!(result["protocolVersion"], spoken, "{asked}");
        assert_eq!(
            result["capabilities"],
            json!({"tools":{"listChanged":true},"prompts":{"listChanged":true},
                "resources":{"subscribe":true,"listChanged":true},"logging":{},"completions":{}})
        );
        assert_eq!(result["serverInfo"]["name"], "mcproxy");
        assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        let list = client.call("tools/list", None, SOON).await;
        assert!(tool_names(&list).contains(&"fx__echo".to_owned()));
    }
}

#[tokio::test]
async fn a_session_that_never_initialised_is_served() {
    let gateway = gateway().await;
    let first = SseClient::connect(gateway.addr()).await;
    first.initialize().await;
    first.close().await;
    // As SDKs reconnect: a new stream, and then straight on.
    let again = SseClient::connect(gateway.addr()).await;
    let answer = again.call_tool("fx__echo", r#"{"text":"on"}"#).await;
    assert_eq!(text_of(&answer), "on");
    let list = again.call("tools/list", None, SOON).await;
    assert!(!tool_names(&list).is_empty());
    assert_eq!(
        parse(&again.call("ping", None, SOON).await)["result"],
        json!({})
    );
}

#[tokio::test]
async fn the_list_has_one_page() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    for params in ["{}", r#"{"_meta":{"progressToken":1}}"#] {
        let list = client.call("tools/list", Some(params), SOON).await;
        assert!(!tool_names(&list).is_empty());
        assert_eq!(parse(&list)["result"].get("nextCursor"), None);
    }
    // How languages write "none" that have no other way.
    for none in [r#"{"cursor":""}"#, r#"{"cursor":null}"#, "[]"] {
        let list = client.call("tools/list", Some(none), SOON).await;
        assert!(!tool_names(&list).is_empty(), "{none}");
    }
    for cursor in [r#""1""#, "7"] {
        let params = format!(r#"{{"cursor":{cursor}}}"#);
        let refused = client.call("tools/list", Some(&params), SOON).await;
        assert_eq!(error_code(&refused), -32602, "{refused}");
    }
}

#[tokio::test]
async fn unknown_methods_and_tools_are_named() {
    // Of two, since what one alone has is found by its own name.
    let both = fixtures(&[("fx", &[]), ("fy", &[])]);
    let gateway = Gateway::start(GatewayOptions::new(both)).await;
    let client = SseClient::connect(gateway.addr()).await;
    for method in ["tools", "resources/", "x\\u0041"] {
        let refused = client.call(method, None, SOON).await;
        assert_eq!(error_code(&refused), -32601, "{refused}");
    }
    let refused = client.call("tasks/list", None, SOON).await;
    assert!(refused.contains("tasks/list"), "{refused}");
    for name in ["fx__nothing", "nothing__echo", "echo", "fx__", "__echo", ""] {
        let refused = client.call_tool(name, "{}").await;
        assert_eq!(error_code(&refused), -32602, "{refused}");
        let message = parse(&refused)["error"]["message"].to_string();
        assert!(
            message.contains(&format!("Unknown tool: {name}")),
            "{message}"
        );
    }
    for params in [None, Some("{}"), Some("[]"), Some(r#"{"name":1}"#)] {
        let refused = client.call("tools/call", params, SOON).await;
        assert_eq!(error_code(&refused), -32602, "{params:?}: {refused}");
    }
}

#[tokio::test]
async fn ids_come_back_as_they_were_written() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    for id in [
        "0",
        "-1",
        "9007199254740993",
        "12345678901234567890123",
        "\"\"",
        "\"7\"",
        "\"a b\\u00e9\\n\"",
        "\"ü\"",
    ] {
        let ping = format!(r#"{{"id":{id},"jsonrpc":"2.0","method":"ping"}}"#);
        assert_eq!(client.post(&ping).await.status, 202, "{id}");
        let answer = client.wait_raw_response(id, SOON).await;
        assert_eq!(
            answer,
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
        );
    }
}

#[tokio::test]
async fn ids_that_mcp_forbids_are_refused() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    for id in ["null", "1.5", "1e-3", "true", "[1]", "{}"] {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let refused = client.post(&ping).await;
        assert_eq!(refused.status, 400, "{id}");
        assert_eq!(error_code(&refused.text()), -32600, "{id}");
    }
    client.call("ping", None, SOON).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn notifications_and_responses_of_clients_get_no_answer() {
    let gateway = gateway().await;
    let client = SseClient::connect(gateway.addr()).await;
    let pid = text_of(&client.call_tool("fx__pid", "{}").await);
    for message in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4711}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"fx__exit"}}"#,
        r#"{"jsonrpc":"2.0","method":"nonsense"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"x"}}"#,
    ] {
        let response = client.post(message).await;
        assert_eq!(response.status, 202, "{message}");
    }
    // What is answered on this stream is answered in order: whatever those had caused is here.
    assert_eq!(text_of(&client.call_tool("fx__pid", "{}").await), pid);
    assert_eq!(client.unclaimed(), Vec::<String>::new());
    assert_eq!(client.notifications(), Vec::<String>::new());
    assert!(!gateway.logs().iter().any(|line| line.contains("[ERROR]")));
}
