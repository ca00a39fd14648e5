//! URIs that two servers have in common: the first of the configuration keeps its own, the other's are
//! `mcproxy://{server}/{uri}` wherever a client sees them, and native again wherever a server does.

#![cfg(test)]

use std::time::Duration;

use serde_json::Value;

use crate::support::both::serve;
use crate::support::client::{Client, Transport};
use crate::support::servers::{fixture, text_of};

const SOON: Duration = Duration::from_secs(20);
const UPDATED: &str = "notifications/resources/updated";

on_both_transports!(
    the_first_keeps_its_uris_and_the_other_gets_new_ones,
    a_resource_is_read_under_either_uri,
    updates_come_under_the_uri_that_was_subscribed,
    links_and_embedded_resources_are_rewritten,
    completions_reach_the_template_that_is_meant,
    unique_uris_stay_native_beside_common_ones,
);

/// Two servers with the same URIs, but that `b` has one resource more.
async fn colliding<T: Transport>() -> (support::gateway::Gateway, Client<T>) {
    let entry = |name: &str, resources: &str| {
        let marker = format!("--marker={name}");
        fixture(name, &["--offers", &marker, resources])
    };
    serve::<T>(&[entry("a", "--resources=2"), entry("b", "--resources=3")]).await
}

async fn ask<T: Transport>(client: &Client<T>, method: &str, params: &str) -> String {
    client.call(method, Some(params), SOON).await
}

async fn drive<T: Transport>(client: &Client<T>, tool: &str, arguments: &str) -> String {
    text_of(&client.call_tool(tool, arguments).await)
}

fn members(answer: &str, list: &str, member: &str) -> Vec<String> {
    let parsed: Value = serde_json::from_str(answer).expect("JSON");
    let entries = parsed["result"][list].as_array().expect("a list");
    let text = |entry: &Value| entry[member].as_str().expect("text").to_owned();
    entries.iter().map(text).collect()
}

async fn the_first_keeps_its_uris_and_the_other_gets_new_ones<T: Transport>() {
    let (_gateway, client) = colliding::<T>().await;
    let listed = ask(&client, "resources/list", "{}").await;
    let wanted = [
        "fx://text/0",
        "fx://blob/1",
        "mcproxy://b/fx://text/0",
        "mcproxy://b/fx://blob/1",
        "fx://text/2",
    ];
    assert_eq!(members(&listed, "resources", "uri"), wanted);
    // Nothing else of the entry has changed.
    let entry = r#"{"uri":"mcproxy://b/fx://text/0","name":"text 0","size":1.0,"annotations":{"priority":0.50,"x-vendor":"\u00e9"}}"#;
    assert!(listed.contains(entry), "{listed}");
    let listed = ask(&client, "resources/templates/list", "{}").await;
    let wanted = ["fx://items0/{id}", "mcproxy://b/fx://items0/{id}"];
    assert_eq!(members(&listed, "resourceTemplates", "uriTemplate"), wanted);
}

async fn a_resource_is_read_under_either_uri<T: Transport>() {
    let (_gateway, client) = colliding::<T>().await;
    for (uri, text) in [
        ("fx://text/0", "a fx://text/0"),
        ("mcproxy://b/fx://text/0", "b fx://text/0"),
        ("fx://text/2", "b fx://text/2"),
        ("fx://items0/7", "a fx://items0/7"),
        ("mcproxy://b/fx://items0/7", "b fx://items0/7"),
    ] {
        let params = format!(r#"{{"uri":"{uri}"}}"#);
        let answer = ask(&client, "resources/read", &params).await;
        let wanted = format!(
            r#""result":{{"contents":[{{"uri":"{uri}","text":"{text}","x-vendor":1.10}}]}}}}"#
        );
        assert!(answer.ends_with(&wanted), "{uri}: {answer}");
    }
    let seen = drive(&client, "b__received", r#"{"method":"resources/read"}"#).await;
    let wanted = r#"[{"uri":"fx://text/0"},{"uri":"fx://text/2"},{"uri":"fx://items0/7"}]"#;
    assert_eq!(seen, wanted);
    for unknown in [
        "mcproxy://c/fx://text/0",
        "mcproxy://b/other://x",
        "mcproxy://",
    ] {
        let params = format!(r#"{{"uri":"{unknown}"}}"#);
        let answer = ask(&client, "resources/read", &params).await;
        assert!(answer.contains("-32002"), "{unknown}: {answer}");
    }
}

async fn updates_come_under_the_uri_that_was_subscribed<T: Transport>() {
    let (_gateway, client) = colliding::<T>().await;
    let native = r#"{"uri":"fx://text/0"}"#;
    let rewritten = r#"{"uri":"mcproxy://b/fx://text/0"}"#;
    for params in [native, rewritten] {
        let answer = ask(&client, "resources/subscribe", params).await;
        assert!(answer.ends_with(r#""result":{}}"#), "{answer}");
    }
    for (server, params) in [("a", native), ("b", rewritten)] {
        let update = format!("{server}__update");
        assert_eq!(drive(&client, &update, native).await, "sent");
        let told = client.next_notification(UPDATED, SOON).await;
        let wanted = format!(r#"{{"jsonrpc":"2.0","method":"{UPDATED}","params":{params}}}"#);
        assert_eq!(told, wanted);
    }
    ask(&client, "resources/unsubscribe", rewritten).await;
    assert_eq!(drive(&client, "a__update", native).await, "sent");
    client.next_notification(UPDATED, SOON).await;
    client.call("ping", None, SOON).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
}

async fn links_and_embedded_resources_are_rewritten<T: Transport>() {
    let (_gateway, client) = colliding::<T>().await;
    let content = |uri: &str| {
        format!(
            r#"[{{"type":"resource_link","x":1e400,"uri" : "{uri}","name":"n"}},{{"type":"text","text":"{uri}"}},{{"resource":{{"text":"t","uri":"{uri}","n":1.10}},"type":"resource"}},{{"type":"text","text":"","uri":"{uri}"}}]"#
        )
    };
    // The first's are native in its results, and so are those that only `b` has.
    for (server, uri, wanted) in [
        ("a", "fx://text/0", "fx://text/0"),
        ("b", "fx://text/2", "fx://text/2"),
        ("b", "fx://text/0", "mcproxy://b/fx://text/0"),
        ("b", "other://x", "other://x"),
    ] {
        let result = format!(
            r#"{{"content":{},"structuredContent":{{"uri":"{uri}"}}}}"#,
            content(uri)
        );
        let arguments = format!(r#"{{"result":{result}}}"#);
        let answer = client
            .call_tool(&format!("{server}__raw"), &arguments)
            .await;
        let seen = result.replacen(
            &format!(r#""uri" : "{uri}""#),
            &format!(r#""uri" : "{wanted}""#),
            1,
        );
        let seen = seen.replacen(
            &format!(r#""text":"t","uri":"{uri}""#),
            &format!(r#""text":"t","uri":"{wanted}""#),
            1,
        );
        assert!(
            answer.ends_with(&format!(r#""result":{seen}}}"#)),
            "{server} {uri}: {answer}"
        );
    }
    let prompt = r#"{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"fx://blob/1","blob":""}}}]}"#;
    let script = format!(r#"{{"method":"prompts/get","result":{prompt}}}"#);
    drive(&client, "b__script", &script).await;
    let answer = ask(&client, "prompts/get", r#"{"name":"b__prompt_0"}"#).await;
    let seen = prompt.replace("fx://blob/1", "mcproxy://b/fx://blob/1");
    assert!(
        answer.ends_with(&format!(r#""result":{seen}}}"#)),
        "{answer}"
    );
}

async fn completions_reach_the_template_that_is_meant<T: Transport>() {
    let (_gateway, client) = colliding::<T>().await;
    for (server, uri) in [
        ("a", "fx://items0/{id}"),
        ("b", "mcproxy://b/fx://items0/{id}"),
    ] {
        let params = format!(
            r#"{{"ref":{{"type":"ref/resource","uri":"{uri}"}},"argument":{{"name":"id","value":"1"}}}}"#
        );
        ask(&client, "completion/complete", &params).await;
        let received = format!("{server}__received");
        let seen = drive(&client, &received, r#"{"method":"completion/complete"}"#).await;
        let native = params.replace("mcproxy://b/", "");
        assert_eq!(seen, format!("[{native}]"));
    }
}

async fn unique_uris_stay_native_beside_common_ones<T: Transport>() {
    let (_gateway, client) = colliding::<T>().await;
    // `a` gives up a URI: now `b`'s is the only one, and native.
    let one = r#"{"definitions":[{"uri":"fx://blob/1","name":"one"}]}"#;
    drive(&client, "a__set_resources", one).await;
    client
        .next_notification("notifications/resources/list_changed", SOON)
        .await;
    let listed = ask(&client, "resources/list", "{}").await;
    let wanted = [
        "fx://blob/1",
        "fx://text/0",
        "mcproxy://b/fx://blob/1",
        "fx://text/2",
    ];
    assert_eq!(members(&listed, "resources", "uri"), wanted);
    let answer = ask(&client, "resources/read", r#"{"uri":"fx://text/0"}"#).await;
    assert!(answer.contains(r#""text":"b fx://text/0""#), "{answer}");
    // Who remembers the other spelling is understood too.
    let answer = ask(
        &client,
        "resources/read",
        r#"{"uri":"mcproxy://b/fx://text/0"}"#,
    )
    .await;
    assert!(answer.contains(r#""text":"b fx://text/0""#), "{answer}");
}
