//! Log levels and messages: who is told the level, and who hears what.

use serde_json::json;

use super::servers::Own;
use super::{House, result};
use crate::protocol::jsonrpc;
use crate::protocol::mcp::logging::Level;
use crate::testing::{catalogue, name, offer};
use crate::tree::client::SessionEvent;

fn logged(level: Option<Level>, data: &str) -> SessionEvent {
    let params = json!({"data": data}).to_string();
    SessionEvent::Logged {
        server: name("s"),
        level,
        is_amplified: false,
        notification: jsonrpc::notification("notifications/message", Some(params.as_bytes())),
    }
}

#[test]
fn a_level_goes_to_every_server_that_logs_in_every_life() {
    let house = House::of(&["s", "mute", "late"]);
    let mut server = house.offering("s", 1, &offer(&["t"], &[]));
    let mut mute = house.server("mute", 2, &["t"]);
    house.starting("late", 3);
    let mut client = house.client();
    client.asks(1, "logging/setLevel", json!({"level": "warning"}));
    assert_eq!(client.next()["result"], json!({}));
    assert_eq!(server.interest().level, Some(Level::Warning));
    let mut late = house.offering("late", 3, &offer(&[], &[]));
    assert_eq!(late.interest().level, Some(Level::Warning));
    client.asks(2, "logging/setLevel", json!({"level": "debug"}));
    client.next();
    assert_eq!(server.interest().level, Some(Level::Debug));
    house.between("s", 1);
    let mut second = house.offering("s", 4, &offer(&["t"], &[]));
    assert_eq!(second.interest().level, Some(Level::Debug));
    // One that turns out to have no log is told nothing, and one that gets it is.
    mute.hears_nothing();
    house.catalogue(&mute.handle, Some(offer(&["t"], &[])));
    assert_eq!(mute.interest().level, Some(Level::Debug));
    drop(client);
    assert_eq!(second.interest().level, None);
}

#[test]
fn a_level_that_does_not_exist_changes_nothing() {
    let house = House::of(&["s"]);
    let mut server = house.offering("s", 1, &offer(&["t"], &[]));
    let mut client = house.client();
    for params in [json!({"level": "loud"}), json!({}), serde_json::Value::Null] {
        client.asks(1, "logging/setLevel", params);
        assert_eq!(client.next()["error"]["code"], -32602);
    }
    house.settle();
    server.hears_nothing();
}

#[test]
fn messages_are_filtered_by_the_clients_own_level() {
    let house = House::of(&["s"]);
    let mut server = house.offering("s", 1, &offer(&["t"], &[]));
    let mut client = house.client();
    client.calls(1, "s__t");
    let reply_token = server.reply_token();
    let session = reply_token.client().clone();
    session.tell(logged(Some(Level::Debug), "without a level"));
    let heard = client.next();
    assert_eq!(heard["method"], "notifications/message");
    assert_eq!(heard["params"], json!({"data": "without a level"}));
    client.asks(2, "logging/setLevel", json!({"level": "error"}));
    client.next();
    session.tell(logged(Some(Level::Warning), "too little"));
    session.tell(logged(Some(Level::Alert), "enough"));
    session.tell(logged(None, "a level of its own"));
    assert_eq!(client.next()["params"]["data"], "enough");
    assert_eq!(client.next()["params"]["data"], "a level of its own");
    reply_token.answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
    client.hears_nothing();
}

#[test]
fn an_instance_of_the_sessions_own_is_told_the_level_and_the_template_is_not() {
    let offered = offer(&["t"], &[]);
    let (house, mut template) = House::isolating("s", &offered);
    let mut client = house.client();
    client.asks(1, "logging/setLevel", json!({"level": "notice"}));
    client.next();
    client.calls(2, "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offered);
    assert_eq!(own.server.interest().level, Some(Level::Notice));
    own.server.reply_token().answer(result("{}"));
    client.next();
    // It turns out to have no log.
    own.offers(&catalogue(&["t"]));
    assert_eq!(own.server.interest().level, None);
    template.hears_nothing();
}
