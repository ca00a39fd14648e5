//! Whatever a file has ten thousands of is read in one pass. Each of these took minutes where something was
//! looked for among all others.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Imported, of_text};

const MANY: usize = 10_000;
/// What one pass takes, many times over.
const WITHIN: Duration = Duration::from_secs(40);

fn in_time(path: &str, text: &str) -> Imported {
    let begun = Instant::now();
    let imported = of_text(path, text);
    let took = begun.elapsed();
    assert!(took < WITHIN, "{took:?}");
    imported
}

fn members(count: usize, member: impl Fn(usize) -> String) -> String {
    let members: Vec<String> = (0..count).map(member).collect();
    members.join(",")
}

#[test]
fn servers_of_one_name() {
    let list = members(MANY, |n| format!(r#"{{"name":"a","command":"x{n}"}}"#));
    let imported = in_time("mcp-servers.json", &format!(r#"{{"servers":[{list}]}}"#));
    assert_eq!(imported.rows.len(), MANY);
    assert_eq!(imported.rows[MANY - 1].name, format!("a-{MANY}"));
}

#[test]
fn projects() {
    let server = |n| {
        format!(
            r#""/{n}":{{"mcpServers":{{"s{n}":{{"command":"x"}}}},"disabledMcpServers":["s{n}"]}}"#
        )
    };
    let projects = members(MANY, server);
    let imported = in_time(".claude.json", &format!(r#"{{"projects":{{{projects}}}}}"#));
    assert_eq!(imported.rows.len(), MANY);
    assert!(
        imported
            .rows
            .iter()
            .all(|row| row.fate == super::super::Fate::Off)
    );
}

#[test]
fn rules_for_tools() {
    let servers = members(MANY, |n| {
        format!(r#""s{n}":{{"type":"local","command":["x"]}}"#)
    });
    let rules = members(MANY, |n| format!(r#""s{n}_t":false,"s{n}x*":false"#));
    let denied = members(MANY, |n| format!(r#""s{n}_d":"deny""#));
    let text = format!(r#"{{"mcp":{{{servers}}},"tools":{{{rules}}},"permission":{{{denied}}}}}"#);
    let imported = in_time("opencode.json", &text);
    assert_eq!(imported.text.matches(r#""deny": ["d", "t"]"#).count(), MANY);
}

#[test]
fn secrets_of_one_name_and_arguments() {
    let args = members(2 * MANY, |n| format!(r#""--api-key=k{n}""#));
    let imported = in_time(
        "a.json",
        &format!(r#"{{"mcpServers":{{"a":{{"command":"x","args":[{args}]}}}}}}"#),
    );
    assert_eq!(imported.secrets.len(), 2 * MANY);
    let args = members(20 * MANY, |_| r#""x""#.to_owned());
    in_time(
        "a.json",
        &format!(r#"{{"mcpServers":{{"a":{{"command":"x","args":[{args}]}}}}}}"#),
    );
}

#[test]
fn a_database() {
    let row = |n: usize| json!({"uuid": n.to_string(), "name": format!("s{n}"), "type": "STDIO", "command": "x"});
    let servers: Vec<_> = (0..MANY / 4).map(row).collect();
    let mapped = |n: usize| json!({"mcp_server_uuid": n.to_string(), "namespace_uuid": "n", "status": "ACTIVE"});
    let tool = |n: usize| json!({"mcp_server_uuid": (n % (MANY / 4)).to_string(), "namespace_uuid": "n", "tool_uuid": n.to_string(), "status": "INACTIVE"});
    let odd = |n: usize| json!({"namespace_uuid": "n", "tool_uuid": "none", "status": format!("odd {n}")});
    let mut tools: Vec<_> = (0..MANY).map(tool).collect();
    tools.extend((0..MANY).map(odd));
    let endpoint = |n: usize| json!({"name": format!("e{n}"), "namespace_uuid": "n", "enable_api_key_auth": false});
    let text = json!({
        "mcp_servers": servers,
        "namespaces": [{"uuid": "n"}],
        "endpoints": [endpoint(0), endpoint(1)],
        "namespace_server_mappings": (0..MANY / 4).map(mapped).collect::<Vec<_>>(),
        "namespace_tool_mappings": tools,
        "tools": (0..MANY).map(|n| json!({"uuid": n.to_string(), "name": format!("t{n}")})).collect::<Vec<_>>(),
    });
    let imported = in_time("dump.json", &text.to_string());
    let mut closed = String::new();
    for note in imported.notes.iter().filter(|note| note.contains("odd")) {
        writeln!(closed, "{note}").unwrap();
    }
    assert_eq!(closed.lines().count(), MANY);
}
