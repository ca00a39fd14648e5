//! The log of calls: one object for each, of both eras, however it ends; the file is moved away, its disk is
//! full, and no argument is in it.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{configuration, fixture, join};
use crate::support::streamable::{Endpoint, call_tool, initialize};
use crate::support::{http, wait};

const SOON: Duration = Duration::from_secs(20);
const CANARY: &str = "c4n4ry-in-arguments";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn start(file: &Path) -> (Gateway, SseClient) {
    let mut slow = fixture("slow", &[]);
    slow["call_timeout"] = json!(0.3);
    let config = configuration(&[fixture("fx", &["--offers"]), slow]);
    let options = GatewayOptions::new(config).arg(format!("--call-log={}", file.display()));
    let gateway = Gateway::start(options).await;
    let client = join(&gateway).await;
    (gateway, client)
}

fn records(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let whole = text.lines().filter(|_| text.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The record for which this holds.
async fn record(file: &Path, is_it: impl Fn(&Value) -> bool) -> Value {
    wait::until("the record", SOON, async || {
        records(file).into_iter().find(|record| is_it(record))
    })
    .await
}

fn is(tool: &'static str, outcome: &'static str) -> impl Fn(&Value) -> bool {
    move |record| record["tool"] == tool && record["outcome"] == outcome
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("calls.jsonl");
    (home, file)
}

#[tokio::test]
async fn a_record_says_who_called_what_and_how_it_went() {
    let (_home, file) = place();
    let (_gateway, client) = start(&file).await;
    let arguments = format!(r#"{{"text":"{CANARY}"}}"#);
    let params = format!(
        r#"{{"name":"fx__echo","arguments":{arguments},"_meta":{{"traceparent":"{TRACE}"}}}}"#
    );
    client.call("tools/call", Some(&params), SOON).await;
    let ok = record(&file, is("fx__echo", "ok")).await;
    for (field, expected) in [
        ("server", json!("fx")),
        ("method", json!("tools/call")),
        ("code", Value::Null),
        ("traceparent", json!(TRACE)),
        ("token", Value::Null),
        ("profile", Value::Null),
        ("request_bytes", json!(params.len())),
    ] {
        assert_eq!(ok[field], expected, "{field}: {ok}");
    }
    assert!(
        ok["client"].is_string() && ok["client_version"].is_string(),
        "{ok}"
    );
    assert!(
        ok["duration_ms"].is_f64() && ok["response_bytes"].as_u64() > Some(20),
        "{ok}"
    );
    let time = ok["time"].as_str().expect("a time");
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
}

#[tokio::test]
async fn each_end_of_a_call_has_its_word() {
    let (_home, file) = place();
    let (_gateway, client) = start(&file).await;
    let result = format!(
        r#"{{"result":{{"content":[{{"type":"text","text":"{CANARY}"}}],"isError":true}}}}"#
    );
    client.call_tool("fx__raw", &result).await;
    record(&file, is("fx__raw", "tool_error")).await;
    let error = format!(r#"{{"error":{{"code":-32050,"message":"{CANARY}"}}}}"#);
    client.call_tool("fx__fail", &error).await;
    assert_eq!(record(&file, is("fx__fail", "error")).await["code"], -32050);
    client.call_tool("no such \\u001b[31m\\n tool", "{}").await;
    let unknown = record(&file, |record| record["server"].is_null()).await;
    assert_eq!(
        (&unknown["outcome"], &unknown["code"]),
        (&json!("error"), &json!(-32602))
    );
    client.call_tool("slow__sleep", r#"{"ms":60000}"#).await;
    record(&file, is("slow__sleep", "timed_out")).await;
    client.call_tool("slow__exit", r#"{"code":3}"#).await;
    record(&file, is("slow__exit", "lost")).await;
    let id = client
        .request(
            "tools/call",
            Some(r#"{"name":"fx__sleep","arguments":{"ms":60000}}"#),
        )
        .await;
    client
        .notify(
            "notifications/cancelled",
            Some(&format!(r#"{{"requestId":{id}}}"#)),
        )
        .await;
    record(&file, is("fx__sleep", "cancelled")).await;
    client
        .call("prompts/get", Some(r#"{"name":"nothing"}"#), SOON)
        .await;
    record(&file, |record| {
        record["method"] == "prompts/get" && record["tool"].is_null()
    })
    .await;
    let text = fs::read_to_string(&file).expect("it is there");
    assert!(!text.contains(CANARY), "{text}");
}

#[tokio::test]
async fn both_eras_are_recorded_and_no_argument() {
    let (_home, file) = place();
    let (gateway, client) = start(&file).await;
    let arguments = format!(r#"{{"text":"{CANARY}"}}"#);
    client.call_tool("fx__echo", &arguments).await;
    record(&file, is("fx__echo", "ok")).await;
    let modern = ModernClient::new(gateway.addr());
    let ask = Ask::tool("fx__echo", &arguments).meta("traceparent", &format!("\"{TRACE}\""));
    modern.answer(&ask).await;
    let of_both = wait::until("both", SOON, async || {
        let found: Vec<_> = records(&file)
            .into_iter()
            .filter(is("fx__echo", "ok"))
            .collect();
        (found.len() == 2).then_some(found)
    })
    .await;
    assert_eq!(of_both[1]["traceparent"], TRACE);
    let text = fs::read_to_string(&file).expect("it is there");
    assert!(!text.contains(CANARY), "{text}");
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&file).expect("it is there"));
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_client_that_goes_has_lost_its_call() {
    let (_home, file) = place();
    let (gateway, client) = start(&file).await;
    client
        .request(
            "tools/call",
            Some(r#"{"name":"fx__sleep","arguments":{"ms":60000}}"#),
        )
        .await;
    wait::until("the call to run", SOON, async || {
        let metrics = http::get(gateway.addr(), "/metrics").await.text();
        let runs = r#"mcproxy_calls_in_flight{server="fx"} 1"#;
        metrics.contains(runs).then_some(())
    })
    .await;
    client.leave().await;
    let lost = record(&file, is("fx__sleep", "lost")).await;
    assert_eq!(lost["server"], "fx");
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_begun_anew_upon_sighup() {
    let (home, file) = place();
    let (mut gateway, client) = start(&file).await;
    client.call_tool("fx__echo", r#"{"text":"x"}"#).await;
    record(&file, is("fx__echo", "ok")).await;
    let moved = home.path().join("calls.jsonl.1");
    fs::rename(&file, &moved).expect("it moves");
    client.call_tool("fx__pid", "{}").await;
    record(&moved, is("fx__pid", "ok")).await;
    gateway.sighup();
    wait::until("another file", SOON, async || file.exists().then_some(())).await;
    client.call_tool("fx__env", "{}").await;
    record(&file, is("fx__env", "ok")).await;
    assert_eq!((records(&moved).len(), records(&file).len()), (2, 1));
    client.call_tool("fx__answers", "{}").await;
    gateway.terminate().await;
    assert_eq!(records(&file).len(), 2, "all is written at the end");
}

#[tokio::test]
async fn a_full_disk_costs_records_and_no_call() {
    let home = tempfile::tempdir().expect("a directory");
    for file in [
        Path::new("/dev/full"),
        &home.path().join("no/such/directory"),
    ] {
        let (gateway, client) = start(file).await;
        for _ in 0..50 {
            let answer = client.call_tool("fx__echo", r#"{"text":"x"}"#).await;
            assert!(answer.contains(r#""text":"x""#), "{answer}");
        }
        let line = gateway.wait_for_log("can't be written", SOON).await;
        assert!(
            line.contains("[WARN]") && line.contains(&*file.display().to_string()),
            "{line}"
        );
        wait::until("the count", SOON, async || {
            let metrics = http::get(gateway.addr(), "/metrics").await.text();
            metrics
                .contains("mcproxy_call_records_lost_total 50")
                .then_some(())
        })
        .await;
        let lines = gateway.logs();
        let said = lines
            .iter()
            .filter(|line| line.contains("call log"))
            .count();
        assert!(said <= 2, "{lines:?}");
    }
}

#[tokio::test]
async fn the_log_takes_records_too_and_none_are_made_unasked() {
    let (gateway, client) = start(Path::new("log")).await;
    client
        .call_tool("fx__echo", &format!(r#"{{"text":"{CANARY}"}}"#))
        .await;
    let line = gateway.wait_for_log(r#"call {"time""#, SOON).await;
    assert!(
        line.contains("[INFO]") && line.contains(r#""outcome":"ok""#),
        "{line}"
    );
    assert!(!line.contains(CANARY), "{line}");
    let metrics = http::get(gateway.addr(), "/metrics").await.text();
    assert!(
        metrics.contains("mcproxy_call_records_lost_total 0"),
        "{metrics}"
    );

    let gateway = Gateway::start(GatewayOptions::new(configuration(&[fixture("fx", &[])]))).await;
    let client: SseClient = join(&gateway).await;
    client.call_tool("fx__echo", r#"{"text":"x"}"#).await;
    assert!(
        !gateway
            .logs()
            .iter()
            .any(|line| line.contains("duration_ms"))
    );
}

#[tokio::test]
async fn who_called_and_through_which_profile_is_there_by_name() {
    let (home, file) = place();
    let tokens = home.path().join("tokens");
    fs::write(&tokens, "t0k3n-0123456789abcdef name=anna\n").expect("it is written");
    let config =
        json!({ "servers": [fixture("fx", &[])], "profiles": { "kids": { "servers": ["fx"] } } });
    let options = GatewayOptions::new(config.to_string())
        .arg(format!("--call-log={}", file.display()))
        .arg(format!("--token-file={}", tokens.display()));
    let gateway = Gateway::start(options).await;
    let headers = [("authorization", "Bearer t0k3n-0123456789abcdef")];
    let mut kids = Endpoint::at(gateway.addr(), "/p/kids/mcp");
    let reply = kids
        .post_with(&headers, &initialize(1, "2025-11-25", "{}"))
        .await;
    kids.session = reply.head().header("mcp-session-id").map(str::to_owned);
    reply.json();
    let call = call_tool(2, "fx__echo", r#"{"text":"x"}"#);
    kids.post_with(&headers, &call).await.message().await;
    let record = record(&file, is("fx__echo", "ok")).await;
    assert_eq!(
        (&record["token"], &record["profile"]),
        (&json!("anna"), &json!("kids"))
    );
    let text = fs::read_to_string(&file).expect("it is there");
    assert!(!text.contains("t0k3n"), "{text}");
}

/// The first example of the document with jq, run.
#[tokio::test]
async fn the_documented_question_is_answered() {
    let Ok(version) = Command::new("jq").arg("--version").output() else {
        return; // Nobody has to have it.
    };
    assert!(version.status.success());
    let document = include_str!("../../docs/operations.md");
    let program = document
        .split_once("jq -r '")
        .and_then(|(_, rest)| rest.split_once('\''));
    let (program, _) = program.expect("an example");
    let (_home, file) = place();
    let (_gateway, client) = start(&file).await;
    client.call_tool("fx__echo", r#"{"text":"x"}"#).await;
    client
        .call_tool("fx__fail", r#"{"error":{"code":1,"message":"no"}}"#)
        .await;
    record(&file, is("fx__fail", "error")).await;
    let said = Command::new("jq")
        .args(["-r", program])
        .arg(&file)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(
        said.status.success() && text.contains("fx__fail") && !text.contains("fx__echo"),
        "{text}"
    );
}
