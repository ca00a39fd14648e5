//! Word of changes: of the kind that changed, only when the merged list did, and not as often as servers say it.

use serde_json::json;

use super::{SOON, drive, list, offering, settle};
use crate::support::both::{join, serve};
use crate::support::client::{Client, Transport};
use crate::support::wait;

const KINDS: [(&str, &str, &str, &str); 4] = [
    (
        "set_prompts",
        "prompts/list",
        "name",
        "notifications/prompts/list_changed",
    ),
    (
        "set_resources",
        "resources/list",
        "uri",
        "notifications/resources/list_changed",
    ),
    (
        "set_templates",
        "resources/templates/list",
        "uriTemplate",
        "notifications/resources/list_changed",
    ),
    (
        "set_tools",
        "tools/list",
        "name",
        "notifications/tools/list_changed",
    ),
];

on_both_transports!(
    each_kind_is_announced_to_every_session,
    a_burst_without_a_change_is_not_passed_on,
    a_burst_of_changes_is_a_few,
);

/// One more entry, named so, for any kind of list.
fn definition(name: &str) -> String {
    json!({ "name": name, "uri": name, "uriTemplate": name, "inputSchema": { "type": "object" } })
        .to_string()
}

/// Makes this entry the only one of `a`, said so many times.
async fn set<T: Transport>(client: &Client<T>, tool: &str, name: &str, times: usize) {
    let arguments = format!(
        r#"{{"definitions":[{}],"times":{times}}}"#,
        definition(name)
    );
    assert_eq!(
        drive(client, &format!("a__{tool}"), &arguments).await,
        "set"
    );
}

async fn until_listed<T: Transport>(client: &Client<T>, kind: (&str, &str), name: &str) {
    wait::until(&format!("{name} in {}", kind.0), SOON, async || {
        let listed = list(client, kind.0, kind.1).await;
        listed
            .iter()
            .any(|known| known.contains(name))
            .then_some(())
    })
    .await;
}

async fn each_kind_is_announced_to_every_session<T: Transport>() {
    let (gateway, one) = serve::<T>(&[offering("a", &[]), offering("b", &[])]).await;
    let two = join::<T>(&gateway).await;
    for (tool, method, member, changed) in KINDS {
        set(&one, tool, "z:new", 1).await;
        for client in [&one, &two] {
            client.next_notification(changed, SOON).await;
            until_listed(client, (method, member), "z:new").await;
            // What `b` has is untouched.
            let listed = list(client, method, member).await;
            assert!(listed.len() > 1, "{method}: {listed:?}");
        }
        for client in [&one, &two] {
            settle(client).await;
            assert_eq!(client.notifications(), Vec::<String>::new(), "{method}");
        }
    }
}

async fn a_burst_without_a_change_is_not_passed_on<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for (tool, method, member, changed) in KINDS {
        set(&client, tool, "z:same", 1).await;
        client.next_notification(changed, SOON).await;
        until_listed(&client, (method, member), "z:same").await;
        let burst = format!(r#"{{"method":"{changed}","times":50}}"#);
        drive(&client, "a__notify", &burst).await;
    }
    // A change of another kind shows that all of it has been looked at.
    set(&client, "set_prompts", "z:other", 1).await;
    client
        .next_notification("notifications/prompts/list_changed", SOON)
        .await;
    drive(&client, "a__sleep", r#"{"ms":600}"#).await;
    settle(&client).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
}

async fn a_burst_of_changes_is_a_few<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for number in 0..30 {
        set(&client, "set_prompts", &format!("p{number}"), 3).await;
    }
    until_listed(&client, ("prompts/list", "name"), "p29").await;
    drive(&client, "a__sleep", r#"{"ms":600}"#).await;
    settle(&client).await;
    let told = client.notifications();
    assert!((1..30).contains(&told.len()), "{} times", told.len());
    assert!(
        told.iter()
            .all(|one| one.contains("notifications/prompts/list_changed"))
    );
}
