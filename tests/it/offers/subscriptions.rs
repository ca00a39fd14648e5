//! Subscriptions: counted, so that a server is asked once; updates for those who asked; restored when a server
//! comes back.

use serde_json::json;

use super::{SOON, ask, drive, offering, settle, state, until_state};
use crate::support::both::{join, serve};
use crate::support::client::{Client, Transport};

const UPDATED: &str = "notifications/resources/updated";
const TEXT: &str = r#"{"uri":"a://text/0"}"#;
const ITEM: &str = r#"{"uri":"a://items0/7"}"#;

on_both_transports!(
    updates_reach_subscribers_only,
    a_server_is_asked_by_the_first_and_released_by_the_last,
    a_session_that_ends_gives_up_its_subscriptions,
    subscriptions_are_restored_when_a_server_comes_back,
    a_refused_subscription_is_none,
);

async fn subscribe<T: Transport>(client: &Client<T>, params: &str) {
    let answer = ask(client, "resources/subscribe", params).await;
    assert!(answer.ends_with(r#""result":{}}"#), "{answer}");
}

async fn unsubscribe<T: Transport>(client: &Client<T>, params: &str) {
    let answer = ask(client, "resources/unsubscribe", params).await;
    assert!(answer.ends_with(r#""result":{}}"#), "{answer}");
}

/// How often the server was asked.
async fn asked<T: Transport>(client: &Client<T>, method: &str) -> usize {
    let arguments = format!(r#"{{"method":"resources/{method}"}}"#);
    let seen = drive(client, "a__received", &arguments).await;
    let seen: Vec<serde_json::Value> = serde_json::from_str(&seen).expect("a list");
    seen.len()
}

async fn updates_reach_subscribers_only<T: Transport>() {
    let (gateway, one) = serve::<T>(&[offering("a", &[])]).await;
    let (two, three) = (join::<T>(&gateway).await, join::<T>(&gateway).await);
    subscribe(&one, TEXT).await;
    subscribe(&two, TEXT).await;
    subscribe(&two, ITEM).await;
    let raw =
        r#"{"method":"notifications/resources/updated","params":{"n":1.10,"uri":"a://text/0"}}"#;
    drive(&three, "a__notify", raw).await;
    assert_eq!(drive(&three, "a__update", ITEM).await, "sent");
    for client in [&one, &two] {
        let update = client.next_notification(UPDATED, SOON).await;
        let wanted = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"n":1.10,"uri":"a://text/0"}}"#;
        assert_eq!(update, wanted);
    }
    let update = two.next_notification(UPDATED, SOON).await;
    assert!(update.contains("a://items0/7"), "{update}");
    for client in [&one, &two, &three] {
        settle(client).await;
        assert_eq!(client.notifications(), Vec::<String>::new());
    }
}

async fn a_server_is_asked_by_the_first_and_released_by_the_last<T: Transport>() {
    let (gateway, one) = serve::<T>(&[offering("a", &[])]).await;
    let two = join::<T>(&gateway).await;
    for client in [&one, &one, &two] {
        subscribe(client, TEXT).await;
    }
    assert_eq!(asked(&one, "subscribe").await, 1);
    unsubscribe(&one, TEXT).await;
    unsubscribe(&one, TEXT).await;
    assert_eq!(asked(&one, "unsubscribe").await, 0);
    assert_eq!(drive(&one, "a__update", TEXT).await, "sent");
    two.next_notification(UPDATED, SOON).await;
    unsubscribe(&two, TEXT).await;
    until_state(&one, "a", "no subscription", |state| {
        state["subscriptions"] == json!([])
    })
    .await;
    assert_eq!(drive(&one, "a__update", TEXT).await, "nobody");
    settle(&one).await;
    assert_eq!(one.notifications(), Vec::<String>::new());
}

async fn a_session_that_ends_gives_up_its_subscriptions<T: Transport>() {
    let (gateway, stays) = serve::<T>(&[offering("a", &[])]).await;
    let goes = join::<T>(&gateway).await;
    subscribe(&goes, ITEM).await;
    subscribe(&goes, TEXT).await;
    subscribe(&stays, TEXT).await;
    goes.leave().await;
    until_state(&stays, "a", "one subscription", |state| {
        state["subscriptions"] == json!(["a://text/0"])
    })
    .await;
}

async fn subscriptions_are_restored_when_a_server_comes_back<T: Transport>() {
    let (gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    let other = join::<T>(&gateway).await;
    subscribe(&client, TEXT).await;
    subscribe(&other, ITEM).await;
    let before = state(&client, "a").await["pid"].clone();
    client.call_tool("a__exit", r#"{"code":1}"#).await;
    until_state(&client, "a", "both subscriptions", |state| {
        state["pid"] != before && state["subscriptions"] == json!(["a://items0/7", "a://text/0"])
    })
    .await;
    assert_eq!(drive(&client, "a__update", TEXT).await, "sent");
    client.next_notification(UPDATED, SOON).await;
}

async fn a_refused_subscription_is_none<T: Transport>() {
    let (gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    let other = join::<T>(&gateway).await;
    let error = r#"{"code":-32050,"message":"not today","data":1.10}"#;
    let script = format!(r#"{{"method":"resources/subscribe","error":{error}}}"#);
    drive(&client, "a__script", &script).await;
    let answer = ask(&client, "resources/subscribe", TEXT).await;
    assert_eq!(super::outcome(&answer), format!(r#""error":{error}"#));
    drive(&client, "a__script", r#"{"method":"resources/subscribe"}"#).await;
    subscribe(&other, TEXT).await;
    assert_eq!(drive(&client, "a__update", TEXT).await, "sent");
    other.next_notification(UPDATED, SOON).await;
    settle(&client).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
}
