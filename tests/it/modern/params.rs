//! Arguments of tools that calls repeat in headers.

use serde_json::{Value, json};

use super::{Asks, SOON, open};
use crate::support::servers::join;
use crate::support::wait;

/// Of what is annotated, and how.
const TOOL: &str = r#"{"name":"routed","inputSchema":{"type":"object","properties":{"text":{"type":"string","x-mcp-header":"Region"},"count":{"type":"integer","x-mcp-header":"Count"}}}}"#;
const ODD: &str = r#"{"name":"odd","inputSchema":{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"no name"}}}}"#;

#[tokio::test]
async fn a_call_that_says_two_things_is_not_made() {
    let gateway = open().await;
    let addr = gateway.addr();
    let client = join(&gateway).await;
    let definitions: Vec<Value> = [TOOL, ODD]
        .map(|tool| serde_json::from_str(tool).unwrap())
        .into();
    let arguments = json!({"names": [], "definitions": definitions}).to_string();
    client.call_tool("fx__set_tools", &arguments).await;
    let is_listed = || async {
        let list = Asks::new("tools/list", json!({})).result(addr).await;
        list.to_string().contains("fx__routed").then_some(())
    };
    wait::until("the tool is listed", SOON, is_listed).await;
    let routed = |arguments: Value| Asks::call("fx__routed", arguments);
    let with = |arguments, region: &str| routed(arguments).with("mcp-param-region", region);
    for asks in [
        with(json!({"text": "us"}), "eu"),
        with(json!({"text": "us"}), "=?base64?dXM?="),
        with(json!({}), "us"),
        with(json!({"text": null}), "null"),
        routed(json!({"text": "us"})),
        routed(json!({"count": 1})).with("mcp-param-count", "2"),
    ] {
        let what = (asks.headers.clone(), asks.params.clone());
        assert_eq!(asks.refusal(addr).await, (400, -32020), "{what:?}");
    }
    for asks in [
        with(json!({"text": "us"}), "us"),
        with(json!({"text": "us"}), "=?base64?dXM=?="),
        routed(json!({"text": null})),
        routed(json!({})),
        routed(json!({"count": 42})).with("mcp-param-count", "42.0"),
        // Of a tool that has none, or none that counts, nobody looks at them.
        Asks::call("fx__odd", json!({"a": "x"})),
        Asks::call("fx__echo", json!({"text": "us"})).with("mcp-param-region", "eu"),
    ] {
        let what = (asks.headers.clone(), asks.params.clone());
        let status = asks.reply(addr).await.status();
        assert_eq!(status, 200, "{what:?}");
    }
    let told = gateway.wait_for_log("x-mcp-header", SOON).await;
    assert!(
        told.contains("'odd'") && !told.contains("'routed'"),
        "{told}"
    );
}
