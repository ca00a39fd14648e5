//! Each program's file, and what it becomes; several at once; MetaMCP's database.

mod access;
mod again;
mod carried;
mod incomplete;
mod large;
mod moved;
mod refusals;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Hiding, Imported, Input, Plan, import};

/// Each sample, where its program keeps it, and whose it must be taken for.
const SAMPLES: [(&str, &str, &str); 24] = [
    ("amp.json", "settings.json", "Amp"),
    ("metamcp-export.json", "", "MetaMCP's export"),
    ("metamcp-database.json", "", "MetaMCP's database"),
    ("claude_desktop_config.json", "", "Claude Desktop"),
    ("claude.json", ".claude.json", "Claude Code"),
    ("cursor.json", ".cursor/mcp.json", "Cursor"),
    ("vscode-mcp.json", ".vscode/mcp.json", "VS Code"),
    ("vscode-settings.json", "", "VS Code's settings"),
    ("cline.json", "cline_mcp_settings.json", "Cline"),
    ("roo.json", ".roo/mcp.json", "Roo Code"),
    ("windsurf.json", "", "Windsurf"),
    ("zed.json", "zed/settings.json", "Zed"),
    ("opencode.json", "", "opencode"),
    ("crush.json", "", "Crush"),
    ("gemini.json", ".gemini/settings.json", "Gemini CLI"),
    ("codex.toml", ".codex/config.toml", "Codex"),
    ("goose.yaml", "goose/config.yaml", "Goose"),
    ("librechat.yaml", "", "LibreChat"),
    ("lmstudio.json", ".lmstudio/mcp.json", "LM Studio"),
    ("mcphub.json", "mcp_settings.json", "mcphub"),
    ("mcp-hub.json", "mcphub/servers.json", "mcp-hub"),
    ("tbxark.json", "config.json", "TBXark's mcp-proxy"),
    ("plain.json", "", "a list of servers"),
    ("mcproxy.json", "mcp-servers.json", "mcproxy"),
];

fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/samples");
    fs::read_to_string(folder.join(name)).unwrap()
}

fn input(path: &str, text: &str) -> Input {
    Input {
        path: PathBuf::from(path),
        text: text.to_owned(),
    }
}

fn plan(hiding: Hiding) -> Plan {
    Plan {
        hiding,
        ..Plan::default()
    }
}

fn of_text(path: &str, text: &str) -> Imported {
    import(&[input(path, text)], &plan(Hiding::ByVariables))
}

/// Everything that came of it.
fn told(imported: &Imported) -> String {
    let mut told = String::new();
    for row in &imported.rows {
        let (name, from, fate) = (&row.name, &row.from, row.fate);
        writeln!(told, "{name}: {fate:?}, was {from}").unwrap();
        for change in &row.changes {
            writeln!(told, "    {change}").unwrap();
        }
    }
    for (_, problem) in &imported.problems {
        writeln!(told, "{problem}").unwrap();
    }
    for note in &imported.notes {
        writeln!(told, "note: {note}").unwrap();
    }
    told += &imported.text;
    for (title, text) in [
        ("secrets", imported.env_file()),
        ("tokens", imported.token_file.clone()),
    ] {
        if !text.is_empty() {
            write!(told, "--- {title}\n{text}").unwrap();
        }
    }
    told
}

#[test]
fn each_program_is_recognised_and_what_it_had_is_carried_over() {
    for (name, path, program) in SAMPLES {
        let path = if path.is_empty() { name } else { path };
        let imported = of_text(path, &sample(name));
        let [(_, found)] = &imported.programs[..] else {
            panic!("one file");
        };
        assert_eq!(*found, Some(program), "{name}");
        assert_eq!(imported.left_out(), 0, "{name}: {}", told(&imported));
        let json: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
        assert!(json["servers"].is_array(), "{name}");
        assert!(
            !imported.text.contains("not-a-real"),
            "{name}: {}",
            imported.text
        );
        insta::assert_snapshot!(name, told(&imported));
    }
}

#[test]
fn no_sample_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import/samples");
    assert_eq!(fs::read_dir(folder).unwrap().count(), SAMPLES.len());
}

#[test]
fn what_a_path_does_not_say_is_seen_in_the_file() {
    for (name, _, program) in SAMPLES {
        // Nothing but its place tells these from others.
        let is_plain = ["LM Studio", "Cursor", "Gemini CLI"].contains(&program);
        let imported = of_text("downloaded", &sample(name));
        let [(_, found)] = &imported.programs[..] else {
            panic!("one file");
        };
        assert!(is_plain || *found == Some(program), "{name}: {found:?}");
    }
}

#[test]
fn no_secret_is_said() {
    for (name, path, _) in SAMPLES {
        let path = if path.is_empty() { name } else { path };
        let moves = of_text(path, &sample(name));
        let stays = import(&[input(path, &sample(name))], &plan(Hiding::No));
        for imported in [moves, stays] {
            let rows = imported.rows.iter().flat_map(|row| &row.changes);
            let said: Vec<&str> = rows.chain(&imported.notes).map(String::as_str).collect();
            let said = said.join("\n");
            assert!(
                !said.contains("not-a-real") && !said.contains("sk_mt"),
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn files_are_joined_and_a_server_in_two_of_them_is_one() {
    let one = r#"{"mcpServers": {"a": {"command": "x"}, "b": {"command": "x", "env": {"TOKEN": "1234"}}}}"#;
    let two = "[mcp_servers.a]\ncommand = \"x\"\n[mcp_servers.b]\ncommand = \"y\"\nenv = { TOKEN = \"5678\" }\n";
    let inputs = [input("one.json", one), input("two.toml", two)];
    let imported = import(&inputs, &plan(Hiding::ByVariables));
    insta::assert_snapshot!(told(&imported), @r###"
    a: On, was 'a' (one.json:1)
    b: On, was 'b' (one.json:1)
        TOKEN is in ${B_TOKEN}
    a: Same, was 'a' (two.toml:1)
        the same server was there already
    b-2: On, was 'b' (two.toml:3)
        renamed: another server is called 'b'
        TOKEN is in ${B_2_TOKEN}
    {
      "servers": [
        { "name": "a", "command": "x" },
        { "name": "b", "command": "x", "env": { "TOKEN": "${B_TOKEN}" } },
        { "name": "b-2", "command": "y", "env": { "TOKEN": "${B_2_TOKEN}" } }
      ]
    }
    --- secrets
    B_2_TOKEN=5678
    B_TOKEN=1234
    "###);
}

#[test]
fn ones_own_configuration_stays_as_it_is() {
    let own = r#"{"gateway": {"max_sessions": 5}, "profiles": {"work": {"servers": ["a"]}},
        "servers": [{"name": "a", "command": "x", "roots": ["file:///srv"], "tools": {"deny": ["b"]}}]}"#;
    let inputs = [
        input("mcp-servers.json", own),
        input("metamcp.json", &sample("metamcp-database.json")),
    ];
    let imported = import(&inputs, &plan(Hiding::ByVariables));
    let json: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
    assert_eq!(
        json["servers"][0],
        serde_json::json!({"name": "a", "command": "x", "roots": ["file:///srv"], "tools": {"deny": ["b"]}})
    );
    assert_eq!(json["gateway"]["max_sessions"], 5);
    assert_eq!(
        json["profiles"]["work"],
        serde_json::json!({"servers": ["a"]}),
        "the first is taken"
    );
    assert_eq!(
        json["profiles"]["anna"],
        serde_json::json!({"servers": ["time-2"]})
    );
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.contains("two profiles 'work'"))
    );
}

#[test]
fn a_dump_with_one_endpoint_shows_it_everywhere() {
    let dump = sample("metamcp-database.json");
    let one = dump.replace(
        r#""name": "kids", "description": null, "namespace_uuid": "aa"#,
        r#""name": "kids", "description": null, "namespace_uuid": "zz"#,
    );
    assert!(one != dump);
    let mut json: serde_json::Value = serde_json::from_str(&dump).unwrap();
    json["endpoints"].as_array_mut().unwrap().truncate(1);
    let imported = of_text("dump.json", &json.to_string());
    let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
    assert_eq!(made["default_profile"], "work");
    assert_eq!(
        made["servers"][0]["tools"]["deny"],
        serde_json::json!(["delete_repository"])
    );
}

/// MetaMCP lets namespaces differ; here a server is one.
#[test]
fn of_two_namespaces_that_show_a_tool_differently_the_first_is_taken_and_it_is_said() {
    let mut json: serde_json::Value =
        serde_json::from_str(&sample("metamcp-database.json")).unwrap();
    let mapping = &mut json["namespace_tool_mappings"][2];
    mapping["status"] = "ACTIVE".into();
    mapping["override_name"] = "make_issue".into();
    let imported = of_text("dump.json", &json.to_string());
    let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
    assert_eq!(
        made["servers"][0]["tools"]["rename"]["create_issue"],
        "open_issue"
    );
    let changes = imported.rows[0].changes.join("\n");
    assert!(
        changes.contains("create_issue is shown otherwise in another namespace"),
        "{changes}"
    );
}

#[test]
fn an_empty_database_is_an_empty_configuration() {
    let text = r#"{"mcp_servers": [], "endpoints": null, "namespaces": null, "namespace_server_mappings": null,
        "namespace_tool_mappings": null, "tools": null, "api_keys": null}"#;
    let imported = of_text("dump.json", text);
    assert!(!imported.is_unusable() && imported.rows.is_empty());
    let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
    assert_eq!(made, serde_json::json!({"servers": []}));
}
