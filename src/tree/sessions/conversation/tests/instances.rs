//! A session's own instances of servers: started on its first use, and nobody else's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::UNUSED;
use super::servers::Own;
use super::{House, LIST_CHANGED, result, tool_names};
use crate::config::model::{Isolation, OnChangedTools, View};
use crate::protocol::mcp::item::{self, Kind};
use crate::testing::{name, offer};
use crate::tree::registry::{Catalogue, RouteState};

fn down(house: &House) -> RouteState {
    RouteState::Down {
        why: "exited with code 3".into(),
        next_try: house.now() + Duration::from_secs(4),
    }
}

#[test]
fn the_first_use_starts_one_and_later_ones_find_it() {
    let offered = offer(&["t"], &[]);
    let (house, mut template) = House::isolating("s", &offered);
    let (mut one, mut two) = (house.client(), house.client());
    one.initialises(&json!({"sampling": {}}));
    one.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&one.next()), ["s__t"]);
    assert!(house.owners().is_empty(), "a list is no use");

    one.calls(2, "s__t");
    one.calls(3, "s__t");
    let owner = house.owner();
    assert_eq!(owner.capabilities.to_json(), r#"{"sampling":{}}"#);
    two.calls(2, "s__t");
    let other = house.owner();
    assert_ne!(owner.session, other.session);
    assert_eq!(other.capabilities.to_json(), "{}");

    one.hears_nothing();
    let mut own = Own::of(&house, owner, ("s", 2), &offered);
    for id in [2, 3] {
        let reply_token = own.server.reply_token();
        assert_eq!(&*reply_token.routed().unwrap().key, "t");
        reply_token.answer(result("{}"));
        assert_eq!(one.next()["id"], id);
    }
    own.server.hears_nothing();
    template.hears_nothing();
    two.hears_nothing();
    let mut other = Own::of(&house, other, ("s", 3), &offered);
    other.server.reply_token().answer(result("{}"));
    assert_eq!(two.next()["id"], 2);
    assert!(house.owners().is_empty());
}

#[test]
fn one_that_is_down_is_said_to_be_and_the_next_life_takes_what_came_back() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let mut client = house.client();
    client.calls(1, "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offered);
    let reply_token = own.server.reply_token();
    // News of its start that it has overtaken.
    own.is_now(Some(RouteState::Starting));
    client.calls(2, "s__t");
    own.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 2);

    own.is_now(Some(down(&house)));
    drop(reply_token);
    let text = client.next_failure(1);
    assert!(text.contains("'s' is down: exited with code 3"), "{text}");
    own.is_now(Some(RouteState::Starting));
    client.calls(3, "s__t");
    client.hears_nothing();
    let mut next = Own::of(&house, own.owner.clone(), ("s", 3), &offered);
    next.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 3);
    // Late words of the life before.
    own.offers(&offer(&["u"], &[]));
    client.calls(4, "s__t");
    next.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 4);
    assert!(house.owners().is_empty());
}

#[test]
fn one_that_never_comes_is_waited_for_as_for_any_server() {
    let (house, _template) = House::isolating("s", &offer(&["t"], &[]));
    let mut client = house.client();
    let start = house.now();
    client.calls(1, "s__t");
    house.owner();
    let text = client.next_failure(1);
    assert!(text.contains("still starting after 30 s"), "{text}");
    assert_eq!((house.now() - start).as_secs(), 30);
}

#[test]
fn what_it_offers_is_its_sessions_alone() {
    let (house, template) = House::isolating("s", &offer(&["t"], &[]));
    let (mut one, mut two) = (house.client(), house.client());
    one.calls(1, "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offer(&["t", "mine"], &[]));
    assert_eq!(one.next()["method"], LIST_CHANGED);
    own.server.reply_token().answer(result("{}"));
    assert_eq!(one.next()["id"], 1);
    one.asks(2, "tools/list", Value::Null);
    assert_eq!(tool_names(&one.next()), ["s__t", "s__mine"]);
    one.calls(3, "s__mine");
    own.server.reply_token().answer(result("{}"));
    assert_eq!(one.next()["id"], 3);

    two.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&two.next()), ["s__t"]);
    two.calls(2, "s__mine");
    assert_eq!(two.next()["error"]["code"], -32602);
    // The template changes: only who has nothing of its own sees it.
    let changed = Some(offer(&["t", "new"], &[]));
    house.catalogue(&template.handle, changed);
    assert_eq!(two.next()["method"], LIST_CHANGED);
    one.hears_nothing_for(Duration::from_secs(1));
    own.offers(&offer(&["t", "new"], &[]));
    assert_eq!(one.next()["method"], LIST_CHANGED);
    one.asks(4, "tools/list", Value::Null);
    assert_eq!(tool_names(&one.next()), ["s__t", "s__new"]);
}

#[test]
fn where_changes_are_held_back_it_shows_what_is_approved_as_far_as_it_has_it() {
    let house = House::of(&[]);
    let view = View {
        on_changed_tools: OnChangedTools::Hold,
        ..View::default()
    };
    house.isolates_as("s", Isolation::Session, view);
    let template = house.offering("s", 1, &offer(&["t", "gone"], &[]));
    let mut client = house.client();
    client.calls(1, "s__t");
    let text = r#"{"tools":[{"name":"t","description":"other","inputSchema":{"type":"object"}},{"name":"mine","inputSchema":{"type":"object"}}]}"#;
    let tools = item::page(Kind::Tools, &Bytes::from(text)).unwrap().items;
    let offered = Arc::new(Catalogue {
        tools: tools.into(),
        ..(*offer(&[], &[])).clone()
    });
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offered);
    assert_eq!(client.next()["method"], LIST_CHANGED);
    own.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
    client.asks(2, "tools/list", Value::Null);
    let listed = client.next();
    assert_eq!(tool_names(&listed), ["s__t"]);
    assert_eq!(listed["result"]["tools"][0]["description"], Value::Null);
    client.calls(3, "s__mine");
    assert_eq!(client.next()["error"]["code"], -32602);

    // What is approved of the template holds for it at once.
    house.catalogue(&template.handle, Some(offered));
    house.approve(&name("s"));
    assert_eq!(client.next()["method"], LIST_CHANGED);
    client.asks(4, "tools/list", Value::Null);
    let listed = client.next();
    assert_eq!(tool_names(&listed), ["s__t", "s__mine"]);
    assert_eq!(listed["result"]["tools"][0]["description"], "other");
}

#[test]
fn one_that_could_not_say_what_it_offers_has_what_the_template_has() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let mut client = house.client();
    client.calls(1, "s__t");
    let owner = house.owner();
    let mut own = Own::of(&house, owner, ("s", 2), &offered);
    let handle = own.server.handle.clone();
    let catalogue = None;
    own.tells(crate::tree::client::SessionEvent::Offers { handle, catalogue });
    own.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
}

#[test]
fn a_server_that_becomes_shared_serves_the_session_as_all_others() {
    let (house, _template) = House::isolating("s", &offer(&["t"], &[]));
    let mut client = house.client();
    client.calls(1, "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offer(&["mine"], &[]));
    assert_eq!(client.next()["method"], LIST_CHANGED);
    assert_eq!(client.next()["error"]["code"], -32602);
    client.calls(2, "s__mine");
    drop(own.server.reply_token());
    // Root is quicker than the table: nobody is asked for another one.
    own.is_now(None);
    client.calls(3, "s__t");
    assert_eq!(client.next()["error"]["code"], -32602);
    assert!(house.owners().is_empty());

    house.isolates("s", Isolation::Shared);
    assert_eq!(client.next()["id"], 2, "unknown again");
    assert_eq!(client.next()["method"], LIST_CHANGED);
    let mut shared = house.offering("s", 3, &offer(&["t"], &[]));
    client.calls(4, "s__t");
    shared.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 4);
    own.server.hears_nothing();
}

#[test]
fn one_that_root_had_no_use_for_is_asked_for_again_by_the_next_table() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let mut client = house.client();
    client.calls(1, "s__t");
    let own = Own::of(&house, house.owner(), ("s", 2), &offered);
    own.is_now(None);
    client.calls(2, "s__t");
    assert!(house.owners().is_empty());
    // The entry went and came, and the table of between was never sent.
    house.isolates("s", Isolation::Session);
    let mut own = Own::of(&house, house.owner(), ("s", 3), &offered);
    own.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 2);
}

#[test]
fn one_that_is_there_after_all_is_kept() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let mut client = house.client();
    client.calls(1, "s__t");
    let owner = house.owner();
    // Late words of one that was removed, before the first of its successor.
    let mut own = Own::of(&house, owner, ("s", 2), &offered);
    own.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
    own.is_now(None);
    own.offers(&offered);
    house.isolates("s", Isolation::Session);
    client.hears_nothing();
    client.calls(2, "s__t");
    own.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["id"], 2);
    assert!(house.owners().is_empty());
}

#[test]
fn instances_that_are_not_used_for_long_end_and_the_next_use_starts_others() {
    let (house, _template) = House::isolating("s", &offer(&["t"], &[]));
    let mut client = house.client();
    client.calls(1, "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offer(&["t", "mine"], &[]));
    own.server.reply_token().answer(result("{}"));
    assert_eq!(client.next()["method"], LIST_CHANGED);
    assert_eq!(client.next()["id"], 1);
    house.sleep(UNUSED / 2);
    client.is_used_now();
    own.asks("q", "roots/list", "{}");
    assert!(own.answer().1.is_err(), "it asks for what was not offered");
    house.sleep(UNUSED.saturating_sub(Duration::from_secs(1)));
    assert_eq!(house.unused(), 0, "it counts from the last use");
    house.sleep(Duration::from_secs(1));
    assert_eq!(house.unused(), 1);
    assert_eq!(client.next()["method"], LIST_CHANGED);
    client.calls(2, "s__t");
    assert_eq!(house.owners().len(), 1);
}
