//! Rows 18 and 19: servers that close a pipe, or do not read from it.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::Instant;

use super::stage::{Stage, wait as real_or};
use crate::support::client::{Client, DEADLINE, Sse, Streamable, Transport};
use crate::support::fleet::{self, Answer, identify};
use crate::support::proc;
use crate::support::servers::fixture;

/// From the end of a server's stdin to SIGKILL: 1.5 s to SIGTERM, 1.5 s more.
const GRACE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn f18_closes_stdout() {
    let polite = fixture("polite", &["--close-stdout"]);
    let stubborn = fixture("bad", &["--close-stdout", "--ignore-eof", "--ignore-term"]);
    let mut stage = Stage::open(18, &[polite, stubborn]).await;
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let second = Duration::from_secs(1);
    let noise = Duration::from_millis(500);
    replaced(&mut stage, &old_way, "polite", second + noise).await;
    replaced(&mut stage, &new_way, "bad", second + GRACE + noise).await;
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}

/// A call makes it close its stdout; another process is ready in time.
async fn replaced<T: Transport>(
    stage: &mut Stage,
    client: &Client<T>,
    server: &str,
    at_most: Duration,
) {
    let mark = stage.gateway.log_mark();
    let old: Vec<_> = proc::children(stage.gateway.pid());
    let call = fleet::send(client, &format!("{server}__echo"), "{}").await;
    let start = Instant::now();
    let answer = fleet::answer(client, call).await;
    let is_told = answer.is_error && answer.text.contains("closed its stdout");
    stage.holds(&format!("a call of {server} gets an error"), is_told);
    let line = format!("Server '{server}' started");
    let gateway = &stage.gateway;
    gateway.wait_for_log_after(mark, &line, DEADLINE).await;
    let took = start.elapsed();
    let gone: Vec<_> = old.iter().filter(|child| !child.is_alive()).collect();
    assert_eq!(gone.len(), 1, "{gone:?}");
    stage.struck(format!(
        "{server}: {}; pid {} is gone",
        answer.text, gone[0].pid
    ));
    stage.within(&format!("{server} started again after"), took, at_most);
}

#[tokio::test]
async fn f19_stops_reading() {
    /// Of each call.
    const SIZE: usize = 64 * 1024;
    const EACH: usize = 60;
    let stdin_timeout = Duration::from_secs(real_or(2, 10));
    let settings = json!({ "stdin_timeout": stdin_timeout.as_secs() });
    let mut stage = Stage::with(19, &[fixture("bad", &[])], &settings, |options| options).await;
    let old_way = [stage.client::<Sse>().await, stage.client::<Sse>().await];
    let new_way = stage.client::<Streamable>().await;
    let before = identify(&new_way, "bad").await;
    let pid = stage.gateway.pid();
    let base = proc::rss(pid).expect("it runs");
    proc::forget_peak(pid);

    assert!(proc::send(before.pid, Signal::SIGSTOP));
    let start = Instant::now();
    let arguments = json!({ "text": "x".repeat(SIZE) }).to_string();
    let mut ids = Vec::new();
    for client in &old_way {
        ids.push(fill(client, &arguments, EACH).await);
    }
    let others = fill(&new_way, &arguments, EACH).await;
    let state = proc::stat(before.pid).expect("it is there").state;
    stage.struck(format!("pid {} is in state {state}", before.pid));
    let patience = stdin_timeout + DEADLINE;
    let mut answers = Vec::new();
    for (client, ids) in old_way.iter().zip(ids) {
        answers.extend(answers_to(client, ids, patience).await);
    }
    answers.extend(answers_to(&new_way, others, patience).await);
    let took = start.elapsed();

    let errors = answers.iter().filter(|answer| answer.is_error).count();
    stage.holds("each call gets an error", errors == 3 * EACH);
    let hung = answers
        .iter()
        .filter(|answer| answer.text.contains("did not read its stdin"));
    let busy = answers.iter().filter(|answer| answer.text.contains("busy"));
    let (hung, busy) = (hung.count(), busy.count());
    stage.struck(format!(
        "{hung} calls waited for its stdin, {busy} were told that it is busy"
    ));
    stage.at_most("calls waiting for it", &hung, &128);
    stage.within("errors after", took, stdin_timeout + Duration::from_secs(2));
    let peak = proc::peak_rss(pid).expect("it runs");
    let more = i64::try_from(peak).expect("it fits") - i64::try_from(base).expect("it fits");
    stage.memory("more at the peak", more, 2 * 128 * 64 * 1024 + (16 << 20));
    before.gone(DEADLINE).await;
    fleet::successor(&new_way, "bad", &before, DEADLINE).await;
    stage.holds("replaced by another process", true);
    for client in old_way {
        client.close().await;
    }
    new_way.close().await;
    stage.close().await;
}

async fn fill<T: Transport>(client: &Client<T>, arguments: &str, count: usize) -> Vec<u64> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(fleet::send(client, "bad__echo", arguments).await);
    }
    ids
}

async fn answers_to<T: Transport>(
    client: &Client<T>,
    ids: Vec<u64>,
    deadline: Duration,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    for id in ids {
        answers.push(Answer::of(&client.wait_response(id, deadline).await));
    }
    answers
}
