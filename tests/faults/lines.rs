//! Rows 8 to 11: lines that are no messages, or no lines.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::metrics;
use super::stage::{Stage, wait as real_or};
use crate::support::client::{Client, DEADLINE, Sse, SseClient, Streamable, Transport};
use crate::support::fleet::{self, Answer};
use crate::support::proc::{self, Sampling};
use crate::support::servers::{bare, fixture};
use crate::support::wait;

const MIB: u64 = 1 << 20;
/// Of a line that can't be used.
const UNUSABLE: &str = "can't be used";

/// So many bytes more, or less.
fn more(now: u64, before: u64) -> i64 {
    i64::try_from(now).expect("it fits") - i64::try_from(before).expect("it fits")
}

fn mib(count: u64) -> i64 {
    i64::try_from(count * MIB).expect("it fits")
}

/// A call that must succeed.
async fn echo<T: Transport>(client: &Client<T>, text: &str) {
    let answer = fleet::echo(client, "bad", text).await;
    assert_eq!((answer.text.as_str(), answer.is_error), (text, false));
}

#[tokio::test]
async fn f08_junk_before_json() {
    let flags = ["--banner", "--garbage"];
    let said = bare(&flags, &[r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#]);
    let start = Instant::now();
    let mut stage = Stage::open(8, &[fixture("bad", &flags)]).await;
    stage.struck(format!("{:?} comes before {:?}", said[0], said[2]));
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    for number in 0..100 {
        echo(&old_way, &format!("old {number}")).await;
        echo(&new_way, &format!("new {number}")).await;
    }
    stage.holds("initialized, and 200 calls are answered", true);
    let mut lines = stage.gateway.logs();
    lines.retain(|line| line.contains(UNUSABLE));
    let periods = 1 + start.elapsed().as_secs() / 10;
    let most = usize::try_from(periods).expect("small");
    stage.at_most("log lines in 10 s", &lines.len().div_ceil(most), &1);
    let is_shown = lines.iter().any(|line| line.contains("ready to misbehave"));
    stage.holds("with an excerpt", is_shown);
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f09_junk_interleaved() {
    let bad = fixture("bad", &["--flood-junk", "10000"]);
    let mut stage = Stage::open(9, &[bad]).await;
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let pid = stage.gateway.pid();
    let cpu = || proc::cpu_time(pid).expect("it runs");
    let name = "mcproxy_lines_dropped_total";
    let series: (&str, &[(&str, &str)]) = (name, &[("server", "bad")]);

    let period = Duration::from_secs(2);
    let calling = Instant::now();
    let mut calls = 0;
    while calling.elapsed() < period {
        echo(&old_way, &format!("old {calls}")).await;
        echo(&new_way, &format!("new {calls}")).await;
        calls += 2;
    }
    stage.at_most("calls without an answer", &0, &0);

    stage.pause().await;
    let before = (
        cpu(),
        metrics::sum(&stage.gateway, series.0, series.1).await,
    );
    let start = Instant::now();
    let enough = before.1 + 30_000.0;
    let dropped = metrics::at_least(&stage.gateway, series, enough, DEADLINE).await - before.1;
    let took = start.elapsed();
    let share = (cpu() - before.0).as_secs_f64() / took.as_secs_f64();
    let rate = dropped / took.as_secs_f64();
    stage.struck(format!("{rate:.0} lines of junk a second, {calls} calls"));
    stage.holds("as many as it should", rate > 8_000.0);
    stage.at_most("share of a core", &share, &0.5);
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f10_gigantic_line() {
    const LIMIT: u64 = 64 * MIB;
    const SIZE: u64 = 1024 * MIB;
    let mut stage = Stage::open(10, &[fixture("bad", &[])]).await;
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    echo(&old_way, "before").await;
    let pid = stage.gateway.pid();
    for is_id_last in [false, true] {
        let before = proc::rss(pid).expect("it runs");
        proc::forget_peak(pid);
        // What it said before the line is answered, though it is read together with it.
        let earlier = fleet::send(&new_way, "bad__echo", r#"{"text":"earlier"}"#).await;
        let arguments = json!({ "bytes": SIZE, "id_last": is_id_last }).to_string();
        let params = format!(r#"{{"name":"bad__huge","arguments":{arguments}}}"#);
        let asked = Instant::now();
        let answer = old_way
            .call("tools/call", Some(&params), 6 * DEADLINE)
            .await;
        let took = asked.elapsed();
        let earlier = fleet::answer(&new_way, earlier).await;
        let answer = Answer::of(&answer);
        let line = stage.gateway.wait_for_log("is too long", DEADLINE).await;
        stage.struck(format!("{} in {took:.1?}", length_of(&line)));
        let is_told = answer.is_error && answer.text.contains("too long");
        stage.holds("its call gets an error", is_told);
        stage.holds("the line before it counts", earlier.text == "earlier");
        let peak = proc::peak_rss(pid).expect("it runs");
        stage.memory("more at the peak", more(peak, before), mib(2 * LIMIT / MIB));
        echo(&old_way, "after").await;
        let given_back = wait::until("the memory to be given back", DEADLINE, async || {
            let more = more(proc::rss(pid).expect("it runs"), before);
            (more < mib(16)).then_some(more)
        });
        stage.memory("more after", given_back.await, mib(16));
    }
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}

/// What the log says of a long line: `(1073741911 bytes)`.
fn length_of(line: &str) -> String {
    let number = line.split_once(" bytes)").and_then(|(before, _)| {
        let (_, number) = before.rsplit_once('(')?;
        number.parse::<u64>().ok()
    });
    let number = number.expect("the log says how long it was");
    assert!(number > 1 << 30, "{line:.200}");
    format!("a line of {number} bytes")
}

#[tokio::test]
async fn f11_endless_line() {
    let mut bad = fixture("bad", &["--endless-line"]);
    bad["call_timeout"] = json!(2);
    let mut stage = Stage::open(11, &[bad]).await;
    let client = stage.client::<Sse>().await;
    let pid = stage.gateway.pid();
    let before = proc::rss(pid).expect("it runs");
    let server = stage.gateway.child("--endless-line").expect("it runs");
    let written = || written_by(server.pid);
    let sampling = Sampling::start(pid);
    let call = fleet::send(&client, "bad__echo", "{}").await;
    let answer = fleet::answer(&client, call).await;
    stage.holds("its call gets an error", answer.is_error);

    let start = (Instant::now(), written());
    flows_for(&client, Duration::from_secs(real_or(3, 60)), &written).await;
    let rate = (written() - start.1) / MIB / start.0.elapsed().as_secs().max(1);
    stage.struck(format!(
        "{} MiB without a newline, {rate} MiB a second",
        written() / MIB
    ));
    let seen = sampling.stop().await;
    let (first, last) = seen.split_at(seen.len() / 2);
    let peak = |part: &[u64]| part.iter().max().copied().unwrap_or_default();
    let growth = more(peak(last), peak(first));
    stage.memory("more in the second half than in the first", growth, mib(4));
    let now = proc::rss(pid).expect("it runs");
    stage.memory("more than before it", more(now, before), mib(16));
    client.close().await;
    stage.close().await;
}

/// Others' lists are asked for meanwhile; the line must go on.
async fn flows_for(client: &SseClient, period: Duration, written: &impl Fn() -> u64) {
    let start = Instant::now();
    while start.elapsed() < period {
        let before = written();
        client.call("tools/list", None, DEADLINE).await;
        wait::until("the line to go on", DEADLINE, async || {
            (written() > before).then_some(())
        })
        .await;
    }
}

/// Bytes that a process has written so far.
fn written_by(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.expect("a count").parse().expect("a number")
}
