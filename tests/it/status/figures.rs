//! A server's figures: how long its calls take, how many fail, what it offers, what its processes use.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{SOON, scrape, server, server_in, value_is};
use crate::support::gateway::fixture_server;
use crate::support::servers::{fixture, gateway, serve_ready};
use crate::support::{proc, wait};

fn of(metric: &str) -> String {
    format!(r#"mcproxy_{metric}{{server="a"}}"#)
}

fn up_to(bound: &str) -> String {
    format!(r#"mcproxy_call_duration_seconds_bucket{{le="{bound}",server="a"}}"#)
}

#[tokio::test]
async fn calls_are_told_by_how_long_they_took_and_by_the_minute() {
    let mut entry = fixture("a", &["--hang-on", "abort"]);
    entry["call_timeout"] = json!(1);
    let (gateway, client) = serve_ready(&[entry]).await;
    let calls = async || server(&gateway, "a").await["calls"].clone();
    let none = calls().await;
    assert_eq!(
        (
            &none["total"],
            &none["failed"],
            &none["p50_ms"],
            &none["p99_ms"]
        ),
        (&json!(0), &json!(0), &Value::Null, &Value::Null)
    );
    for _ in 0..3 {
        client.call_tool("a__echo", r#"{"text":"x"}"#).await;
    }
    client.call_tool("a__sleep", r#"{"ms":300}"#).await;
    let refused = r#"{"name":"a__fail","arguments":{"error":{"code":-32602,"message":"no"}}}"#;
    let answer = client.call("tools/call", Some(refused), SOON).await;
    assert!(answer.contains(r#""error""#), "{answer}");
    client.call_tool("a__abort", "{}").await;

    let told = wait::until("all calls to be told of", SOON, async || {
        let calls = calls().await;
        (calls["total"] == 6).then_some(calls)
    })
    .await;
    assert_eq!(
        told["failed"], 2,
        "an error, and one that timed out: {told}"
    );
    let minutes = told["per_minute"].as_array().expect("a list");
    let sum: u64 = minutes.iter().filter_map(Value::as_u64).sum();
    assert_eq!((minutes.len(), sum), (60, 6), "{told}");
    assert!(
        minutes.iter().rev().take(3).any(|calls| *calls != 0),
        "{told}"
    );
    let (p50, p99) = (told["p50_ms"].as_f64(), told["p99_ms"].as_f64());
    assert!(p50.is_some_and(|ms| ms > 0.0 && ms <= 500.0), "{told}");
    assert!(
        p99.is_some_and(|ms| (500.0..=5000.0).contains(&ms)),
        "{told}"
    );

    let scrape = scrape(&gateway).await;
    let value = |series: &str| scrape.value(series);
    assert_eq!(value(&of("call_duration_seconds_count")), Some(6.0));
    assert_eq!(value(&up_to("+Inf")), Some(6.0));
    assert!(value(&of("call_duration_seconds_sum")) >= Some(1.3));
    assert!(
        value(&up_to("0.25")) <= Some(4.0),
        "the slow ones are above"
    );
    assert_eq!(value(&of("call_errors_total")), Some(1.0));
}

#[tokio::test]
async fn what_clients_are_offered_and_restarts_are_metrics() {
    let (gateway, _client) = serve_ready(&[fixture("a", &["--tools", "5"])]).await;
    let said = server_in(&gateway, "a", "ready").await;
    let before = scrape(&gateway).await;
    for (metric, member) in [
        ("server_tools", "tools"),
        ("server_tools_bytes", "tools_bytes"),
        ("server_tools_tokens", "tools_tokens"),
    ] {
        assert!(said[member].as_u64() > Some(4), "{said}");
        assert_eq!(before.value(&of(metric)), said[member].as_f64(), "{metric}");
    }
    assert_eq!(before.value(&of("server_restarts_total")), Some(0.0));
    assert_eq!(before.value("mcproxy_sessions_limit"), Some(1000.0));
    let pid = said["pid"].as_u64().expect("a pid");
    assert!(proc::send(
        u32::try_from(pid).expect("it fits"),
        Signal::SIGKILL
    ));
    value_is(&gateway, &of("server_restarts_total"), 1.0).await;
    server_in(&gateway, "a", "ready").await;
    value_is(&gateway, &of("server_crash_looping"), 0.0).await;
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_a_metric() {
    let gateway = gateway(&[fixture("a", &["--exit-at-start", "7"])]).await;
    value_is(&gateway, &of("server_crash_looping"), 1.0).await;
    server_in(&gateway, "a", "crash-looping").await;
    // One of its short lives may just have been looked at.
    wait::until("it has no processes", SOON, async || {
        let processes = &server(&gateway, "a").await["processes"];
        (*processes == Value::Null).then_some(())
    })
    .await;
}

#[tokio::test]
async fn processes_are_those_of_the_whole_tree() {
    let program = fixture_server().to_str().expect("a path").to_owned();
    let script = format!("setsid sleep 600 & sleep 600 & {program}; true");
    let wrapped = json!({ "name": "a", "command": "sh", "args": ["-c", script] });
    let (gateway, _client) = serve_ready(&[wrapped, fixture("b", &[])]).await;
    let used = wait::until("its processes", SOON, async || {
        let used = server(&gateway, "a").await["processes"].clone();
        (used["count"] == 4).then_some(used)
    })
    .await;
    assert!(used["memory_bytes"].as_u64() > Some(100_000), "{used}");
    for member in ["cpu_seconds", "cpu_percent"] {
        assert!(used[member].as_f64().is_some_and(|it| it >= 0.0), "{used}");
    }
    assert_eq!(server(&gateway, "b").await["processes"]["count"], 1);
    let scrape = scrape(&gateway).await;
    assert_eq!(scrape.value(&of("server_processes")), Some(4.0));
    assert!(scrape.value(&of("server_memory_bytes")) > Some(100_000.0));
    assert!(scrape.value(&of("server_cpu_seconds_total")).is_some());
}
