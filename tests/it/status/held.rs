//! A server with `"on_changed_tools": "hold"`: clients see its tools as they were, over its restarts and the gateway's,
//! and what is new not at all.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, server, server_in};
use crate::support::client::{Client, Streamable, Transport as _};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::wait;

/// A server with these tools, by name and description, which says what it was called as.
fn write_server(script: &Path, tools: &[(&str, &str)]) {
    let tool = |(name, description): &(&str, &str)| json!({ "name": name, "description": description, "inputSchema": { "type": "object" } });
    let tools: Vec<Value> = tools.iter().map(tool).collect();
    let tools = json!({ "tools": tools }).to_string();
    let text = r#"while read -r line; do
id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
case "$line" in
*'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}}' ;;
*'"tools/list"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":TOOLS}' ;;
*'"tools/call"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"called"}]}}' ;;
esac
done
"#;
    fs::write(script, text.replace("TOOLS", &tools)).expect("it is written");
}

fn write_config(home: &Path, script: &Path) {
    let entry =
        json!({ "name": "a", "command": "sh", "args": [script], "on_changed_tools": "hold" });
    let config = json!({ "servers": [entry] }).to_string();
    fs::write(home.join("mcp-servers.json"), config).expect("it is written");
}

async fn restart(gateway: &Gateway) {
    let before = server_in(gateway, "a", "ready").await;
    gateway
        .child("server.sh")
        .expect("it runs")
        .signal(Signal::SIGKILL);
    wait::until("its next life", SOON, async || {
        let now = server(gateway, "a").await;
        (now["state"] == "ready" && now["pid"] != before["pid"]).then_some(())
    })
    .await;
}

async fn client(gateway: &Gateway) -> Client<Streamable> {
    let client = Streamable::client(gateway.addr()).await;
    client.initialize().await;
    client
}

/// Names and descriptions, as a client sees them.
async fn listed(client: &Client<Streamable>) -> Vec<String> {
    let answer = client.call("tools/list", None, SOON).await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let tools = answer["result"]["tools"].as_array().expect("a list");
    let text = |tool: &Value| format!("{} {}", tool["name"], tool["description"]).replace('"', "");
    tools.iter().map(text).collect()
}

/// What is held, once anything is.
async fn held(gateway: &Gateway) -> Vec<Value> {
    wait::until("something to be held", SOON, async || {
        let said = server(gateway, "a").await["definitions_changed"].clone();
        let said = said.as_array().cloned().unwrap_or_default();
        (!said.is_empty()).then_some(said)
    })
    .await
}

#[tokio::test]
async fn clients_see_what_they_saw_before_until_it_is_approved() {
    let home = tempfile::tempdir().expect("a directory");
    let script = home.path().join("server.sh");
    write_config(home.path(), &script);
    let start = async || Gateway::start(GatewayOptions::default().home(home.path())).await;

    write_server(&script, &[("t", "one"), ("gone", "one")]);
    let mut gateway = start().await;
    server_in(&gateway, "a", "ready").await;
    let one = client(&gateway).await;
    assert_eq!(listed(&one).await, ["a__t one", "a__gone one"]);

    write_server(&script, &[("t", "two"), ("new", "one")]);
    restart(&gateway).await;
    for round in ["after its restart", "after the gateway's"] {
        let said = held(&gateway).await;
        let said: Vec<_> = said
            .iter()
            .map(|it| (&it["tool"], &it["parts"], &it["held"]))
            .collect();
        let expected = [
            (&json!("new"), &json!(["new"]), &json!(true)),
            (&json!("t"), &json!(["description"]), &json!(true)),
        ];
        assert_eq!(said, expected, "{round}");
        gateway
            .wait_for_log("until 'mcproxy approve a'", SOON)
            .await;
        let client = client(&gateway).await;
        assert_eq!(listed(&client).await, ["a__t one"], "{round}");
        let called = client.call_tool("a__t", "{}").await;
        assert!(called.contains("called"), "{called}");
        let unknown = client.call_tool("a__new", "{}").await;
        assert!(unknown.contains("Unknown tool"), "{unknown}");
        if round == "after its restart" {
            gateway.terminate().await;
            gateway = start().await;
            server_in(&gateway, "a", "ready").await;
        }
    }
}

#[tokio::test]
async fn nothing_is_approved_where_the_file_that_says_what_was_is_damaged() {
    let home = tempfile::tempdir().expect("a directory");
    let script = home.path().join("server.sh");
    write_config(home.path(), &script);
    write_server(&script, &[("t", "one")]);
    let mut gateway = Gateway::start(GatewayOptions::default().home(home.path())).await;
    let read = async || {
        let file = gateway.kept("catalogues/a.json");
        Some((fs::read(&file).ok()?, file))
    };
    let (text, file) = wait::until("the file", SOON, read).await;
    gateway.terminate().await;
    fs::write(&file, &text[..text.len() - 5]).expect("it is cut");

    let gateway = Gateway::start(GatewayOptions::default().home(home.path())).await;
    assert_eq!(held(&gateway).await[0]["parts"], json!(["new"]));
    gateway
        .wait_for_log("all are held until 'mcproxy approve a'", SOON)
        .await;
    assert!(listed(&client(&gateway).await).await.is_empty());
}
