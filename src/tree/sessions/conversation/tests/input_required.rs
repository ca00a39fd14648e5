//! What servers without a handshake ask before they answer: put to the client, and sent back with the
//! call.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Client, House, Server, result};
use crate::ids::Generation;
use crate::protocol::Era;
use crate::testing::name;
use crate::tree::call::{Answer, InputRequired};
use crate::tree::registry::ServerState;

/// The server asks something before it answers; gives what it was sent.
fn asks(server: &mut Server, input: &Value) -> Value {
    asks_with(server, input, None)
}

/// The same, with roots of its entry.
fn asks_with(server: &mut Server, input: &Value, roots: Option<&'static str>) -> Value {
    let mut reply_token = server.reply_token();
    let routed = reply_token.handed_over().unwrap();
    let sent = serde_json::from_slice(&routed.params(Era::Modern, None)).unwrap();
    let result = Bytes::from(input.to_string());
    let roots = roots.map(|roots| Bytes::from_static(roots.as_bytes()));
    let asked = InputRequired {
        result,
        routed,
        roots,
        hold: None,
    };
    reply_token.answer(Answer::InputRequired(Box::new(asked)));
    sent
}

fn input(requests: &Value) -> Value {
    json!({"resultType": "input_required", "inputRequests": requests, "requestState": "st"})
}

fn form(message: &str) -> Value {
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": {}}})
}

/// A client that can do everything, with a call at `s`.
fn calling(capabilities: &Value) -> (House, Client, Server) {
    let house = House::of(&["s"]);
    let server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    client.initialises(capabilities);
    client.asks(
        "call",
        "tools/call",
        json!({"name": "s__t", "arguments": {"n": 1}}),
    );
    (house, client, server)
}

fn all() -> Value {
    json!({"sampling": {}, "elicitation": {"form": {}, "url": {}}, "roots": {"listChanged": true}})
}

#[test]
fn all_questions_go_out_at_once_and_the_answers_go_back_with_the_call() {
    let (house, mut client, mut server) = calling(&all());
    let requests = json!({"a": form("name?"), "b": {"method": "roots/list"},
        "c": {"method": "elicitation/create", "params": {"mode": "url", "message": "m", "url": "https://x.y"}}});
    let sent = asks(&mut server, &input(&requests));
    let meta = &sent["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(
        *meta,
        json!({"roots": {}, "sampling": {}, "elicitation": {"form": {}, "url": {}}})
    );
    assert_eq!(server.free(), 128, "it works on nothing");
    let questions = [client.next(), client.next(), client.next()];
    let methods = questions
        .each_ref()
        .map(|asked| asked["method"].as_str().unwrap());
    assert_eq!(
        methods,
        ["elicitation/create", "roots/list", "elicitation/create"]
    );
    assert_eq!(questions[0]["params"]["message"], "name?");
    assert!(questions[2]["params"]["elicitationId"].is_string());
    for (question, number) in questions.iter().zip(1..) {
        server.hears_nothing();
        client.answers(&question["id"], &json!({"n": number}));
    }
    let sent = asks(&mut server, &input(&json!({"d": form("more?")})));
    assert_eq!(
        sent["inputResponses"],
        json!({"a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3}})
    );
    assert_eq!(
        (&sent["requestState"], &sent["arguments"]),
        (&json!("st"), &json!({"n": 1}))
    );
    // Once more.
    let question = client.next();
    client.answers(&question["id"], &json!({"n": 4}));
    let reply_token = server.reply_token();
    let routed = reply_token.routed().unwrap();
    let sent: Value = serde_json::from_slice(&routed.params(Era::Modern, None)).unwrap();
    assert_eq!(sent["inputResponses"], json!({"d": {"n": 4}}));
    reply_token.answer(result(r#"{"content":[]}"#));
    let answered = client.next();
    assert_eq!(
        (&answered["id"], &answered["result"]),
        (&json!("call"), &json!({"content": []}))
    );
    house.settle();
    client.hears_nothing();
}

#[test]
fn a_server_without_a_question_is_asked_again_ever_later_and_not_for_ever() {
    let (house, mut client, mut server) = calling(&json!({}));
    let state = json!({"resultType": "input_required", "requestState": "st"});
    for wait in [50, 100, 200, 250, 250, 250, 250, 250, 250, 250] {
        asks(&mut server, &state);
        house.sleep(Duration::from_millis(wait - 1));
        server.hears_nothing();
        house.sleep(Duration::from_millis(1));
    }
    asks(&mut server, &state);
    assert!(client.next_failure("call").contains("more than 10 times"));
    house.sleep(Duration::from_secs(1));
    server.hears_nothing();
}

#[test]
fn a_client_is_told_what_it_would_need() {
    for (capabilities, request, missing) in [
        (json!({}), form("x"), "'elicitation'"),
        (
            json!({"elicitation": {"url": {}}}),
            form("x"),
            "'elicitation.form'",
        ),
        (
            json!({"elicitation": {}}),
            json!({"method": "elicitation/create", "params": {"mode": "url"}}),
            "'elicitation.url'",
        ),
        (
            json!({"roots": {}}),
            json!({"method": "sampling/createMessage", "params": {}}),
            "'sampling'",
        ),
        (
            json!({"roots": {}}),
            json!({"method": "tools/list", "params": {}}),
            "tools/list",
        ),
    ] {
        let (_house, mut client, mut server) = calling(&capabilities);
        asks(&mut server, &input(&json!({"a": request})));
        let text = client.next_failure("call");
        assert!(text.contains(missing), "{text}");
        client.hears_nothing();
    }
}

#[test]
fn a_client_that_refuses_ends_its_call_and_the_other_questions() {
    let (_house, mut client, mut server) = calling(&all());
    asks(
        &mut server,
        &input(&json!({"a": form("x"), "b": form("y")})),
    );
    let (first, second) = (client.next(), client.next());
    let error = json!({"code": -1, "message": "the user said no"});
    client.posts(&json!({"jsonrpc": "2.0", "id": first["id"], "error": error}));
    let withdrawn = client.next();
    assert_eq!(
        (&withdrawn["method"], &withdrawn["params"]["requestId"]),
        (&json!("notifications/cancelled"), &second["id"])
    );
    assert!(client.next_failure("call").contains("the user said no"));
    client.answers(&second["id"], &json!({}));
    client.hears_nothing();
    server.hears_nothing();
}

#[test]
fn a_call_that_is_taken_back_takes_its_questions_with_it() {
    let (house, mut client, mut server) = calling(&all());
    asks(&mut server, &input(&json!({"a": form("x")})));
    let question = client.next();
    let before = house.now();
    client.tells("notifications/cancelled", &json!({"requestId": "call"}));
    let withdrawn = client.next();
    assert_eq!(withdrawn["params"]["requestId"], question["id"]);
    assert_eq!(house.now(), before, "at once");
    client.answers(&question["id"], &json!({}));
    client.hears_nothing();
    server.hears_nothing();
}

#[test]
fn a_client_has_ten_minutes() {
    let (house, mut client, mut server) = calling(&all());
    asks(&mut server, &input(&json!({"a": form("x")})));
    let question = client.next();
    client.hears_nothing_for(Duration::from_secs(599));
    house.sleep(Duration::from_secs(1));
    assert_eq!(client.next()["params"]["requestId"], question["id"]);
    let text = client.next_failure("call");
    assert!(text.contains("600 s"), "{text}");
    server.hears_nothing();
}

#[test]
fn the_end_of_a_server_ends_what_it_asked() {
    let (house, mut client, mut server) = calling(&all());
    asks(&mut server, &input(&json!({"a": form("x")})));
    let question = client.next();
    let state = ServerState::Between { has_failed: false };
    house.server_state(&name("s"), Generation(1), state);
    assert_eq!(client.next()["params"]["requestId"], question["id"]);
    let text = client.next_failure("call");
    assert!(text.contains("'s' has ended"), "{text}");
    // The next life has nothing to do with it.
    let mut next = house.server("s", 2, &["t"]);
    client.answers(&question["id"], &json!({}));
    next.hears_nothing();
}

#[test]
fn every_client_is_asked_what_is_meant_for_it() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut clients: Vec<Client> = (0..4).map(|_| house.client()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.initialises(&all());
        client.asks(
            0,
            "tools/call",
            json!({"name": "s__t", "arguments": {"n": number}}),
        );
        asks(
            &mut server,
            &input(&json!({"k": form(&format!("to {number}"))})),
        );
    }
    for (number, client) in clients.iter_mut().enumerate().rev() {
        let question = client.next();
        assert_eq!(question["params"]["message"], format!("to {number}"));
        client.answers(&question["id"], &json!({"by": number}));
        let reply_token = server.reply_token();
        let routed = reply_token.routed().unwrap();
        let sent: Value = serde_json::from_slice(&routed.params(Era::Modern, None)).unwrap();
        assert_eq!(sent["inputResponses"], json!({"k": {"by": number}}));
        assert_eq!(sent["arguments"], json!({"n": number}));
        reply_token.answer(result("{}"));
        assert_eq!(client.next()["id"], 0);
    }
}

#[test]
fn roots_of_the_entry_are_the_answer_for_every_client() {
    let (_house, mut client, mut server) = calling(&json!({"elicitation": {}}));
    let requests = json!({"a": form("x"), "b": {"method": "roots/list"}});
    asks_with(&mut server, &input(&requests), Some(r#"{"roots":[1.10]}"#));
    let question = client.next();
    assert_eq!(question["method"], "elicitation/create");
    client.answers(&question["id"], &json!({}));
    let requests = json!({"c": {"method": "roots/list"}});
    let sent = asks_with(&mut server, &input(&requests), Some(r#"{"roots":[]}"#));
    assert_eq!(
        sent["inputResponses"],
        json!({"a": {}, "b": {"roots": [1.1]}})
    );
    // There is nothing left to ask.
    let reply_token = server.reply_token();
    let routed = reply_token.routed().unwrap();
    let sent: Value = serde_json::from_slice(&routed.params(Era::Modern, None)).unwrap();
    assert_eq!(sent["inputResponses"], json!({"c": {"roots": []}}));
    reply_token.answer(result("{}"));
    assert_eq!(client.next()["id"], "call");
}
