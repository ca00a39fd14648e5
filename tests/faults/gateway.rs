//! Rows 41 to 43: the gateway runs out of descriptors, is asked to stop under load, is killed.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::stage::{Stage, configuration, wait as shortened};
use crate::support::client::{Client, DEADLINE, Sse, Streamable, Transport};
use crate::support::fleet::{self, echo, identify, send};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::proc::Process;
use crate::support::servers::fixture;
use crate::support::{proc, wait};

/// What obeys nothing, and its child in a session of its own that does neither.
const IMMORTAL: &[&str] = &[
    "--ignore-eof",
    "--ignore-term",
    "--setsid-grandchild",
    "--marker=(immortal)",
];

/// Sets how many descriptors a running process may have.
fn limit_files(pid: u32, limit: usize) {
    let mut command = std::process::Command::new("prlimit");
    command
        .arg(format!("--pid={pid}"))
        .arg(format!("--nofile={limit}:"));
    let status = command.status().expect("prlimit is there");
    assert!(status.success(), "{command:?}: {status}");
}

#[tokio::test]
async fn f41_no_descriptors() {
    const SPARE: usize = 8;
    let lasts = shortened(Duration::from_secs(3), Duration::from_secs(60));
    let mut stage = Stage::open(41, &[fixture("x", &[])]).await;
    let sse = stage.client::<Sse>().await;
    echo(&sse, "x", "before").await; // its connection for posts is open
    stage.pause().await; // a bystander opens connections, which the kernel would refuse to all
    let pid = stage.gateway.pid();
    let before = proc::open_files(pid).expect("it runs");
    limit_files(pid, before + SPARE);
    let mut connections = Vec::new();
    for _ in 0..4 * SPARE {
        connections.push(
            TcpStream::connect(stage.gateway.addr())
                .await
                .expect("the queue takes it"),
        );
    }
    wait::until("the descriptors to run out", DEADLINE, async || {
        (proc::open_files(pid)? >= before + SPARE).then_some(())
    })
    .await;
    stage.struck(format!(
        "{} of {} descriptors are open",
        before + SPARE,
        before + SPARE
    ));

    let (cpu, begin) = (proc::cpu_time(pid).expect("it runs"), Instant::now());
    let mut calls = 0;
    while begin.elapsed() < lasts {
        calls += 1;
        let answer = echo(&sse, "x", "meanwhile").await;
        assert_eq!(answer.text, "meanwhile");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let used = proc::cpu_time(pid).expect("it runs").saturating_sub(cpu);
    // Of a core, the calls included.
    stage.within("CPU in it", used, lasts / 20);
    stage.holds("sessions that are there are served", calls > 10);

    drop(connections);
    let begin = Instant::now();
    let client = stage.client::<Streamable>().await;
    stage.within(
        "a new client is served after",
        begin.elapsed(),
        Duration::from_secs(3),
    );
    assert_eq!(echo(&client, "x", "after").await.text, "after");
    limit_files(pid, 1024);
    stage.resume().await;
    client.close().await;
    sse.close().await;
    stage.close().await;
}

/// Sessions on both transports, each with a call that would take an hour.
async fn load(stage: &Stage) -> (Client<Sse>, Client<Streamable>, [u64; 2]) {
    async fn busy<T: Transport>(client: &Client<T>) -> u64 {
        let call = send(client, "x__sleep", r#"{"ms":3600000}"#).await;
        identify(client, "x").await; // after the call before it
        call
    }
    let sse = stage.client::<Sse>().await;
    let streamable = stage.client::<Streamable>().await;
    let calls = [busy(&sse).await, busy(&streamable).await];
    (sse, streamable, calls)
}

async fn gone(processes: &[Process], within: Duration) {
    wait::until(&format!("the end of {processes:?}"), within, async || {
        (!processes.iter().any(Process::is_alive)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn f42_sigterm_under_load() {
    let servers = [fixture("x", &[]), fixture("immortal", IMMORTAL)];
    let mut stage = Stage::open(42, &servers).await;
    stage.pause().await;
    let (sse, streamable, calls) = load(&stage).await;
    let children = stage.gateway.children();
    let asked = Instant::now();
    stage.gateway.signal(Signal::SIGTERM);
    let answers = [
        fleet::answer(&sse, calls[0]).await,
        fleet::answer(&streamable, calls[1]).await,
    ];
    stage.holds(
        "both calls get an error",
        answers.iter().all(|answer| answer.is_error),
    );
    let status = stage.gateway.wait_exit(Duration::from_secs(15)).await;
    stage.within("exit after", asked.elapsed(), Duration::from_secs(10));
    stage.struck(format!("SIGTERM with 2 streams and 2 calls; {status}"));
    stage.holds("exit code 0", status.code() == Some(0));
    gone(&children, Duration::from_secs(2)).await;
    stage.holds("no process is left", true);
    let record = stage.keep();

    let mut stage = Stage::open(42, &servers).await;
    stage.after(record);
    stage.pause().await;
    let (sse, streamable, _) = load(&stage).await;
    let children = stage.gateway.children();
    stage.gateway.signal(Signal::SIGTERM);
    stage.gateway.wait_for_log("Stopping", DEADLINE).await;
    let mut impatience = tokio::time::interval(Duration::from_millis(300));
    impatience.tick().await; // what comes within 250 ms is the same signal, sent twice
    impatience.tick().await;
    let again = Instant::now();
    stage.gateway.signal(Signal::SIGTERM);
    let status = stage.gateway.wait_exit(DEADLINE).await;
    stage.within(
        "after a second SIGTERM",
        again.elapsed(),
        Duration::from_secs(2),
    );
    stage.struck(format!("a second SIGTERM; {status}"));
    gone(&children, Duration::from_secs(2)).await;
    sse.close().await;
    streamable.close().await;
    stage.keep();
}

#[tokio::test]
async fn f43_sigkill_of_the_gateway() {
    let home = TempDir::new().expect("a temporary directory");
    let servers = [fixture("x", &[]), fixture("immortal", IMMORTAL)];
    let change = |options: GatewayOptions| options.home(home.path());
    let mut stage = Stage::with(43, &servers, &json!({}), change).await;
    stage.pause().await;
    let (sse, streamable, _) = load(&stage).await;
    let (obedient, immortal): (Vec<_>, Vec<_>) = stage
        .gateway
        .children()
        .into_iter()
        .partition(|child| !is_immortal(child));
    assert_eq!(
        (obedient.len(), immortal.len()),
        (10, 2),
        "the servers and a grandchild"
    );
    sse.close().await;

    stage.gateway.signal(Signal::SIGKILL);
    let killed = Instant::now();
    stage.gateway.wait_exit(DEADLINE).await;
    stage.struck(format!("pid {} is gone", stage.gateway.pid()));
    gone(&obedient, DEADLINE).await;
    stage.within(
        "servers that honour the end of stdin are gone after",
        killed.elapsed(),
        Duration::from_secs(2),
    );
    stage.holds("the others live on", immortal.iter().all(Process::is_alive));

    let begin = Instant::now();
    let next = Gateway::start(
        GatewayOptions::new(configuration(&servers, &json!({})))
            .home(home.path())
            .arg("--listen")
            .arg(stage.gateway.addr().to_string()),
    )
    .await;
    gone(&immortal, DEADLINE).await;
    stage.within(
        "the others are gone after the next start's",
        begin.elapsed(),
        Duration::from_secs(4),
    );
    stage.replace(next);
    stage.resume().await;
    // The session over Streamable HTTP goes on, with the successor.
    assert_eq!(echo(&streamable, "x", "again").await.text, "again");
    stage.holds("a session over /mcp goes on", true);
    streamable.close().await;
    stage.close().await;
}

fn is_immortal(process: &Process) -> bool {
    let program = fixture_server().display().to_string();
    process.command.starts_with(&program)
        && (process.command.contains("(immortal)") || process.command.contains("--sleep-forever"))
}
