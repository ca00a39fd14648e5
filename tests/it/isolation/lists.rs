//! The lists of a session may differ from the others': its own process decides, once there is one.

use serde_json::Value;

use super::{SOON, drive, isolated, settle};
use crate::support::both::{join, serve};
use crate::support::client::{Client, Transport};
use crate::support::servers::{text_of, tool_names};

const CHANGED: &str = "notifications/tools/list_changed";
const UPDATED: &str = "notifications/resources/updated";

on_both_transports!(
    a_change_is_that_sessions_alone,
    levels_and_subscriptions_are_that_sessions_alone,
    what_a_process_says_reaches_its_session_only,
);

async fn tools<T: Transport>(client: &Client<T>) -> Vec<String> {
    tool_names(&client.call("tools/list", None, SOON).await)
}

async fn a_change_is_that_sessions_alone<T: Transport>() {
    let (gateway, one) = serve::<T>(&[isolated("own", &[])]).await;
    let two = join::<T>(&gateway).await;
    drive(&two, "own__echo", "{}").await;
    let before = tools(&two).await;
    drive(&one, "own__set_tools", r#"{"names":["mine"]}"#).await;
    one.next_notification(CHANGED, SOON).await;
    let mut wanted = before.clone();
    wanted.push("own__mine".to_owned());
    assert_eq!(tools(&one).await, wanted);
    assert_eq!(text_of(&one.call_tool("own__mine", "{}").await), "mine");
    assert_eq!(tools(&two).await, before);
    let answer = two.call_tool("own__mine", "{}").await;
    assert!(answer.contains("-32602"), "{answer}");
    settle(&two).await;
    assert_eq!(two.notifications(), Vec::<String>::new());
}

async fn levels_and_subscriptions_are_that_sessions_alone<T: Transport>() {
    let (gateway, one) = serve::<T>(&[isolated("own", &[])]).await;
    let two = join::<T>(&gateway).await;
    let uri = r#"{"uri":"fx://text/0"}"#;
    one.call("resources/subscribe", Some(uri), SOON).await;
    one.call("logging/setLevel", Some(r#"{"level":"debug"}"#), SOON)
        .await;
    super::pid(&two, "own").await;
    support::wait::until("the level", SOON, async || {
        let state: Value = super::state(&one, "own").await;
        (state["level"] == "debug" && state["subscriptions"][0] == "fx://text/0").then_some(())
    })
    .await;
    let other = super::state(&two, "own").await;
    assert_eq!(
        (&other["level"], &other["subscriptions"]),
        (&Value::Null, &serde_json::json!([]))
    );
    // Its successor is told again.
    let before = super::pid(&one, "own").await;
    one.call_tool("own__exit", "{}").await;
    support::wait::until("both again", SOON, async || {
        let state: Value = super::state(&one, "own").await;
        let is_told = state["level"] == "debug" && state["subscriptions"][0] == "fx://text/0";
        (state["pid"] != before && is_told).then_some(())
    })
    .await;
}

async fn what_a_process_says_reaches_its_session_only<T: Transport>() {
    let (gateway, one) = serve::<T>(&[isolated("own", &[])]).await;
    let two = join::<T>(&gateway).await;
    let uri = r#"{"uri":"fx://text/0"}"#;
    for client in [&one, &two] {
        client.call("resources/subscribe", Some(uri), SOON).await;
    }
    assert_eq!(drive(&one, "own__update", uri).await, "sent");
    one.next_notification(UPDATED, SOON).await;
    drive(&one, "own__log", r#"{"level":"alert","text":"mine"}"#).await;
    let message = one.next_notification("notifications/message", SOON).await;
    assert!(message.contains(r#""logger":"own""#), "{message}");
    settle(&two).await;
    assert_eq!(two.notifications(), Vec::<String>::new());
}
