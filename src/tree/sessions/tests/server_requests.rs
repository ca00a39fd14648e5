//! What servers ask of clients: passed on under other ids, and answered whatever happens.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::servers::{Own, offer, said};
use super::{Client, House, is_silent, result, settle};
use crate::tree::client::SessionEvent;
use crate::tree::registry::RouteState;
use crate::tree::testing::name;

const SAMPLING: &str = "sampling/createMessage";

/// A client that can do everything, and its instance of `s`, with a call in flight.
async fn asked() -> (House, Client, Own) {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let mut client = house.client().await;
    let all = json!({"sampling": {}, "elicitation": {"url": {}}, "roots": {"listChanged": true}});
    client.initialises(all).await;
    client.calls("call", "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offered).await;
    std::mem::forget(own.server.ticket().await);
    (house, client, own)
}

#[tokio::test(start_paused = true)]
async fn a_question_and_its_answer_pass_and_nothing_but_id_and_token_changes() {
    let (_house, mut client, mut own) = asked().await;
    own.asks("a", SAMPLING, r#"{"n":1.10,"_meta":{"progressToken":"p"}}"#)
        .await;
    own.asks(0, "elicitation/create", r#"{"mode":"url"}"#).await;
    own.asks(1, "roots/list", "{}").await;
    let mut ids = Vec::new();
    for method in [SAMPLING, "elicitation/create", "roots/list"] {
        let question = client.next().await;
        assert_eq!(question["method"], method);
        ids.push(question["id"].clone());
        if method == SAMPLING {
            assert_eq!(question["params"]["_meta"]["progressToken"], ids[0]);
        }
    }
    assert!(ids.iter().all(Value::is_u64));
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    client.answers(&ids[2], &json!({"roots": []}));
    assert_eq!(own.answer().await, ("1".into(), Ok(json!({"roots": []}))));
    let error = json!({"code": -1, "message": "rejected"});
    let refusal = json!({"jsonrpc": "2.0", "id": ids[1], "error": error});
    client.posts(&refusal).unwrap();
    assert_eq!(own.answer().await, ("0".into(), Err(error)));
    client.answers(&ids[0], &json!({"x": 1}));
    assert_eq!(own.answer().await, ("\"a\"".into(), Ok(json!({"x": 1}))));
    // Again, or to what nobody asked.
    for id in [&ids[0], &json!(7), &json!("x")] {
        client.answers(id, &json!({}));
    }
    settle().await;
    own.server.hears_nothing();
    client.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_waits_does_not_keep_the_line_it_came_on() {
    let (_house, mut client, own) = asked().await;
    let line = own.asks(1, SAMPLING, r#"{"prompt":"long"}"#).await;
    assert_eq!(client.next().await["params"]["prompt"], "long");
    settle().await;
    assert!(line.is_unique(), "somebody holds a part of it");
}

#[tokio::test(start_paused = true)]
async fn a_client_is_not_asked_for_what_it_did_not_offer() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let mut client = house.client().await;
    client.initialises(json!({"roots": {}})).await;
    client.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offered).await;
    std::mem::forget(own.server.ticket().await);
    for method in [SAMPLING, "elicitation/create", "tasks/list", "tools/list"] {
        own.asks(5, method, "{}").await;
        let (id, outcome) = own.answer().await;
        assert_eq!((&*id, &outcome.unwrap_err()["code"]), ("5", &json!(-32601)));
    }
    client.hears_nothing().await;
    own.asks(6, "roots/list", "{}").await;
    assert_eq!(client.next().await["method"], "roots/list");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_too_long_is_told_to_stop_and_the_server_why() {
    let (_house, mut client, mut own) = asked().await;
    let start = Instant::now();
    own.asks(1, SAMPLING, r#"{"_meta":{"progressToken":"p"}}"#)
        .await;
    let id = client.next().await["id"].clone();
    sleep(Duration::from_secs(59)).await;
    let progress = json!({"progressToken": id, "progress": 1});
    client.tells("notifications/progress", &progress);
    let told = own.notified().await;
    assert_eq!(told["params"], json!({"progressToken": "p", "progress": 1}));

    let (_, outcome) = own.answer().await;
    let error = outcome.unwrap_err();
    assert_eq!(error["code"], -32001);
    assert!(error["message"].as_str().unwrap().contains("60 s"));
    assert_eq!(start.elapsed().as_secs(), 59 + 60, "progress gives time");
    let cancelled = client.next().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], id);
    client.answers(&id, &json!({}));
    client.tells("notifications/progress", &progress);
    settle().await;
    own.server.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_server_may_withdraw_its_question() {
    let (_house, mut client, mut own) = asked().await;
    own.asks("q", SAMPLING, "{}").await;
    let id = client.next().await["id"].clone();
    for params in [
        r#"{"requestId":"p"}"#,
        "[]",
        r#"{"requestId":"q","reason":"r"}"#,
    ] {
        let (server, params) = (name("s"), Bytes::from(params));
        own.tells(SessionEvent::ServerRequestCancelled { server, params })
            .await;
    }
    let cancelled = client.next().await;
    let wanted = json!({"requestId": id, "reason": "r"});
    assert_eq!(cancelled["params"], wanted);
    client.answers(&id, &json!({}));
    sleep(Duration::from_secs(120)).await;
    own.server.hears_nothing();
    client.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_life_that_has_ended_asked_is_withdrawn() {
    let (_house, mut client, mut own) = asked().await;
    own.asks(1, SAMPLING, "{}").await;
    let first = client.next().await["id"].clone();
    let next = Own::of(own.owner.clone(), "s", 3, &offer(&["t"], &[])).await;
    assert_eq!(client.next().await["params"]["requestId"], first);
    next.asks(1, SAMPLING, "{}").await;
    let second = client.next().await["id"].clone();
    // Not by a new list of the same life.
    next.offers(&offer(&["t"], &[])).await;
    client.hears_nothing().await;
    let why = "exited".to_owned();
    let next_try = Instant::now();
    next.is_now(Some(RouteState::Down { why, next_try })).await;
    assert_eq!(client.next().await["params"]["requestId"], second);
    own.server.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_answers_with_an_error() {
    let (_house, mut client, mut own) = asked().await;
    own.asks(1, SAMPLING, "{}").await;
    client.next().await;
    drop(client);
    own.server.cancelled().await;
    let (id, outcome) = own.answer().await;
    assert_eq!((&*id, outcome.is_err()), ("1", true));
}

#[tokio::test(start_paused = true)]
async fn a_client_has_so_many_questions_before_it_and_no_more() {
    let (_house, mut client, mut own) = asked().await;
    for id in 0..64 {
        own.asks(id, SAMPLING, "{}").await;
    }
    own.asks("more", SAMPLING, "{}").await;
    let (id, outcome) = own.answer().await;
    assert_eq!(id, "\"more\"");
    assert_eq!(outcome.unwrap_err()["code"], -32003);
    let question = client.next().await;
    client.answers(&question["id"], &json!({}));
    assert_eq!(own.answer().await.0, "0");
    own.asks("again", SAMPLING, "{}").await;
    own.server.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn notifications_about_questions_pass_both_ways() {
    let (_house, mut client, mut own) = asked().await;
    client.tells("notifications/roots/list_changed", &json!({"_meta": {}}));
    let told = own.notified().await;
    let wanted = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed", "params": {"_meta": {}}});
    assert_eq!(told, wanted);
    let done = r#"{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e"}}"#;
    let (server, notification) = (name("s"), Bytes::from(done));
    own.tells(SessionEvent::Notified {
        server,
        notification,
    })
    .await;
    assert_eq!(client.next().await["params"]["elicitationId"], "e");
    // What nobody knows is dropped.
    client.tells("notifications/whatever", &json!({}));
    settle().await;
    own.server.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_question_comes_where_its_server_was_last_called_from() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let client = house.mcp_that(&json!({"roots": {}})).await;
    let (mut one, mut two) = (client.calls(1, "s__t"), client.calls(2, "s__t"));
    let owner = house.owner().await;
    let mut own = Own::starting(owner, "s", 2).await;
    // Before it is ready: the calls wait for it, and it for the answer.
    own.asks("early", "roots/list", "{}").await;
    let question = said(&mut two).await;
    assert_eq!(question["method"], "roots/list");
    client.answers(&question["id"], &json!({"roots": []}));
    assert_eq!(own.answer().await.0, "\"early\"");
    own.offers(&offered).await;
    let (first, second) = (own.server.ticket().await, own.server.ticket().await);
    own.asks("late", "roots/list", "{}").await;
    let question = said(&mut two).await["id"].clone();
    second.answer(result("2"));
    assert_eq!(said(&mut two).await["result"], 2);
    // What was asked there is withdrawn on the stream for everything.
    let (server, params) = (name("s"), Bytes::from_static(br#"{"requestId":"late"}"#));
    let mut general = client.session.listen(None).await.unwrap();
    own.tells(SessionEvent::ServerRequestCancelled { server, params })
        .await;
    let cancelled = said(&mut general).await;
    assert_eq!(cancelled["params"]["requestId"], question);
    own.asks("again", "roots/list", "{}").await;
    assert_eq!(said(&mut one).await["method"], "roots/list");
    first.answer(result("1"));
    assert_eq!(said(&mut one).await["result"], 1);
}

/// A client has to be asked where it listens: on the stream for everything, if the connection of
/// its call broke before anything was said there.
#[tokio::test(start_paused = true)]
async fn a_question_does_not_get_lost_with_the_connection_of_its_call() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let client = house.mcp_that(&json!({"roots": {}})).await;
    let mut general = client.session.listen(None).await.unwrap();
    let lost = client.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offered).await;
    let ticket = own.server.ticket().await;
    drop(lost);
    own.asks("q", "roots/list", "{}").await;
    let question = said(&mut general).await;
    assert_eq!(question["method"], "roots/list");
    let (server, params) = (name("s"), Bytes::from_static(br#"{"requestId":"q"}"#));
    own.tells(SessionEvent::ServerRequestCancelled { server, params })
        .await;
    let cancelled = said(&mut general).await;
    assert_eq!(cancelled["params"]["requestId"], question["id"]);
    // The answer itself belongs to nobody: it must not come on a stream that was not asked.
    ticket.answer(result("1"));
    assert!(is_silent(&mut general).await);
}
