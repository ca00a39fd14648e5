//! Rows 280 to 284, 292 and 293: what befalls a gateway whose port a parent holds (`--hold-port`), and that parent.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::metrics;
use super::stage::Stage;
use crate::support::both;
use crate::support::client::DEADLINE;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Connection};
use crate::support::proc::{self, Process};
use crate::support::servers::{fixture, text_of};
use crate::support::streamable::{Endpoint, call_tool};
use crate::support::wait;

const VERSION: &str = "2025-11-25";
/// For a gateway that has to be killed first.
const PATIENCE: Duration = Duration::from_secs(30);
/// Clients that come and go.
const CLIENTS: usize = 8;

async fn stage(row: u16, home: &TempDir) -> Stage {
    let held = |options: GatewayOptions| options.home(home.path()).arg("--hold-port");
    let mut stage = Stage::with(row, &[fixture("x", &[])], &json!({}), held).await;
    stage.pause().await;
    stage
}

/// The holder's gateway, whose pid is not `before`.
async fn gateway_after(holder: &Gateway, before: u32) -> Process {
    let is_it = |process: &Process| process.pid != before && process.is_alive();
    wait::until("the holder's child", DEADLINE, async || {
        let mut children = proc::children(holder.pid()).into_iter();
        children.find(|child| is_it(child) && child.command.contains("--config"))
    })
    .await
}

/// Whether no thread of it runs.
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter();
    let mut ids = threads.flatten().flatten().map(|thread| thread.file_name());
    ids.all(|id| {
        let id = id.to_str().and_then(|id| id.parse().ok());
        id.and_then(proc::stat)
            .is_some_and(|stat| stat.state == 'T')
    })
}

/// What came of those who come and go.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    cut: usize,
    refused: usize,
    /// The longest that one waited for the answer.
    longest: Duration,
}

/// They come until they are told that it is over.
struct Visitors {
    is_over: watch::Sender<bool>,
    tasks: JoinSet<Tally>,
}

impl Visitors {
    fn of(gateway: &Gateway) -> Self {
        let is_over = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for _ in 0..CLIENTS {
            let (over, address) = (is_over.subscribe(), gateway.addr());
            tasks.spawn(async move {
                let head = http::request_head(address, "GET", "/healthz", &[]);
                let mut tally = Tally::default();
                while !*over.borrow() {
                    let begin = Instant::now();
                    let Ok(mut connection) = Connection::open(address).await else {
                        tally.refused += 1;
                        continue;
                    };
                    match connection.exchange(&head, b"").await {
                        Ok(answer) if answer.status == 200 => tally.answered += 1,
                        Ok(_) | Err(_) => tally.cut += 1,
                    }
                    tally.longest = tally.longest.max(begin.elapsed());
                }
                tally
            });
        }
        Self { is_over, tasks }
    }

    async fn end(mut self) -> Tally {
        self.is_over.send_replace(true);
        let mut all = Tally::default();
        while let Some(tally) = self.tasks.join_next().await {
            let tally = tally.expect("no panic");
            all.answered += tally.answered;
            all.cut += tally.cut;
            all.refused += tally.refused;
            all.longest = all.longest.max(tally.longest);
        }
        all
    }
}

async fn is_served(endpoint: &Endpoint) -> bool {
    let answer = endpoint.call_tool("x__echo", r#"{"text":"x"}"#).await;
    text_of(&answer) == "x"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f280_killed_under_its_holder() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(280, &home).await;
    let session = Endpoint::initialized(stage.gateway.addr(), VERSION).await;
    let gateway = gateway_after(&stage.gateway, 0).await;
    let visitors = Visitors::of(&stage.gateway);
    gateway.signal(Signal::SIGKILL);
    let struck = Instant::now();
    let next = gateway_after(&stage.gateway, gateway.pid).await;
    stage.struck(format!(
        "pid {} is gone, {} is there",
        gateway.pid, next.pid
    ));
    stage.holds("a session over /mcp goes on", is_served(&session).await);
    stage.within(
        "its call is answered after",
        struck.elapsed(),
        Duration::from_secs(2),
    );
    let tally = visitors.end().await;
    stage.at_most("refused", &tally.refused, &0);
    let what = format!("cut off while they were served, of {}", tally.answered);
    stage.at_most(&what, &tally.cut, &CLIENTS);
    stage.within("the longest wait", tally.longest, Duration::from_secs(2));
    stage.resume().await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f281_restarted_under_its_holder() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(281, &home).await;
    let session = Endpoint::initialized(stage.gateway.addr(), VERSION).await;
    let sleep = call_tool(7, "x__sleep", r#"{"ms":1000,"steps":4}"#);
    let running = session.begin(&sleep).await;
    let in_flight = ("mcproxy_calls_in_flight", &[("server", "x")][..]);
    metrics::at_least(&stage.gateway, in_flight, 1.0, DEADLINE).await;
    let gateway = gateway_after(&stage.gateway, 0).await;
    let visitors = Visitors::of(&stage.gateway);
    stage.gateway.signal(Signal::SIGUSR2);
    let answer = running.reply().await.message().await;
    stage.holds("the call is finished", text_of(&answer) == "slept");
    let next = gateway_after(&stage.gateway, gateway.pid).await;
    stage.struck(format!(
        "pid {} is gone, {} is there",
        gateway.pid, next.pid
    ));
    stage.holds("a session over /mcp goes on", is_served(&session).await);
    let tally = visitors.end().await;
    let what = format!("refused or cut off, of {}", tally.answered);
    stage.at_most(&what, &(tally.refused + tally.cut), &0);
    let logs = stage.gateway.logs();
    let lines = logs.iter().filter(|line| line.contains("Restarting"));
    stage.at_most("lines about it", &lines.count(), &1);
    stage.resume().await;
    stage.close().await;
}

#[tokio::test]
async fn f282_crash_loop_under_its_holder() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(282, &home).await;
    let holder = stage.gateway.pid();
    let used = || proc::cpu_time(holder).expect("it runs");
    let (before, begin) = (used(), Instant::now());
    let mut gateway = gateway_after(&stage.gateway, 0).await;
    let mut pauses = Vec::new();
    for least in [200, 400, 800, 1600, 3200].map(Duration::from_millis) {
        gateway.signal(Signal::SIGKILL);
        let ended = Instant::now();
        gateway = gateway_after(&stage.gateway, gateway.pid).await;
        let pause = ended.elapsed();
        stage.holds("no pause is shorter", pause >= least);
        let late = Duration::from_secs(1);
        stage.within(
            &format!("after {least:.1?}, and late by"),
            pause.saturating_sub(least),
            late,
        );
        pauses.push(pause);
    }
    stage.struck(format!("killed {} times; {pauses:.1?}", pauses.len()));
    let spent = used().saturating_sub(before).as_secs_f64() / begin.elapsed().as_secs_f64();
    stage.at_most("% of a core for the holder", &(spent * 100.0).round(), &1.0);
    let late = http::get(stage.gateway.addr(), "/healthz").await;
    stage.holds("served again", late.status == 200);
    stage.resume().await;
    stage.close().await;
}

#[tokio::test]
async fn f283_stuck_under_its_holder() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(283, &home).await;
    let gateway = gateway_after(&stage.gateway, 0).await;
    gateway.signal(Signal::SIGSTOP);
    wait::until("all of its threads to stand", DEADLINE, async || {
        is_stopped(gateway.pid).then_some(())
    })
    .await;
    let mut early = Connection::open(stage.gateway.addr())
        .await
        .expect("the port is open");
    let head = http::request_head(stage.gateway.addr(), "GET", "/healthz", &[]);
    early.post(&head, b"").await.expect("the kernel takes it");
    stage.gateway.signal(Signal::SIGUSR2);
    let asked = Instant::now();
    stage.struck(format!("every thread of pid {} is in state T", gateway.pid));
    let answer = timeout(PATIENCE, early.response())
        .await
        .expect("an answer in time");
    let is_served = answer.is_ok_and(|answer| answer.status == 200);
    stage.holds("who came meanwhile is answered", is_served);
    stage.within("after", asked.elapsed(), Duration::from_secs(15));
    let said = stage
        .gateway
        .wait_for_log("does not end; it is killed", PATIENCE)
        .await;
    stage.holds("the log says so", said.contains("[ERROR]"));
    stage.resume().await;
    stage.close().await;
}

#[tokio::test]
async fn f284_holder_killed() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(284, &home).await;
    let processes = stage.gateway.children();
    stage.gateway.signal(Signal::SIGKILL);
    let struck = Instant::now();
    stage.gateway.wait_exit(DEADLINE).await;
    stage.struck(format!("pid {} is gone", stage.gateway.pid()));
    wait::until("the end of them all", DEADLINE, async || {
        (!processes.iter().any(Process::is_alive)).then_some(())
    })
    .await;
    let what = format!("{} processes are gone after", processes.len());
    stage.within(&what, struck.elapsed(), Duration::from_secs(10));
    stage.gateway.wait_for_log("Stopped", DEADLINE).await;
    stage.holds("in order", true);
    let late = Connection::open(stage.gateway.addr()).await;
    stage.holds("the port is free", late.is_err());
    stage.keep();
}

/// A gateway that is down for a second and more, and what one that was killed has left.
async fn down(stage: &Stage) -> Vec<Process> {
    let mut gateway = gateway_after(&stage.gateway, 0).await;
    for _ in 0..3 {
        gateway.signal(Signal::SIGKILL);
        gateway = gateway_after(&stage.gateway, gateway.pid).await;
    }
    both::ready(&stage.gateway).await;
    let servers = proc::children(gateway.pid);
    let servers = servers.into_iter();
    let stubborn: Vec<_> = servers
        .filter(|server| server.command.contains("--ignore-term"))
        .collect();
    let mark = stage.gateway.log_mark();
    gateway.signal(Signal::SIGKILL);
    let said = "it is started again in 1.6s";
    stage.gateway.wait_for_log_after(mark, said, DEADLINE).await;
    stubborn
}

#[tokio::test]
async fn f292_stopped_while_its_holder_pauses() {
    let home = TempDir::new().expect("a temporary directory");
    let held = |options: GatewayOptions| options.home(home.path()).arg("--hold-port");
    let stubborn = [
        fixture("x", &["--ignore-term", "--ignore-eof"]),
        fixture("y", &["--ignore-term", "--ignore-eof", "--grandchild"]),
    ];
    let mut stage = Stage::with(292, &stubborn, &json!({}), held).await;
    stage.pause().await;
    let left = down(&stage).await;
    let alive = left.iter().filter(|server| server.is_alive()).count();
    assert!(alive > 0, "{left:?}");
    stage.struck(format!("SIGTERM in the pause; {alive} servers live"));
    stage.gateway.signal(Signal::SIGTERM);
    let asked = Instant::now();
    let status = stage.gateway.wait_exit(DEADLINE).await;
    stage.holds("exit 0", status.success());
    stage.within("after", asked.elapsed(), Duration::from_secs(2));
    let alive = left.iter().filter(|server| server.is_alive()).count();
    stage.at_most("of them alive", &alive, &0);
    stage.keep();
}

#[tokio::test]
async fn f293_interrupted_while_its_holder_restarts_it() {
    let home = TempDir::new().expect("a temporary directory");
    let mut stage = stage(293, &home).await;
    let session = Endpoint::initialized(stage.gateway.addr(), VERSION).await;
    let sleep = call_tool(7, "x__sleep", r#"{"ms":2000,"steps":4}"#);
    let running = session.begin(&sleep).await;
    let in_flight = ("mcproxy_calls_in_flight", &[("server", "x")][..]);
    metrics::at_least(&stage.gateway, in_flight, 1.0, DEADLINE).await;
    let gateway = gateway_after(&stage.gateway, 0).await;
    stage.gateway.signal(Signal::SIGUSR2);
    stage.gateway.wait_for_log("Stopping", DEADLINE).await;
    // Longer than what counts as one signal sent twice.
    tokio::time::sleep(Duration::from_millis(400)).await;
    // As a terminal does, to all that it runs.
    stage.gateway.signal(Signal::SIGINT);
    gateway.signal(Signal::SIGINT);
    stage.struck("SIGINT to both while the gateway stops for a restart");
    let answer = running.reply().await.message().await;
    stage.holds("the call is finished", text_of(&answer) == "slept");
    let status = stage.gateway.wait_exit(DEADLINE).await;
    stage.holds("exit 0", status.success());
    let logs = stage.gateway.logs();
    let second = logs.iter().filter(|line| line.contains("Second signal"));
    stage.at_most("second signals", &second.count(), &0);
    stage.keep();
}
