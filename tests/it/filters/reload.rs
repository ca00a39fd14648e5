//! A filter is edited while its server runs: clients see the change, the process does not, and a slip opens
//! nothing.

use serde_json::{Value, json};

use super::{SOON, ask};
use crate::support::both::{ready, serve};
use crate::support::client::{Client, SseClient, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{configuration, fixture, text_of, tool_names};
use crate::support::{http, wait};

const CHANGED: &str = "notifications/tools/list_changed";

on_both_transports!(a_filter_changes_without_a_restart);

fn entry(name: &str, fields: &Value) -> Value {
    let mut entry = fixture(name, &["--offers"]);
    for (name, value) in fields.as_object().expect("members of an entry") {
        entry[name] = value.clone();
    }
    entry
}

async fn tools<T: Transport>(client: &Client<T>) -> Vec<String> {
    tool_names(&client.call("tools/list", None, SOON).await)
}

async fn pid<T: Transport>(client: &Client<T>, server: &str) -> String {
    text_of(&client.call_tool(&format!("{server}__pid"), "{}").await)
}

async fn a_filter_changes_without_a_restart<T: Transport>() {
    let isolated = |fields: &Value| {
        let mut own = entry("own", fields);
        own["isolation"] = json!("session");
        own
    };
    let entries = |fields: &Value| [entry("a", fields), isolated(fields)];
    let (gateway, client) = serve::<T>(&entries(&json!({}))).await;
    let before = (pid(&client, "a").await, pid(&client, "own").await);
    let subscribed = json!({ "uri": "fx://blob/1" });
    ask(&client, "resources/subscribe", &subscribed).await;
    client.take_notifications();

    let fields = json!({ "tools": { "allow": ["pid", "update", "ech*"] }, "resources": { "deny": ["fx://blob/*"] } });
    let mark = gateway.log_mark();
    gateway.write_config(&configuration(&entries(&fields)));
    client.next_notification(CHANGED, SOON).await;
    let shown = [
        "a__echo",
        "a__pid",
        "a__update",
        "own__echo",
        "own__pid",
        "own__update",
    ];
    assert_eq!(tools(&client).await, shown);
    let said = "nothing is restarted for it: a: tools resources, own: tools resources";
    gateway.wait_for_log_after(mark, said, SOON).await;
    assert_eq!((pid(&client, "a").await, pid(&client, "own").await), before);
    for server in ["a", "own"] {
        let answer = client.call_tool(&format!("{server}__state"), "{}").await;
        assert!(answer.contains("Unknown tool"), "{answer}");
    }
    // What was subscribed to is not told of any more.
    client.call_tool("a__update", &subscribed.to_string()).await;
    client.call("ping", None, SOON).await;
    let told = client.notifications();
    assert!(
        !told.iter().any(|told| told.contains("resources/updated")),
        "{told:?}"
    );

    gateway.write_config(&configuration(&entries(&json!({}))));
    client.next_notification(CHANGED, SOON).await;
    wait::until("everything to be listed", SOON, async || {
        (tools(&client).await.len() > 20).then_some(())
    })
    .await;
    assert_eq!((pid(&client, "a").await, pid(&client, "own").await), before);
}

#[tokio::test]
async fn a_filter_that_became_wrong_keeps_its_last_good_form() {
    let good = json!({ "tools": { "allow": ["pid"] } });
    let gateway = Gateway::start(GatewayOptions::new(configuration(&[entry("a", &good)]))).await;
    ready(&gateway).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    let before = pid(&client, "a").await;
    let mark = gateway.log_mark();
    let wrong = json!({ "tools": { "alow": ["pid"] } });
    gateway.write_config(&configuration(&[entry("a", &wrong), fixture("b", &[])]));
    let line = gateway
        .wait_for_log_after(mark, "'alow' is not known here", SOON)
        .await;
    assert!(
        line.contains("did you mean 'allow'?") && line.contains("column"),
        "{line}"
    );
    wait::until("the other server", SOON, async || {
        tools(&client)
            .await
            .contains(&"b__echo".to_owned())
            .then_some(())
    })
    .await;
    let of_a: Vec<String> = tools(&client).await;
    let of_a: Vec<&String> = of_a.iter().filter(|name| name.starts_with("a__")).collect();
    assert_eq!(of_a, ["a__pid"]);
    assert_eq!(pid(&client, "a").await, before);
    let answer = client.call_tool("a__echo", "{}").await;
    assert!(answer.contains("Unknown tool"), "{answer}");
}

#[tokio::test]
async fn a_filter_that_is_wrong_at_the_start_shows_nothing() {
    let wrong = json!({ "tools": { "deny": "pid" } });
    let entries = [entry("a", &wrong), fixture("b", &[])];
    let gateway = Gateway::start(GatewayOptions::new(configuration(&entries))).await;
    ready(&gateway).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    let listed = tools(&client).await;
    assert!(
        listed.iter().all(|name| name.starts_with("b__")),
        "{listed:?}"
    );
    let answer = client.call_tool("a__echo", "{}").await;
    assert!(answer.contains("Unknown tool"), "{answer}");
    let status = http::get(gateway.addr(), "/status").await;
    let status: Value = serde_json::from_slice(&status.body).expect("JSON");
    assert_eq!(status["configuration"]["refused"], json!(["a"]));
    // Mended, it is there.
    let right = json!({ "tools": { "deny": ["pid"] } });
    gateway.write_config(&configuration(&[entry("a", &right), fixture("b", &[])]));
    wait::until("the mended server", SOON, async || {
        tools(&client)
            .await
            .contains(&"a__echo".to_owned())
            .then_some(())
    })
    .await;
    assert!(!tools(&client).await.contains(&"a__pid".to_owned()));
}

#[tokio::test]
async fn a_rule_that_matches_nothing_is_said_once_and_whenever_the_list_changes() {
    let fields = json!({ "tools": { "deny": ["ecoh", "mine"], "allow": ["*"] } });
    let gateway = Gateway::start(GatewayOptions::new(configuration(&[entry("a", &fields)]))).await;
    let line = gateway
        .wait_for_log("'ecoh' in 'deny' matches nothing", SOON)
        .await;
    assert!(
        line.contains("did you mean 'echo'?") && line.contains("WARN"),
        "{line}"
    );
    gateway
        .wait_for_log("'mine' in 'deny' matches nothing", SOON)
        .await;
    ready(&gateway).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    for (names, is_there) in [(json!(["mine", "seen"]), true), (json!(["other"]), false)] {
        let mark = gateway.log_mark();
        let arguments = json!({ "names": names }).to_string();
        client.call_tool("a__set_tools", &arguments).await;
        client.next_notification(CHANGED, SOON).await;
        let count = |part: &str| {
            let logs = gateway.logs();
            logs.iter()
                .skip(mark)
                .filter(|line| line.contains(part))
                .count()
        };
        assert_eq!(count("'ecoh' in 'deny'"), 0, "it was said");
        if !is_there {
            gateway
                .wait_for_log_after(mark, "'mine' in 'deny' matches nothing", SOON)
                .await;
        }
        assert!(!tools(&client).await.contains(&"a__mine".to_owned()));
    }
}
