//! The actor of a server is crashed: its process group goes with it, its calls are answered, the ladder brings
//! a successor, and the other server notices nothing.

use std::time::Duration;

use super::house::House;
use crate::support::chaos::{Entry, How, Moment};
use crate::support::client::DEADLINE;
use crate::support::fleet::{self, config, fixture, identify, successor};
use crate::support::wait;

/// The victim is the youngest, so the last one.
fn servers() -> String {
    config([fixture("one", &[]), fixture("victim", &["--grandchild"])])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_takes_its_process_group_with_it_and_comes_back() {
    for how in How::ALL {
        let house = House::open(servers()).await;
        let client = house.client().await;
        let (bystander, victim) = (
            identify(&client, "one").await,
            identify(&client, "victim").await,
        );
        assert!(victim.grandchild.is_some(), "{victim:?}");
        let at_victim = fleet::send(&client, "victim__sleep", r#"{"ms":600000}"#).await;
        let at_bystander = fleet::send(&client, "one__sleep", r#"{"ms":1500}"#).await;
        identify(&client, "victim").await; // after the call before it

        house.chaos.strike("upstream", how).await;
        victim.gone(Duration::from_secs(2)).await;
        let lost = fleet::answer(&client, at_victim).await;
        assert!(
            lost.is_error && lost.text.contains("server 'victim'"),
            "{lost:?}"
        );
        let next = successor(&client, "victim", &victim, DEADLINE).await;
        assert_ne!(next.grandchild, victim.grandchild);
        assert_eq!(identify(&client, "one").await, bystander);
        let slept = fleet::answer(&client, at_bystander).await;
        assert_eq!((slept.text.as_str(), slept.is_error), ("slept", false));
        assert_eq!((house.groups(), house.chaos.struck()), (2, 1));
        house.close().await;
        next.gone(Duration::from_secs(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_never_reached_the_process_is_sent_to_the_next_one() {
    for how in How::ALL {
        let house = House::open(config([fixture("victim", &[])])).await;
        let client = house.client().await;
        let before = identify(&client, "victim").await;
        house.chaos.plan("upstream", Moment::Message, how);
        let answer = fleet::echo(&client, "victim", "for the next one").await;
        assert_eq!(
            (answer.text.as_str(), answer.is_error),
            ("for the next one", false)
        );
        assert_eq!(house.chaos.struck(), 1);
        assert_ne!(identify(&client, "victim").await, before);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_climbs_the_ladder() {
    let house = House::open(config([fixture("one", &[])])).await;
    let client = house.client().await;
    identify(&client, "one").await;
    for how in [How::Panic, How::Kill] {
        house.chaos.plan("upstream", Moment::Start, how);
    }
    house.write_config(&config([fixture("one", &[]), fixture("victim", &[])]));
    // Two stillborn ones, 0.5 s and 1 s, and the third lives.
    wait::until("the third start", DEADLINE, async || {
        (house.chaos.spawned("upstream") == 4).then_some(())
    })
    .await;
    assert_eq!(house.chaos.struck(), 2);
    client
        .next_notification("notifications/tools/list_changed", DEADLINE)
        .await;
    let answer = fleet::echo(&client, "victim", "alive").await;
    assert_eq!(answer.text, "alive");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_never_meets_its_predecessor() {
    let house = House::open(config([fixture(
        "victim",
        &["--ignore-term", "--ignore-eof"],
    )]))
    .await;
    let client = house.client().await;
    let mut old = identify(&client, "victim").await;
    for how in How::ALL {
        house.chaos.strike("upstream", how).await;
        old = successor(&client, "victim", &old, DEADLINE).await;
    }
    let upstreams = house
        .chaos
        .journal()
        .into_iter()
        .filter(|entry| matches!(entry, Entry::Spawned("upstream") | Entry::Gone("upstream")));
    let turns: Vec<Entry> = upstreams.collect();
    let turn = [Entry::Spawned("upstream"), Entry::Gone("upstream")];
    let expected: Vec<Entry> = turn.into_iter().cycle().take(7).collect();
    assert_eq!(turns, expected);
    assert_eq!(house.groups(), 1);
    house.close().await;
}
