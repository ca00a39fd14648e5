//! Rows 160 to 163: whoever makes the gateway say something makes it say that without end.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::{Stage, configuration, wait as real_or};
use crate::support::client::{DEADLINE, Streamable};
use crate::support::http;
use crate::support::servers::fixture;
use crate::support::streamable::Endpoint;
use crate::support::wait;

/// So much may be added to the log in a minute, whatever happens.
const MEGABYTE: usize = 1_000_000;

/// How long the noise lasts: what may be said at once is part of the figure.
fn noise() -> Duration {
    real_or(Duration::from_secs(15), Duration::from_secs(60))
}

/// Does `step` all the time; how often.
async fn repeat(mut step: impl AsyncFnMut(usize)) -> usize {
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < noise() {
        step(count).await;
        count += 1;
    }
    count
}

/// Demands that since `mark` and `start` no more was logged than may be.
fn demand(stage: &mut Stage, what: &str, mark: usize, start: Instant) {
    let lines = stage.gateway.logs();
    let logged: usize = lines.iter().skip(mark).map(|line| line.len() + 1).sum();
    let milliseconds = usize::try_from(start.elapsed().as_millis()).expect("it fits");
    let minute = logged * 60_000 / milliseconds;
    stage.at_most(
        &format!("{what}: bytes logged in a minute"),
        &minute,
        &MEGABYTE,
    );
}

/// What the gateway says between two calls of a quiet server's.
async fn says(stage: &Stage, mark: usize, part: &str) -> bool {
    let line = stage.gateway.wait_for_log_after(mark, part, DEADLINE).await;
    !line.contains('…')
}

#[tokio::test]
async fn f160_stderr_of_many_servers() {
    let noisy: Vec<String> = (0..5).map(|number| format!("noisy{number}")).collect();
    let mut servers: Vec<Value> = noisy.iter().map(|name| fixture(name, &[])).collect();
    servers.push(fixture("quiet", &[]));
    let mut stage = Stage::open(160, &servers).await;
    let (mark, start) = (stage.gateway.log_mark(), Instant::now());
    let text = format!("{}\n", "L".repeat(1_000)).repeat(50);
    let arguments = json!({ "stderr": text }).to_string();
    let mut clients = Vec::new();
    for name in &noisy {
        clients.push((format!("{name}__echo"), stage.client::<Streamable>().await));
    }
    let flood = clients
        .iter()
        .map(|(tool, client)| repeat(async |_| drop(client.call_tool(tool, &arguments).await)));
    let calls: usize = join_all(flood).await.into_iter().sum();
    stage.struck(format!("{} lines of 1000 bytes on stderr", calls * 50));
    demand(&mut stage, "stderr", mark, start);
    let client = stage.client::<Streamable>().await;
    let arguments = json!({ "stderr": "a word of mine\n" }).to_string();
    client.call_tool("quiet__echo", &arguments).await;
    let is_said = says(&stage, mark, "'quiet' stderr: a word of mine").await;
    stage.holds("the quiet one is heard", is_said);
    client.close().await;
    stage.close().await;
}

/// So many names beyond every model's limit, others each time.
fn names(number: usize) -> String {
    let name = |index: usize| format!("n{number}-{index}-{}", "x".repeat(900));
    json!({ "names": (0..500).map(name).collect::<Vec<_>>() }).to_string()
}

#[tokio::test]
async fn f161_names_that_change() {
    let servers = [fixture("bad", &[]), fixture("other", &[])];
    let mut stage = Stage::open(161, &servers).await;
    let client = stage.client::<Streamable>().await;
    let (mark, start) = (stage.gateway.log_mark(), Instant::now());
    let refusal = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"no"}}"#;
    let refusals = json!({ "stdout": format!("{refusal}\n").repeat(1_000) }).to_string();
    let calls = repeat(async |number| {
        client.call_tool("bad__set_tools", &names(number)).await;
        client.call_tool("bad__echo", &refusals).await;
    })
    .await;
    stage.struck(format!(
        "500 names of 900 characters, {calls} times others; {} errors without an id",
        calls * 1_000
    ));
    demand(&mut stage, "names and errors", mark, start);
    client.call_tool("other__exit", r#"{"code":3}"#).await;
    let is_said = says(&stage, mark, "Server 'other' exited with code 3").await;
    stage.holds("the end of another server is said", is_said);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f162_sessions_in_a_loop() {
    let limit = json!({ "max_sessions": 20 });
    let mut stage = Stage::with(162, &[], &limit, |options| options).await;
    let addr = stage.gateway.addr();
    let mut known = Vec::new();
    for _ in 0..40 {
        known.push(Endpoint::initialized(addr, "2025-11-25").await);
    }
    let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
    let (mark, start) = (stage.gateway.log_mark(), Instant::now());
    let adopted = repeat(async |number| {
        let endpoint = known.get(number % known.len()).expect("it is one of them");
        drop(endpoint.post(ping).await);
    })
    .await;
    stage.struck(format!(
        "{adopted} requests of 40 sessions where 20 have room"
    ));
    demand(&mut stage, "sessions taken up", mark, start);

    let (mark, start) = (stage.gateway.log_mark(), Instant::now());
    let opened = repeat(async |_| {
        let endpoint = Endpoint::initialized(addr, "2025-11-25").await;
        assert!(endpoint.delete().await.status < 300);
    })
    .await;
    stage.struck(format!("{opened} sessions opened and deleted"));
    demand(&mut stage, "sessions deleted", mark, start);

    let (mark, start) = (stage.gateway.log_mark(), Instant::now());
    let (long, unknown) = (format!("/x{}", "A".repeat(3_000)), "Z".repeat(84));
    let json = ("content-type", "application/json");
    let refused = repeat(async |_| {
        let response = http::request(addr, "GET", &long, &[("host", "evil.com")], b"").await;
        assert_eq!(response.status, 421);
        let headers = [json, ("mcp-session-id", &*unknown)];
        let response = http::request(addr, "POST", "/mcp", &headers, b"{}").await;
        assert!(response.status >= 400);
        let response = http::request(addr, "POST", "/mcp", &[json], b"{[").await;
        assert!(response.status >= 400);
    })
    .await;
    stage.struck(format!("{} requests refused", 3 * refused));
    demand(&mut stage, "refused requests", mark, start);
    stage.close().await;
}

/// The values of the label `server` in the metrics.
async fn counted(stage: &Stage) -> BTreeSet<String> {
    let text = http::get(stage.gateway.addr(), "/metrics").await.text();
    let label = |line: &str| {
        let (_, rest) = line.split_once("server=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    text.lines().filter_map(label).collect()
}

#[tokio::test]
async fn f163_configuration_in_a_loop() {
    let mut stage = Stage::open(163, &[]).await;
    let (mark, start) = (stage.gateway.log_mark(), Instant::now());
    let entries = |number: usize| {
        let wrong =
            |index: usize| json!({ "name": format!("{} {index}", "w".repeat(900)), "comand": "x" });
        let mut entries: Vec<Value> = (0..200).map(wrong).collect();
        entries.push(fixture(&format!("s{number}"), &[]));
        entries
    };
    let saves = repeat(async |number| {
        let text = configuration(&entries(number), &json!({}));
        stage.gateway.rename_config(&text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    })
    .await;
    stage.struck(format!("{saves} saves with 200 wrong entries each"));
    demand(&mut stage, "saves", mark, start);
    let last = configuration(&[fixture("last", &[])], &json!({}));
    stage.gateway.rename_config(&last);
    wait::until("what was saved last, alone", DEADLINE, async || {
        let servers = counted(&stage).await;
        let is_it = servers.contains("last") && servers.len() == 10;
        is_it.then_some(())
    })
    .await;
    stage.holds("only the last one's servers are counted", true);
    stage.close().await;
}
