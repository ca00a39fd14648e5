//! `logging/setLevel`: servers are told the most verbose level that a session wants, as long as it wants it.

use serde_json::Value;

use super::{ask, drive, offering, until_state};
use crate::support::both::{join, serve};
use crate::support::client::{Client, Transport};
use crate::support::servers::error_code;

on_both_transports!(
    servers_are_told_the_most_verbose_level,
    a_level_is_set_again_when_a_server_comes_back,
    a_server_without_logging_is_not_told,
    an_unknown_level_is_an_error,
);

async fn set_level<T: Transport>(client: &Client<T>, level: &str) {
    let params = format!(r#"{{"level":"{level}"}}"#);
    let answer = ask(client, "logging/setLevel", &params).await;
    assert!(answer.ends_with(r#""result":{}}"#), "{answer}");
}

async fn until_level<T: Transport>(client: &Client<T>, level: &str) {
    for server in ["a", "b"] {
        until_state(client, server, level, |state| state["level"] == level).await;
    }
}

async fn servers_are_told_the_most_verbose_level<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (gateway, one) = serve::<T>(&servers).await;
    let two = join::<T>(&gateway).await;
    set_level(&one, "error").await;
    until_level(&one, "error").await;
    set_level(&two, "info").await;
    until_level(&one, "info").await;
    set_level(&one, "critical").await;
    set_level(&two, "warning").await;
    until_level(&one, "warning").await;
    two.leave().await;
    until_level(&one, "critical").await;
}

async fn a_level_is_set_again_when_a_server_comes_back<T: Transport>() {
    let servers = [offering("a", &[]), offering("b", &[])];
    let (_gateway, client) = serve::<T>(&servers).await;
    set_level(&client, "notice").await;
    until_level(&client, "notice").await;
    let before = super::state(&client, "a").await["pid"].clone();
    client.call_tool("a__exit", r#"{"code":1}"#).await;
    until_state(&client, "a", "the level", |state| {
        state["pid"] != before && state["level"] == "notice"
    })
    .await;
}

async fn a_server_without_logging_is_not_told<T: Transport>() {
    let servers = [offering("a", &[]), offering("mute", &["--without=logging"])];
    let (_gateway, client) = serve::<T>(&servers).await;
    set_level(&client, "debug").await;
    until_state(&client, "a", "the level", |state| state["level"] == "debug").await;
    let seen = drive(
        &client,
        "mute__received",
        r#"{"method":"logging/setLevel"}"#,
    )
    .await;
    assert_eq!(seen, "[]");
}

async fn an_unknown_level_is_an_error<T: Transport>() {
    let (_gateway, client) = serve::<T>(&[offering("a", &[])]).await;
    for params in [r#"{"level":"loud"}"#, r#"{"level":3}"#, "{}", "[]"] {
        let answer = ask(&client, "logging/setLevel", params).await;
        assert_eq!(error_code(&answer), -32602, "{params}: {answer}");
    }
    assert_eq!(super::state(&client, "a").await["level"], Value::Null);
}
