//! Rows 26 to 28: odd bytes on stdout, and answers nested so deep that a reader by recursion dies of them.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::stage::Stage;
use crate::support::client::{DEADLINE, Sse, SseClient};
use crate::support::fleet::{Answer, echo};
use crate::support::proc;
use crate::support::servers::{bare, fixture};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn f26_invalid_utf8() {
    let mut stage = Stage::open(26, &[fixture("bad", &["--invalid-utf8"])]).await;
    let client = stage.client::<Sse>().await;
    for number in 0..300 {
        let text = format!("{number} é €");
        assert_eq!(echo(&client, "bad", &text).await.text, text);
    }
    let log = stage.gateway.wait_for_log("can't be used", DEADLINE).await;
    stage.struck(format!("300 answers, each after such a line; log: “{log}”"));
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
    let flags = ["--nul", "--bom", "--crlf", "--blank-lines"];
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let lines = bare(&flags, &[ping]);
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(has("\0") && has("\u{feff}") && has(" \t "), "{lines:?}");

    let mut stage = Stage::open(27, &[fixture("bad", &flags)]).await;
    let client = stage.client::<Sse>().await;
    let params = format!(
        r#"{{"name":"bad__sleep","arguments":{{"ms":1000,"steps":{STEPS}}},"_meta":{{"progressToken":"p"}}}}"#
    );
    let answer = client.call("tools/call", Some(&params), DEADLINE).await;
    assert_eq!(Answer::of(&answer).text, "slept");
    for number in 0..300 {
        let text = format!("{number}");
        assert_eq!(echo(&client, "bad", &text).await.text, text);
    }
    stage.struck(format!(
        "on a bare pipe it says {} lines for a ping: {lines:?}",
        lines.len()
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
/// What it may take longer per MB: 1 ms, or what the noise of a machine makes of it.
const PER_MB: Duration = Duration::from_millis(50);

/// Calls for an answer whose result is this text.
async fn answered(client: &SseClient, value: &str) -> (Duration, String) {
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{{\"x\":{value}}}}}\n");
    let arguments = json!({ "stdout": line, "silent": true }).to_string();
    let asked = Instant::now();
    let answer = client.call_tool("bad__echo", &arguments).await;
    (asked.elapsed(), answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_deep_answer() {
    let mut stage = Stage::open(28, &[fixture("bad", &[])]).await;
    let client = stage.client::<Sse>().await;
    let pid = stage.gateway.pid();
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let flat = format!("[{}1]", "1,".repeat(DEPTH - 1));
    let mut quickest = [Duration::MAX; 2];
    for _ in 0..5 {
        for (kind, value) in [&deep, &flat].into_iter().enumerate() {
            let (took, answer) = answered(&client, value).await;
            assert!(answer.contains(value.as_str()), "{answer:.200}");
            quickest[kind] = quickest[kind].min(took);
        }
    }
    stage.struck(format!(
        "5 answers of {} MiB came through {DEPTH} deep",
        deep.len() / MIB
    ));
    let [deep, flat] = quickest;
    let megabytes = u32::try_from(2 * DEPTH / 1_000_000).expect("two");
    let more = deep.saturating_sub(flat) / megabytes;
    stage.within("more per MB than a flat answer", more, PER_MB);

    // It never ends: not JSON, so that its call gets an error.
    let (_, answer) = answered(&client, &"[".repeat(DEPTH)).await;
    let answer = Answer::of(&answer);
    stage.holds(
        "one that is never closed is an error for its call",
        answer.is_error && answer.text.contains("can't be used"),
    );
    stage.holds("the gateway lives", proc::is_alive(pid));
    assert_eq!(echo(&client, "bad", "on").await.text, "on");
    client.close().await;
    stage.close().await;
}
