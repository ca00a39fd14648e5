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
    let list = member(answer, "/result/tools");
    let tools = list.as_array().expect("an array of tools");
    let name = |tool: &Value| tool.get("name")?.as_str().map(str::to_owned);
    tools
        .iter()
        .map(|tool| name(tool).expect("a name"))
        .collect()
}

/// The text of the first content of a `tools/call` result.
///
/// # Panics
/// When there is none.
pub(crate) fn text_of(answer: &str) -> String {
    let text = member(answer, "/result/content/0/text");
    text.as_str().expect("text").to_owned()
}

/// The code of a JSON-RPC error.
///
/// # Panics
/// When it is none.
pub(crate) fn code_of(answer: &str) -> i64 {
    let code = member(answer, "/error/code");
    code.as_i64().expect("an integer")
}

fn member(answer: &str, pointer: &str) -> Value {
    let parsed: Value = serde_json::from_str(answer).expect("JSON");
    let found = parsed.pointer(pointer).cloned();
    found.unwrap_or_else(|| panic!("no {pointer} in {answer:.500}"))
}
