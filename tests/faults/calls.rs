//! Row 13: calls that are never answered, or too late.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::metrics;
use super::stage::{Stage, wait as real_or};
use crate::support::client::{Client, DEADLINE, Sse, Streamable, Transport};
use crate::support::fleet::{self, Answer, identify};
use crate::support::servers::{fixture, text_of};
use crate::support::wait;

fn timeout() -> Duration {
    Duration::from_secs(real_or(1, 300))
}

/// A call that times out: how long that took, and what was said.
async fn times_out<T: Transport>(
    client: &Client<T>,
    tool: &str,
    arguments: &str,
) -> (Duration, Answer) {
    let params = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
    let start = Instant::now();
    let answer = client
        .call("tools/call", Some(&params), timeout() + DEADLINE)
        .await;
    (start.elapsed(), Answer::of(&answer))
}

#[tokio::test]
async fn f13_never_answers() {
    let mut bad = fixture("bad", &["--hang-on", "abort"]);
    bad["call_timeout"] = json!(timeout().as_secs());
    let mut stage = Stage::open(13, &[bad]).await;
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let before = identify(&old_way, "bad").await;

    // Answered half a second too late, on each transport.
    let slow = json!({ "ms": timeout().as_millis() + 500, "ignore_cancel": true }).to_string();
    let (first, second) = tokio::join!(
        times_out(&old_way, "bad__sleep", &slow),
        times_out(&new_way, "bad__sleep", &slow),
    );
    on_time(&mut stage, "HTTP+SSE", &first);
    on_time(&mut stage, "Streamable HTTP", &second);
    let late = (
        "mcproxy_answers_dropped_total",
        [("server", "bad"), ("reason", "late")],
    );
    let dropped = metrics::at_least(&stage.gateway, (late.0, &late.1), 2.0, DEADLINE).await;
    stage.struck(format!("{dropped} answers came too late and were dropped"));
    let cancels = text_of(&old_way.call_tool("bad__received_cancels", "{}").await);
    let cancels: Vec<Value> = serde_json::from_str(&cancels).expect("a list");
    let is_number = |cancel: &Value| cancel["requestId"].is_u64();
    stage.holds(
        "the server is told of each",
        cancels.len() == 2 && cancels.iter().all(is_number),
    );

    // Three in a row without a word; answers in between would be one.
    for _ in 0..3 {
        let silent = times_out(&old_way, "bad__abort", "{}").await;
        on_time(&mut stage, "never answered", &silent);
    }
    before.gone(DEADLINE).await;
    stage.struck(format!(
        "pid {} is gone after the third in silence",
        before.pid
    ));
    fleet::successor(&new_way, "bad", &before, DEADLINE).await;
    stage.holds("restarted after the third in a row", true);
    let in_flight = "mcproxy_calls_in_flight";
    wait::until("nothing in flight", DEADLINE, async || {
        let sum = metrics::sum(&stage.gateway, in_flight, &[("server", "bad")]).await;
        (sum.abs() < 0.5).then_some(())
    })
    .await;
    stage.holds("nothing in flight at the end", true);
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}

/// At the timeout, or a second after it.
fn on_time(stage: &mut Stage, what: &str, (took, answer): &(Duration, Answer)) {
    let is_told = answer.is_error && answer.text.contains("call_timeout");
    assert!(is_told, "{answer:?}");
    let off = took.abs_diff(timeout());
    stage.within(
        &format!("{what}: an error, off by"),
        off,
        Duration::from_secs(1),
    );
}
