//! What was imported once is not there twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::Fate;
use super::{Hiding, Imported, Plan, import, input, sample, told};

const OWN: &str = r#"{"servers": [{"name": "git", "command": "other"}, {"name": "my-notes", "command": "other"}]}"#;

/// Adds a file to what is `own`, with the variables that are moved out of it so far.
fn add(own: &str, file: (&str, &str), variables: &mut BTreeMap<String, String>) -> Imported {
    let plan = Plan {
        hiding: Hiding::InFile("s.env".to_owned()),
        folder: Some("/p".into()),
        variables: variables.clone(),
        ..Plan::default()
    };
    let inputs = [input("/p/mcp-servers.json", own), input(file.0, file.1)];
    let imported = import(&inputs, &plan);
    variables.extend(imported.secrets.clone());
    imported
}

fn servers(imported: &Imported) -> Vec<Value> {
    let made: Value = serde_json::from_str(&imported.text).unwrap();
    made["servers"].as_array().unwrap().clone()
}

#[test]
fn what_is_added_again_is_there_already() {
    let cursor = json!({"mcpServers": {
        "git": {"command": "x", "env": {"GITHUB_TOKEN": "one", "DSN": "host=h password=p4ss$${W}"}},
        "my notes": {"command": "y", "args": ["--api-key", "two"]},
        "plain": {"command": "z", "args": ["--token", "Bearer three"]},
        "web": {"url": "https://h/mcp", "headers": {"Authorization": "Bearer four"}},
    }});
    let two = json!({"mcpServers": {"git": {"command": "w", "env": {"GITHUB_TOKEN": "five"}}}});
    let database = sample("metamcp-database.json");
    let in_file = r#"{"gateway": {"env_file": "all.env"}, "servers": []}"#;
    for (own, path, text) in [
        (OWN, "/q/.cursor/mcp.json", cursor.to_string()),
        (in_file, "/q/.cursor/mcp.json", cursor.to_string()),
        (OWN, "/q/dump.json", database),
    ] {
        let mut variables = BTreeMap::new();
        let first = add(own, (path, &text), &mut variables);
        // Another file between them has one of its names.
        let between = add(
            &first.text,
            ("/q/two.json", &two.to_string()),
            &mut variables,
        );
        let again = add(&between.text, (path, &text), &mut variables);
        assert_eq!(servers(&again), servers(&between), "{}", told(&again));
        assert_eq!(again.secrets, BTreeMap::new(), "{}", told(&again));
        let count = again.rows.len() - servers(&between).len();
        let rows = again.rows.iter().rev().take(count);
        for row in rows {
            assert_eq!(row.fate, Fate::Same, "{}", told(&again));
        }
        assert!(again.is_complete(), "{}", told(&again));
    }
}

#[test]
fn one_with_another_secret_is_another() {
    let text = |secret: &str| {
        json!({"mcpServers": {"a": {"command": "x", "env": {"MY_PAT": secret}}}}).to_string()
    };
    let mut variables = BTreeMap::new();
    let own = add(OWN, ("/q/a.json", &text("one")), &mut variables).text;
    let own = add(&own, ("/q/b.json", &text("two")), &mut variables).text;
    for (secret, count) in [
        ("one", 4),
        ("two", 4),
        ("three", 5),
        ("${MY_PAT}", 4),
        ("$${MY_PAT}", 5),
        ("${OTHER}", 5),
    ] {
        let added = add(&own, ("/q/c.json", &text(secret)), &mut variables.clone());
        assert_eq!(servers(&added).len(), count, "{secret}: {}", told(&added));
    }
}

/// What was closed since stays so, and what a file closes is closed.
#[test]
fn what_is_shown_of_ones_own_is_not_widened() {
    let own = r#"{"servers": [{"name": "a", "command": "x", "enabled": false, "tools": TOOLS}]}"#;
    let file =
        r#"{"mcpServers": {"a": {"command": "x"}}, "permissions": {"deny": ["mcp__a__delete"]}}"#;
    for (tools, made, count) in [
        (
            r#"{"allow": ["get"], "deny": ["b*"]}"#,
            json!({"allow": ["get"], "deny": ["b*", "delete"]}),
            1,
        ),
        // What is not understood is not touched: there is another server then.
        (r#"{"allow": null}"#, json!({"allow": null}), 2),
        (r#"{"alow": ["get"]}"#, json!({"alow": ["get"]}), 2),
    ] {
        let own = own.replace("TOOLS", tools);
        let added = add(&own, ("/q/.claude.json", file), &mut BTreeMap::new());
        let servers = servers(&added);
        assert_eq!(servers[0]["tools"], made, "{}", told(&added));
        assert_eq!(servers[0]["enabled"], false);
        assert_eq!(servers.len(), count, "{}", told(&added));
    }
    let file = r#"{"mcpServers": {"a": {"command": "x", "disabledTools": ["get"]}}}"#;
    let own = own.replace("TOOLS", "{}");
    let added = add(&own, ("/q/a.json", file), &mut BTreeMap::new());
    assert_eq!(servers(&added).len(), 2, "{}", told(&added));
}

#[test]
fn ones_own_server_runs_on_where_no_endpoint_shows_it() {
    let own =
        r#"{"servers": [{"name": "unused", "command": "uvx", "args": ["mcp-server-fetch"]}]}"#;
    let dump = sample("metamcp-database.json");
    let added = add(own, ("/q/dump.json", &dump), &mut BTreeMap::new());
    assert_eq!(
        servers(&added)[0],
        json!({"name": "unused", "command": "uvx", "args": ["mcp-server-fetch"]})
    );
    assert_eq!(servers(&added).len(), 5, "{}", told(&added));
}
