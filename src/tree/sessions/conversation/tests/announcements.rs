//! `list_changed`: to those who can take it, when clients can see a difference, not too often.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, House, LIST_CHANGED, tool_names};
use crate::testing::{catalogue, offer};

const PAUSE: Duration = Duration::from_millis(250);

fn initialised(house: &House) -> Client {
    let client = house.client();
    client.tells("notifications/initialized", &json!({}));
    house.settle();
    client
}

#[test]
fn the_first_change_is_told_at_once_and_then_one_per_pause() {
    let house = House::of(&["s"]);
    let server = house.server("s", 1, &["t0"]);
    let mut client = initialised(&house);
    client.hears_nothing_for(PAUSE * 4);

    let start = house.now();
    for number in 1..=5 {
        let tools = catalogue(&[&format!("t{number}")]);
        house.catalogue(&server.handle, Some(tools));
    }
    assert_eq!(client.next()["method"], LIST_CHANGED);
    assert!((house.now() - start) < PAUSE / 2);
    assert_eq!(client.next()["method"], LIST_CHANGED);
    assert!((house.now() - start) >= PAUSE);
    client.hears_nothing_for(PAUSE * 4);
    client.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&client.next()), ["s__t5"]);
}

#[test]
fn what_clients_cannot_see_is_not_told() {
    let house = House::of(&["s"]);
    let _first = house.server("s", 1, &["t"]);
    let mut client = initialised(&house);
    house.between("s", 1);
    let second = house.server("s", 2, &["t"]);
    house.catalogue(&second.handle, Some(catalogue(&["t"])));
    client.hears_nothing_for(PAUSE * 4);
}

#[test]
fn a_client_that_has_not_initialised_is_not_told() {
    let house = House::of(&["s"]);
    let server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    house.settle();
    client.asks(1, "initialize", json!({"protocolVersion": "2025-06-18"}));
    client.next();
    house.catalogue(&server.handle, Some(catalogue(&["u"])));
    client.hears_nothing_for(PAUSE * 4);
    // It lists anyway, later; from then on it is told.
    client.asks(2, "tools/list", Value::Null);
    assert_eq!(tool_names(&client.next()), ["s__u"]);
    house.catalogue(&server.handle, Some(catalogue(&["v"])));
    assert_eq!(client.next()["method"], LIST_CHANGED);
}

#[test]
fn what_comes_before_the_boot_latch_is_the_first_list_and_no_change() {
    let house = House::of(&["a", "b"]);
    let mut client = initialised(&house);
    let _a = house.server("a", 1, &["t"]);
    client.asks(1, "tools/list", Value::Null);
    client.hears_nothing_for(PAUSE);
    let _b = house.server("b", 2, &["t"]);
    assert_eq!(tool_names(&client.next()), ["a__t", "b__t"]);
    client.hears_nothing_for(PAUSE * 4);
}

#[test]
fn only_the_list_that_changed_is_told_of() {
    let house = House::of(&["s"]);
    let server = house.offering("s", 1, &offer(&["t"], &["a:1"]));
    let mut client = initialised(&house);
    let tell = |tools: &[&str], uris: &[&str]| {
        let offered = Some(offer(tools, uris));
        house.catalogue(&server.handle, offered);
    };
    tell(&["t"], &["a:2"]);
    let resources = "notifications/resources/list_changed";
    assert_eq!(client.next()["method"], resources);
    client.hears_nothing_for(PAUSE * 4);
    tell(&["u"], &["a:3"]);
    assert_eq!(client.next()["method"], LIST_CHANGED);
    assert_eq!(client.next()["method"], resources);
    client.hears_nothing_for(PAUSE * 4);
}
