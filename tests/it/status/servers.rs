//! What is said of servers as they start, crash, loop, and run for single sessions.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, scrape, server, server_in, status, value_is};
use crate::support::client::{SseClient, Streamable, Transport};
use crate::support::servers::{fixture, gateway, join};
use crate::support::{proc, wait};

const UP: &str = r#"mcproxy_server_up{server="a"}"#;
const STARTS: &str = r#"mcproxy_server_starts_total{server="a"}"#;

#[tokio::test]
async fn a_server_that_crashes_has_another_pid_and_one_start_more() {
    let gateway = gateway(&[fixture("a", &[])]).await;
    let first = server_in(&gateway, "a", "ready").await;
    let before = scrape(&gateway).await;
    assert_eq!(
        (before.value(UP), before.value(STARTS)),
        (Some(1.0), Some(1.0))
    );
    let pid = u32::try_from(first["pid"].as_u64().expect("a pid")).expect("it fits");
    assert!(proc::send(pid, Signal::SIGKILL));
    let second = wait::until("another process", SOON, async || {
        let now = server(&gateway, "a").await;
        (now["state"] == "ready" && now["pid"] != first["pid"]).then_some(now)
    })
    .await;
    assert_eq!(second["why"], Value::Null, "it is ready: {second}");
    value_is(&gateway, STARTS, 2.0).await;
    value_is(&gateway, UP, 1.0).await;
}

#[tokio::test]
async fn a_server_that_never_starts_is_on_the_ladder_and_then_crash_looping() {
    let gateway = gateway(&[fixture("a", &["--exit-at-start", "7"]), fixture("b", &[])]).await;
    let down = server_in(&gateway, "a", "backoff").await;
    assert!(
        down["failures"]
            .as_u64()
            .is_some_and(|n| (1..5).contains(&n)),
        "{down}"
    );
    assert_eq!(
        (&down["pid"], &down["why"]),
        (&json!(null), &json!("exited with code 7"))
    );
    assert!(
        down["next_try_seconds"]
            .as_f64()
            .is_some_and(|wait| wait <= 60.0),
        "{down}"
    );
    let looping = server_in(&gateway, "a", "crash-looping").await;
    assert!(
        looping["failures"].as_u64().is_some_and(|n| n >= 5),
        "{looping}"
    );
    assert_eq!(looping["why"], "exited with code 7");
    assert_eq!(scrape(&gateway).await.value(UP), Some(0.0));
    assert_eq!(server(&gateway, "b").await["state"], "ready");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_starting_and_has_a_pid() {
    let gateway = gateway(&[fixture("a", &["--mute"])]).await;
    let starting = wait::until("its pid", SOON, async || {
        let server = server(&gateway, "a").await;
        server["pid"].is_u64().then_some(server)
    })
    .await;
    assert_eq!(starting["state"], "starting");
    let pid = gateway.child("--mute").expect("it runs").pid;
    assert_eq!(starting["pid"], pid);
    let expected = json!({ "name": "a", "tools": 0, "failures": 0, "why": null });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&starting[field], value, "{field}");
    }
}

#[tokio::test]
async fn instances_of_sessions_are_counted_with_their_server() {
    let mut entry = fixture("a", &[]);
    entry["isolation"] = json!("session");
    let gateway = gateway(&[entry]).await;
    server_in(&gateway, "a", "ready").await;
    let (one, two): (SseClient, SseClient) = (join(&gateway).await, join(&gateway).await);
    for client in [&one, &two] {
        client.call_tool("a__echo", r#"{"text":"x"}"#).await;
    }
    assert_eq!(server(&gateway, "a").await["instances"], 2);
    value_is(&gateway, STARTS, 3.0).await;
    value_is(
        &gateway,
        r#"mcproxy_calls_total{outcome="answered",server="a"}"#,
        2.0,
    )
    .await;
    one.leave().await;
    wait::until("one instance to end", SOON, async || {
        let status = status(&gateway).await;
        let left = (
            &status["servers"][0]["instances"],
            &status["sessions"]["open"],
        );
        (left == (&json!(1), &json!(1))).then_some(())
    })
    .await;
    drop(two);
    wait::until("the other to end", SOON, async || {
        (server(&gateway, "a").await["instances"] == 0).then_some(())
    })
    .await;
    let streamable = Streamable::client(gateway.addr()).await;
    streamable.initialize().await;
    assert_eq!(status(&gateway).await["sessions"]["open"], 1);
    value_is(&gateway, "mcproxy_sessions_total", 3.0).await;
}

#[tokio::test]
async fn a_name_that_may_break_a_client_is_warned_of_with_the_remedy() {
    let long = "x".repeat(60);
    let gateway = gateway(&[fixture("a", &[]), fixture(&long, &[])]).await;
    let warnings = wait::until("what it offers to be known", SOON, async || {
        server(&gateway, &long).await["warnings"]
            .as_array()
            .cloned()
    })
    .await;
    let text = warnings.first().and_then(Value::as_str).unwrap_or_default();
    assert!(text.contains(&long) && text.contains("'prefix'"), "{text}");
    let line = gateway
        .wait_for_log("offers names of more than 64", SOON)
        .await;
    assert!(
        line.contains("[WARN]") && line.contains("'prefix'"),
        "{line}"
    );
    assert_eq!(
        server_in(&gateway, "a", "ready").await["warnings"],
        Value::Null
    );
}
