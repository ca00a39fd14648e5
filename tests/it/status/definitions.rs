//! A server that defines its tools in another way than before, with the same entry: after its own restart,
//! after the gateway's, and not after a reload that touches the entry.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, scrape, server, server_in};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::wait;

const COUNT: &str = r#"mcproxy_tool_definitions_changed_total{server="a"}"#;

/// A server with one tool, which is described so.
fn describe(script: &Path, description: &str) {
    let text = r#"while read -r line; do
id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
case "$line" in
*'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"x","version":"1"}}}' ;;
*'"tools/list"'*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"t","description":"WHAT","inputSchema":{"type":"object"}}]}}' ;;
esac
done
"#;
    fs::write(script, text.replace("WHAT", description)).expect("it is written");
}

fn config(script: &Path, env: &str) -> String {
    let entry = json!({ "name": "a", "command": "sh", "args": [script], "env": { "X": env } });
    json!({ "servers": [entry] }).to_string()
}

async fn restart(gateway: &Gateway) {
    let before = server_in(gateway, "a", "ready").await;
    let process = gateway.child("server.sh").expect("it runs");
    process.signal(Signal::SIGKILL);
    wait::until("its next life", SOON, async || {
        let now = server(gateway, "a").await;
        (now["state"] == "ready" && now["pid"] != before["pid"]).then_some(())
    })
    .await;
}

async fn changed(gateway: &Gateway) -> Value {
    server(gateway, "a").await["definitions_changed"].clone()
}

#[tokio::test]
async fn a_changed_definition_is_said_counted_and_shown() {
    let home = tempfile::tempdir().expect("a directory");
    let script = home.path().join("server.sh");
    describe(&script, "one");
    fs::write(home.path().join("mcp-servers.json"), config(&script, "1")).expect("it is written");
    let start = async || Gateway::start(GatewayOptions::default().home(home.path())).await;
    let mut gateway = start().await;
    restart(&gateway).await;
    assert_eq!(scrape(&gateway).await.value(COUNT), Some(0.0));
    assert_eq!(changed(&gateway).await, Value::Null);

    describe(&script, "two");
    restart(&gateway).await;
    let line = gateway
        .wait_for_log("in another way than before", SOON)
        .await;
    assert!(
        line.contains("[WARN] Server 'a'") && line.contains("'t' (description)"),
        "{line}"
    );
    assert_eq!(scrape(&gateway).await.value(COUNT), Some(1.0));
    let shown = changed(&gateway).await;
    assert_eq!(
        (&shown[0]["tool"], &shown[0]["parts"]),
        (&json!("t"), &json!(["description"]))
    );

    // Beside what is kept of the last run, too.
    gateway.terminate().await;
    describe(&script, "three");
    let gateway = start().await;
    gateway
        .wait_for_log("in another way than before", SOON)
        .await;
    assert_eq!(changed(&gateway).await[0]["tool"], "t");

    // The entry is another: what comes of it is what was meant.
    describe(&script, "four");
    let mark = gateway.log_mark();
    gateway.write_config(&config(&script, "2"));
    gateway.sighup();
    gateway.wait_for_log_after(mark, "~1 (a: env)", SOON).await;
    gateway
        .wait_for_log_after(mark, "Server 'a' started", SOON)
        .await;
    assert_eq!(changed(&gateway).await, Value::Null);
    restart(&gateway).await;
    let said = gateway.logs();
    let said = said.iter().filter(|line| line.contains("in another way"));
    assert_eq!(said.count(), 1, "of this gateway");
}
