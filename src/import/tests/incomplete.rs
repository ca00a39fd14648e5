//! What is switched off, by a dump that does not say all of it or by rules that are not carried over.

use super::{Imported, of_text, sample, told};

fn dump(change: impl Fn(&mut serde_json::Value)) -> Imported {
    let text = sample("metamcp-database.json");
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    change(&mut json);
    of_text("dump.json", &json.to_string())
}

fn servers_of(imported: &Imported, profile: &str) -> Vec<String> {
    let mut profiles = imported.profiles.iter();
    let profile = profiles.find(|row| row.name == profile).unwrap();
    profile.servers.clone()
}

#[test]
fn a_dump_without_its_mappings_is_refused() {
    for table in ["namespace_server_mappings", "namespace_tool_mappings"] {
        for value in [None, Some("x".into()), Some(serde_json::json!([1]))] {
            let imported = dump(|json| {
                let root = json.as_object_mut().unwrap();
                root.remove(table);
                root.extend(value.clone().map(|value| (table.to_owned(), value)));
            });
            assert!(imported.is_unusable(), "{table} {value:?}");
            assert!(told(&imported).contains(table), "{}", told(&imported));
        }
    }
}

#[test]
fn a_tool_that_is_off_and_not_known_closes_its_server() {
    assert_eq!(
        servers_of(&dump(|_| {}), "work"),
        ["github", "time", "linear"]
    );
    let imported = dump(|json| {
        json.as_object_mut().unwrap().remove("tools");
    });
    assert_eq!(servers_of(&imported, "work"), ["time", "linear"]);
    assert_eq!(servers_of(&imported, "kids"), ["time"]);
    assert!(!imported.is_complete());
    let imported = dump(|json| json["namespace_tool_mappings"][1]["mcp_server_uuid"] = ().into());
    assert!(servers_of(&imported, "work").is_empty());
    assert_eq!(servers_of(&imported, "kids"), ["github", "time"]);
    assert!(!imported.is_complete());
}

#[test]
fn a_status_that_is_not_known_is_off() {
    let imported = dump(|json| {
        json["namespace_server_mappings"][1]["status"] = "inactive".into();
        json["namespace_tool_mappings"][1]["status"] = "Inactive".into();
    });
    assert_eq!(servers_of(&imported, "work"), ["github", "linear"]);
    assert!(imported.text.contains("delete_repository"));
    assert!(imported.is_complete(), "{}", told(&imported));
    let imported = dump(|json| json["namespace_server_mappings"][1]["status"] = "PAUSED".into());
    assert_eq!(servers_of(&imported, "work"), ["github", "linear"]);
    assert!(!imported.is_complete());
    assert!(told(&imported).contains("the status 'PAUSED', taken for INACTIVE"));
}

#[test]
fn keys_and_endpoints_that_cannot_be_here_are_left_out() {
    for key in [
        "x",
        "sk_mt_0123456789abcdef profile=work",
        "#23456789abcdef01",
    ] {
        let imported = dump(|json| json["api_keys"][0]["key"] = key.into());
        assert!(!imported.token_file.contains(key), "{key}");
        assert_eq!(
            (imported.tokens, imported.is_complete()),
            (1, false),
            "{key}"
        );
        assert!(
            told(&imported).contains("left out: Default-API-key"),
            "{key}"
        );
    }
    let imported = dump(|json| json["endpoints"][0]["name"] = "bad name/..".into());
    assert!(!imported.token_file.contains("bad"));
    assert_eq!(imported.profiles.len(), 2);
    assert!(!imported.is_complete());
    assert!(told(&imported).contains("endpoint 'bad name/..' left out"));
}

#[test]
fn rules_for_tools_beside_the_servers_are_said() {
    for (path, rules, servers) in [
        (
            ".claude.json",
            r#""permissions": {"deny": ["Bash(rm:*)", "mcp__gh"]}"#,
            r#""mcpServers": {"gh": {"command": "x"}}"#,
        ),
        (
            "opencode.json",
            r#""permission": {"edit": "ask", "gh_*": "deny"}"#,
            r#""mcp": {"gh": {"type": "local", "command": ["x"]}}"#,
        ),
        (
            "zed/settings.json",
            r#""agent": {"profiles": {"ask": {"context_servers": {"gh": {"tools": {"delete": false}}}}}}"#,
            r#""context_servers": {"gh": {"command": "x"}}"#,
        ),
    ] {
        let imported = of_text(path, &format!("{{{rules}, {servers}}}"));
        assert!(!imported.is_complete(), "{}", told(&imported));
        let told = told(&imported);
        assert!(
            told.contains("keeps tools of servers from models"),
            "{told}"
        );
    }
    let own =
        r#"{"permission": {"edit": "deny"}, "mcp": {"gh": {"type": "local", "command": ["x"]}}}"#;
    assert!(of_text("opencode.json", own).is_complete());
}

#[test]
fn what_is_set_in_front_of_a_command_is_in_its_environment() {
    let text = r#"{"mcpServers": {"srv": {"command": "API_KEY=SECRETcmd LOG=1 server"}}}"#;
    let imported = of_text("a.json", text);
    assert!(!imported.text.contains("SECRETcmd"), "{}", imported.text);
    let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
    assert_eq!(made["servers"][0]["command"], "server");
    assert_eq!(
        made["servers"][0]["env"],
        serde_json::json!({"API_KEY": "${SRV_API_KEY}", "LOG": "1"})
    );
}
