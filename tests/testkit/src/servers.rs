//! Configurations for tests: entries that run the fixture server, and the file made of them. And the fixture
//! over a bare pipe, for what it says when no gateway is in between.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{DEADLINE, SseClient};
use super::gateway::{Gateway, GatewayOptions, fixture_server};

/// An entry that runs the fixture server with these flags. Other fields are added by
/// `entry["call_timeout"] = json!(1)`.
pub fn fixture(name: &str, flags: &[&str]) -> Value {
    json!({ "name": name, "command": fixture_server(), "args": flags })
}

/// The text of a configuration file with these entries.
pub fn configuration(entries: &[Value]) -> String {
    json!({ "servers": entries }).to_string()
}

/// A configuration of fixture servers, each a name and its flags.
pub fn fixtures(list: &[(&str, &[&str])]) -> String {
    let entries = list.iter().map(|(name, flags)| fixture(name, flags));
    configuration(&entries.collect::<Vec<_>>())
}

/// A gateway with these entries, listening.
pub async fn gateway(entries: &[Value]) -> Gateway {
    Gateway::start(GatewayOptions::new(configuration(entries))).await
}

/// A gateway with these entries and a client of it that has shaken hands.
pub async fn serve(entries: &[Value]) -> (Gateway, SseClient) {
    let gateway = gateway(entries).await;
    let client = join(&gateway).await;
    (gateway, client)
}

/// As [`serve`], with all servers ready or failed once: a call is sent at once and not parked.
pub async fn serve_ready(entries: &[Value]) -> (Gateway, SseClient) {
    let (gateway, client) = serve(entries).await;
    client.call("tools/list", None, DEADLINE).await;
    (gateway, client)
}

/// One more client that has shaken hands.
pub async fn join(gateway: &Gateway) -> SseClient {
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    client
}

/// What the fixture server answers to these lines on a bare pipe, line by line.
pub fn bare(flags: &[&str], lines: &[&str]) -> Vec<String> {
    let mut child = Command::new(fixture_server())
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the fixture is built");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = lines.join("\n") + "\n";
    // Beside the reader: neither pipe holds much.
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends with its stdin");
    let written = writer.join().expect("no panic inside");
    written.expect("it reads all of its stdin");
    let text = String::from_utf8(output.stdout).expect("it speaks UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// The part of an answer that is looked into. An id may be text that no string can hold, so that it is left alone.
#[derive(Deserialize)]
struct Answer {
    result: Value,
}

fn result_of(answer: &str) -> Value {
    serde_json::from_str::<Answer>(answer)
        .unwrap_or_else(|error| panic!("no result ({error}): {answer:.500}"))
        .result
}

/// The names in a raw answer to `tools/list`, in order.
pub fn tool_names(answer: &str) -> Vec<String> {
    let result = result_of(answer);
    let tools = result.get("tools").and_then(Value::as_array);
    let tools = tools.unwrap_or_else(|| panic!("no list of tools: {answer:.500}"));
    let name = |tool: &Value| tool.get("name")?.as_str().map(str::to_owned);
    let names: Option<Vec<String>> = tools.iter().map(name).collect();
    names.expect("every tool has a name")
}

/// The first text in a raw answer to `tools/call`.
pub fn text_of(answer: &str) -> String {
    let result = result_of(answer);
    let text = result.pointer("/content/0/text").and_then(Value::as_str);
    let text = text.unwrap_or_else(|| panic!("no text: {answer:.500}"));
    text.to_owned()
}

/// The text of a result that says `isError`, for the model to read.
///
/// # Panics
/// When it is any other answer.
pub fn failed_text(answer: &str) -> String {
    let is_error = result_of(answer).get("isError").cloned();
    assert_eq!(is_error, Some(Value::Bool(true)), "{answer:.500}");
    text_of(answer)
}

/// The code of an answer that is an error, of HTTP or of JSON-RPC.
///
/// # Panics
/// When it is any other answer.
pub fn error_code(answer: &str) -> i64 {
    let parsed: Value = serde_json::from_str(answer).expect("an answer is JSON");
    let code = parsed.pointer("/error/code").and_then(Value::as_i64);
    code.unwrap_or_else(|| panic!("no error: {answer:.500}"))
}
