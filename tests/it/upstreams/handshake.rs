//! What the gateway says to a server first, and which answers it takes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{SOON, echo, logged};
use crate::support::gateway::fixture_server;
use crate::support::servers::{fixture, gateway, serve, serve_ready, text_of, tool_names};
use crate::support::wait;

/// An entry whose stdin is written to `file` as well.
fn overheard(name: &str, file: &Path, flags: &str) -> Value {
    let script = format!(r#"tee "$1" | "$2" {flags}"#);
    json!({ "name": name, "command": "/bin/sh", "args": ["-c", script, "sh", file, fixture_server()] })
}

fn heard(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let parse = |line| serde_json::from_str(line).expect("one message a line");
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn the_gateway_introduces_itself_and_promises_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("stdin");
    let (_gateway, client) = serve_ready(&[overheard("a", &file, "")]).await;
    echo(&client, "a", "x").await;
    // Who overhears tells the server first.
    let heard = wait::until("the call was overheard", SOON, async || {
        Some(heard(&file)).filter(|heard| heard.len() >= 4)
    })
    .await;
    let methods: Vec<&str> = heard
        .iter()
        .map(|m| m["method"].as_str().expect("text"))
        .collect();
    let wanted = [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
    ];
    assert_eq!(methods, wanted);
    let hello = &heard[0];
    assert_eq!(hello["jsonrpc"], "2.0");
    assert_eq!(hello["params"]["protocolVersion"], "2025-11-25");
    let apps = json!({ "mimeTypes": ["text/html;profile=mcp-app"] });
    let told = json!({ "extensions": { "io.modelcontextprotocol/ui": apps } });
    assert_eq!(hello["params"]["capabilities"], told);
    assert_eq!(hello["params"]["clientInfo"]["name"], "mcproxy");
    assert!(heard[1].get("id").is_none(), "{}", heard[1]);
}

#[tokio::test]
async fn every_revision_with_a_handshake_is_accepted() {
    let versions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
    let servers = versions.map(|version| fixture(&format!("v{version}"), &["--version", version]));
    let (_gateway, client) = serve_ready(&servers).await;
    for version in versions {
        echo(&client, &format!("v{version}"), version).await;
    }
}

#[tokio::test]
async fn an_unknown_revision_is_refused_with_a_line_that_says_so() {
    let old = fixture("old", &["--version", "2023-01-01"]);
    let (gateway, client) = serve_ready(&[old, fixture("b", &[])]).await;
    let line = gateway.wait_for_log("2023-01-01", SOON).await;
    let how = "Server 'old' failed the handshake: it speaks protocol revision";
    assert!(line.contains(how) && line.contains("2025-11-25"), "{line}");
    let listed = tool_names(&client.call("tools/list", None, SOON).await);
    assert!(
        listed.iter().all(|name| name.starts_with("b__")),
        "{listed:?}"
    );
    echo(&client, "b", "by").await;
}

#[tokio::test]
async fn a_servers_own_requests_are_answered() {
    let (_gateway, client) = serve_ready(&[fixture("a", &["--server-requests"])]).await;
    let answers = wait::until("three answers", SOON, async || {
        let text = text_of(&client.call_tool("a__answers", "{}").await);
        let answers: Vec<Value> = serde_json::from_str(&text).expect("a list");
        (answers.len() >= 3).then_some(answers)
    })
    .await;
    assert_eq!(
        answers[0],
        json!({ "jsonrpc": "2.0", "id": "fixture-1", "result": {} })
    );
    for (answer, id, method) in [(&answers[1], 2, "roots/list"), (&answers[2], 3, "sampling")] {
        assert_eq!(answer["id"], id);
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer}");
    }
    assert!(client.notifications().is_empty(), "clients are not asked");
}

/// It has asked much before it reads anything: the answers wait in the gateway.
#[tokio::test]
async fn a_burst_of_requests_is_no_reason_to_end_a_server() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    let ping = |n| format!("{{\"jsonrpc\":\"2.0\",\"id\":\"p{n}\",\"method\":\"ping\"}}\n");
    let pings = (0..20_000).map(ping).collect::<Vec<_>>().concat();
    let arguments = json!({ "stdout": pings, "text": "done" }).to_string();
    let answer = client.call_tool("a__echo", &arguments).await;
    assert_eq!(text_of(&answer), "done");
    echo(&client, "a", "goes on").await;
    assert_eq!(logged(&gateway, &["started again"]), Vec::<String>::new());
}

#[tokio::test]
async fn a_mute_server_runs_into_its_deadline_which_then_doubles() {
    let mut mute = fixture("m", &["--mute", "--ignore-term", "--ignore-eof"]);
    mute["timeout"] = json!(1);
    let (gateway, client) = serve(&[mute, fixture("b", &[])]).await;
    let start = Instant::now();
    let first = wait::until("the mute server", SOON, async || gateway.child("--mute")).await;
    for (seconds, at_least) in [("1 s", 900), ("2 s", 3300)] {
        let text = format!("was not ready within {seconds}");
        let line = gateway.wait_for_log(&text, Duration::from_secs(20)).await;
        assert!(
            line.contains("'m'") && line.contains("'initialize'"),
            "{line}"
        );
        let took = start.elapsed();
        assert!(
            took > Duration::from_millis(at_least),
            "{seconds}: {took:?}"
        );
    }
    assert!(!first.is_alive());
    echo(&client, "b", "by").await;
}

#[tokio::test]
async fn a_server_that_never_lists_runs_into_its_deadline() {
    let mut hung = fixture("h", &["--hang-on", "tools/list"]);
    hung["timeout"] = json!(1);
    let gateway = gateway(&[hung]).await;
    let line = gateway.wait_for_log("was not ready within 1 s", SOON).await;
    assert!(
        line.contains("'h'") && line.contains("'tools/list'"),
        "{line}"
    );
}

#[tokio::test]
async fn mute_servers_do_not_delay_a_good_one() {
    let mut servers: Vec<Value> = (0..5)
        .map(|n| fixture(&format!("mute{n}"), &["--mute"]))
        .collect();
    servers.push(fixture("good", &[]));
    let gateway = gateway(&servers).await;
    gateway
        .wait_for_log("Server 'good' started", Duration::from_secs(8))
        .await;
    assert!(gateway.started().elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_server_without_a_list_is_ready_and_one_that_was_not_declared_is_asked_for() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("stdin");
    let (gateway, client) = serve_ready(&[
        fixture("broken", &["--list-error"]),
        overheard("undeclared", &file, "--no-tools-capability"),
        fixture("b", &[]),
    ])
    .await;
    for server in ["broken", "undeclared"] {
        let started = format!("Server '{server}' started");
        gateway.wait_for_log(&started, SOON).await;
    }
    let line = gateway
        .wait_for_log("could not list what it offers", SOON)
        .await;
    assert!(
        line.contains("'broken'") && line.contains("no list today"),
        "{line}"
    );
    gateway
        .wait_for_log("'undeclared' does not declare what it lists", SOON)
        .await;
    let listed = wait::until("all tools", SOON, async || {
        let listed = tool_names(&client.call("tools/list", None, SOON).await);
        let has = |server| listed.iter().any(|name| name.starts_with(server));
        (has("b__") && has("undeclared__")).then_some(listed)
    })
    .await;
    assert!(
        !listed.iter().any(|name| name.starts_with("broken__")),
        "{listed:?}"
    );
    let asked = heard(&file).iter().any(|m| m["method"] == "tools/list");
    assert!(asked, "{:?}", heard(&file));
}
