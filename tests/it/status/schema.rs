//! The status of a gateway in which much has happened, held against the schema in the documents: every
//! member is in it, as it says, and nothing is in it that never comes.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, server, server_in, status};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{fixture, gateway, join};
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

/// What only comes of what is tested elsewhere.
const SELDOM: [&str; 15] = [
    "/modern/held_back_by",
    "/servers/awake_for",
    "/servers/ends_after_calls",
    "/servers/definitions_changed",
    "/servers/definitions_changed/held",
    "/servers/definitions_changed/parts",
    "/servers/definitions_changed/seconds_ago",
    "/servers/definitions_changed/tool",
    "/servers/unread",
    "/servers/unread/entries",
    "/servers/unread/list",
    "/servers/unread/why",
    "/servers/warnings",
    "/servers/left_out/count",
    "/servers/left_out/entries",
];

fn schema() -> Value {
    let text = include_str!("../../../docs/status.schema.json");
    serde_json::from_str(text).expect("JSON")
}

/// Holds a value against its schema; the places of the members that it has are put down.
fn hold(value: &Value, schema: &Value, place: &str, seen: &mut BTreeSet<String>) {
    seen.insert(place.to_owned());
    let kinds = schema["type"].as_array().cloned();
    let kinds = kinds.unwrap_or_else(|| vec![schema["type"].clone()]);
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_number = kind == "integer" && kinds.contains(&json!("number"));
    assert!(
        is_number || kinds.contains(&json!(kind)),
        "{place} is {kind}: {schema}"
    );
    if let Some(known) = schema["enum"].as_array() {
        assert!(known.contains(value), "{place} is {value}");
    }
    if let (Some(most), Some(text)) = (schema["maxLength"].as_u64(), value.as_str()) {
        assert!(text.chars().count() as u64 <= most, "{place}: {text}");
    }
    for item in value.as_array().into_iter().flatten() {
        hold(item, &schema["items"], place, seen);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let known = schema["properties"].get(name);
        let known = known.unwrap_or_else(|| panic!("{place}/{name} is not in the schema"));
        hold(member, known, &format!("{place}/{name}"), seen);
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        let is_there = value.is_null() || value.get(name).is_some();
        assert!(is_there, "{place}/{name} is missing");
    }
}

/// The places of all members that a schema has.
fn places(schema: &Value, place: &str, all: &mut BTreeSet<String>) {
    all.insert(place.to_owned());
    if schema.get("items").is_some() {
        places(&schema["items"], place, all);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        places(member, &format!("{place}/{name}"), all);
    }
}

/// A gateway with servers that are well, gone, down and odd, clients of both kinds, and a wrong entry.
async fn eventful() -> (Gateway, SseClient, Endpoint) {
    let mut sleeper = fixture("sleeper", &[]);
    sleeper["start"] = json!("on-demand");
    sleeper["idle_timeout"] = json!(0.1);
    let config = json!({
        "servers": [
            fixture("a", &[]),
            fixture("down", &["--exit-at-start", "7"]),
            sleeper,
            { "name": "missing", "command": "no-such-program" },
            { "name": "refused", "args": [] },
            { "name": "odd", "command": "sh", "args": ["-c", "echo junk; sleep 1000"] },
        ],
        "profiles": { "p": { "servers": ["*"] } },
    });
    let gateway = Gateway::start(GatewayOptions::new(config.to_string())).await;
    let ready = server_in(&gateway, "a", "ready").await;
    let pid = u32::try_from(ready["pid"].as_u64().expect("a pid")).expect("it fits");
    assert!(proc::send(pid, Signal::SIGKILL));
    wait::until("its next life", SOON, async || {
        let now = server(&gateway, "a").await;
        (now["state"] == "ready" && now["restarts"] == 1).then_some(())
    })
    .await;
    server_in(&gateway, "down", "backoff").await;
    server_in(&gateway, "missing", "backoff").await;
    server_in(&gateway, "sleeper", "asleep").await;
    let sse = join(&gateway).await;
    let mut endpoint = Endpoint::at(gateway.addr(), "/p/p/mcp");
    endpoint.initialize("2025-11-25", "{}").await;
    (gateway, sse, endpoint)
}

#[tokio::test]
async fn the_status_is_what_its_schema_says() {
    let (gateway, sse, _endpoint) = eventful().await;
    // A look at the processes that takes long is left out of the answer.
    let found = wait::until("a look at the processes", SOON, async || {
        let found = status(&gateway).await;
        let processes = &found["servers"][0]["processes"];
        processes["memory_bytes"].is_u64().then_some(found)
    })
    .await;
    let (schema, mut seen) = (schema(), BTreeSet::new());
    hold(&found, &schema, "", &mut seen);
    let mut all = BTreeSet::new();
    places(&schema, "", &mut all);
    let never = all.difference(&seen).map(String::as_str);
    let never: Vec<&str> = never.filter(|place| !SELDOM.contains(place)).collect();
    assert!(
        never
            .iter()
            .all(|place| place.starts_with("/servers/left_out")),
        "in the schema, and not in the status: {never:?}"
    );

    let clients = &found["sessions"]["clients"];
    let (newest, oldest) = (&clients[0], &clients[1]);
    assert_eq!(
        (&newest["transport"], &newest["profile"]),
        (&json!("streamable-http"), &json!("p"))
    );
    assert_eq!(
        (&oldest["transport"], &oldest["profile"]),
        (&json!("sse"), &Value::Null)
    );
    for client in [newest, oldest] {
        assert_eq!(
            (&client["client"], &client["version"]),
            (&json!("test"), &json!("1"))
        );
        assert_eq!(client["calls_in_flight"], 0);
    }
    let fault = &found["configuration"]["faults"][0];
    assert_eq!(
        (&fault["severity"], &fault["line"]),
        (&json!("error"), &json!(1))
    );
    sse.leave().await;
}

#[tokio::test]
async fn the_catalogue_changes_with_the_lists_alone() {
    let gateway = gateway(&[fixture("a", &[])]).await;
    let client = join(&gateway).await;
    server_in(&gateway, "a", "ready").await;
    client.call_tool("a__echo", r#"{"text":"x"}"#).await;
    let catalogue = async || status(&gateway).await["catalogue"].take();
    let before = catalogue().await;
    assert!(before.is_string());
    client.call_tool("a__exit", r#"{"code":1,"ms":1}"#).await;
    wait::until("its next life", SOON, async || {
        let now = server(&gateway, "a").await;
        (now["state"] == "ready" && now["restarts"] == 1).then_some(())
    })
    .await;
    assert_eq!(catalogue().await, before, "it lists what it listed");
    client
        .call_tool("a__set_tools", r#"{"names":["new"]}"#)
        .await;
    wait::until("the new list", SOON, async || {
        (catalogue().await != before).then_some(())
    })
    .await;
    let tools = http::get(gateway.addr(), "/status/tools").await.text();
    assert!(tools.contains("a__new"), "{tools}");
}
