//! The limits of servers: what they say and do not read, how many there are, and how soon they are restarted.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{SOON, file, gateway};
use crate::support::servers::{fixture, join, text_of};

#[tokio::test]
async fn servers_beyond_the_limit_are_refused_and_those_that_run_go_on() {
    let servers = [fixture("a", &[]), fixture("b", &[]), fixture("c", &[])];
    let gateway = gateway(&json!({ "max_servers": 2 }), &servers).await;
    gateway
        .wait_for_log("there are more servers than 'max_servers' allows", SOON)
        .await;
    gateway.wait_for_log("configuration: 2 servers", SOON).await;
    let client = join(&gateway).await;
    let pid = text_of(&client.call_tool("b__pid", "{}").await);
    assert!(client.call_tool("c__echo", "{}").await.contains("error"));

    let mark = gateway.log_mark();
    gateway.write_config(&file(&json!({ "max_servers": 1 }), &servers));
    let said = gateway.wait_for_log_after(mark, "reload: gateway: max_servers 2 -> 1", SOON);
    said.await;
    assert_eq!(text_of(&client.call_tool("b__pid", "{}").await), pid);
}

#[tokio::test]
async fn what_a_server_says_is_cut_and_counted() {
    let limits = json!({
        "max_line_bytes": "64KiB", "max_stderr_line_bytes": 80, "stderr_lines_per_second": 1
    });
    let gateway = gateway(&limits, &[fixture("a", &[])]).await;
    let client = join(&gateway).await;
    let answer = client.call_tool("a__huge", r#"{"bytes":1000000}"#).await;
    assert!(
        answer.contains("error") || answer.contains("isError"),
        "{answer:.300}"
    );
    let lines = format!("{}\n{}", "y".repeat(200), "line\n".repeat(50));
    let arguments = json!({ "stderr": lines }).to_string();
    client.call_tool("a__echo", &arguments).await;
    let cut = gateway.wait_for_log("(cut)", SOON).await;
    assert!(!cut.contains(&"y".repeat(81)), "{cut}");
    gateway.wait_for_log("lines suppressed", SOON).await;
    let said = gateway
        .logs()
        .into_iter()
        .filter(|line| line.ends_with("stderr: line"));
    assert!(said.count() <= 10);
}

#[tokio::test]
async fn a_server_that_reads_nothing_is_restarted_when_it_is_set() {
    let limits = json!({ "stdin_timeout": 0.3, "restart_delay": 0.05, "max_restart_delay": 0.05 });
    let gateway = gateway(&limits, &[fixture("a", &["--stop-reading"])]).await;
    let client = join(&gateway).await;
    let text = "x".repeat(1 << 20);
    let echo = json!({ "name": "a__echo", "arguments": { "text": text } }).to_string();
    client.request("tools/call", Some(&echo)).await;
    client.request("tools/call", Some(&echo)).await;
    gateway
        .wait_for_log("did not read its stdin for too long", SOON)
        .await;
    let again = gateway.wait_for_log("is started again in", SOON).await;
    assert!(
        again.contains("in 0.0 s") || again.contains("in 0.1 s"),
        "{again}"
    );
}

#[tokio::test]
async fn the_calls_of_a_changed_server_have_the_time_that_is_set() {
    let flags = ["--hang-on", "abort"];
    let limits = json!({ "drain_timeout": 0.2 });
    let gateway = gateway(&limits, &[fixture("a", &flags)]).await;
    let client = join(&gateway).await;
    client.call_tool("a__echo", "{}").await;
    let id = client
        .request("tools/call", Some(r#"{"name":"a__abort","arguments":{}}"#))
        .await;
    client.call_tool("a__echo", "{}").await;
    let changed = Instant::now();
    gateway.write_config(&file(&limits, &[fixture("a", &["--marker", "new"])]));
    client.wait_response(id, SOON).await;
    // The default is 5 s, and to see the change takes one at most.
    assert!(
        changed.elapsed() < Duration::from_secs(5),
        "{:?}",
        changed.elapsed()
    );
}

#[tokio::test]
async fn the_delay_of_restarts_doubles_up_to_what_is_set() {
    let limits = json!({ "restart_delay": 0.1, "max_restart_delay": 0.4 });
    let gateway = gateway(&limits, &[fixture("a", &["--exit-at-start", "1"])]).await;
    gateway.wait_for_log("(failure 8 in a row)", SOON).await;
    let wait = |line: &String| {
        let (_, rest) = line.split_once("is started again in ")?;
        rest.split(' ').next()?.parse::<f64>().ok()
    };
    let waits: Vec<f64> = gateway.logs().iter().filter_map(wait).collect();
    // 20 % more or less, and rounded.
    assert!(waits[0] < 0.2, "{waits:?}");
    let is_most = |wait: &f64| (0.3..=0.5).contains(wait);
    // Of failures that repeat the first, second, fourth and eighth are said.
    assert!(waits[2..4].iter().all(is_most), "{waits:?}");
}
