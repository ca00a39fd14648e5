//! Rows 122 to 125: handlers that keep their workers busy. The gateway is this test program once more,
//! see `support::puppet`.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::{Instant, interval};

use super::stage::Stage;
use crate::support::client::{DEADLINE, Streamable};
use crate::support::fleet::{self, echo, send};
use crate::support::gateway::GatewayOptions;
use crate::support::proc::Process;
use crate::support::servers::fixture;
use crate::support::wait;

#[test]
fn gateway_process() {
    support::puppet::perform();
}

/// What the log says of a turn that lasts.
const BUSY: &str = "Still busy: ";

async fn open(row: u16) -> Stage {
    let puppet = |options: GatewayOptions| options.puppet("busy::gateway_process");
    let servers = [
        fixture("x", &[]),
        fixture("immortal", &["--ignore-eof", "--ignore-term"]),
    ];
    Stage::with(row, &servers, &json!({}), puppet).await
}

/// An actor is busy on each of the gateway's workers.
async fn fill(stage: &mut Stage) {
    stage.pause().await;
    let workers = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .max(2);
    for pick in 0..workers {
        let spins = stage
            .gateway
            .command(&format!("spin upstream {pick}"))
            .await;
        assert_eq!(spins, "true", "upstream {pick}");
    }
    stage.struck(format!("{workers} handlers are busy"));
}

async fn gone(stage: &mut Stage, processes: &[Process]) {
    wait::until("the end of the servers", DEADLINE, async || {
        (!processes.iter().any(Process::is_alive)).then_some(())
    })
    .await;
    stage.holds("no process is left", true);
}

#[tokio::test]
async fn f122_busy_handler() {
    let mut stage = open(122).await;
    let victim = stage.client::<Streamable>().await;
    let client = stage.client::<Streamable>().await;
    // Nothing else goes on: the worker that the call wakes is the one that looks after the sockets.
    stage.pause().await;
    let mark = stage.gateway.log_mark();
    let reply = stage.gateway.command("ambush session Spin").await;
    assert_eq!(reply, "true");
    let said = Instant::now();
    let call = send(&victim, "x__echo", r#"{"text":"late"}"#).await;
    let line = stage.gateway.wait_for_log_after(mark, BUSY, DEADLINE).await;
    let (_, words) = line.split_once(BUSY).expect("it is in it");
    stage.struck(words.to_owned());
    stage.within("said after", said.elapsed(), Duration::from_secs(2));
    stage.holds(
        "the line names the actor",
        words.starts_with("session, at "),
    );
    let asked = Instant::now();
    let late = stage.client::<Streamable>().await;
    stage.within(
        "a new client is there after",
        asked.elapsed(),
        Duration::from_secs(1),
    );
    late.close().await;
    stage.resume().await;
    let (begin, mut slowest) = (Instant::now(), Duration::ZERO);
    let mut pause = interval(Duration::from_millis(50));
    while begin.elapsed() < Duration::from_secs(3) {
        pause.tick().await;
        let asked = Instant::now();
        assert_eq!(echo(&client, "x", "meanwhile").await.text, "meanwhile");
        slowest = slowest.max(asked.elapsed());
    }
    stage.within(
        "the slowest call meanwhile",
        slowest,
        Duration::from_secs(1),
    );
    assert_eq!(stage.gateway.command("rest").await, "true");
    stage.holds(
        "it is answered then",
        fleet::answer(&victim, call).await.text == "late",
    );
    let logs = stage.gateway.logs();
    let lines = logs.iter().filter(|line| line.contains(BUSY)).count();
    stage.at_most("lines of it", &lines, &1);
    victim.close().await;
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f123_sigterm_while_all_are_busy() {
    let mut stage = open(123).await;
    let children = stage.gateway.children();
    fill(&mut stage).await;
    let asked = Instant::now();
    stage.gateway.signal(Signal::SIGTERM);
    let mut clock = interval(Duration::from_secs(2));
    clock.tick().await;
    clock.tick().await;
    assert_eq!(stage.gateway.command("rest").await, "true");
    let status = stage.gateway.wait_exit(Duration::from_secs(15)).await;
    stage.within("exit after", asked.elapsed(), Duration::from_secs(10));
    stage.holds("exit code 0", status.code() == Some(0));
    gone(&mut stage, &children).await;
    stage.keep();
}

#[tokio::test]
async fn f124_second_sigterm_while_all_are_busy() {
    let mut stage = open(124).await;
    let children = stage.gateway.children();
    fill(&mut stage).await;
    stage.gateway.signal(Signal::SIGTERM);
    let mut impatience = interval(Duration::from_millis(400));
    impatience.tick().await; // what comes within 250 ms is the same signal, sent twice
    impatience.tick().await;
    let again = Instant::now();
    stage.gateway.signal(Signal::SIGTERM);
    let status = stage.gateway.wait_exit(DEADLINE).await;
    stage.within("exit after", again.elapsed(), Duration::from_secs(2));
    stage.holds("exit code 70", status.code() == Some(70));
    gone(&mut stage, &children).await;
    stage.keep();
}

#[tokio::test]
async fn f125_stop_past_its_deadline() {
    let mut stage = open(125).await;
    let children = stage.gateway.children();
    fill(&mut stage).await;
    let asked = Instant::now();
    stage.gateway.signal(Signal::SIGTERM);
    let status = stage.gateway.wait_exit(Duration::from_secs(20)).await;
    let took = asked.elapsed();
    stage.within("exit after", took, Duration::from_secs(11));
    stage.holds("not before its time", took > Duration::from_secs(9));
    stage.holds("exit code 70", status.code() == Some(70));
    gone(&mut stage, &children).await;
    stage.keep();
}
