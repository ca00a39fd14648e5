//! Rows 26 to 28: odd bytes on stdout, and answers nested so deep that a reader by recursion dies of them.

use std::time::Duration;

use serde_json::json;

use super::metrics;
use super::stage::Stage;
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet::{Answer, echo};
use crate::support::proc;
use crate::support::servers::{bare, fixture};
use crate::support::streamable::Endpoint;

/// The counter of lines that were no message.
const DROPPED: (&str, &[(&str, &str)]) = ("mcproxy_lines_dropped_total", &[("server", "bad")]);

#[tokio::test]
async fn f26_invalid_utf8() {
    let mut stage = Stage::open(26, &[fixture("bad", &["--invalid-utf8"])]).await;
    let client = stage.client::<Sse>().await;
    for number in 0..300 {
        let text = format!("{number} é €");
        assert_eq!(echo(&client, "bad", &text).await.text, text);
    }
    let dropped = metrics::at_least(&stage.gateway, DROPPED, 300.0, DEADLINE).await;
    stage.struck(format!("300 answers, {dropped} lines dropped"));
    stage.holds("every answer arrived", true);

    // One that is an answer itself must not leave its call waiting.
    let spoiled = r#"{"jsonrpc":"2.0","id":$ID,"result":{"text":"$FF"}}"#;
    let arguments = json!({ "stdout": format!("{spoiled}\n"), "silent": true }).to_string();
    let answer = Answer::of(&client.call_tool("bad__echo", &arguments).await);
    stage.holds(
        "an answer that is not UTF-8 is an error for its call",
        answer.is_error && answer.text.contains("can't be used"),
    );
    stage.holds(
        "nothing else reached the client",
        client.unclaimed().is_empty() && client.notifications().is_empty(),
    );
    client.close().await;
    stage.close().await;
}

/// How many progress notifications there are.
const STEPS: usize = 200;

#[tokio::test]
async fn f27_odd_bytes() {
    // The mark stands before the first message of one, which otherwise would stand behind a line of NUL bytes.
    let (marked, odd) = (["--bom", "--crlf"], ["--nul", "--crlf", "--blank-lines"]);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let lines = [bare(&marked, &[ping]), bare(&odd, &[ping])].concat();
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(has("\0") && has("\u{feff}{") && has(" \t "), "{lines:?}");

    let entries = [fixture("bad", &odd), fixture("marked", &marked)];
    let mut stage = Stage::open(27, &entries).await;
    let client = stage.client::<Sse>().await;
    let params = format!(
        r#"{{"name":"bad__sleep","arguments":{{"ms":1000,"steps":{STEPS}}},"_meta":{{"progressToken":"p"}}}}"#
    );
    let answer = client.call("tools/call", Some(&params), DEADLINE).await;
    assert_eq!(Answer::of(&answer).text, "slept");
    for number in 0..150 {
        for server in ["bad", "marked"] {
            let text = format!("{number}");
            assert_eq!(echo(&client, server, &text).await.text, text);
        }
    }
    let dropped = metrics::at_least(&stage.gateway, DROPPED, 350.0, DEADLINE).await;
    stage.struck(format!(
        "{dropped} lines dropped; on bare pipes they say for a ping: {lines:?}"
    ));
    stage.holds("301 answers of 301 arrived", true);
    let steps = client.notifications();
    let is_it =
        |(step, raw): (usize, &String)| raw.contains(&format!(r#""message":"step {step}""#));
    let in_order = (1..).zip(&steps).all(is_it);
    stage.holds(
        &format!("{STEPS} notifications of {STEPS} arrived in order"),
        steps.len() == STEPS && in_order,
    );
    client.close().await;
    stage.close().await;
}

const DEPTH: usize = 1_000_000;
/// What a depth costs is measured on answers that do not hold up a debug build for long.
const MEASURED: usize = 100_000;
const ROUNDS: u32 = 20;
/// What a deep answer may cost more per MB: 1 ms is meant, a debug build and a clock that ticks every 10 ms have more.
const PER_MB: Duration = Duration::from_millis(50);

/// Calls for an answer of two bytes per depth. It is not parsed; what it took of the gateway's own time.
async fn nested(endpoint: &Endpoint, pid: u32, depth: usize, is_flat: bool) -> (Duration, String) {
    let arguments = json!({ "depth": depth, "flat": is_flat }).to_string();
    let cpu = || proc::cpu_time(pid).expect("it runs");
    let before = cpu();
    let answer = endpoint.call_tool("bad__nested", &arguments).await;
    (cpu().saturating_sub(before), answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_deep_answer() {
    let mut stage = Stage::open(28, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let endpoint = Endpoint::initialized(stage.gateway.addr(), "2025-11-25").await;
    let pid = stage.gateway.pid();
    let (opening, closing) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
    let deep = opening.clone() + &closing;
    let (_, answer) = nested(&endpoint, pid, DEPTH, false).await;
    assert!(answer.contains(&deep), "{answer:.200}");
    stage.struck(format!("{} bytes came through {DEPTH} deep", deep.len()));
    let mut cost = [Duration::ZERO; 2];
    for _ in 0..ROUNDS {
        for is_flat in [false, true] {
            let (took, answer) = nested(&endpoint, pid, MEASURED, is_flat).await;
            assert!(answer.len() > 2 * MEASURED, "{answer:.200}");
            cost[usize::from(is_flat)] += took;
        }
    }
    let megabytes = ROUNDS * u32::try_from(2 * MEASURED / 1000).expect("it fits") / 1000;
    let [deep, flat] = cost.map(|all| all / megabytes);
    let more = deep.saturating_sub(flat);
    stage.within(
        "the gateway's time per MB, more than of a flat one",
        more,
        PER_MB,
    );

    // It never ends: not JSON, so that its call gets an error.
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{\"x\":{opening}}}}}\n");
    let arguments = json!({ "stdout": line, "silent": true }).to_string();
    let answer = Answer::of(&client.call_tool("bad__echo", &arguments).await);
    stage.holds(
        "one that is never closed is an error for its call",
        answer.is_error && answer.text.contains("can't be used"),
    );
    stage.holds("the gateway lives", proc::is_alive(pid));
    assert_eq!(echo(&client, "bad", "on").await.text, "on");
    client.close().await;
    stage.close().await;
}
