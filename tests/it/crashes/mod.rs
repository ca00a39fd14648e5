//! Every kind of actor of the real tree is crashed, in every way: it struck, the tree heals, calls work again
//! (in the same session where the session lives on), bystanders keep their processes, nothing is left behind.
//! The tree runs in this process, on a port of its own, with a spawner that ends actors on command.

#![cfg(test)]

mod counted;
mod house;
mod root;
mod streamable;
mod under_load;
mod upstream;

use std::time::Duration;

pub(crate) use self::house::House;
use self::house::servers;
use crate::support::chaos::{How, Moment};
use crate::support::client::DEADLINE;
use crate::support::fleet::{self, config, fixture, identify};
use crate::support::wait;

/// What a client is answered after a crash that its session lived through.
async fn still_serves(house: &House, client: &support::client::SseClient) {
    for server in ["one", "two"] {
        let answer = fleet::echo(client, server, "still here").await;
        assert_eq!(
            (answer.text.as_str(), answer.is_error),
            ("still here", false)
        );
    }
    assert_eq!(client.ended(), None, "the session lives on");
    assert_eq!(house.groups(), 2, "one process per server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_config_actor() {
    for how in How::ALL {
        let house = House::open(servers()).await;
        let client = house.client().await;
        let before = house.identities(&client).await;
        house.chaos.strike("config", how).await;
        house.restarted("config", 2).await;
        still_serves(&house, &client).await;
        // Its successor watches the file: an edit reaches the same client.
        house.write_config(&config([
            fixture("one", &["--grandchild"]),
            fixture("two", &[]),
            fixture("three", &[]),
        ]));
        let changed = "notifications/tools/list_changed";
        client.next_notification(changed, DEADLINE).await;
        let answer = fleet::echo(&client, "three", "new").await;
        assert_eq!(answer.text, "new", "after {how:?}");
        assert_eq!(house.identities(&client).await, before, "after {how:?}");
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry() {
    for how in How::ALL {
        let house = House::open(servers()).await;
        let client = house.client().await;
        let before = house.identities(&client).await;
        let list = client.call("tools/list", None, DEADLINE).await;
        house.chaos.strike("registry", how).await;
        house.restarted("registry", 2).await;
        still_serves(&house, &client).await;
        let again = client.call("tools/list", None, DEADLINE).await;
        assert_eq!(result(&list), result(&again), "no name is lost by {how:?}");
        // Old sessions get the new registry's tables, and so do new ones.
        let answer = client
            .call_tool("one__set_tools", r#"{"names":["fresh"]}"#)
            .await;
        assert!(answer.contains("set"), "{answer}");
        let changed = "notifications/tools/list_changed";
        client.next_notification(changed, DEADLINE).await;
        let late = house.client().await;
        for client in [&client, &late] {
            let answer = fleet::Answer::of(&client.call_tool("one__fresh", "{}").await);
            assert_eq!((answer.text.as_str(), answer.is_error), ("fresh", false));
        }
        assert_eq!(
            client.notifications(),
            [""; 0],
            "one change, one notification"
        );
        assert_eq!(house.identities(&client).await, before, "after {how:?}");
        house.close().await;
    }
}

/// The raw result of a raw answer.
fn result(answer: &str) -> &str {
    answer.split_once(r#""result":"#).expect("it is a result").1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session() {
    for how in How::ALL {
        let house = House::open_with(servers(), |settings| settings.limits.max_sessions = 2).await;
        let bystander = house.client().await;
        let before = house.identities(&bystander).await;
        let victim = house.client().await;
        fleet::send(&victim, "one__sleep", r#"{"ms":600000}"#).await;
        identify(&victim, "one").await; // after the call before it
        house.chaos.strike("session", how).await;
        victim.wait_end(DEADLINE).await;
        // What it had in flight was withdrawn, so the server was told.
        house
            .cancelled(&bystander, "one__received_cancels", 1)
            .await;
        still_serves(&house, &bystander).await;
        let again = house.client().await; // the limit is 2: the dead one is forgotten
        still_serves(&house, &again).await;
        assert_eq!(house.identities(&again).await, before, "after {how:?}");
        assert_eq!(house.chaos.alive("session"), 2);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sessions_supervisor() {
    for how in How::ALL {
        let house = House::open_with(servers(), |settings| settings.limits.max_sessions = 2).await;
        let clients = [house.client().await, house.client().await];
        let before = house.identities(&clients[0]).await;
        house.chaos.strike("sessions", how).await;
        for client in &clients {
            client.wait_end(DEADLINE).await;
        }
        house.restarted("sessions", 2).await;
        house.restarted("listener", 2).await;
        reconnect(&house, &before).await;
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_listener() {
    for how in How::ALL {
        let house = House::open_with(servers(), |settings| settings.limits.max_sessions = 2).await;
        let clients = [house.client().await, house.client().await];
        let before = house.identities(&clients[0]).await;
        house.chaos.strike("listener", how).await;
        for client in &clients {
            client.wait_end(DEADLINE).await;
        }
        house.restarted("listener", 2).await;
        assert_eq!(
            house.chaos.spawned("sessions"),
            1,
            "it does not depend on it"
        );
        reconnect(&house, &before).await;
        house.close().await;
    }
}

/// As many clients as there may be come back and are served, by the processes of before.
async fn reconnect(house: &House, before: &[fleet::Identity]) {
    let again = [house.client().await, house.client().await];
    for client in &again {
        still_serves(house, client).await;
        assert_eq!(house.identities(client).await, before);
    }
    assert_eq!(house.chaos.alive("session"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_lost_with_its_actor_and_no_call_is() {
    let house = House::open(servers()).await;
    let client = house.client().await;
    identify(&client, "one").await;
    // The registry dies with the join of a new session in its hands.
    for how in How::ALL {
        let lives = house.chaos.spawned("registry");
        house.chaos.plan("registry", Moment::Message, how);
        let late = house.client().await;
        still_serves(&house, &late).await;
        house.restarted("registry", lives + 1).await;
        still_serves(&house, &client).await;
    }
    assert_eq!(house.chaos.struck(), 3);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_is_tried_again() {
    for kind in ["config", "registry", "sessions", "listener"] {
        let house = House::open(servers()).await;
        let client = house.client().await;
        let before = house.identities(&client).await;
        for how in How::ALL {
            house.chaos.plan(kind, Moment::Start, how);
        }
        house.chaos.strike(kind, How::Error).await;
        house.restarted(kind, 5).await;
        assert_eq!(house.chaos.struck(), 4, "{kind}");
        let client = house.client().await;
        still_serves(&house, &client).await;
        assert_eq!(house.identities(&client).await, before);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_start_fails_takes_no_room() {
    let house = House::open_with(servers(), |settings| settings.limits.max_sessions = 2).await;
    let client = house.client().await;
    for how in How::ALL {
        house.chaos.plan("session", Moment::Start, how);
        let struck = house.chaos.struck();
        let attempt = house.try_client();
        let ended = async {
            if let Ok(stillborn) = attempt.await {
                stillborn.wait_end(DEADLINE).await;
            }
        };
        tokio::time::timeout(DEADLINE, ended)
            .await
            .expect("it ends");
        assert_eq!(house.chaos.struck(), struck + 1);
        still_serves(&house, &client).await;
    }
    let second = house.client().await;
    still_serves(&house, &second).await;
    let stopping = Duration::from_secs(2); // below the 3 s that unfinished sessions have
    drop((client, second));
    assert!(
        house.close().await < stopping,
        "nobody waits for who never was"
    );
}

/// Nobody can tell the next registry what a dead server offered but root.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_dies_while_a_server_is_down() {
    let house = House::open(servers()).await;
    let client = house.client().await;
    house.identities(&client).await;
    let list = client.call("tools/list", None, DEADLINE).await;
    for failures in 1..=3 {
        house.chaos.strike("upstream", How::Kill).await; // the youngest, so always the second server
        if failures < 3 {
            house.spawned("upstream", failures + 2).await;
        }
    }
    // From here on it is down for 1.6 s at least.
    house.chaos.strike("registry", How::Panic).await;
    house.restarted("registry", 2).await;
    let late = house.client().await;
    let again = late.call("tools/list", None, DEADLINE).await;
    assert_eq!(result(&list), result(&again), "no crash takes a name away");
    let answer = fleet::echo(&late, "two", "?").await;
    assert!(
        answer.is_error && answer.text.contains("server 'two' is down"),
        "{answer:?}"
    );
    assert_eq!(house.chaos.alive("upstream"), 1);
    house.spawned("upstream", 5).await;
    still_serves(&house, &client).await;
    let changes = client.notifications();
    assert_eq!(changes, [""; 0], "nothing changed for clients");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_dies_before_the_first_list() {
    let slow = fixture("one", &["--slow-start", "500"]);
    let house = House::open(config([slow, fixture("two", &[])])).await;
    let client = house.client().await;
    let list = client.request("tools/list", None).await;
    for how in How::ALL {
        house.chaos.strike("registry", how).await;
        wait::until("the next registry", DEADLINE, async || {
            (house.chaos.alive("registry") == 1).then_some(())
        })
        .await;
    }
    let list = client.wait_response(list, DEADLINE).await;
    assert!(
        list.contains("one__echo") && list.contains("two__echo"),
        "{list:.300}"
    );
    still_serves(&house, &client).await;
    house.close().await;
}
