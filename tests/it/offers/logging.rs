//! `notifications/message`: for sessions that use the server or set a level, each by its own level, under the
//! server's name.

use super::{SOON, ask, drive, offering, settle};
use crate::support::both::{join, serve};
use crate::support::client::{Client, Transport};

const MESSAGE: &str = "notifications/message";

on_both_transports!(
    a_logger_is_under_its_server,
    a_session_hears_what_is_said_during_its_calls,
    sessions_are_filtered_by_their_own_levels,
);

async fn set_level<T: Transport>(client: &Client<T>, level: &str) {
    let params = format!(r#"{{"level":"{level}"}}"#);
    ask(client, "logging/setLevel", &params).await;
}

/// The texts of the log messages that nobody has taken.
async fn heard<T: Transport>(client: &Client<T>) -> Vec<String> {
    settle(client).await;
    let all = client.notifications();
    for message in &all {
        assert!(message.contains(MESSAGE), "{message}");
    }
    let text = |message: String| {
        let (_, rest) = message.split_once(r#""text":""#).expect("a text");
        rest.split('"').next().expect("its end").to_owned()
    };
    all.into_iter().map(text).collect()
}

async fn a_logger_is_under_its_server<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    drive(&client, "a__log", r#"{"text":"x","logger":"db"}"#).await;
    let message = client.next_notification(MESSAGE, SOON).await;
    let wanted = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"text":"x","n":1.10},"logger":"a/db"}}"#;
    assert_eq!(message, wanted);
    drive(&client, "a__log", r#"{"text":"x"}"#).await;
    let message = client.next_notification(MESSAGE, SOON).await;
    assert!(message.contains(r#""logger":"a""#), "{message}");
    assert!(
        message.contains(r#""data":{"text":"x","n":1.10}"#),
        "{message}"
    );
}

async fn a_session_hears_what_is_said_during_its_calls<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (gateway, one) = serve::<T>(&servers).await;
    let two = join::<T>(&gateway).await;
    // It waits for `b` while `a` speaks.
    let sleeping = r#"{"name":"b__sleep","arguments":{"ms":500}}"#;
    let call = two.request("tools/call", Some(sleeping)).await;
    drive(&one, "a__log", r#"{"level":"debug","text":"mine"}"#).await;
    drive(&one, "b__log", r#"{"level":"debug","text":"both"}"#).await;
    two.wait_response(call, SOON).await;
    assert_eq!(heard(&one).await, ["mine", "both"]);
    assert_eq!(heard(&two).await, ["both"]);
}

async fn sessions_are_filtered_by_their_own_levels<T: Transport>() {
    let (gateway, driver) = serve::<T>(&[offering("a", &[])]).await;
    let (bad, all) = (join::<T>(&gateway).await, join::<T>(&gateway).await);
    set_level(&bad, "error").await;
    set_level(&all, "debug").await;
    super::until_state(&driver, "a", "the level", |state| state["level"] == "debug").await;
    for level in ["debug", "info", "warning", "error", "alert"] {
        let arguments = format!(r#"{{"level":"{level}","text":"{level}"}}"#);
        assert_eq!(drive(&driver, "a__log", &arguments).await, "sent");
    }
    assert_eq!(heard(&bad).await, ["error", "alert"]);
    assert_eq!(
        heard(&all).await,
        ["debug", "info", "warning", "error", "alert"]
    );
    // Nobody asked in its name for more than servers say by themselves.
    assert!(!heard(&driver).await.contains(&"debug".to_owned()));
    set_level(&bad, "emergency").await;
    drive(&driver, "a__log", r#"{"level":"alert","text":"x"}"#).await;
    assert_eq!(heard(&bad).await, ["error", "alert"]);
    assert_eq!(heard(&all).await.last().map(String::as_str), Some("x"));
}
