//! Calls on their way: sent, parked, undelivered, withdrawn, answered.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{House, result};
use crate::ids::Generation;
use crate::protocol::jsonrpc;
use crate::testing::{name, wanted};
use crate::tree::call::{Answer, Failure};
use crate::tree::registry::ServerState;

const PARK: Duration = Duration::from_secs(30);

#[test]
fn a_call_goes_to_its_server_and_its_answer_to_its_client_as_they_are() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.asks(
        "id \u{e9}",
        "tools/call",
        json!({"name": "s__t", "arguments": {"n": 1}}),
    );
    let reply_token = server.reply_token();
    let routed = reply_token.routed().unwrap();
    assert_eq!((&*routed.key, routed.request.key()), ("t", "s__t"));
    reply_token.answer(result(r#"{"x":1}"#));
    let answer = client.next();
    assert_eq!(
        answer,
        json!({"jsonrpc": "2.0", "id": "id \u{e9}", "result": {"x": 1}})
    );

    client.calls(-7, "s__t");
    let error = jsonrpc::error_object(-32042, "the server's own");
    server.reply_token().answer(Answer::Error(error));
    let answer = client.next();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(-7), &json!(-32042))
    );

    client.calls(8, "s__t");
    server
        .reply_token()
        .answer(Answer::Failed(Failure::Refused, "no luck".into()));
    assert_eq!(client.next_failure(8), "no luck");
    client.hears_nothing();
}

#[test]
fn clients_with_the_same_ids_do_not_meet() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let (mut one, mut two) = (house.client(), house.client());
    one.calls(1, "s__t");
    house.settle();
    two.calls(1, "s__t");
    let (first, second) = (server.reply_token(), server.reply_token());
    assert_ne!(first.call(), second.call());
    // One client may use an id twice, too: both are answered.
    two.calls(1, "s__t");
    let third = server.reply_token();
    third.answer(result("3"));
    second.answer(result("2"));
    first.answer(result("1"));
    assert_eq!(two.next()["result"], 3);
    assert_eq!(two.next()["result"], 2);
    assert_eq!(one.next()["result"], 1);
    one.hears_nothing();
    two.hears_nothing();
}

/// Who else has a tool of that name is not known before.
#[test]
fn a_bare_name_waits_until_all_servers_have_told() {
    for (tool, wanted) in [("t", Some("Unknown tool: t")), ("u", None)] {
        let house = House::of(&["a", "b"]);
        let mut first = house.server("a", 1, &["t"]);
        let mut client = house.client();
        client.calls(1, "t");
        client.hears_nothing();
        first.hears_nothing();
        client.calls(2, "a__t");
        first.reply_token().answer(result("{}"));
        assert_eq!(client.next()["id"], 2);
        let _second = house.server("b", 1, &[tool]);
        if wanted.is_none() {
            let reply_token = first.reply_token();
            assert_eq!(&*reply_token.routed().unwrap().key, "t");
            reply_token.answer(result("{}"));
        }
        let answer = client.next();
        assert_eq!(answer["id"], 1);
        assert_eq!(answer["error"]["message"].as_str(), wanted);
    }
}

#[test]
fn a_call_to_a_starting_server_is_parked_until_it_is_ready() {
    let house = House::of(&["s"]);
    let _first = house.server("s", 1, &["t"]);
    house.between("s", 1);
    let mut client = house.client();
    client.calls(1, "s__t");
    client.hears_nothing_for(PARK * 29 / 30);
    let mut second = house.server("s", 2, &["t"]);
    second.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
    client.hears_nothing_for(PARK);
}

#[test]
fn a_call_is_parked_for_half_a_minute_at_most() {
    let house = House::of(&["s"]);
    let _first = house.server("s", 1, &["t"]);
    house.between("s", 1);
    let mut client = house.client();
    let start = house.now();
    client.calls(1, "s__t");
    let text = client.next_failure(1);
    assert!(text.contains("'s__t'") && text.contains("30 s"), "{text}");
    assert_eq!((house.now() - start).as_secs(), 30);
    let mut second = house.server("s", 2, &["t"]);
    second.hears_nothing();
}

#[test]
fn the_time_in_the_parking_lot_counts_over_every_bounce() {
    let house = House::of(&["s"]);
    let mut first = house.server("s", 1, &["t"]);
    let mut client = house.client();
    let start = house.now();
    client.calls(1, "s__t");
    drop(first.reply_token());
    // Never again to the generation that did not take it, though the table still names it.
    client.hears_nothing_for(PARK * 2 / 3);
    first.hears_nothing();
    let mut second = house.server("s", 2, &["t"]);
    let reply_token = second.reply_token();
    house.sleep(PARK);
    drop(reply_token);
    let text = client.next_failure(1);
    assert!(text.contains("still starting"), "{text}");
    assert_eq!((house.now() - start).as_secs(), 50);
    assert_eq!((first.free(), second.free()), (128, 128));
}

#[test]
fn what_may_have_run_is_not_sent_again() {
    let house = House::of(&["s"]);
    let mut first = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.calls(1, "s__t");
    let mut reply_token = first.reply_token();
    reply_token.handed_over();
    drop(reply_token);
    let text = client.next_failure(1);
    assert!(text.contains("may or may not"), "{text}");
    let mut second = house.server("s", 2, &["t"]);
    second.hears_nothing();
}

#[test]
fn a_dead_handle_in_the_table_loses_no_call() {
    let house = House::of(&["s"]);
    drop(house.server("s", 1, &["t"]));
    let mut client = house.client();
    client.calls(1, "s__t");
    client.hears_nothing();
    let mut second = house.server("s", 2, &["t"]);
    second.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
}

#[test]
fn a_call_to_a_server_that_is_down_is_answered_at_once_with_why() {
    let house = House::of(&["s"]);
    let counted = house.metrics().server(&name("s"));
    let mut first = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.calls(1, "s__t");
    drop(first.reply_token()); // parked
    client.hears_nothing();
    let down = ServerState::Down {
        why: "exited with code 3".into(),
        next_try: house.now() + Duration::from_secs(4),
    };
    house.server_state(&name("s"), Generation(1), down);
    let text = client.next_failure(1);
    assert!(
        text.contains("'s' is down: exited with code 3") && text.contains("again in 4.0 s"),
        "{text}"
    );
    house.sleep(Duration::from_secs(9));
    client.calls(2, "s__t");
    let text = client.next_failure(2);
    assert!(text.contains("again in 0.0 s"), "{text}");
    assert_eq!(counted.refused.get(), 2);
}

#[test]
fn a_call_to_a_server_that_was_removed_is_unknown() {
    let house = House::of(&["a", "s"]);
    let _a = house.server("a", 1, &["t"]);
    let mut s = house.server("s", 2, &["t"]);
    let mut client = house.client();
    client.calls(1, "s__t");
    client.calls(2, "s__t");
    drop(s.reply_token());
    let running = s.reply_token();
    house.wanted(vec![wanted("a")]);
    house.settle();
    // The one in flight is its server's to finish.
    running.answer(result("{}"));
    assert_eq!(client.next()["method"], super::LIST_CHANGED);
    let answer = client.next();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(1), &json!(-32602))
    );
    assert_eq!(client.next()["id"], 2);
}

#[test]
fn a_server_that_is_full_is_busy_and_its_refusals_are_counted() {
    let house = House::of(&["s"]);
    let counted = house.metrics().server(&name("s"));
    let mut server = house.server_with("s", 1, &["t"], 1);
    let mut client = house.client();
    client.calls(1, "s__t");
    client.calls(2, "s__t");
    let text = client.next_failure(2);
    assert!(text.contains("'s' is busy"), "{text}");
    assert_eq!(counted.refused.get(), 1);
    server.reply_token().answer(result("{}"));
    client.next();
    client.calls(3, "s__t");
    server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 3);
}

#[test]
fn a_cancelled_call_is_withdrawn_wherever_it_is_and_never_answered() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.calls("sent", "s__t");
    client.calls("other", "s__t");
    let (sent, other) = (server.reply_token(), server.reply_token());
    let params = json!({"requestId": "sent", "reason": "changed my mind"});
    client.tells("notifications/cancelled", &params);
    let (number, told) = server.cancelled();
    assert_eq!(number, sent.call().number);
    assert_eq!(
        serde_json::from_slice::<Value>(&told.unwrap()).unwrap(),
        params
    );
    sent.answer(result("too late"));
    // A second time, and for one that is not there: nothing.
    client.tells("notifications/cancelled", &params);
    house.settle();
    server.hears_nothing();

    house.between("s", 1);
    house.settle();
    client.calls("parked", "s__t");
    house.settle();
    client.tells("notifications/cancelled", &json!({"requestId": "parked"}));
    house.settle();
    let mut second = house.server("s", 2, &["t"]);
    second.hears_nothing();

    other.answer(result("{}"));
    assert_eq!(client.next()["id"], "other");
    client.hears_nothing_for(PARK * 2);
    assert_eq!(server.free(), 128);
}

#[test]
fn a_call_cancelled_on_its_way_back_is_not_sent_again() {
    let house = House::of(&["s"]);
    let mut first = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.calls(1, "s__t");
    let reply_token = first.reply_token();
    client.tells("notifications/cancelled", &json!({"requestId": 1}));
    drop(reply_token);
    house.settle();
    let mut second = house.server("s", 2, &["t"]);
    second.hears_nothing();
    client.hears_nothing_for(PARK * 2);
}

#[test]
fn progress_comes_before_its_answer() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.calls(1, "s__t");
    let reply_token = server.reply_token();
    for number in 0..3 {
        let line = format!(r#"{{"jsonrpc":"2.0","method":"progress","params":{number}}}"#);
        reply_token.progress(Bytes::from(line));
    }
    reply_token.answer(result("{}"));
    for number in 0..3 {
        assert_eq!(client.next()["params"], number);
    }
    assert_eq!(client.next()["id"], 1);
}
