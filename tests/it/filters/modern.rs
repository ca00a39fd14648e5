//! The same for clients without a session.

use serde_json::{Value, json};

use super::{filtered, members};
use crate::support::both::ready;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{text_of, tool_names};

#[tokio::test]
async fn what_is_hidden_is_nowhere_without_a_session() {
    for more in [
        json!({}),
        json!({ "isolation": "session" }),
        json!({ "protocol": "modern" }),
    ] {
        let mut entry = filtered("a");
        for (name, value) in more.as_object().expect("members of an entry") {
            entry[name] = value.clone();
        }
        if entry["protocol"] == "modern" {
            entry["args"]
                .as_array_mut()
                .expect("a list")
                .push(json!("--era=modern"));
        }
        hides(entry).await;
    }
}

async fn hides(entry: Value) {
    let file = json!({ "gateway": { "protocol": "both" }, "servers": [entry] });
    let gateway = Gateway::start(GatewayOptions::new(file.to_string())).await;
    ready(&gateway).await;
    let client = ModernClient::new(gateway.addr());
    assert_eq!(
        text_of(&client.call_tool("a__echo", r#"{"text":"x"}"#).await),
        "x"
    );
    let listed = asked(&client, "tools/list", &json!({})).await;
    assert_eq!(
        tool_names(&listed),
        ["a__echo", "a__pid", "a__raw", "a__received"]
    );
    let listed = asked(&client, "resources/list", &json!({})).await;
    assert_eq!(members(&listed, "resources", "uri"), ["fx://text/0"]);
    let answer = client.call_tool("a__state", "{}").await;
    assert!(answer.contains("Unknown tool: a__state"), "{answer}");
    let answer = asked(&client, "prompts/get", &json!({ "name": "a__prompt_1" })).await;
    assert!(answer.contains("Unknown prompt"), "{answer}");
    for uri in ["fx://blob/1", "fx://items1/7"] {
        let answer = asked(&client, "resources/read", &json!({ "uri": uri })).await;
        assert!(answer.contains("Resource not found"), "{answer}");
    }
    let reference = json!({ "type": "ref/resource", "uri": "fx://items1/{id}" });
    let params = json!({ "ref": reference, "argument": { "name": "id", "value": "1" } });
    let answer = asked(&client, "completion/complete", &params).await;
    assert!(answer.contains(r#""error""#), "{answer}");
}

async fn asked(client: &ModernClient, method: &str, params: &Value) -> String {
    client
        .answer(&Ask::new(method, &params.to_string()))
        .await
        .1
}
