//! Rows 1 to 4: servers that end.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::{self, Instant};

use super::stage::{Stage, wait as real_or};
use crate::support::client::{DEADLINE, Sse, SseClient, Streamable};
use crate::support::fleet::{self, Identity, identify, send};
use crate::support::servers::fixture;
use crate::support::{proc, wait};

/// The row says 100 ms; the rest is for two busy cores.
const AT_ONCE: Duration = Duration::from_millis(500);
const BACK: Duration = Duration::from_secs(2);

#[tokio::test]
async fn f01_exits_in_a_call() {
    ends_in_a_call(1, async |client, _| {
        let last = send(client, "bad__exit", r#"{"code":1}"#).await;
        let answer = fleet::answer(client, last).await;
        assert!(answer.is_error && says_how(&answer.text, "exited with code 1"));
    })
    .await;
}

#[tokio::test]
async fn f02_killed_by_sigkill() {
    ends_in_a_call(2, async |_, server| {
        assert!(proc::send(server.pid, nix::sys::signal::Signal::SIGKILL));
    })
    .await;
}

/// 50 ms after its stdout was closed no more is waited for: a busy machine may not have told more by then.
fn says_how(text: &str, how: &str) -> bool {
    text.contains(how) || text.contains("closed its stdout")
}

/// A call of each transport is under way when `strike` ends the server.
async fn ends_in_a_call(row: u16, strike: impl AsyncFnOnce(&SseClient, &Identity)) {
    let mut stage = Stage::open(row, &[fixture("bad", &[])]).await;
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let sleep = r#"{"ms":600000}"#;
    let first = send(&old_way, "bad__sleep", sleep).await;
    let second = send(&new_way, "bad__sleep", sleep).await;
    let before = identify(&old_way, "bad").await; // after the call before it
    assert_eq!(identify(&new_way, "bad").await, before);

    let struck = Instant::now();
    strike(&old_way, &before).await;
    before.gone(DEADLINE).await;
    stage.struck(format!("pid {} is gone", before.pid));

    let answers = [
        fleet::answer(&old_way, first).await,
        fleet::answer(&new_way, second).await,
    ];
    stage.within(
        "errors over both transports after",
        struck.elapsed(),
        AT_ONCE,
    );
    let say_it = |answer: &fleet::Answer| answer.is_error && answer.text.contains("bad");
    stage.holds("the errors name the server", answers.iter().all(say_it));
    let after = fleet::successor(&old_way, "bad", &before, DEADLINE).await;
    stage.within("ready again after", struck.elapsed(), BACK);
    let same = identify(&new_way, "bad").await == after;
    stage.holds("by both transports", same);
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f03_exits_when_idle() {
    let mut stage = Stage::open(3, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let before = identify(&client, "bad").await;
    let mark = stage.gateway.log_mark();
    let answer = fleet::answer(
        &client,
        send(&client, "bad__exit", r#"{"code":0,"ms":200}"#).await,
    );
    assert_eq!(answer.await.text, "soon");
    before.gone(DEADLINE).await;
    let struck = Instant::now();
    stage.struck(format!("pid {} is gone", before.pid));

    // Nobody calls it: it comes back all the same.
    let line = "Server 'bad' started";
    let gateway = &stage.gateway;
    gateway.wait_for_log_after(mark, line, DEADLINE).await;
    stage.within("ready again after", struck.elapsed(), BACK);
    let after = identify(&client, "bad").await;
    stage.holds("by another process", after.pid != before.pid);
    let lines = stage.gateway.logs();
    let of_it: Vec<_> = lines.iter().filter(|line| line.contains("'bad'")).collect();
    let exit = of_it
        .iter()
        .any(|line| says_how(line, "exited with code 0"));
    stage.holds("the log says how it ended", exit);
    let errors = of_it.iter().filter(|line| line.contains("[ERROR]")).count();
    stage.at_most("errors in the log", &errors, &0);
    client.close().await;
    stage.close().await;
}

/// The ladder of five minutes in 5 s: each step is a sixtieth.
#[tokio::test]
async fn f04_crash_loop() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let diary = directory.path().join("starts");
    let starts = || lines(&diary);
    let flags = [
        "--exit-at-start",
        "3",
        "--diary",
        diary.to_str().expect("text"),
    ];
    let ladder = json!({
        "restart_delay": real_or(0.5 / 60.0, 0.5),
        "max_restart_delay": real_or(1.0, 60.0),
    });
    let start = Instant::now();
    let mut stage = Stage::with(4, &[fixture("bad", &flags)], &ladder, |options| options).await;
    let period = Duration::from_secs(real_or(5, 300));
    time::sleep_until(start + period).await;
    stage.at_most("starts in the first 5 minutes", &starts(), &12);

    // What the loop costs at its slowest, with nobody calling; the kernel counts in ticks of 10 ms.
    stage.pause().await;
    let before = (starts(), cpu(&stage));
    let measured = Instant::now();
    wait::until("more starts", Duration::from_secs(300), async || {
        (starts() >= before.0 + real_or(4, 2)).then_some(())
    })
    .await;
    let share =
        cpu(&stage).saturating_sub(before.1).as_secs_f64() / measured.elapsed().as_secs_f64();
    let most = real_or(0.05, 0.01); // with 60 times as many starts
    stage.at_most("share of a core", &share, &most);
    stage.struck(format!("{} starts", starts()));
    stage.close().await;
}

fn cpu(stage: &Stage) -> Duration {
    proc::cpu_time(stage.gateway.pid()).expect("it runs")
}

/// How many there are in a file.
pub(crate) fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}
