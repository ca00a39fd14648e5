//! Texts of `mcp-servers.json` that run the fixture server under any names, with any flags.

use serde_json::{Value, json};

use super::gateway::fixture_server;

/// One entry: the fixture server as `name`, with `flags`.
pub(crate) fn entry(name: &str, flags: &[&str]) -> Value {
    json!({ "name": name, "command": fixture_server(), "args": flags })
}

/// A configuration of these entries.
pub(crate) fn config(entries: &[Value]) -> String {
    json!({ "servers": entries }).to_string()
}

/// A configuration of fixture servers, each a name and its flags.
pub(crate) fn servers(list: &[(&str, &[&str])]) -> String {
    let entries: Vec<Value> = list
        .iter()
        .map(|(name, flags)| entry(name, flags))
        .collect();
    config(&entries)
}

/// The names in an answer to `tools/list`, in their order.
///
/// # Panics
/// When it is no such answer.
pub(crate) fn tool_names(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    let tools = answer["result"]["tools"].as_array();
    let tools = tools.unwrap_or_else(|| panic!("no list of tools: {answer}"));
    let name = |tool: &Value| tool["name"].as_str().expect("a name").to_owned();
    tools.iter().map(name).collect()
}

/// The text of the first content of a `tools/call` result.
///
/// # Panics
/// When there is none.
pub(crate) fn text_of(answer: &str) -> String {
    let parsed: Value = serde_json::from_str(answer).expect("JSON");
    let text = parsed["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text in {answer:.500}"))
        .to_owned()
}

/// The code of a JSON-RPC error.
///
/// # Panics
/// When it is none.
pub(crate) fn code_of(answer: &str) -> i64 {
    let parsed: Value = serde_json::from_str(answer).expect("JSON");
    let code = parsed["error"]["code"].as_i64();
    code.unwrap_or_else(|| panic!("no error in {answer:.500}"))
}
