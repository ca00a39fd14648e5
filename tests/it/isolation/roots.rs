//! Roots: the client's own where a process is its own, the configured ones where it is shared.

use serde_json::{Value, json};

use super::{ALL, SOON, drive, isolated, shared, state};
use crate::support::both::{serve, serve_with};
use crate::support::client::{Client, Transport};
use crate::support::wait;

const LIST: &str = "roots/list";

on_both_transports!(
    a_clients_roots_reach_its_own_process_when_they_change,
    a_shared_server_gets_the_configured_roots,
);

/// The answers that a server has got.
async fn answers<T: Transport>(client: &Client<T>, server: &str, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} answers"), SOON, async || {
        let answers = drive(client, &format!("{server}__answers"), "{}").await;
        let answers: Vec<Value> = serde_json::from_str(&answers).expect("a list");
        (answers.len() >= count).then_some(answers)
    })
    .await
}

async fn a_clients_roots_reach_its_own_process_when_they_change<T: Transport>() {
    let servers = [isolated("own", &["--ask-roots"])];
    let (_gateway, client) = serve_with::<T>(&servers, ALL).await;
    // It asks as soon as it is there.
    let params = r#"{"name":"own__echo","arguments":{}}"#;
    let call = client.request("tools/call", Some(params)).await;
    let first = client.next_notification(LIST, SOON).await;
    client
        .respond(
            &first,
            r#""result":{"roots":[{"uri":"file:///one","x":1}]}"#,
        )
        .await;
    client.wait_response(call, SOON).await;
    client
        .notify("notifications/roots/list_changed", None)
        .await;
    let second = client.next_notification(LIST, SOON).await;
    client.respond(&second, r#""result":{"roots":[]}"#).await;
    let got = answers(&client, "own", 2).await;
    let first = json!([{ "uri": "file:///one", "x": 1 }]);
    assert_eq!(got[0]["result"]["roots"], first);
    assert_eq!(got[1]["result"]["roots"], json!([]));
}

async fn a_shared_server_gets_the_configured_roots<T: Transport>() {
    let mut entry = shared("all", &["--ask-roots"]);
    entry["roots"] = json!(["file:///srv/data", "file:///srv/a%20b"]);
    let (_gateway, client) = serve::<T>(&[entry, shared("none", &[])]).await;
    let got = answers(&client, "all", 1).await;
    let roots = got[0]["result"]["roots"].as_array().expect("roots");
    let uris: Vec<&Value> = roots.iter().map(|root| &root["uri"]).collect();
    assert_eq!(uris, ["file:///srv/data", "file:///srv/a%20b"]);
    let told = state(&client, "all").await["initialize"]["capabilities"].clone();
    assert!(told["roots"].is_object(), "{told}");
    let told = state(&client, "none").await["initialize"]["capabilities"].clone();
    assert_eq!(told.get("roots"), None, "{told}");
    // A client's word about its own roots is not for a shared server.
    client
        .notify("notifications/roots/list_changed", None)
        .await;
    let method = r#"{"method":"notifications/roots/list_changed"}"#;
    assert_eq!(drive(&client, "all__received", method).await, "[]");
}
