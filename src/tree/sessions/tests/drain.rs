//! The stop: nothing new, everything answered, then the end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{House, result, settle};
use crate::tree::call::CallError;

#[tokio::test(start_paused = true)]
async fn idle_sessions_end_at_once_and_nobody_new_comes_in() {
    let mut house = House::of(&["s"]).await;
    let mut client = house.client().await;
    house.sessions.drain();
    assert_eq!(client.next_or_end().await, None);
    settle().await;
    assert!(house.is_drained());
    let refused = house.sessions.open_sse().await;
    assert_eq!(refused.err(), Some(CallError::Stopping));
}

#[tokio::test(start_paused = true)]
async fn a_house_without_sessions_is_drained_at_once() {
    let mut house = House::of(&[]).await;
    house.sessions.drain();
    settle().await;
    assert!(house.is_drained());
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_waited_for_and_no_others_are_taken() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    client.calls(2, "s__t");
    let (one, two) = (server.ticket().await, server.ticket().await);
    house.sessions.drain();
    settle().await;
    for (id, method) in [(3, "tools/call"), (4, "tools/list"), (5, "ping")] {
        client.asks(id, method, json!({"name": "s__t"}));
        let answer = client.next().await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(id), &json!(-32000))
        );
        let text = answer["error"]["message"].as_str().unwrap();
        assert!(text.contains("stopping"), "{text}");
    }
    // A cancelled call is nothing to wait for.
    client.tells("notifications/cancelled", &json!({"requestId": 2}));
    settle().await;
    assert!(!house.is_drained());
    one.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    assert_eq!(client.next_or_end().await, None);
    settle().await;
    assert!(house.is_drained());
    drop(two);
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_session_is_answered_at_once() {
    let mut house = House::of(&["s", "slow"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    // Parked for its server, waiting for the boot latch, and a name that nobody knows yet.
    client.calls("bounced", "s__t");
    drop(server.ticket().await);
    client.asks("list", "tools/list", Value::Null);
    client.calls("unknown", "slow__t");
    settle().await;
    let start = Instant::now();
    house.sessions.drain();
    let mut answers = [
        client.next().await,
        client.next().await,
        client.next().await,
    ];
    answers.sort_by_key(|answer| answer["id"].as_str().unwrap().to_owned());
    let [bounced, list, unknown] = &answers;
    assert_eq!(
        (&list["id"], &list["error"]["code"]),
        (&json!("list"), &json!(-32000))
    );
    for call in [bounced, unknown] {
        let text = call["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("the call was not run"), "{text}");
    }
    assert_eq!(client.next_or_end().await, None);
    settle().await;
    assert!(house.is_drained());
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_back_during_the_drain_is_answered() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let ticket = server.ticket().await;
    house.sessions.drain();
    settle().await;
    drop(ticket);
    let text = client.next_failure(1).await;
    assert!(text.contains("the call was not run"), "{text}");
    assert_eq!(client.next_or_end().await, None);
    settle().await;
    assert!(house.is_drained());
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_can_be_read_after_the_end() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    for id in 0..20 {
        client.calls(id, "s__t");
    }
    settle().await;
    house.sessions.drain();
    for _ in 0..20 {
        server.ticket().await.answer(result("{}"));
    }
    settle().await;
    assert!(
        house.is_drained(),
        "it does not wait for the client to read"
    );
    for id in 0..20 {
        assert_eq!(client.next().await["id"], id);
    }
    assert_eq!(client.next_or_end().await, None);
}
