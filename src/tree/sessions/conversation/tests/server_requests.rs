//! What servers ask of clients: passed on under other ids, and answered whatever happens.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::servers::Own;
use super::{Client, House};
use crate::testing::{name, offer};
use crate::tree::client::SessionEvent;
use crate::tree::registry::RouteState;

const SAMPLING: &str = "sampling/createMessage";

/// A client that can do everything, and its instance of `s`, with a call in flight.
fn asked() -> (House, Client, Own) {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let mut client = house.client();
    let all = json!({"sampling": {}, "elicitation": {"url": {}}, "roots": {"listChanged": true}});
    client.initialises(&all);
    client.calls("call", "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offered);
    std::mem::forget(own.server.reply_token());
    (house, client, own)
}

#[test]
fn a_question_and_its_answer_pass_and_nothing_but_id_and_token_changes() {
    let (house, mut client, mut own) = asked();
    own.asks("a", SAMPLING, r#"{"n":1.10,"_meta":{"progressToken":"p"}}"#);
    own.asks(0, "elicitation/create", r#"{"mode":"url"}"#);
    own.asks(1, "roots/list", "{}");
    let mut ids = Vec::new();
    for method in [SAMPLING, "elicitation/create", "roots/list"] {
        let question = client.next();
        assert_eq!(question["method"], method);
        ids.push(question["id"].clone());
        if method == SAMPLING {
            assert_eq!(question["params"]["_meta"]["progressToken"], ids[0]);
        }
    }
    assert!(ids.iter().all(Value::is_u64));
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    client.answers(&ids[2], &json!({"roots": []}));
    assert_eq!(own.answer(), ("1".into(), Ok(json!({"roots": []}))));
    let error = json!({"code": -1, "message": "rejected"});
    let refusal = json!({"jsonrpc": "2.0", "id": ids[1], "error": error});
    client.posts(&refusal);
    assert_eq!(own.answer(), ("0".into(), Err(error)));
    client.answers(&ids[0], &json!({"x": 1}));
    assert_eq!(own.answer(), ("\"a\"".into(), Ok(json!({"x": 1}))));
    // Again, or to what nobody asked.
    for id in [&ids[0], &json!(7), &json!("x")] {
        client.answers(id, &json!({}));
    }
    house.settle();
    own.server.hears_nothing();
    client.hears_nothing();
}

#[test]
fn a_question_that_waits_does_not_keep_the_line_it_came_on() {
    let (house, mut client, own) = asked();
    let line = own.asks(1, SAMPLING, r#"{"prompt":"long"}"#);
    assert_eq!(client.next()["params"]["prompt"], "long");
    house.settle();
    assert!(line.is_unique(), "somebody holds a part of it");
}

#[test]
fn a_client_is_not_asked_for_what_it_did_not_offer() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let mut client = house.client();
    client.initialises(&json!({"roots": {}}));
    client.calls(1, "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offered);
    std::mem::forget(own.server.reply_token());
    for method in [SAMPLING, "elicitation/create", "tasks/list", "tools/list"] {
        own.asks(5, method, "{}");
        let (id, outcome) = own.answer();
        assert_eq!((&*id, &outcome.unwrap_err()["code"]), ("5", &json!(-32601)));
    }
    client.hears_nothing();
    own.asks(6, "roots/list", "{}");
    assert_eq!(client.next()["method"], "roots/list");
}

#[test]
fn a_client_that_takes_too_long_is_told_to_stop_and_the_server_why() {
    let (house, mut client, mut own) = asked();
    let start = house.now();
    own.asks(1, SAMPLING, r#"{"_meta":{"progressToken":"p"}}"#);
    let id = client.next()["id"].clone();
    house.sleep(Duration::from_secs(59));
    let progress = json!({"progressToken": id, "progress": 1});
    client.tells("notifications/progress", &progress);
    let told = own.notified();
    assert_eq!(told["params"], json!({"progressToken": "p", "progress": 1}));

    house.sleep(Duration::from_secs(59));
    own.server.hears_nothing();
    house.sleep(Duration::from_secs(1));
    let (_, outcome) = own.answer();
    let error = outcome.unwrap_err();
    assert_eq!(error["code"], -32001);
    assert!(error["message"].as_str().unwrap().contains("60 s"));
    assert_eq!(
        (house.now() - start).as_secs(),
        59 + 60,
        "progress gives time"
    );
    let cancelled = client.next();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], id);
    client.answers(&id, &json!({}));
    client.tells("notifications/progress", &progress);
    house.settle();
    own.server.hears_nothing();
}

#[test]
fn a_server_may_withdraw_its_question() {
    let (house, mut client, mut own) = asked();
    own.asks("q", SAMPLING, "{}");
    let id = client.next()["id"].clone();
    for params in [
        r#"{"requestId":"p"}"#,
        "[]",
        r#"{"requestId":"q","reason":"r"}"#,
    ] {
        let (server, params) = (name("s"), Bytes::from(params));
        own.tells(SessionEvent::ServerRequestCancelled { server, params });
    }
    let cancelled = client.next();
    let wanted = json!({"requestId": id, "reason": "r"});
    assert_eq!(cancelled["params"], wanted);
    client.answers(&id, &json!({}));
    house.sleep(Duration::from_secs(120));
    own.server.hears_nothing();
    client.hears_nothing();
}

#[test]
fn what_a_life_that_has_ended_asked_is_withdrawn() {
    let (house, mut client, mut own) = asked();
    own.asks(1, SAMPLING, "{}");
    let first = client.next()["id"].clone();
    let next = Own::of(&house, own.owner.clone(), ("s", 3), &offer(&["t"], &[]));
    assert_eq!(client.next()["params"]["requestId"], first);
    next.asks(1, SAMPLING, "{}");
    let second = client.next()["id"].clone();
    // Not by a new list of the same life.
    next.offers(&offer(&["t"], &[]));
    client.hears_nothing();
    let why = "exited".to_owned();
    let next_try = house.now();
    next.is_now(Some(RouteState::Down { why, next_try }));
    assert_eq!(client.next()["params"]["requestId"], second);
    own.server.hears_nothing();
}

#[test]
fn a_client_that_goes_answers_with_an_error() {
    let (_house, mut client, mut own) = asked();
    own.asks(1, SAMPLING, "{}");
    client.next();
    drop(client);
    own.server.cancelled();
    let (id, outcome) = own.answer();
    assert_eq!((&*id, outcome.is_err()), ("1", true));
}

#[test]
fn a_client_has_so_many_questions_before_it_and_no_more() {
    let (_house, mut client, mut own) = asked();
    for id in 0..64 {
        own.asks(id, SAMPLING, "{}");
    }
    own.asks("more", SAMPLING, "{}");
    let (id, outcome) = own.answer();
    assert_eq!(id, "\"more\"");
    assert_eq!(outcome.unwrap_err()["code"], -32003);
    let question = client.next();
    client.answers(&question["id"], &json!({}));
    assert_eq!(own.answer().0, "0");
    own.asks("again", SAMPLING, "{}");
    own.server.hears_nothing();
}

#[test]
fn notifications_about_questions_pass_both_ways() {
    let (house, mut client, mut own) = asked();
    client.tells("notifications/roots/list_changed", &json!({"_meta": {}}));
    let told = own.notified();
    let wanted = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed", "params": {"_meta": {}}});
    assert_eq!(told, wanted);
    let done = r#"{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e"}}"#;
    let (server, notification) = (name("s"), Bytes::from(done));
    own.tells(SessionEvent::Notified {
        server,
        notification,
    });
    assert_eq!(client.next()["params"]["elicitationId"], "e");
    // What nobody knows is dropped.
    client.tells("notifications/whatever", &json!({}));
    house.settle();
    own.server.hears_nothing();
}
