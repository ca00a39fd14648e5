//! Servers that know no handshake (2026-07-28) behind clients with one: how they are found out, and what
//! passes between them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::SOON;
use crate::support::both::{join_with, ready, serve, serve_with};
use crate::support::client::{Transport, id_of};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::servers::{configuration, failed_text, fixture, text_of};
use crate::support::wait;

on_both_transports!(
    what_a_server_asks_reaches_the_client_that_called,
    every_client_of_one_process_is_asked_its_own,
    what_is_missing_is_said_in_the_result,
    the_end_of_the_server_withdraws_its_question,
    a_call_that_is_taken_back_withdraws_its_questions,
    changed_lists_and_resources_are_told,
    lists_that_are_too_old_are_asked_for_again,
);

const ALL: &str = r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{}}"#;

/// A server for all that has left the older revisions behind.
fn modern() -> Value {
    fixture("m", &["--era", "modern", "--lock-era", "--offers"])
}

/// Two things at once, then one.
const ROUNDS: &str = r#"{"rounds":[
    {"a":{"method":"elicitation/create","params":{"mode":"form","message":"who?","requestedSchema":{"type":"object","properties":{}}}},
     "b":{"method":"roots/list","params":{}}},
    {"c":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}}]}"#;

async fn what_a_server_asks_reaches_the_client_that_called<T: Transport>() {
    let (_gateway, client) = serve_with::<T>(&[modern()], ALL).await;
    let arguments = ROUNDS.replace('\n', "");
    let params = format!(r#"{{"name":"m__rounds","arguments":{arguments}}}"#);
    let call = client.request("tools/call", Some(&params)).await;
    let roots = client.next_notification("roots/list", SOON).await;
    let who = client.next_notification("elicitation/create", SOON).await;
    assert!(who.contains("who?"), "{who}");
    client
        .respond(&roots, r#""result":{"roots":[],"n":1.10}"#)
        .await;
    client
        .respond(&who, r#""result":{"action":"accept","content":{}}"#)
        .await;
    let model = client
        .next_notification("sampling/createMessage", SOON)
        .await;
    client
        .respond(&model, r#""result":{"role":"assistant","n":1.10}"#)
        .await;
    let answer = client.wait_response(call, SOON).await;
    assert!(!answer.contains("resultType"), "{answer}");
    let said = text_of(&answer);
    let wanted = r#"[{"a":{"action":"accept","content":{}},"b":{"roots":[],"n":1.10}},{"c":{"role":"assistant","n":1.10}}]"#;
    assert_eq!(said, wanted);
}

async fn every_client_of_one_process_is_asked_its_own<T: Transport>() {
    const CLIENTS: usize = 8;
    let (gateway, first) = serve_with::<T>(&[modern()], ALL).await;
    let mut clients = vec![first];
    for _ in 1..CLIENTS {
        clients.push(join_with(&gateway, ALL).await);
    }
    let mut calls = Vec::new();
    for (number, client) in clients.iter().enumerate() {
        let params = format!(
            r#"{{"name":"m__rounds","arguments":{{"rounds":[{{"k":{{"method":"elicitation/create","params":{{"message":"to {number}"}}}}}}]}}}}"#
        );
        calls.push(client.request("tools/call", Some(&params)).await);
    }
    for (number, client) in clients.iter().enumerate().rev() {
        let question = client.next_notification("elicitation/create", SOON).await;
        assert!(question.contains(&format!("to {number}")), "{question}");
        let answer = format!(r#""result":{{"action":"accept","content":{{"by":{number}}}}}"#);
        client.respond(&question, &answer).await;
    }
    for ((number, client), call) in clients.iter().enumerate().zip(calls) {
        let said = text_of(&client.wait_response(call, SOON).await);
        assert!(said.contains(&format!(r#"{{"by":{number}}}"#)), "{said}");
    }
    assert_eq!(gateway.children().len(), 1, "one process asks all");
}

async fn what_is_missing_is_said_in_the_result<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[modern()]).await;
    let answer = client
        .call_tool("m__rounds", &ROUNDS.replace('\n', ""))
        .await;
    let text = failed_text(&answer);
    assert!(text.contains("did not declare"), "{text}");
}

async fn the_end_of_the_server_withdraws_its_question<T: Transport>() {
    let (gateway, client) = serve_with::<T>(&[modern()], ALL).await;
    let params = format!(
        r#"{{"name":"m__rounds","arguments":{}}}"#,
        ROUNDS.replace('\n', "")
    );
    let call = client.request("tools/call", Some(&params)).await;
    let question = client.next_notification("elicitation/create", SOON).await;
    let server = gateway.children().pop().expect("the server");
    server.signal(nix::sys::signal::Signal::SIGKILL);
    let cancelled = client
        .next_notification("notifications/cancelled", SOON)
        .await;
    assert!(cancelled.contains("requestId"), "{cancelled}");
    let text = failed_text(&client.wait_response(call, SOON).await);
    assert!(text.contains("'m' has ended"), "{text}");
    // An answer that comes too late disturbs nothing.
    client
        .respond(&question, r#""result":{"action":"cancel"}"#)
        .await;
    wait::until("the next life", SOON, async || {
        let answer = client.call_tool("m__echo", r#"{"text":"x"}"#).await;
        answer.contains(r#""text":"x""#).then_some(())
    })
    .await;
}

async fn a_call_that_is_taken_back_withdraws_its_questions<T: Transport>() {
    let (_gateway, client) = serve_with::<T>(&[modern()], ALL).await;
    let params = format!(
        r#"{{"name":"m__rounds","arguments":{}}}"#,
        ROUNDS.replace('\n', "")
    );
    let call = client.request("tools/call", Some(&params)).await;
    let question = client.next_notification("elicitation/create", SOON).await;
    let params = format!(r#"{{"requestId":{call}}}"#);
    client
        .notify("notifications/cancelled", Some(&params))
        .await;
    wait::until("what withdraws the question", SOON, async || {
        let told = client
            .next_notification("notifications/cancelled", SOON)
            .await;
        told.contains(&format!(r#""requestId":{}"#, id_of(&question)))
            .then_some(())
    })
    .await;
}

async fn changed_lists_and_resources_are_told<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[modern()]).await;
    client.call("tools/list", None, SOON).await;
    client
        .call_tool("m__set_tools", r#"{"names":["fresh"]}"#)
        .await;
    let changed = "notifications/tools/list_changed";
    client.next_notification(changed, SOON).await;
    let listed = client.call("resources/list", None, SOON).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let uri = listed["result"]["resources"][0]["uri"]
        .as_str()
        .expect("a URI");
    let params = json!({"uri": uri}).to_string();
    let granted = client
        .call("resources/subscribe", Some(&params), SOON)
        .await;
    assert!(granted.contains(r#""result":{}"#), "{granted}");
    // The server is listened to for it in a moment.
    let told = wait::until("news of it", SOON, async || {
        client.call_tool("m__update", &params).await;
        let told = client.take_notifications();
        told.into_iter()
            .find(|told| told.contains("resources/updated"))
    })
    .await;
    assert!(
        told.contains(uri) && !told.contains("subscriptionId"),
        "{told}"
    );
    let level = client
        .call("logging/setLevel", Some(r#"{"level":"debug"}"#), SOON)
        .await;
    assert!(level.contains(r#""result":{}"#), "{level}");
    let said = client
        .call_tool("m__log", r#"{"level":"debug","text":"said"}"#)
        .await;
    let logged = client
        .next_notification("notifications/message", SOON)
        .await;
    assert!(logged.contains("said"), "{said}: {logged}");
}

/// A server that does not say when its lists change says how long they are good (`ttlMs`).
async fn lists_that_are_too_old_are_asked_for_again<T: Transport>() {
    let flags = ["--era", "modern", "--quiet-lists", "--ttl-ms", "20"];
    let (_gateway, client) = serve::<T>(&[fixture("m", &flags)]).await;
    client
        .call_tool("m__set_tools", r#"{"names":["fresh"]}"#)
        .await;
    let shown = async || client.call("tools/list", None, SOON).await;
    wait::until("the tool", SOON, async || {
        shown().await.contains("m__fresh").then_some(())
    })
    .await;
    // Who asked before it was read hears of it as of any change.
    let changed = "notifications/tools/list_changed";
    client.next_notification(changed, SOON).await;
}

fn heard(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let parse = |line| serde_json::from_str(line).expect("one message a line");
    text.lines().map(parse).collect()
}

fn methods(heard: &[Value]) -> Vec<&str> {
    heard
        .iter()
        .filter_map(|said| said["method"].as_str())
        .collect()
}

/// The era is found out once: the next start of the gateway begins with it.
#[tokio::test]
async fn what_was_found_out_is_remembered() {
    let home = TempDir::new().expect("a temporary directory");
    let file = home.path().join("stdin");
    let script = format!(
        r#"tee -a "$1" | exec '{}' --era modern --lock-era"#,
        fixture_server().display()
    );
    let entry = json!({"name": "fx", "command": "/bin/sh", "args": ["-c", script, "sh", file]});
    let config = configuration(&[entry]);
    for begins in [&["initialize", "server/discover"][..], &["server/discover"]] {
        drop(fs::remove_file(&file));
        let mut gateway = Gateway::start(GatewayOptions::new(&config).home(home.path())).await;
        gateway.wait_for_log("Server 'fx' started", SOON).await;
        wait::until("the catalogue on disk", SOON, async || {
            gateway.kept("catalogues/fx.json").is_file().then_some(())
        })
        .await;
        assert!(gateway.terminate().await.success());
        let heard = heard(&file);
        let found = methods(&heard);
        assert_eq!(found[..begins.len()], *begins, "{found:?}");
        let of_old = found.iter().filter(|method| **method == "initialize");
        assert_eq!(of_old.count(), begins.len() - 1, "{found:?}");
    }
}

/// A server of both eras is spoken to in the one that its entry names.
#[tokio::test]
async fn an_entry_names_the_era_of_its_server() {
    let home = TempDir::new().expect("a temporary directory");
    for (protocol, first) in [
        ("auto", "initialize"),
        ("legacy", "initialize"),
        ("modern", "server/discover"),
    ] {
        let file = home.path().join(protocol);
        let script = format!(
            r#"tee "$1" | exec '{}' --era both --lock-era"#,
            fixture_server().display()
        );
        let entry = json!({"name": "fx", "command": "/bin/sh", "args": ["-c", script, "sh", file], "protocol": protocol});
        let (_gateway, client) = serve::<support::client::Streamable>(&[entry]).await;
        assert_eq!(
            text_of(&client.call_tool("fx__echo", r#"{"text":"x"}"#).await),
            "x"
        );
        let heard = heard(&file);
        assert_eq!(methods(&heard)[0], first, "{protocol}");
        let claims = heard
            .iter()
            .filter(|said| said["params"]["_meta"].is_object());
        assert_eq!(
            claims.count() > 0,
            protocol == "modern",
            "one era, for all of it"
        );
    }
}

/// Nobody says of which era they are: one that ends at any question before the handshake, one that leaves it
/// without an answer, and one of the new era that takes its time to begin.
#[tokio::test]
async fn each_is_found_in_its_own_time() {
    let modern = ["--era", "modern", "--lock-era", "--slow-start", "6000"];
    let entries = [
        fixture("ends", &["--exit-before-initialize"]),
        fixture("silent", &["--hang-on", "server/discover"]),
        fixture("slow", &modern),
    ];
    let (gateway, client) = serve::<support::client::Streamable>(&entries).await;
    ready(&gateway).await;
    for server in ["ends", "silent", "slow"] {
        let said = client
            .call_tool(&format!("{server}__echo"), r#"{"text":"x"}"#)
            .await;
        assert_eq!(text_of(&said), "x", "{server}");
    }
    let mut log = gateway.logs().into_iter();
    let failed = log.find(|line| line.contains("is started again"));
    assert_eq!(failed, None, "the first life of each is its only one");
}
