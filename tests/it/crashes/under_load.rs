//! Actors that no call goes through die in the middle of a thousand calls, many times, and no call fails for
//! it: the registry, the config actor, and a server that is not called.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mcproxy::supervise::Intensity;
use tokio::task::JoinSet;

use super::house::House;
use crate::support::chaos::{How, Moment};
use crate::support::client::SseClient;
use crate::support::fleet::{self, config, fixture, identify};
use crate::support::wait;

const CALLS: usize = 1_000;
/// Of each client at once.
const AT_ONCE: usize = 8;
/// A kind is struck as often at least; the calls go on until then.
const STRIKES: usize = 12;

async fn house() -> House {
    let servers = [
        fixture("busy", &[]),
        fixture("other", &[]),
        fixture("idle", &["--grandchild"]),
    ];
    House::open_with(config(servers), |settings| {
        // The real one ends the program after five; here it has to go on.
        settings.supervision.intensity = Intensity {
            max: 100_000,
            window: Duration::from_secs(1),
        };
    })
    .await
}

/// Calls, from several sessions and many at once, until there were enough of them and `is_over` says so. Each
/// must be answered with its own text.
async fn call_until(house: &House, is_over: &Arc<AtomicBool>) -> usize {
    let mut callers = JoinSet::new();
    for number in 0..4 {
        let client = Arc::new(house.client().await);
        for lane in 0..AT_ONCE {
            let (client, is_over) = (Arc::clone(&client), Arc::clone(is_over));
            callers.spawn(async move {
                let mut done = 0;
                while done < CALLS / (4 * AT_ONCE) || !is_over.load(Ordering::SeqCst) {
                    echo(&client, &format!("{number} {lane} {done}")).await;
                    done += 1;
                }
                done
            });
        }
    }
    callers.join_all().await.into_iter().sum()
}

async fn echo(client: &SseClient, text: &str) {
    for server in ["busy", "other"] {
        let answer = fleet::echo(client, server, text).await;
        assert_eq!((answer.text.as_str(), answer.is_error), (text, false));
    }
}

/// Strikes a kind again and again, idle and with a message in its hands.
async fn strike_often(house: &House, kind: &'static str, is_over: &AtomicBool) {
    for turn in 0..STRIKES {
        house.chaos.strike(kind, How::ALL[turn % 3]).await;
        wait::until("its successor", Duration::from_secs(20), async || {
            (house.chaos.alive(kind) == 1).then_some(())
        })
        .await;
        house
            .chaos
            .plan(kind, Moment::Message, How::ALL[(turn + 1) % 3]);
        // Somebody who comes just now is served as well.
        let late = house.client().await;
        echo(&late, &format!("late {turn}")).await;
    }
    is_over.store(true, Ordering::SeqCst);
}

async fn no_call_fails(kind: &'static str) {
    let house = house().await;
    let client = house.client().await;
    let before = [
        identify(&client, "busy").await,
        identify(&client, "other").await,
    ];
    let is_over = Arc::new(AtomicBool::new(false));
    let (calls, ()) = tokio::join!(
        call_until(&house, &is_over),
        strike_often(&house, kind, &is_over)
    );
    assert!(
        calls >= CALLS / (4 * AT_ONCE) * 4 * AT_ONCE,
        "{calls} calls"
    );
    assert!(
        house.chaos.struck() > STRIKES,
        "{} strikes",
        house.chaos.struck()
    );
    let after = [
        identify(&client, "busy").await,
        identify(&client, "other").await,
    ];
    assert_eq!(after, before, "bystanders keep their processes");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_dies_under_a_thousand_calls() {
    no_call_fails("registry").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_config_actor_dies_under_a_thousand_calls() {
    no_call_fails("config").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_called_dies_under_a_thousand_calls() {
    let house = house().await;
    let client = house.client().await;
    let before = [
        identify(&client, "busy").await,
        identify(&client, "other").await,
    ];
    let is_over = Arc::new(AtomicBool::new(false));
    let strike = async {
        for how in How::ALL {
            let idle = identify(&client, "idle").await;
            house.chaos.strike("upstream", how).await;
            idle.gone(Duration::from_secs(2)).await;
            fleet::successor(&client, "idle", &idle, Duration::from_secs(20)).await;
        }
        is_over.store(true, Ordering::SeqCst);
    };
    let (calls, ()) = tokio::join!(call_until(&house, &is_over), strike);
    assert!(calls >= CALLS / 2, "{calls} calls, two at a time");
    let after = [
        identify(&client, "busy").await,
        identify(&client, "other").await,
    ];
    assert_eq!(after, before, "bystanders keep their processes");
    house.close().await;
}
