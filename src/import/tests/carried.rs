//! What stands beside the servers, and where paths lead.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Hiding, Imported, Plan, import, input, of_text, plan, sample, told};

fn made(imported: &Imported) -> Value {
    serde_json::from_str(&imported.text).unwrap()
}

#[test]
fn a_tool_that_is_denied_to_all_is_hidden() {
    for (path, rules, servers) in [
        (
            ".claude.json",
            r#""permissions": {"deny": ["Bash(rm:*)", "mcp__my_gh__delete", "mcp__b__x"]}"#,
            r#""mcpServers": {"my.gh": {"command": "x"}, "b": {"command": "y"}}"#,
        ),
        (
            "opencode.json",
            r#""permission": {"edit": "ask", "my_gh_delete": "deny", "b_x": "deny", "b_y": "ask"}"#,
            r#""mcp": {"my.gh": {"type": "local", "command": ["x"]}, "b": {"type": "local", "command": ["y"]}}"#,
        ),
        (
            "zed/settings.json",
            r#""agent": {"tool_permissions": {"tools": {"mcp:my.gh:delete": {"default": "deny"}, "mcp:b:x": {"default": "deny"}}}}"#,
            r#""context_servers": {"my.gh": {"command": "x"}, "b": {"command": "y"}}"#,
        ),
    ] {
        let imported = of_text(path, &format!("{{{rules}, {servers}}}"));
        let made = made(&imported);
        let denied = |place: usize| made["servers"][place]["tools"]["deny"].clone();
        assert_eq!(denied(0), json!(["delete"]), "{path}");
        assert_eq!(denied(1), json!(["x"]), "{path}");
        assert!(imported.is_complete(), "{}", told(&imported));
        let changes = imported.rows[0].changes.join("\n");
        assert!(changes.contains("hidden from every client"), "{changes}");
    }
}

#[test]
fn a_denial_that_has_exceptions_or_is_of_some_is_said_alone() {
    for (path, rules, servers) in [
        (
            ".claude.json",
            r#""permissions": {"deny": ["mcp__gh__get_*"]}"#,
            r#""mcpServers": {"gh": {"command": "x"}}"#,
        ),
        (
            ".claude.json",
            r#""projects": {"/p": {"permissions": {"deny": ["mcp__gh__delete"]}}}"#,
            r#""mcpServers": {"gh": {"command": "x"}}"#,
        ),
        (
            "zed/settings.json",
            r#""agent": {"tool_permissions": {"tools": {"mcp:gh:delete": {"default": "deny", "always_allow": [{"pattern": "x"}]}}}}"#,
            r#""context_servers": {"gh": {"command": "x"}}"#,
        ),
    ] {
        let imported = of_text(path, &format!("{{{rules}, {servers}}}"));
        assert!(!imported.is_complete(), "{}", told(&imported));
        assert!(!imported.text.contains("deny"), "{}", imported.text);
    }
}

fn at(path: &str, text: &str, folder: Option<&str>) -> Imported {
    let plan = Plan {
        folder: folder.map(PathBuf::from),
        ..plan(Hiding::No)
    };
    import(&[input(path, text)], &plan)
}

#[test]
fn paths_lead_to_the_same_from_wherever_the_configuration_is() {
    let servers = r#"{"mcpServers": {
        "a": {"command": "x", "cwd": "./sub", "envFile": "my.env"},
        "b": {"command": "x", "cwd": "/abs", "envFile": "${HOME}/my.env"}}}"#;
    for (path, folder) in [
        ("/p/.cursor/mcp.json", "/p"),
        ("/p/claude_desktop_config.json", "/p"),
        ("/q$x/mcp.json", "/q$x"),
    ] {
        for output in [None, Some(folder), Some("/elsewhere")] {
            let imported = at(path, servers, output);
            let made = made(&imported);
            let (a, b) = (&made["servers"][0], &made["servers"][1]);
            assert_eq!(a["cwd"], format!("{folder}/sub"), "{path}");
            assert_eq!(a["env_file"], format!("{folder}/my.env"), "{path}");
            assert_eq!(b["cwd"], "/abs");
            let changes = imported.rows[0].changes.join("\n");
            assert!(
                changes.contains(&format!("starts in {folder}")),
                "{changes}"
            );
            let changes = imported.rows[1].changes.join("\n");
            assert!(!changes.contains("starts in"), "{changes}");
        }
    }
}

#[test]
fn ones_own_paths_stay_where_the_configuration_does() {
    let own = r#"{"gateway": {"env_file": "all.env"}, "servers": [{"name": "a", "command": "x", "cwd": "sub", "env_file": "a.env"}]}"#;
    for (output, start) in [(Some("/p"), ""), (Some("/elsewhere"), "/p/"), (None, "/p/")] {
        let made = made(&at("/p/mcp-servers.json", own, output));
        assert_eq!(made["gateway"]["env_file"], format!("{start}all.env"));
        assert_eq!(made["servers"][0]["env_file"], format!("{start}a.env"));
        assert_eq!(
            made["servers"][0]["cwd"], "sub",
            "from where the gateway was started"
        );
    }
}

#[test]
fn what_is_wrong_with_a_file_makes_it_incomplete() {
    let imported = of_text(".cursor/mcp.json", r#"{"mcpServers": "x"}"#);
    assert!(!imported.is_complete(), "{}", told(&imported));
}

#[test]
fn profiles_that_join_ones_own_are_counted() {
    let own =
        r#"{"profiles": {"work": {"servers": ["a"]}}, "servers": [{"name": "a", "command": "x"}]}"#;
    let inputs = [
        input("mcp-servers.json", own),
        input("metamcp.json", &sample("metamcp-database.json")),
    ];
    let imported = import(&inputs, &plan(Hiding::ByVariables));
    let names: Vec<&str> = imported.profiles.iter().map(|row| &*row.name).collect();
    assert_eq!(names, ["anna", "kids"], "'work' is ones own");
}
