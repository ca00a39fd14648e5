//! The stop, step by step: what servers can still do is done, the rest is answered with words, and
//! streams end last.

use std::time::Duration;

use serde_json::{Value, json};

use super::House;
use crate::tree::sessions::Stop;

#[test]
fn what_waits_in_the_session_is_answered_at_once() {
    let house = House::of(&["s", "slow"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    // Parked for its server, waiting for the boot latch, and a name that nobody knows yet.
    client.calls("came back", "s__t");
    drop(server.reply_token());
    client.asks("list", "tools/list", Value::Null);
    client.calls("unknown", "slow__t");
    house.settle();
    let start = house.now();
    house.stop(Stop::Draining);
    let mut answers = [client.next(), client.next(), client.next()];
    answers.sort_by_key(|answer| answer["id"].as_str().unwrap().to_owned());
    let [came_back, list, unknown] = &answers;
    assert_eq!(
        (&list["id"], &list["error"]["code"]),
        (&json!("list"), &json!(-32000))
    );
    for call in [came_back, unknown] {
        let text = call["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("the call was not run"), "{text}");
    }
    house.settle();
    assert!(!house.are_calling());
    assert!((house.now() - start) < Duration::from_secs(1));
}

#[test]
fn a_call_that_comes_back_during_the_stop_is_answered() {
    for step in [Stop::Draining, Stop::NoServers] {
        let house = House::of(&["s"]);
        let mut server = house.server("s", 1, &["t"]);
        let mut client = house.client();
        client.calls(1, "s__t");
        let reply_token = server.reply_token();
        house.stop(step);
        house.settle();
        drop(reply_token);
        let text = client.next_failure(1);
        assert!(text.contains("the call was not run"), "{text}");
        house.settle();
        assert!(!house.are_calling());
    }
}
