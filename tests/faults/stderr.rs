//! Rows 24 and 25: what servers say on stderr.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::metrics;
use super::stage::{Stage, wait};
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet::{echo, identify};
use crate::support::proc;
use crate::support::servers::{fixture, text_of};

/// The label of what is counted of the server.
const SERVER: &[(&str, &str)] = &[("server", "bad")];
/// So much may a noisy server add to the log in a minute.
const MEGABYTE: u64 = 1_000_000;

#[tokio::test]
async fn f24_stderr_flood() {
    let mut stage = Stage::open(24, &[fixture("bad", &["--noisy-stderr"])]).await;
    let client = stage.client::<Sse>().await;
    let pid = identify(&client, "bad").await.pid;
    let flooded = || proc::written(pid).expect("it runs");
    let (before, mark) = (flooded(), stage.gateway.log_mark());
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    while start.elapsed() < wait(Duration::from_secs(5), Duration::from_secs(60))
        || flooded() - before < 100 * MEGABYTE
    {
        let asked = Instant::now();
        assert_eq!(echo(&client, "bad", "x").await.text, "x");
        slowest = slowest.max(asked.elapsed());
    }
    let took = start.elapsed();
    let bytes = flooded() - before;
    let dropped = ("mcproxy_stderr_lines_dropped_total", SERVER);
    let dropped = metrics::at_least(&stage.gateway, dropped, 1000.0, DEADLINE).await;
    stage.struck(format!(
        "{} MB on stderr in {took:.1?}, {dropped} lines of it dropped",
        bytes / MEGABYTE
    ));
    stage.holds(
        "it is the same process",
        identify(&client, "bad").await.pid == pid,
    );
    stage.within("its slowest call", slowest, Duration::from_secs(1));
    let lines = stage.gateway.logs();
    let logged: usize = lines.iter().skip(mark).map(|line| line.len() + 1).sum();
    let minute = logged as u64 * 60_000 / u64::try_from(took.as_millis()).expect("it fits");
    stage.at_most("bytes logged in a minute", &minute, &MEGABYTE);
    stage
        .gateway
        .wait_for_log_after(mark, "suppressed", DEADLINE)
        .await;
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f25_binary_stderr() {
    let mut stage = Stage::open(25, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let controls: String = (0..0x20_u32)
        .chain(0x7F..0xA0)
        .chain([0x2028, 0x2029, 0x202E])
        .filter_map(char::from_u32)
        .filter(|c| *c != '\n')
        .collect();
    let forged = "\r2025-01-01 00:00:00,000 [ERROR] forged";
    let huge = "L".repeat(512 << 10);
    let stderr = format!("$FF$FF{controls}$FF{forged}\n{huge}\nthe next\n");
    let mark = stage.gateway.log_mark();
    let arguments = json!({ "stderr": stderr, "text": "x" }).to_string();
    let answer = client.call_tool("bad__echo", &arguments).await;
    assert_eq!(text_of(&answer), "x");
    stage.struck(format!(
        "{} bytes, {} control characters among them, a line of 512 KiB",
        stderr.len(),
        controls.chars().count()
    ));

    stage
        .gateway
        .wait_for_log_after(mark, "stderr: the next", DEADLINE)
        .await;
    let lines = stage.gateway.logs();
    let said: Vec<&String> = lines
        .iter()
        .skip(mark)
        .filter(|line| line.contains("'bad' stderr: "))
        .collect();
    stage.at_most("lines of the log for 3 lines", &said.len(), &3);
    stage.holds(
        "the binary one and the huge one are there",
        said.iter().any(|line| line.contains("[ERROR] forged"))
            && said.iter().any(|line| line.ends_with("L … (cut)")),
    );
    let longest = said.iter().map(|line| line.len()).max();
    stage.at_most("bytes of the longest", &longest.unwrap_or(0), &8400);
    let acts = |c: char| c.is_control() || "\u{2028}\u{2029}\u{202e}".contains(c);
    let acting = lines.iter().filter(|line| line.contains(acts)).count();
    stage.at_most("lines with a control character", &acting, &0);
    client.close().await;
    stage.close().await;
}
