//! A hidden resource is readable where a result links to it, by that link and no other.

use serde_json::{Value, json};

use super::{ask, filtered};
use crate::support::both::{join, ready, serve};
use crate::support::client::{Client, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{configuration, error_code, fixture};

on_both_transports!(
    a_link_in_a_result_can_be_read,
    a_link_to_what_a_profile_hides_can_be_read_in_it,
);

/// A server with resources that are not shown, and one that is denied.
fn hiding(name: &str) -> Value {
    let mut entry = filtered(name);
    entry["resources"] = json!({ "allow": ["fx://text/*"], "deny": ["fx://blob/2"] });
    entry
}

/// The result of a call that links to `uri`.
fn linking(uri: &str) -> String {
    let link = json!({ "type": "resource_link", "uri": uri, "name": "n" });
    json!({ "result": { "content": [link] } }).to_string()
}

fn link_in(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    let uri = &answer["result"]["content"][0]["uri"];
    uri.as_str().expect("a link").to_owned()
}

async fn linked<T: Transport>(client: &Client<T>, uri: &str) -> String {
    link_in(&client.call_tool("a__raw", &linking(uri)).await)
}

async fn a_link_in_a_result_can_be_read<T: Transport>() {
    let (gateway, client) = serve::<T>(&[hiding("a")]).await;
    a_link_can_be_read(&gateway, &client).await;
}

async fn a_link_to_what_a_profile_hides_can_be_read_in_it<T: Transport>() {
    let rules = json!({ "allow": ["fx://text/*"], "deny": ["mcproxy://a/fx://blob/2"] });
    let config = json!({
        "servers": [fixture("a", &["--offers", "--templates=2"])],
        "profiles": { "p": { "resources": rules }, "other": { "resources": rules } },
        "default_profile": "p",
    });
    let gateway = Gateway::start(GatewayOptions::new(config.to_string())).await;
    ready(&gateway).await;
    let client = join::<T>(&gateway).await;
    a_link_can_be_read(&gateway, &client).await;
    let link = linked(&client, "fx://blob/1").await;
    let other = ModernClient::new(gateway.addr()).at("/p/other/mcp");
    let read = Ask::new("resources/read", &json!({ "uri": link }).to_string());
    let (_, answer) = other.answer(&read).await;
    assert!(
        !answer.contains(r#""blob""#),
        "it is of another profile: {answer}"
    );
}

async fn a_link_can_be_read<T: Transport>(gateway: &Gateway, client: &Client<T>) {
    assert_eq!(linked(client, "fx://text/0").await, "fx://text/0");
    assert_eq!(
        linked(client, "https://x.example/").await,
        "https://x.example/"
    );
    assert_eq!(linked(client, "fx://blob/2").await, "fx://blob/2");
    let link = linked(client, "fx://blob/1").await;
    assert!(
        link.starts_with("mcproxy://a/link.") && link.ends_with("/fx://blob/1"),
        "{link}"
    );
    let other = join::<T>(gateway).await;
    for reader in [client, &other] {
        let answer = ask(reader, "resources/read", &json!({ "uri": link })).await;
        let wanted = format!(r#""contents":[{{"uri":"{link}","#);
        assert!(answer.contains(&wanted), "{answer}");
    }
    let made_up = link.replace("blob/1", "blob/3");
    let unsealed = "mcproxy://a/fx://blob/1";
    let short = "mcproxy://a/link./fx://blob/1";
    for uri in [made_up.as_str(), unsealed, short, "fx://blob/1"] {
        let answer = ask(client, "resources/read", &json!({ "uri": uri })).await;
        assert_eq!(error_code(&answer), -32002, "{uri}: {answer}");
    }
    let answer = ask(client, "resources/subscribe", &json!({ "uri": link })).await;
    assert_eq!(
        error_code(&answer),
        -32002,
        "to be read is all that it is for: {answer}"
    );
}

#[tokio::test]
async fn a_link_holds_over_a_restart_and_without_a_session() {
    let home = tempfile::tempdir().expect("a directory");
    let mut link = String::new();
    for _ in 0..2 {
        let options = GatewayOptions::new(configuration(&[hiding("a")]));
        let mut gateway = Gateway::start(options.home(home.path())).await;
        ready(&gateway).await;
        let client = ModernClient::new(gateway.addr());
        if link.is_empty() {
            link = link_in(&client.call_tool("a__raw", &linking("fx://blob/1")).await);
        }
        let read = Ask::new("resources/read", &json!({ "uri": link }).to_string());
        let (status, answer) = client.answer(&read).await;
        assert!(status == 200 && answer.contains(r#""blob""#), "{answer}");
        gateway.terminate().await;
    }
}
