//! Rows 350, 351: servers that are started on demand, as they fall asleep and as they wake.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::stage::Stage;
use crate::support::client::{DEADLINE, Sse};
use crate::support::servers::{fixture, text_of};
use crate::support::{proc, wait};

/// So long a server is of no use to anybody before it sleeps.
const IDLE: f64 = 0.1;
/// Calls, each about when that time is over.
const CALLS: u64 = 100;
/// Calls that wake a server together.
const WAKING: usize = 20;

fn on_demand(name: &str, flags: &[&str]) -> Value {
    let marker = format!("--marker=({name})");
    let mut entry = fixture(name, &[flags, &[&marker]].concat());
    entry["start"] = json!("on-demand");
    entry["idle_timeout"] = json!(IDLE);
    entry
}

fn processes(stage: &Stage) -> Vec<proc::Process> {
    let mut all = stage.gateway.children();
    all.retain(|process| process.command.contains("--marker=(x)"));
    all
}

async fn asleep(stage: &Stage) {
    wait::until("it to sleep", DEADLINE, async || {
        processes(stage).is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f350_called_as_it_falls_asleep() {
    let mut stage = Stage::open(350, &[on_demand("x", &[])]).await;
    let client = stage.client::<Sse>().await;
    let mut slowest = Duration::ZERO;
    for n in 0..CALLS {
        let said = n.to_string();
        let arguments = json!({ "text": said }).to_string();
        let asked = Instant::now();
        let answer = client.call_tool("x__echo", &arguments).await;
        slowest = slowest.max(asked.elapsed());
        assert_eq!(text_of(&answer), said);
        // From five milliseconds before to fifteen after, in no order.
        sleep(Duration::from_micros(95_000 + n * 7_919 % 20_000)).await;
    }
    asleep(&stage).await;
    let starts = stage
        .metric("mcproxy_server_starts_total{server=\"x\"}")
        .await;
    stage.struck(format!(
        "{CALLS} calls, each as the server's time was over; it slept {} times in between",
        starts - 1
    ));
    stage.holds(
        "it slept and was awake at calls",
        (5..100).contains(&starts),
    );
    stage.holds("every call was answered, and by it", true);
    stage.within("the slowest, with a start", slowest, Duration::from_secs(3));
    let restarts = stage
        .metric("mcproxy_server_restarts_total{server=\"x\"}")
        .await;
    stage.at_most("of these starts count as restarts", &restarts, &0);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f351_killed_as_it_wakes() {
    let mut stage = Stage::open(351, &[on_demand("x", &["--slow-start=1000"])]).await;
    let client = stage.client::<Sse>().await;
    client.call("tools/list", None, DEADLINE).await;
    asleep(&stage).await;
    let params = r#"{"name":"x__echo","arguments":{"text":"all"}}"#;
    let mut ids = Vec::new();
    for _ in 0..WAKING {
        ids.push(client.request("tools/call", Some(params)).await);
    }
    let woken = wait::until("it to wake", DEADLINE, async || processes(&stage).pop()).await;
    let killed = Instant::now();
    woken.signal(Signal::SIGKILL);
    for id in ids {
        assert_eq!(text_of(&client.wait_response(id, DEADLINE).await), "all");
    }
    stage.struck(format!("SIGKILL while {WAKING} calls waited for its start"));
    stage.holds("all were answered by its next process", true);
    let allowed = Duration::from_secs(5);
    stage.within(
        "after the kill, its start of 1 s included",
        killed.elapsed(),
        allowed,
    );
    asleep(&stage).await;
    stage.holds("it sleeps again", true);
    stage.close().await;
}
