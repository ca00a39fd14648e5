//! What wakes a server that sleeps, and what does not.

use serde_json::json;

use super::{
    LATER, SOON, asleep, by_environment, echo, known, metric, on_demand, server, server_in, start,
};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{configuration, failed_text, join, text_of, tool_names};
use crate::support::{http, wait};

#[tokio::test]
async fn nothing_runs_until_the_first_call_and_that_waits_for_the_start() {
    let entries = [on_demand("a", LATER, &[]), on_demand("b", LATER, &[])];
    let (gateway, _home) = asleep(&entries).await;
    assert_eq!(http::get(gateway.addr(), "/readyz").await.status, 200);
    for name in ["a", "b"] {
        let series = |what| format!("mcproxy_server_{what}{{server=\"{name}\"}} ");
        assert_eq!(metric(&gateway, &series("up")).await, Some(1.0));
        assert_eq!(metric(&gateway, &series("asleep")).await, Some(1.0));
        let known = server(&gateway, name).await;
        assert_eq!(
            (&known["state"], &known["pid"]),
            (&json!("asleep"), &json!(null))
        );
        assert!(
            known["tools"].as_u64().is_some_and(|count| count > 0),
            "{known}"
        );
    }
    let client = join(&gateway).await;
    let tools = tool_names(&client.call("tools/list", None, SOON).await);
    assert!(tools.contains(&"a__echo".to_owned()), "{tools:?}");
    assert_eq!(gateway.children(), [], "a list wakes nobody");

    assert_eq!(echo(&client, "a", "good morning").await, "good morning");
    assert_eq!(gateway.children().len(), 1, "the other sleeps on");
    let awake = server_in(&gateway, "a", "ready").await;
    assert_eq!(
        (&awake["restarts"], &awake["why"]),
        (&json!(0), &json!(null))
    );
    assert_eq!(
        metric(&gateway, "mcproxy_server_asleep{server=\"a\"} ").await,
        Some(0.0)
    );
    assert_eq!(
        metric(&gateway, "mcproxy_server_asleep{server=\"b\"} ").await,
        Some(1.0)
    );
}

#[tokio::test]
async fn a_flood_of_calls_wakes_it_once_and_all_are_answered() {
    let (gateway, _home) = asleep(&[on_demand("a", LATER, &[])]).await;
    let client = join(&gateway).await;
    let params = r#"{"name":"a__echo","arguments":{"text":"all"}}"#;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(client.request("tools/call", Some(params)).await);
    }
    for id in ids {
        assert_eq!(text_of(&client.wait_response(id, SOON).await), "all");
    }
    let starts = metric(&gateway, "mcproxy_server_starts_total{server=\"a\"} ").await;
    assert_eq!(starts, Some(1.0));
}

#[tokio::test]
async fn whatever_is_for_the_server_wakes_it() {
    let asks = [
        ("resources/read", r#"{"uri":"fx://text/0"}"#),
        ("prompts/get", r#"{"name":"a__prompt_0"}"#),
        ("resources/subscribe", r#"{"uri":"fx://text/0"}"#),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"a__prompt_0"},"argument":{"name":"x","value":""}}"#,
        ),
    ];
    for (method, params) in asks {
        let (gateway, _home) = asleep(&[on_demand("a", LATER, &["--offers"])]).await;
        let client = join(&gateway).await;
        let answer = client.call(method, Some(params), SOON).await;
        assert!(answer.contains(r#""result""#), "{method}: {answer}");
        server_in(&gateway, "a", "ready").await;
    }
}

#[tokio::test]
async fn a_client_without_sessions_wakes_it_too() {
    let (gateway, _home) = asleep(&[on_demand("a", 0.3, &[])]).await;
    let client = ModernClient::new(gateway.addr());
    for said in ["one", "two"] {
        let arguments = json!({ "text": said }).to_string();
        let answer = client.answer(&Ask::tool("a__echo", &arguments)).await.1;
        assert_eq!(text_of(&answer), said);
        server_in(&gateway, "a", "asleep").await;
    }
}

#[tokio::test]
async fn one_that_cannot_start_any_more_fails_its_callers_and_is_a_failure() {
    let entry = by_environment("a", LATER, "");
    let (gateway, _home) = asleep(&[entry]).await;
    let broken = by_environment("a", LATER, "--exit-at-start=7");
    gateway.write_config(&configuration(&[broken]));
    gateway.wait_for_log("~1 (a: env)", SOON).await;
    assert_eq!(
        server(&gateway, "a").await["state"],
        "asleep",
        "a reload wakes nobody"
    );

    let client = join(&gateway).await;
    let why = failed_text(&client.call_tool("a__echo", r#"{"text":"x"}"#).await);
    assert!(why.contains("exited with code 7"), "{why}");
    let failing = server_in(&gateway, "a", "backoff").await;
    assert!(
        failing["failures"].as_u64().is_some_and(|count| count > 0),
        "{failing}"
    );
    assert_eq!(
        metric(&gateway, "mcproxy_server_up{server=\"a\"} ").await,
        Some(0.0)
    );

    gateway.write_config(&configuration(&[by_environment("a", 0.3, "")]));
    gateway.wait_for_log("~1 (a: env idle_timeout)", SOON).await;
    assert_eq!(echo(&client, "a", "mended").await, "mended");
    server_in(&gateway, "a", "asleep").await;
}

#[tokio::test]
async fn each_session_has_its_own_and_it_sleeps_alone() {
    let mut entry = on_demand("own", 0.5, &["--offers"]);
    entry["isolation"] = json!("session");
    let (gateway, _home) = asleep(&[entry]).await;
    let client = join(&gateway).await;
    let first = text_of(&client.call_tool("own__pid", "{}").await);
    assert_eq!(
        gateway.children().len(),
        1,
        "the one that says what it offers sleeps on"
    );
    wait::until("it to sleep", SOON, async || {
        gateway.children().is_empty().then_some(())
    })
    .await;
    let second = text_of(&client.call_tool("own__pid", "{}").await);
    assert_ne!(first, second);
    let (one, other) = (join(&gateway).await, join(&gateway).await);
    let theirs = text_of(&one.call_tool("own__pid", "{}").await);
    assert_ne!(theirs, text_of(&other.call_tool("own__pid", "{}").await));
}

#[tokio::test]
async fn a_gateway_that_is_started_again_finds_them_asleep() {
    let entries = [on_demand("a", 0.3, &[])];
    let (mut gateway, home) = asleep(&entries).await;
    let client = join(&gateway).await;
    echo(&client, "a", "x").await;
    server_in(&gateway, "a", "asleep").await;
    assert!(gateway.terminate().await.success());
    let gateway = start(home.path(), &entries).await;
    let client = join(&gateway).await;
    client.call("tools/list", None, SOON).await;
    assert_eq!(gateway.children(), []);
    assert_eq!(echo(&client, "a", "again").await, "again");
}

#[tokio::test]
async fn instances_that_sleep_make_room_for_others() {
    let mut entry = on_demand("a", 0.5, &[]);
    entry["isolation"] = json!("session");
    let home = known(std::slice::from_ref(&entry)).await;
    let text = json!({ "gateway": { "max_instances": 1 }, "servers": [entry] });
    let options = GatewayOptions::new(text.to_string()).home(home.path());
    let gateway = Gateway::start(options).await;
    let (one, other) = (join(&gateway).await, join(&gateway).await);
    for client in [&one, &other, &one] {
        assert_eq!(echo(client, "a", "x").await, "x");
        wait::until("it to sleep", SOON, async || {
            gateway.children().is_empty().then_some(())
        })
        .await;
    }
}
