//! `list_changed`: to those who can take it, when clients can see a difference, not too often.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::servers::offer;
use super::{Client, House, LIST_CHANGED, settle, tool_names};
use crate::tree::testing::catalogue;

const PAUSE: Duration = Duration::from_millis(250);

async fn initialised(house: &House) -> Client {
    let client = house.client().await;
    settle().await;
    client.tells("notifications/initialized", &json!({}));
    settle().await;
    client
}

#[tokio::test(start_paused = true)]
async fn the_first_change_is_told_at_once_and_then_one_per_pause() {
    let house = House::of(&["s"]).await;
    let server = house.server("s", 1, &["t0"]).await;
    let mut client = initialised(&house).await;
    client.hears_nothing_for(PAUSE * 4).await;

    let start = Instant::now();
    for number in 1..=5 {
        let tools = catalogue(&[&format!("t{number}")]);
        house.registry.catalogue(&server.handle, Some(tools));
    }
    assert_eq!(client.next().await["method"], LIST_CHANGED);
    assert!(start.elapsed() < PAUSE / 2);
    assert_eq!(client.next().await["method"], LIST_CHANGED);
    assert!(start.elapsed() >= PAUSE);
    client.hears_nothing_for(PAUSE * 4).await;
    client.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&client.next().await), ["s__t5"]);
}

#[tokio::test(start_paused = true)]
async fn what_clients_cannot_see_is_not_told() {
    let house = House::of(&["s"]).await;
    let _first = house.server("s", 1, &["t"]).await;
    let mut client = initialised(&house).await;
    house.between("s", 1);
    let second = house.server("s", 2, &["t"]).await;
    house
        .registry
        .catalogue(&second.handle, Some(catalogue(&["t"])));
    client.hears_nothing_for(PAUSE * 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_not_initialised_is_not_told() {
    let house = House::of(&["s"]).await;
    let server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    settle().await;
    client.asks(1, "initialize", json!({"protocolVersion": "2025-06-18"}));
    client.next().await;
    house
        .registry
        .catalogue(&server.handle, Some(catalogue(&["u"])));
    client.hears_nothing_for(PAUSE * 4).await;
    // It lists anyway, later; from then on it is told.
    client.asks(2, "tools/list", Value::Null);
    assert_eq!(tool_names(&client.next().await), ["s__u"]);
    house
        .registry
        .catalogue(&server.handle, Some(catalogue(&["v"])));
    assert_eq!(client.next().await["method"], LIST_CHANGED);
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_boot_latch_is_the_first_list_and_no_change() {
    let house = House::of(&["a", "b"]).await;
    let mut client = initialised(&house).await;
    let _a = house.server("a", 1, &["t"]).await;
    client.asks(1, "tools/list", Value::Null);
    client.hears_nothing_for(PAUSE).await;
    let _b = house.server("b", 2, &["t"]).await;
    assert_eq!(tool_names(&client.next().await), ["a__t", "b__t"]);
    client.hears_nothing_for(PAUSE * 4).await;
}

#[tokio::test(start_paused = true)]
async fn only_the_list_that_changed_is_told_of() {
    let house = House::of(&["s"]).await;
    let server = house.offering("s", 1, &offer(&["t"], &["a:1"])).await;
    let mut client = initialised(&house).await;
    let tell = |tools: &[&str], uris: &[&str]| {
        let offered = Some(offer(tools, uris));
        house.registry.catalogue(&server.handle, offered);
    };
    tell(&["t"], &["a:2"]);
    let resources = "notifications/resources/list_changed";
    assert_eq!(client.next().await["method"], resources);
    client.hears_nothing_for(PAUSE * 4).await;
    tell(&["u"], &["a:3"]);
    assert_eq!(client.next().await["method"], LIST_CHANGED);
    assert_eq!(client.next().await["method"], resources);
    client.hears_nothing_for(PAUSE * 4).await;
}
