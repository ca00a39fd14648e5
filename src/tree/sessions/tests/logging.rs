//! Log levels and messages: who is told the level, and who hears what.

use serde_json::json;

use super::servers::{Own, offer};
use super::{House, result, settle};
use crate::protocol::jsonrpc;
use crate::protocol::mcp::logging::Level;
use crate::tree::client::SessionEvent;
use crate::tree::testing::{catalogue, name};

fn logged(level: Option<Level>, data: &str) -> SessionEvent {
    let params = json!({"data": data}).to_string();
    SessionEvent::Logged {
        server: name("s"),
        level,
        is_amplified: false,
        notification: jsonrpc::notification("notifications/message", Some(params.as_bytes())),
    }
}

#[tokio::test(start_paused = true)]
async fn a_level_goes_to_every_server_that_logs_in_every_life() {
    let house = House::of(&["s", "mute", "late"]).await;
    let mut server = house.offering("s", 1, &offer(&["t"], &[])).await;
    let mut mute = house.server("mute", 2, &["t"]).await;
    house.starting("late", 3);
    let mut client = house.client().await;
    client.asks(1, "logging/setLevel", json!({"level": "warning"}));
    assert_eq!(client.next().await["result"], json!({}));
    assert_eq!(server.interest().await.level, Some(Level::Warning));
    let mut late = house.offering("late", 3, &offer(&[], &[])).await;
    assert_eq!(late.interest().await.level, Some(Level::Warning));
    client.asks(2, "logging/setLevel", json!({"level": "debug"}));
    client.next().await;
    assert_eq!(server.interest().await.level, Some(Level::Debug));
    house.between("s", 1);
    let mut second = house.offering("s", 4, &offer(&["t"], &[])).await;
    assert_eq!(second.interest().await.level, Some(Level::Debug));
    // One that turns out to have no log is told nothing, and one that gets it is.
    mute.hears_nothing();
    house
        .registry
        .catalogue(&mute.handle, Some(offer(&["t"], &[])));
    assert_eq!(mute.interest().await.level, Some(Level::Debug));
    drop(client);
    assert_eq!(second.interest().await.level, None);
}

#[tokio::test(start_paused = true)]
async fn a_level_that_does_not_exist_changes_nothing() {
    let house = House::of(&["s"]).await;
    let mut server = house.offering("s", 1, &offer(&["t"], &[])).await;
    let mut client = house.client().await;
    for params in [json!({"level": "loud"}), json!({}), serde_json::Value::Null] {
        client.asks(1, "logging/setLevel", params);
        assert_eq!(client.next().await["error"]["code"], -32602);
    }
    settle().await;
    server.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn messages_are_filtered_by_the_clients_own_level() {
    let house = House::of(&["s"]).await;
    let mut server = house.offering("s", 1, &offer(&["t"], &[])).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let ticket = server.ticket().await;
    let session = ticket.client().clone();
    session.tell(logged(Some(Level::Debug), "without a level"));
    let heard = client.next().await;
    assert_eq!(heard["method"], "notifications/message");
    assert_eq!(heard["params"], json!({"data": "without a level"}));
    client.asks(2, "logging/setLevel", json!({"level": "error"}));
    client.next().await;
    session.tell(logged(Some(Level::Warning), "too little"));
    session.tell(logged(Some(Level::Alert), "enough"));
    session.tell(logged(None, "a level of its own"));
    assert_eq!(client.next().await["params"]["data"], "enough");
    assert_eq!(client.next().await["params"]["data"], "a level of its own");
    ticket.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    client.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_the_sessions_own_is_told_the_level_and_the_template_is_not() {
    let offered = offer(&["t"], &[]);
    let (mut house, mut template) = House::isolating("s", &offered).await;
    let mut client = house.client().await;
    client.asks(1, "logging/setLevel", json!({"level": "notice"}));
    client.next().await;
    client.calls(2, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offered).await;
    assert_eq!(own.server.interest().await.level, Some(Level::Notice));
    own.server.ticket().await.answer(result("{}"));
    client.next().await;
    // It turns out to have no log.
    own.offers(&catalogue(&["t"])).await;
    assert_eq!(own.server.interest().await.level, None);
    template.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_misses_messages_and_no_answers() {
    let house = House::of(&["s"]).await;
    let mut server = house.offering("s", 1, &offer(&["t"], &[])).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let ticket = server.ticket().await;
    let session = ticket.client().clone();
    let large = "x".repeat(3 * 1024 * 1024);
    for _ in 0..9 {
        session.tell(logged(None, &large));
    }
    settle().await;
    ticket.answer(result("{}"));
    settle().await;
    for _ in 0..3 {
        assert_eq!(client.next().await["method"], "notifications/message");
    }
    assert_eq!(client.next().await["id"], 1);
}
