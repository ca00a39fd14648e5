//! Calls that come as a server falls asleep.

use std::time::Duration;

use tokio::time::sleep;

use super::{asleep, echo, metric, on_demand, server_in};
use crate::support::servers::join;

/// Each call comes about when the server's time is over: before, while it stops, or after.
#[tokio::test]
async fn a_call_at_any_moment_of_the_stop_is_answered() {
    let (gateway, _home) = asleep(&[on_demand("a", 0.1, &[])]).await;
    let client = join(&gateway).await;
    let mut seed = 7u64;
    for n in 0..60 {
        let said = n.to_string();
        assert_eq!(echo(&client, "a", &said).await, said);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        sleep(Duration::from_micros(95_000 + (seed >> 33) % 15_000)).await;
    }
    let starts = metric(&gateway, "mcproxy_server_starts_total{server=\"a\"} ").await;
    assert!(starts > Some(5.0), "it slept in between: {starts:?}");
    server_in(&gateway, "a", "asleep").await;
}

/// It takes its time to stop: a call comes while it does, and is for the next process.
#[tokio::test]
async fn a_call_while_it_stops_waits_for_the_next_process() {
    let (gateway, _home) = asleep(&[on_demand("a", 0.2, &["--ignore-eof"])]).await;
    let client = join(&gateway).await;
    echo(&client, "a", "x").await;
    server_in(&gateway, "a", "stopping").await;
    assert_eq!(echo(&client, "a", "then").await, "then");
    let starts = metric(&gateway, "mcproxy_server_starts_total{server=\"a\"} ").await;
    assert_eq!(starts, Some(2.0));
    assert_eq!(
        gateway
            .logs()
            .iter()
            .filter(|line| line.contains("[WARN]"))
            .count(),
        0,
        "that is no failure"
    );
}
