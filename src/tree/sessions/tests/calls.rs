//! Calls on their way: sent, parked, bounced, withdrawn, answered.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{House, result, settle};
use crate::ids::Generation;
use crate::protocol::jsonrpc;
use crate::tree::call::Answer;
use crate::tree::registry::ServerState;
use crate::tree::testing::{name, wanted};

const PARK: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_call_goes_to_its_server_and_its_answer_to_its_client_as_they_are() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.asks(
        "id \u{e9}",
        "tools/call",
        json!({"name": "s__t", "arguments": {"n": 1}}),
    );
    let ticket = server.ticket().await;
    let errand = ticket.errand().unwrap();
    assert_eq!((&*errand.key, errand.request.key()), ("t", "s__t"));
    ticket.answer(result(r#"{"x":1}"#));
    let answer = client.next().await;
    assert_eq!(
        answer,
        json!({"jsonrpc": "2.0", "id": "id \u{e9}", "result": {"x": 1}})
    );

    client.calls(-7, "s__t");
    let error = jsonrpc::error_object(-32042, "the server's own");
    server.ticket().await.answer(Answer::Error(error));
    let answer = client.next().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(-7), &json!(-32042))
    );

    client.calls(8, "s__t");
    server
        .ticket()
        .await
        .answer(Answer::Failed("no luck".into()));
    assert_eq!(client.next_failure(8).await, "no luck");
    client.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn clients_with_the_same_ids_do_not_meet() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let (mut one, mut two) = (house.client().await, house.client().await);
    one.calls(1, "s__t");
    settle().await;
    two.calls(1, "s__t");
    let (first, second) = (server.ticket().await, server.ticket().await);
    assert_ne!(first.call(), second.call());
    // One client may use an id twice, too: both are answered.
    two.calls(1, "s__t");
    let third = server.ticket().await;
    third.answer(result("3"));
    second.answer(result("2"));
    first.answer(result("1"));
    assert_eq!(two.next().await["result"], 3);
    assert_eq!(two.next().await["result"], 2);
    assert_eq!(one.next().await["result"], 1);
    one.hears_nothing().await;
    two.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_starting_server_is_parked_until_it_is_ready() {
    let house = House::of(&["s"]).await;
    let _first = house.server("s", 1, &["t"]).await;
    house.between("s", 1);
    let mut client = house.client().await;
    client.calls(1, "s__t");
    client.hears_nothing_for(PARK * 29 / 30).await;
    let mut second = house.server("s", 2, &["t"]).await;
    second.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    client.hears_nothing_for(PARK).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_parked_for_half_a_minute_at_most() {
    let house = House::of(&["s"]).await;
    let _first = house.server("s", 1, &["t"]).await;
    house.between("s", 1);
    let mut client = house.client().await;
    let start = Instant::now();
    client.calls(1, "s__t");
    let text = client.next_failure(1).await;
    assert!(text.contains("'s__t'") && text.contains("30 s"), "{text}");
    assert_eq!(start.elapsed().as_secs(), 30);
    let mut second = house.server("s", 2, &["t"]).await;
    second.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn the_time_in_the_parking_lot_counts_over_every_bounce() {
    let house = House::of(&["s"]).await;
    let mut first = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    let start = Instant::now();
    client.calls(1, "s__t");
    drop(first.ticket().await);
    // Never again to the generation that did not take it, though the table still names it.
    client.hears_nothing_for(PARK * 2 / 3).await;
    first.hears_nothing();
    let mut second = house.server("s", 2, &["t"]).await;
    let ticket = second.ticket().await;
    sleep(PARK).await;
    drop(ticket);
    let text = client.next_failure(1).await;
    assert!(text.contains("still starting"), "{text}");
    assert_eq!(start.elapsed().as_secs(), 50);
    assert_eq!((first.free(), second.free()), (128, 128));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_run_is_not_sent_again() {
    let house = House::of(&["s"]).await;
    let mut first = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let mut ticket = first.ticket().await;
    ticket.handed_over();
    drop(ticket);
    let text = client.next_failure(1).await;
    assert!(text.contains("may or may not"), "{text}");
    let mut second = house.server("s", 2, &["t"]).await;
    second.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_dead_handle_in_the_table_loses_no_call() {
    let house = House::of(&["s"]).await;
    let first = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    settle().await;
    first.actor.stop_and_wait(None, None).await.unwrap();
    client.calls(1, "s__t");
    client.hears_nothing().await;
    let mut second = house.server("s", 2, &["t"]).await;
    second.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_server_that_is_down_is_answered_at_once_with_why() {
    let house = House::of(&["s"]).await;
    let counted = house.metrics.server(&name("s"));
    let mut first = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    drop(first.ticket().await); // parked
    client.hears_nothing().await;
    let down = ServerState::Down {
        why: "exited with code 3".into(),
        next_try: Instant::now() + Duration::from_secs(4),
    };
    house.registry.server_state(name("s"), Generation(1), down);
    let text = client.next_failure(1).await;
    assert!(
        text.contains("'s' is down: exited with code 3") && text.contains("again in 4.0 s"),
        "{text}"
    );
    sleep(Duration::from_secs(9)).await;
    client.calls(2, "s__t");
    let text = client.next_failure(2).await;
    assert!(text.contains("again in 0.0 s"), "{text}");
    assert_eq!(counted.refused.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_server_that_was_removed_is_unknown() {
    let house = House::of(&["a", "s"]).await;
    let _a = house.server("a", 1, &["t"]).await;
    let mut s = house.server("s", 2, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    client.calls(2, "s__t");
    drop(s.ticket().await);
    let running = s.ticket().await;
    house.registry.wanted(vec![wanted("a")]);
    settle().await;
    // The one in flight is its server's to finish.
    running.answer(result("{}"));
    assert_eq!(client.next().await["method"], super::LIST_CHANGED);
    let answer = client.next().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(1), &json!(-32602))
    );
    assert_eq!(client.next().await["id"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_full_is_busy_and_its_refusals_are_counted() {
    let house = House::of(&["s"]).await;
    let counted = house.metrics.server(&name("s"));
    let mut server = house.server_with("s", 1, &["t"], 1).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    client.calls(2, "s__t");
    let text = client.next_failure(2).await;
    assert!(text.contains("'s' is busy"), "{text}");
    assert_eq!(counted.refused.get(), 1);
    server.ticket().await.answer(result("{}"));
    client.next().await;
    client.calls(3, "s__t");
    server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_withdrawn_wherever_it_is_and_never_answered() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls("sent", "s__t");
    client.calls("other", "s__t");
    let (sent, other) = (server.ticket().await, server.ticket().await);
    let params = json!({"requestId": "sent", "reason": "changed my mind"});
    client.tells("notifications/cancelled", &params);
    let (number, told) = server.cancelled().await;
    assert_eq!(number, sent.call().number);
    assert_eq!(
        serde_json::from_slice::<Value>(&told.unwrap()).unwrap(),
        params
    );
    sent.answer(result("too late"));
    // A second time, and for one that is not there: nothing.
    client.tells("notifications/cancelled", &params);
    settle().await;
    server.hears_nothing();

    house.between("s", 1);
    settle().await;
    client.calls("parked", "s__t");
    settle().await;
    client.tells("notifications/cancelled", &json!({"requestId": "parked"}));
    settle().await;
    let mut second = house.server("s", 2, &["t"]).await;
    second.hears_nothing();

    other.answer(result("{}"));
    assert_eq!(client.next().await["id"], "other");
    client.hears_nothing_for(PARK * 2).await;
    assert_eq!(server.free(), 128);
}

#[tokio::test(start_paused = true)]
async fn a_call_cancelled_on_its_way_back_is_not_sent_again() {
    let house = House::of(&["s"]).await;
    let mut first = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let ticket = first.ticket().await;
    client.tells("notifications/cancelled", &json!({"requestId": 1}));
    drop(ticket);
    settle().await;
    let mut second = house.server("s", 2, &["t"]).await;
    second.hears_nothing();
    client.hears_nothing_for(PARK * 2).await;
}

#[tokio::test(start_paused = true)]
async fn progress_comes_before_its_answer() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let ticket = server.ticket().await;
    for number in 0..3 {
        let line = format!(r#"{{"jsonrpc":"2.0","method":"progress","params":{number}}}"#);
        ticket.progress(Bytes::from(line));
    }
    ticket.answer(result("{}"));
    for number in 0..3 {
        assert_eq!(client.next().await["params"], number);
    }
    assert_eq!(client.next().await["id"], 1);
}
