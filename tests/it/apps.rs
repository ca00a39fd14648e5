//! MCP Apps through the real binary: pages stay `ui://…` and lead to their own server, their tools are
//! called by their server's own names, and each server is told what its clients can show.

#![cfg(test)]

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::both::{join, join_with, ready, serve};
use crate::support::client::{Client, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{fixture, text_of, tool_names};

const SOON: Duration = Duration::from_secs(20);
const PAGE: &str = "ui://x/text/0";
const OUTWARD: &str = "ui://b/ui://x/text/0";
/// What a client says that shows apps, and knows more.
const KNOWS: &str = r#"{"extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"],"x":1.10},"y/z":{"n":[1e40]}}}"#;

on_both_transports!(
    a_page_that_two_servers_have_stays_one_and_leads_to_each,
    no_server_takes_over_the_page_of_another,
    a_tool_is_called_by_its_servers_own_name,
    each_server_is_told_what_its_clients_can_show,
);

/// A server whose tool `show` has this page; its resources begin with `base`.
fn app(name: &str, base: &str, page: &str) -> Value {
    let [marker, base, page] = [("marker", name), ("uri-base", base), ("app", page)]
        .map(|(flag, value)| format!("--{flag}={value}"));
    fixture(name, &["--offers", &marker, &base, &page])
}

fn twins() -> [Value; 2] {
    ["a", "b"].map(|name| app(name, "ui://x/", PAGE))
}

async fn ask<T: Transport>(client: &Client<T>, method: &str, params: &Value) -> String {
    client.call(method, Some(&params.to_string()), SOON).await
}

async fn asked(client: &ModernClient, method: &str, params: &Value) -> String {
    client
        .answer(&Ask::new(method, &params.to_string()))
        .await
        .1
}

/// The raw `_meta` of a tool.
fn meta(listed: &str, tool: &str) -> String {
    let behind = listed.split_once(&format!(r#"{{"name":"{tool}""#));
    let (_, behind) = behind.unwrap_or_else(|| panic!("no {tool}: {listed}"));
    let (_, meta) = behind.split_once(r#""_meta":"#).expect("it has one");
    meta.split_once("}}").expect("it ends").0.to_owned()
}

/// The same where its page is this one.
fn naming(page: &str) -> String {
    format!(
        r#"{{"ui":{{"resourceUri" : "{page}","x":1.10}},"ui/resourceUri":"{page}","openai/outputTemplate":"{page}""#
    )
}

async fn a_page_that_two_servers_have_stays_one_and_leads_to_each<T: Transport>() {
    let (_gateway, client) = serve::<T>(&twins()).await;
    let listed = ask(&client, "tools/list", &json!({})).await;
    for (tool, page) in [("a__show", PAGE), ("b__show", OUTWARD)] {
        assert_eq!(meta(&listed, tool), naming(page));
    }
    let listed = ask(&client, "resources/list", &json!({})).await;
    assert!(
        listed.contains(&format!(r#""uri":"{OUTWARD}""#)),
        "{listed}"
    );
    let listed = ask(&client, "resources/templates/list", &json!({})).await;
    let template = r#""uriTemplate":"ui://b/ui://x/items0/{id}""#;
    assert!(listed.contains(template), "{listed}");
    for (uri, text) in [
        (PAGE, "a ui://x/text/0"),
        (OUTWARD, "b ui://x/text/0"),
        ("ui://b/ui://x/items0/7", "b ui://x/items0/7"),
    ] {
        let answer = ask(&client, "resources/read", &json!({ "uri": uri })).await;
        let contents = format!(r#"[{{"uri":"{uri}","text":"{text}","x-vendor":1.10}}]"#);
        assert!(answer.contains(&contents), "{uri}: {answer}");
    }
    let watched = json!({ "uri": OUTWARD });
    ask(&client, "resources/subscribe", &watched).await;
    let own = json!({ "uri": PAGE }).to_string();
    assert_eq!(text_of(&client.call_tool("b__update", &own).await), "sent");
    let told = client
        .next_notification("notifications/resources/updated", SOON)
        .await;
    assert!(
        told.ends_with(&format!(r#""params":{watched}}}"#)),
        "{told}"
    );
    let links = |uri: &str| {
        format!(
            r#"{{"content":[{{"type":"resource_link","name":"x","uri":"{uri}"}},{{"type":"resource","resource":{{"uri":"{uri}","text":"{PAGE}"}}}}]}}"#
        )
    };
    let result = format!(r#"{{"result":{}}}"#, links(PAGE));
    let answer = client.call_tool("b__raw", &result).await;
    assert!(answer.contains(&links(OUTWARD)), "{answer}");
}

#[tokio::test]
async fn the_same_holds_without_a_session() {
    for era in ["legacy", "modern"] {
        let entries = twins().map(|mut entry| {
            let flags = entry["args"].as_array_mut().expect("a list");
            flags.push(json!(format!("--era={era}")));
            entry["protocol"] = json!(era);
            entry
        });
        let (_gateway, client) = without_sessions(json!({ "servers": entries })).await;
        let listed = asked(&client, "tools/list", &json!({})).await;
        assert_eq!(meta(&listed, "a__show"), naming(PAGE));
        assert_eq!(meta(&listed, "b__show"), naming(OUTWARD));
        let answer = asked(&client, "resources/read", &json!({ "uri": OUTWARD })).await;
        let contents = format!(r#"[{{"uri":"{OUTWARD}","text":"b {PAGE}","x-vendor":1.10}}]"#);
        assert!(answer.contains(&contents), "{era}: {answer}");
        let discovered = asked(&client, "server/discover", &json!({})).await;
        let declared = r#""extensions":{"io.modelcontextprotocol/ui":{"of":"a"}}"#;
        assert!(discovered.contains(declared), "{era}: {discovered}");
    }
}

/// A gateway of both eras with this file, and a client without sessions.
async fn without_sessions(mut file: Value) -> (Gateway, ModernClient) {
    file["gateway"] = json!({ "protocol": "both" });
    let gateway = Gateway::start(GatewayOptions::new(file.to_string())).await;
    ready(&gateway).await;
    let client = ModernClient::new(gateway.addr());
    (gateway, client)
}

async fn no_server_takes_over_the_page_of_another<T: Transport>() {
    let page = "ui://victim/text/0";
    let attacker = app("attacker", "ui://victim/", page);
    let victim = app("victim", "ui://victim/", page);
    for entries in [[attacker.clone(), victim.clone()], [victim, attacker]] {
        let (gateway, client) = serve::<T>(&entries).await;
        let listed = ask(&client, "tools/list", &json!({})).await;
        let spoofed = format!("ui://attacker/{page}");
        assert_eq!(meta(&listed, "victim__show"), naming(page));
        assert_eq!(meta(&listed, "attacker__show"), naming(&spoofed));
        for (uri, owner) in [(page, "victim"), (&spoofed, "attacker")] {
            let answer = ask(&client, "resources/read", &json!({ "uri": uri })).await;
            let text = format!(r#""text":"{owner} {page}""#);
            assert!(answer.contains(&text), "{uri}: {answer}");
        }
        gateway
            .wait_for_log(
                "'attacker' lists resources of server 'victim' (ui://victim/…)",
                SOON,
            )
            .await;
    }
}

/// Two servers that have tools in common: one is filtered, in the other one tool has another name.
fn filtered() -> Value {
    let [mut a, b] = twins();
    let common = ["pid", "fail", "sleep", "env", "show", "raw"];
    let deny: Vec<&str> = ["abort"].into_iter().chain(common).collect();
    a["tools"] = json!({ "deny": deny, "rename": { "echo": "say" } });
    let mut b = b;
    b["tools"] = json!({ "deny": ["echo", "abort", "env"] });
    let profiles = json!({
        "b": { "servers": ["b"] },
        "less": { "tools": { "deny": ["a__say", "b__exit"] } },
    });
    json!({ "servers": [a, b], "profiles": profiles })
}

/// The call, and who answers it by which of its tools; `None` where nobody does.
const CALLS: [(&str, Option<&str>); 7] = [
    ("pid", Some("b")),
    ("state", None),
    ("abort", None),
    ("env", None),
    ("say", None),
    ("nobody", None),
    ("b__pid", Some("b")),
];

async fn a_tool_is_called_by_its_servers_own_name<T: Transport>() {
    let gateway = Gateway::start(GatewayOptions::new(filtered().to_string())).await;
    ready(&gateway).await;
    let client = join::<T>(&gateway).await;
    let said = client
        .call_tool("echo", r#"{"text":"by its own name"}"#)
        .await;
    assert_eq!(text_of(&said), "by its own name");
    for (tool, wanted) in CALLS {
        check(tool, wanted, &client.call_tool(tool, "{}").await);
    }
}

#[tokio::test]
async fn so_it_is_without_a_session_and_within_a_profile() {
    let (gateway, client) = without_sessions(filtered()).await;
    let said = client.call_tool("echo", r#"{"text":"x"}"#).await;
    assert_eq!(text_of(&said), "x");
    for (tool, wanted) in CALLS {
        check(tool, wanted, &client.call_tool(tool, "{}").await);
    }
    let b = ModernClient::new(gateway.addr()).at("/p/b/mcp");
    let state = text_of(&b.call_tool("state", "{}").await);
    assert!(state.contains(r#""marker":"b""#), "{state}");
    let less = ModernClient::new(gateway.addr()).at("/p/less/mcp");
    check("echo", None, &less.call_tool("echo", "{}").await);
    check("pid", Some("b"), &less.call_tool("pid", "{}").await);
}

fn check(tool: &str, wanted: Option<&str>, answer: &str) {
    match wanted {
        Some(server) => {
            let said: Value = serde_json::from_str(&text_of(answer)).expect("JSON");
            assert_eq!(said["marker"], server, "{tool}");
        }
        None => assert!(
            answer.contains(&format!("Unknown tool: {tool}")),
            "{answer}"
        ),
    }
}

async fn each_server_is_told_what_its_clients_can_show<T: Transport>() {
    let mut own = app("own", "own://", "ui://own/app");
    own["isolation"] = json!("session");
    let (gateway, client) = serve::<T>(&[app("all", "all://", "ui://all/app"), own]).await;
    let both = ["all__show", "own__show"];
    let shown = async |client: &Client<T>| -> Vec<String> {
        let mut tools = tool_names(&ask(client, "tools/list", &json!({})).await);
        tools.retain(|tool| tool.ends_with("__show"));
        tools
    };
    let told = async |client: &Client<T>, server: &str| -> Value {
        let state = text_of(&client.call_tool(&format!("{server}__state"), "{}").await);
        let mut state: Value = serde_json::from_str(&state).expect("JSON");
        state["initialize"]["capabilities"]["extensions"].take()
    };
    // Who declares nothing has a server of its own that is told nothing.
    let apps = json!({"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}});
    assert_eq!(shown(&client).await, both);
    assert_eq!(told(&client, "all").await, apps);
    assert_eq!(told(&client, "own").await, Value::Null);
    assert_eq!(shown(&client).await, ["all__show"]);
    let knowing = join_with::<T>(&gateway, KNOWS).await;
    let declared: Value = serde_json::from_str(KNOWS).expect("JSON");
    assert_eq!(told(&knowing, "all").await, apps);
    assert_eq!(told(&knowing, "own").await, declared["extensions"]);
    assert_eq!(shown(&knowing).await, both);
    let third = T::client(gateway.addr()).await;
    let answer = third.initialize_with("2025-11-25", "{}").await;
    let declared = r#""extensions":{"io.modelcontextprotocol/ui":{"of":"all"}}"#;
    assert!(answer.contains(declared), "{answer}");
}

/// Without a handshake each request says it.
#[tokio::test]
async fn so_is_the_server_of_a_request() {
    for era in ["legacy", "modern"] {
        let mut own = app("own", "own://", "ui://own/app");
        own["isolation"] = json!("session");
        own["protocol"] = json!(era);
        own["args"]
            .as_array_mut()
            .expect("a list")
            .push(json!(format!("--era={era}")));
        let (_gateway, client) = without_sessions(json!({ "servers": [own] })).await;
        let listed = asked(&client, "tools/list", &json!({})).await;
        assert_eq!(meta(&listed, "own__show"), naming("ui://own/app"));
        if era == "modern" {
            continue;
        }
        for (can, wanted) in [(KNOWS, Some(KNOWS)), ("{}", None)] {
            let call = Ask::tool("own__state", "{}").can(can);
            let state = text_of(&client.answer(&call).await.1);
            let state: Value = serde_json::from_str(&state).expect("JSON");
            let wanted: Value = serde_json::from_str(wanted.unwrap_or("{}")).expect("JSON");
            assert_eq!(state["initialize"]["capabilities"], wanted);
        }
    }
}
