//! What of a server clients see: what is hidden is in no list, and cannot be called, got, read, completed or
//! subscribed to, by whatever transport, in either era, and whoever has a process of its own.

#![cfg(test)]

mod budget;
mod links;
mod modern;
mod reload;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::both::{join, ready, serve};
use crate::support::client::{Client, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{error_code, fixture, text_of, tool_names};

const SOON: Duration = Duration::from_secs(20);

on_both_transports!(
    what_is_hidden_is_nowhere_for_clients_of_a_shared_server,
    what_is_hidden_is_nowhere_for_clients_of_an_isolated_server,
    what_is_hidden_is_nowhere_for_clients_of_a_profile,
    a_tool_is_called_and_described_as_the_file_says,
);

/// A server of which something of everything is hidden.
fn filtered(name: &str) -> Value {
    let mut entry = fixture(name, &["--offers", "--templates=2"]);
    entry["tools"] =
        json!({ "allow": ["echo", "pid", "received", "raw", "update"], "deny": ["up*"] });
    entry["prompts"] = json!({ "deny": ["prompt_1"] });
    entry["resources"] = json!({ "deny": ["fx://blob/*", "fx://items1/{id}"] });
    entry
}

async fn ask<T: Transport>(client: &Client<T>, method: &str, params: &Value) -> String {
    client.call(method, Some(&params.to_string()), SOON).await
}

/// One member of all entries in a list.
fn members(answer: &str, list: &str, member: &str) -> Vec<String> {
    let readable = answer.replace("1e400", "1");
    let parsed: Value = serde_json::from_str(&readable).expect("JSON");
    let entries = parsed["result"][list].as_array().expect("a list");
    let text = |entry: &Value| entry[member].as_str().expect("text").to_owned();
    entries.iter().map(text).collect()
}

async fn what_is_hidden_is_nowhere_for_clients_of_a_shared_server<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[filtered("a")]).await;
    what_is_hidden_is_nowhere(&client).await;
}

async fn what_is_hidden_is_nowhere_for_clients_of_an_isolated_server<T: Transport>() {
    let mut entry = filtered("a");
    entry["isolation"] = json!("session");
    let (_gateway, client) = serve::<T>(&[entry]).await;
    what_is_hidden_is_nowhere(&client).await;
}

async fn what_is_hidden_is_nowhere_for_clients_of_a_profile<T: Transport>() {
    let config = json!({
        "servers": [fixture("a", &["--offers", "--templates=2"])],
        "profiles": { "p": {
            "tools": { "allow": ["*__echo", "a__pid", "a__received", "a__raw", "a__update"], "deny": ["a__up*"] },
            "prompts": { "deny": ["a__prompt_1"] },
            "resources": { "deny": ["fx://blob/*", "mcproxy://a/fx://items1/{id}"] },
        } },
        "default_profile": "p",
    });
    let gateway = Gateway::start(GatewayOptions::new(config.to_string())).await;
    ready(&gateway).await;
    what_is_hidden_is_nowhere(&join::<T>(&gateway).await).await;
}

async fn what_is_hidden_is_nowhere<T: Transport>(client: &Client<T>) {
    // An isolated server's own process is there from the first call on.
    assert_eq!(
        text_of(&client.call_tool("a__echo", r#"{"text":"x"}"#).await),
        "x"
    );
    only_the_shown_is_listed(client).await;
    only_the_shown_is_completed(client).await;
    for hidden in ["a__update", "a__state", "a__no_such"] {
        let answer = client.call_tool(hidden, "{}").await;
        let wanted = format!("Unknown tool: {hidden}");
        assert!(
            answer.contains(&wanted) && error_code(&answer) == -32602,
            "{answer}"
        );
    }
    let answer = ask(client, "prompts/get", &json!({ "name": "a__prompt_1" })).await;
    assert!(answer.contains("Unknown prompt"), "{answer}");
    for uri in [
        "fx://blob/1",
        "fx://blob/9",
        "fx://items1/7",
        "mcproxy://a/fx://blob/1",
    ] {
        for method in ["resources/read", "resources/subscribe"] {
            let answer = ask(client, method, &json!({ "uri": uri })).await;
            assert_eq!(error_code(&answer), -32002, "{method} {uri}: {answer}");
        }
    }
    for uri in ["fx://text/0", "fx://items0/7"] {
        let answer = ask(client, "resources/read", &json!({ "uri": uri })).await;
        assert!(answer.contains(r#""contents""#), "{answer}");
    }
    // Nothing of it has reached the server.
    for (method, seen) in [
        ("tools/call", 1),
        ("prompts/get", 0),
        ("resources/read", 2),
        ("resources/subscribe", 0),
        ("completion/complete", 2),
    ] {
        let arguments = json!({ "method": method }).to_string();
        let received = text_of(&client.call_tool("a__received", &arguments).await);
        let received: Vec<Value> = serde_json::from_str(&received).expect("a list");
        let own = |params: &&Value| params["name"] != "received";
        assert_eq!(
            received.iter().filter(own).count(),
            seen,
            "{method}: {received:?}"
        );
    }
}

async fn only_the_shown_is_listed<T: Transport>(client: &Client<T>) {
    let tools = tool_names(&client.call("tools/list", None, SOON).await);
    assert_eq!(tools, ["a__echo", "a__pid", "a__raw", "a__received"]);
    let listed = ask(client, "prompts/list", &json!({})).await;
    assert_eq!(members(&listed, "prompts", "name"), ["a__prompt_0"]);
    let listed = ask(client, "resources/list", &json!({})).await;
    assert_eq!(members(&listed, "resources", "uri"), ["fx://text/0"]);
    let listed = ask(client, "resources/templates/list", &json!({})).await;
    assert_eq!(
        members(&listed, "resourceTemplates", "uriTemplate"),
        ["fx://items0/{id}"]
    );
}

async fn only_the_shown_is_completed<T: Transport>(client: &Client<T>) {
    for (reference, is_shown) in [
        (
            json!({ "type": "ref/resource", "uri": "fx://items0/{id}" }),
            true,
        ),
        (
            json!({ "type": "ref/resource", "uri": "fx://items1/{id}" }),
            false,
        ),
        (json!({ "type": "ref/prompt", "name": "a__prompt_0" }), true),
        (
            json!({ "type": "ref/prompt", "name": "a__prompt_1" }),
            false,
        ),
    ] {
        let params = json!({ "ref": reference, "argument": { "name": "id", "value": "1" } });
        let answer = ask(client, "completion/complete", &params).await;
        assert_eq!(answer.contains(r#""result""#), is_shown, "{answer}");
    }
}

async fn a_tool_is_called_and_described_as_the_file_says<T: Transport>() {
    let mut entry = fixture("a", &["--tools=1", "--name-prefix=get.it/"]);
    entry["names"] = json!("safe");
    entry["tools"] = json!({
        "allow": ["echo", "get.it/*"],
        "rename": { "echo": "say" },
        "override": { "echo": { "description": "Says it.", "annotations": { "readOnlyHint": true } } },
    });
    let (_gateway, client) = serve::<T>(&[entry]).await;
    let answer = client.call("tools/list", None, SOON).await;
    assert_eq!(tool_names(&answer), ["a__say", "a__get_it_0_1941fc94"]);
    let listed: Value = serde_json::from_str(&answer).expect("JSON");
    let say = &listed["result"]["tools"][0];
    assert_eq!(say["description"], "Says it.");
    assert_eq!(say["annotations"]["readOnlyHint"], true);
    assert!(say["inputSchema"].is_object());
    assert_eq!(
        text_of(&client.call_tool("a__say", r#"{"text":"x"}"#).await),
        "x"
    );
    assert_eq!(
        text_of(&client.call_tool("a__get_it_0_1941fc94", "{}").await),
        "get.it/0"
    );
    for gone in ["a__echo", "a__get.it/0"] {
        let answer = client.call_tool(gone, "{}").await;
        assert!(answer.contains("Unknown tool"), "{answer}");
    }
}
