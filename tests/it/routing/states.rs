//! What becomes of a call by the state of its server: sent, parked while it starts, answered at once
//! while it is down.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::Instant;

use super::{SOON, settle};
use crate::support::gateway::fixture_server;
use crate::support::servers::{failed_text, fixture, serve, text_of};
use crate::support::wait;

#[tokio::test]
async fn a_call_to_a_server_that_is_down_is_answered_at_once() {
    let (_gateway, client) =
        serve(&[fixture("a", &["--exit-after", "0"]), fixture("b", &[])]).await;
    // In flight when it ends: how it ended, and when it is tried again.
    let text = failed_text(&client.call_tool("a__echo", "{}").await);
    assert!(text.contains("'a'"), "{text}");
    assert!(text.contains("exited with code 1"), "{text}");
    assert!(
        text.contains("started again") && text.contains("0.5 s"),
        "{text}"
    );
    // The first step of the ladder counts as starting: parked, sent, and it ends again.
    let text = failed_text(&client.call_tool("a__echo", "{}").await);
    assert!(
        text.contains("exited with code 1") && text.contains("about 1 s"),
        "{text}"
    );
    // From here on it is down for a second at least.
    let asked = Instant::now();
    let text = failed_text(&client.call_tool("a__echo", "{}").await);
    let took = asked.elapsed();
    assert!(text.contains("'a' is down"), "{text}");
    assert!(text.contains("exited with code 1"), "{text}");
    let seconds = text
        .split(' ')
        .rev()
        .nth(1)
        .expect("a number before the unit");
    let seconds: f32 = seconds.parse().expect("a number of seconds");
    assert!((0.0..=1.3).contains(&seconds), "{text}");
    assert!(took < Duration::from_millis(500), "at once: {took:?}");
    // Names stay while it is down, and others do not notice.
    let listed = client.call("tools/list", None, SOON).await;
    assert!(listed.contains(r#""name":"a__echo""#));
    assert_eq!(
        text_of(&client.call_tool("b__echo", r#"{"text":"by"}"#).await),
        "by"
    );
}

#[tokio::test]
async fn calls_are_parked_while_their_server_starts() {
    let (gateway, client) = serve(&[fixture("a", &["--slow-start", "800"])]).await;
    // Before its first start, nobody knows its names yet.
    let answer = client.call_tool("a__echo", r#"{"text":"first"}"#).await;
    assert_eq!(text_of(&answer), "first");

    let victim = gateway.child("fixture-server").expect("it runs");
    let asked = client.request(
        "tools/call",
        Some(r#"{"name":"a__sleep","arguments":{"ms":60000}}"#),
    );
    let in_flight = asked.await;
    settle(&client).await;
    victim.signal(Signal::SIGKILL);
    let text = failed_text(&client.wait_response(in_flight, SOON).await);
    assert!(text.contains("SIGKILL"), "{text}");
    // From now on until it is back, every call waits for it.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        let answer = client.call_tool("a__echo", r#"{"text":"again"}"#).await;
        assert_eq!(text_of(&answer), "again");
    }
    settle(&client).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}

#[tokio::test]
async fn a_call_is_parked_for_30_s_and_then_answered() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let slow = directory.path().join("slow");
    let script = r#"if [ -e "$1" ]; then sleep 100; fi; exec "$2""#;
    let entry = json!({
        "name": "a",
        "command": "/bin/sh",
        "args": ["-c", script, "sh", slow, fixture_server()],
        "timeout": 100,
    });
    let (gateway, client) = serve(&[entry]).await;
    client.call_tool("a__echo", "{}").await;
    fs::write(&slow, "").expect("the directory is ours");
    let victim = gateway.child("fixture-server").expect("it runs");
    victim.signal(Signal::SIGKILL);
    wait::until("its end", SOON, async || (!victim.is_alive()).then_some(())).await;
    let asked = Instant::now();
    let params = r#"{"name":"a__echo"}"#;
    let answer = client
        .call("tools/call", Some(params), Duration::from_secs(40))
        .await;
    let took = asked.elapsed();
    let text = failed_text(&answer);
    assert!(
        text.contains("a__echo") && text.contains("starting"),
        "{text}"
    );
    assert!(took > Duration::from_secs(29), "{took:?}");
    settle(&client).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new());
}
