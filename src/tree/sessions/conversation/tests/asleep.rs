//! Servers that sleep: what wakes them, how often, and what becomes of calls that came as they fell asleep.

use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;

use super::super::UNUSED;
use super::{Client, House, Server, result};
use crate::ids::Generation;
use crate::testing::{name, offer};
use crate::tree::alarm::{Alarm, Use};
use crate::tree::call::ReplyToken;
use crate::tree::registry::ServerState;
use crate::tree::upstream::UpstreamMsg;

impl House {
    /// After this life the server sleeps. Gives what rings.
    fn sleeps(&self, server: &str, generation: u64) -> UnboundedReceiver<Use> {
        let (alarm, rung) = Alarm::in_hand();
        let state = ServerState::Asleep { alarm };
        self.server_state(&name(server), Generation(generation), state);
        rung
    }
}

impl Server {
    /// The call it is told of, whatever it hears before.
    fn call(&mut self) -> ReplyToken {
        loop {
            if let UpstreamMsg::Call(call) = self.next() {
                return call;
            }
        }
    }
}

fn count(rung: &mut UnboundedReceiver<Use>) -> usize {
    let mut count = 0;
    while let Ok(why) = rung.try_recv() {
        assert_eq!(why, Use::Call, "it is known what it offers");
        count += 1;
    }
    count
}

fn two(house: &House) -> [Client; 2] {
    [house.client(), house.client()]
}

#[test]
fn however_many_calls_wake_a_server_once_and_wait_for_it() {
    let house = House::of(&["s"]);
    let _first = house.server("s", 1, &["t"]);
    let mut rung = house.sleeps("s", 1);
    let [mut one, mut other] = two(&house);
    one.asks(0, "tools/list", json!(null));
    assert_eq!(one.next()["id"], 0);
    assert_eq!(count(&mut rung), 0, "a list wakes nobody");
    for id in 1..=3 {
        one.calls(id, "s__t");
        other.calls(id, "s__t");
    }
    one.hears_nothing();
    assert_eq!(count(&mut rung), 1);
    house.starting("s", 2);
    let mut second = house.server("s", 2, &["t"]);
    for _ in 0..6 {
        second.call().answer(result("{}"));
    }
    for client in [&mut one, &mut other] {
        let mut ids: Vec<u64> = (0..3)
            .map(|_| client.next()["id"].as_u64().unwrap())
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2, 3]);
    }
    assert_eq!(count(&mut rung), 0);
}

#[test]
fn a_call_that_is_given_back_wakes_the_server_that_gave_it() {
    for is_told_first in [true, false] {
        let house = House::of(&["s"]);
        let mut first = house.server("s", 1, &["t"]);
        let mut client = house.client();
        client.calls(1, "s__t");
        let call = first.call();
        let mut rung;
        if is_told_first {
            rung = house.sleeps("s", 1);
            drop(call);
        } else {
            drop(call);
            client.hears_nothing();
            rung = house.sleeps("s", 1);
        }
        client.hears_nothing();
        assert_eq!(count(&mut rung), 1);
        let mut second = house.server("s", 2, &["t"]);
        second.call().answer(result("{}"));
        assert_eq!(client.next()["id"], 1);
    }
}

#[test]
fn who_has_a_subscription_there_wakes_it() {
    let house = House::of(&["s"]);
    let mut first = house.offering("s", 1, &offer(&[], &["a:1"]));
    let mut client = house.client();
    client.asks(1, "resources/subscribe", json!({"uri": "a:1"}));
    first.call().answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
    let mut rung = house.sleeps("s", 1);
    client.hears_nothing();
    assert_eq!(count(&mut rung), 1);
}

#[test]
fn who_subscribed_and_has_gone_holds_nobody_awake_until_it_comes_back() {
    let house = House::of(&["s"]);
    let mut first = house.offering("s", 1, &offer(&[], &["a:1"]));
    let mut client = house.client();
    client.asks(1, "resources/subscribe", json!({"uri": "a:1"}));
    first.call().answer(result("{}"));
    assert_eq!(client.next()["id"], 1);
    house.sleep(UNUSED / 2);
    client.is_used_now();
    assert!(!first.interest().has_left);
    house.sleep(UNUSED);
    assert!(first.interest().has_left);
    let mut rung = house.sleeps("s", 1);
    client.hears_nothing();
    assert_eq!(count(&mut rung), 0);
    client.asks(2, "ping", json!(null));
    assert_eq!(client.next()["id"], 2);
    assert_eq!(count(&mut rung), 1);
    let mut second = house.offering("s", 2, &offer(&[], &["a:1"]));
    client.hears_nothing();
    assert!(!second.interest().has_left);
}

#[test]
fn who_unsubscribes_from_nothing_wakes_nobody() {
    let house = House::of(&["s"]);
    let _first = house.offering("s", 1, &offer(&[], &["a:1"]));
    let mut client = house.client();
    client.hears_nothing();
    let mut rung = house.sleeps("s", 1);
    client.asks(1, "resources/unsubscribe", json!({"uri": "a:1"}));
    assert_eq!(client.next()["result"], json!({}));
    assert_eq!(count(&mut rung), 0);
}

#[test]
fn a_level_alone_wakes_nobody() {
    let house = House::of(&["s"]);
    let _first = house.offering("s", 1, &offer(&[], &["a:1"]));
    let mut client = house.client();
    client.asks(1, "logging/setLevel", json!({"level": "debug"}));
    assert_eq!(client.next()["id"], 1);
    let mut rung = house.sleeps("s", 1);
    client.hears_nothing();
    assert_eq!(count(&mut rung), 0);
}
