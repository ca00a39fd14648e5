//! Subscriptions to resources: what a client asked for, what its servers are told, what it hears.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::servers::Own;
use super::{Client, House, Server, result};
use crate::protocol::jsonrpc;
use crate::testing::{name, offer};
use crate::tree::call::Answer;
use crate::tree::client::{Interest, SessionEvent, SessionSink};

fn uris(uris: &[&str]) -> Interest {
    let uris: BTreeSet<Arc<str>> = uris.iter().map(|uri| Arc::from(*uri)).collect();
    Interest {
        level: None,
        uris,
        has_left: false,
    }
}

fn updated(server: &str, uri: &str) -> SessionEvent {
    SessionEvent::Updated {
        server: name(server),
        params: Bytes::from(json!({"uri": uri, "x": 1}).to_string()),
    }
}

/// Subscribes, which the server grants; gives the way back to the session.
fn subscribe(client: &mut Client, server: &mut Server, uri: &str) -> Arc<dyn SessionSink> {
    client.asks(uri, "resources/subscribe", json!({"uri": uri}));
    let reply_token = server.reply_token();
    let session = reply_token.client().clone();
    reply_token.answer(result("{}"));
    assert_eq!(client.next()["id"], uri);
    session
}

#[test]
fn a_subscriber_hears_of_its_resources_and_of_no_others() {
    let house = House::of(&["s"]);
    let mut server = house.offering("s", 1, &offer(&[], &["a:1", "a:2"]));
    let mut client = house.client();
    let session = subscribe(&mut client, &mut server, "a:1");
    assert_eq!(server.interest(), uris(&["a:1"]));
    for uri in ["a:1", "a:2", "a:1/part"] {
        session.tell(updated("s", uri));
    }
    session.tell(SessionEvent::Updated {
        server: name("s"),
        params: Bytes::from_static(b"[]"),
    });
    let heard = client.next();
    assert_eq!(heard["method"], "notifications/resources/updated");
    assert_eq!(heard["params"], json!({"uri": "a:1", "x": 1}));
    client.hears_nothing();

    client.asks(9, "resources/unsubscribe", json!({"uri": "a:1"}));
    server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 9);
    assert_eq!(server.interest(), uris(&[]));
    session.tell(updated("s", "a:1"));
    client.hears_nothing();
}

#[test]
fn what_a_server_refuses_is_no_subscription() {
    let house = House::of(&["s"]);
    let mut server = house.offering("s", 1, &offer(&[], &["a:1"]));
    let mut client = house.client();
    client.asks(1, "resources/subscribe", json!({"uri": "a:1"}));
    let reply_token = server.reply_token();
    let session = reply_token.client().clone();
    reply_token.answer(Answer::Error(jsonrpc::error_object(-32601, "no")));
    assert_eq!(client.next()["error"]["message"], "no");
    session.tell(updated("s", "a:1"));
    client.hears_nothing();
    client.asks(2, "resources/subscribe", json!({"uri": "b:1"}));
    server.reply_token().answer(result("{}")); // the only one with resources
    assert_eq!(client.next()["id"], 2);
    assert_eq!(server.interest(), uris(&["b:1"]));
}

#[test]
fn subscriptions_outlive_their_server_and_end_with_the_session() {
    let house = House::of(&["s", "other"]);
    let offered = offer(&[], &["a:1"]);
    let mut first = house.offering("s", 1, &offered);
    let mut other = house.offering("other", 2, &offer(&[], &["b:1"]));
    let mut client = house.client();
    let session = subscribe(&mut client, &mut first, "a:1");
    assert_eq!(first.interest(), uris(&["a:1"]));
    house.between("s", 1);
    house.settle();
    session.tell(updated("s", "a:1"));
    assert_eq!(client.next()["params"]["uri"], "a:1");
    let mut second = house.offering("s", 3, &offered);
    assert_eq!(second.interest(), uris(&["a:1"]));
    assert_eq!(first.interest(), uris(&[]), "whatever it is still up to");
    drop(client);
    assert_eq!(second.interest(), uris(&[]));
    house.settle();
    for server in [&mut first, &mut second, &mut other] {
        server.hears_nothing();
    }
}

#[test]
fn a_session_that_ends_while_it_subscribes_is_not_left_down_for_it() {
    let house = House::of(&["s"]);
    let mut server = house.offering("s", 1, &offer(&[], &["a:1"]));
    let client = house.client();
    client.asks(1, "resources/subscribe", json!({"uri": "a:1"}));
    let reply_token = server.reply_token();
    drop(client);
    reply_token.answer(result("{}"));
    server.cancelled();
    assert_eq!(server.interest(), uris(&[]));
}

#[test]
fn a_server_is_not_told_while_it_changes_the_same() {
    let house = House::of(&["s"]);
    let mut server = house.offering("s", 1, &offer(&[], &["a:1", "a:2"]));
    let mut client = house.client();
    for uri in ["a:1", "a:2", "a:3"] {
        client.asks(uri, "resources/subscribe", json!({"uri": uri}));
    }
    let (one, two, three) = (
        server.reply_token(),
        server.reply_token(),
        server.reply_token(),
    );
    two.answer(result("{}"));
    one.answer(result("{}"));
    client.asks("level", "logging/setLevel", json!({"level": "error"}));
    for id in ["a:2", "a:1", "level"] {
        assert_eq!(client.next()["id"], id);
    }
    server.hears_nothing();
    client.tells("notifications/cancelled", &json!({"requestId": "a:3"}));
    server.cancelled();
    let told = server.interest();
    assert_eq!(told.uris, uris(&["a:1", "a:2"]).uris);
    assert!(told.level.is_some());
    drop(three);
    client.hears_nothing();
}

#[test]
fn a_server_that_is_removed_is_forgotten() {
    let house = House::of(&["s"]);
    let offered = offer(&[], &["a:1"]);
    let mut server = house.offering("s", 1, &offered);
    let mut client = house.client();
    subscribe(&mut client, &mut server, "a:1");
    assert_eq!(server.interest(), uris(&["a:1"]));
    house.wants(&[]);
    assert_eq!(server.interest(), uris(&[]));
    house.wants(&["s"]);
    let mut again = house.offering("s", 2, &offered);
    house.settle();
    again.hears_nothing();
}

#[test]
fn uris_that_collide_are_the_clients_in_results_and_updates() {
    let house = House::of(&["one", "two"]);
    let _one = house.offering("one", 1, &offer(&[], &["a:1"]));
    let mut two = house.offering("two", 2, &offer(&["t"], &["a:1", "b:1"]));
    let mut client = house.client();
    client.asks(1, "resources/list", json!({}));
    let listed = client.next();
    let listed: Vec<&str> = listed["result"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["uri"].as_str().unwrap())
        .collect();
    let [first, outward, native] = listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!((first, native), ("a:1", "b:1"));
    assert_ne!(outward, first);

    client.asks(outward, "resources/subscribe", json!({"uri": outward}));
    let reply_token = two.reply_token();
    assert_eq!(&*reply_token.routed().unwrap().key, "a:1");
    let session = reply_token.client().clone();
    reply_token.answer(result("{}"));
    client.next();
    assert_eq!(two.interest(), uris(&["a:1"]));
    session.tell(updated("one", "a:1"));
    session.tell(updated("two", "a:1"));
    assert_eq!(client.next()["params"]["uri"], outward);
    client.hears_nothing();

    client.asks(3, "resources/read", json!({"uri": outward}));
    let read = result(r#"{"contents":[{"uri":"a:1","text":"\"uri\""},{"uri":"b:1"}]}"#);
    two.reply_token().answer(read);
    let contents = &client.next()["result"]["contents"];
    let wanted = json!([{"uri": outward, "text": "\"uri\""}, {"uri": "b:1"}]);
    assert_eq!(*contents, wanted);
    client.calls(4, "two__t");
    let linked = result(r#"{"content":[{"type":"resource_link","uri":"a:1"}],"uri":"a:1"}"#);
    two.reply_token().answer(linked);
    let answer = client.next();
    assert_eq!(answer["result"]["content"][0]["uri"], outward);
    assert_eq!(answer["result"]["uri"], "a:1");
}

#[test]
fn an_instance_of_the_sessions_own_is_subscribed_to_in_every_life() {
    let offered = offer(&[], &["a:1"]);
    let (house, mut template) = House::isolating("s", &offered);
    let mut client = house.client();
    client.asks("a:1", "resources/subscribe", json!({"uri": "a:1"}));
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offered);
    own.server.reply_token().answer(result("{}"));
    client.next();
    assert_eq!(own.server.interest(), uris(&["a:1"]));
    let mut next = Own::of(&house, own.owner.clone(), ("s", 3), &offered);
    assert_eq!(next.server.interest(), uris(&["a:1"]));
    next.tells(updated("s", "a:1"));
    assert_eq!(client.next()["params"]["uri"], "a:1");
    template.hears_nothing();
}

#[test]
fn there_are_so_many_subscriptions_and_no_more() {
    let house = House::of(&["s"]);
    let mut server = house.offering("s", 1, &offer(&[], &["a:1"]));
    let mut client = house.client();
    for number in 0..1_000 {
        subscribe(&mut client, &mut server, &format!("a:{number}"));
        server.interest();
    }
    client.asks("more", "resources/subscribe", json!({"uri": "a:x"}));
    assert_eq!(client.next()["error"]["code"], -32003);
    client.asks("less", "resources/unsubscribe", json!({"uri": "a:7"}));
    server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], "less");
    server.interest();
    subscribe(&mut client, &mut server, "a:x");
}

/// What a client subscribed to may have left the lists since, or lead to another server.
#[test]
fn who_unsubscribes_reaches_the_server_it_subscribed_at() {
    let house = House::of(&["a", "b"]);
    let mut a = house.offering("a", 1, &offer(&[], &["x:a"]));
    let mut b = house.offering("b", 2, &offer(&[], &["x:1", "x:2"]));
    let mut client = house.client();
    for uri in ["x:1", "x:2"] {
        subscribe(&mut client, &mut b, uri);
        b.interest();
    }
    let (offered_a, offered_b) = (offer(&[], &["x:1"]), offer(&[], &["y:1"]));
    house.catalogue(&a.handle, Some(offered_a));
    house.catalogue(&b.handle, Some(offered_b));
    house.settle();
    for (id, uri, left) in [
        (8, "x:1", uris(&["x:2"])),
        (9, "mcproxy://b/x:2", uris(&[])),
    ] {
        client.asks(id, "resources/unsubscribe", json!({"uri": uri}));
        b.reply_token().answer(result("{}"));
        loop {
            let heard = client.next();
            if heard["method"].is_null() {
                assert_eq!(heard, json!({"jsonrpc": "2.0", "id": id, "result": {}}));
                break;
            }
        }
        assert_eq!(b.interest(), left);
    }
    a.hears_nothing();
}
