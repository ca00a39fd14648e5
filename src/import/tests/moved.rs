//! Secrets, and the variables they are moved to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Hiding, Imported, Plan, import, input, of_text, plan, told};

fn env(imported: &Imported, server: usize) -> Value {
    let made: Value = serde_json::from_str(&imported.text).unwrap();
    made["servers"][server]["env"].clone()
}

#[test]
fn a_variable_that_something_refers_to_is_not_given_a_secret() {
    for reference in [
        "${GITHUB_TOKEN}",
        "${env:GITHUB_TOKEN}",
        "${GITHUB_TOKEN:-}",
    ] {
        let text = format!(
            r#"{{"mcpServers": {{"a": {{"command": "x", "env": {{"GITHUB_TOKEN": "one"}}}},
                "b": {{"command": "x", "args": ["{reference}"]}}}}}}"#
        );
        let imported = of_text("a.json", &text);
        assert_eq!(env(&imported, 0)["GITHUB_TOKEN"], "${A_GITHUB_TOKEN}");
        assert_eq!(imported.env_file(), "A_GITHUB_TOKEN=one\n", "{reference}");
    }
    let profile = r#"{"gateway": {"env_file": "${API_PASS}"}, "servers": [{"name": "srv", "command": "x", "env": {"API_PASS": "one"}}]}"#;
    let imported = of_text("mcp-servers.json", profile);
    assert_eq!(env(&imported, 0)["API_PASS"], "${SRV_API_PASS}");
}

#[test]
fn what_the_file_of_variables_has_stays_what_it_is() {
    let text = r#"{"mcpServers": {"a": {"command": "x", "env": {"GITHUB_TOKEN": "one"}}}}"#;
    for (known, expected, new) in [
        ("one", "${GITHUB_TOKEN}", ""),
        ("two", "${A_GITHUB_TOKEN}", "A_GITHUB_TOKEN=one\n"),
    ] {
        let known = [("GITHUB_TOKEN".to_owned(), known.to_owned())];
        let plan = Plan {
            hiding: Hiding::InFile("s.env".to_owned()),
            variables: BTreeMap::from(known),
            ..Plan::default()
        };
        let imported = import(&[input("a.json", text)], &plan);
        assert_eq!(env(&imported, 0)["GITHUB_TOKEN"], expected);
        assert_eq!(imported.env_file(), new);
        assert!(imported.names_env_file);
        assert!(
            imported.text.contains("\"env_file\": \"s.env\""),
            "{}",
            imported.text
        );
    }
}

#[test]
fn where_there_is_a_file_for_all_servers_another_is_for_those_that_need_it() {
    let text = r#"{"gateway": {"env_file": "s.env"}, "servers": [
        {"name": "a", "command": "x", "env": {"GITHUB_TOKEN": "one"}}, {"name": "b", "command": "x"},
        {"name": "c", "command": "x", "envFile": "/p/c.env", "env": {"MY_PAT": "PAT"}}]}"#;
    for (path, pat, named, is_complete) in [
        ("s.env", "two", [Value::Null, Value::Null], true),
        ("/p/s.env", "two", [Value::Null, Value::Null], true),
        ("other.env", "two", ["other.env".into(), Value::Null], false),
        ("c.env", "two", ["c.env".into(), Value::Null], true),
        ("other.env", "${X}", ["other.env".into(), Value::Null], true),
    ] {
        let plan = Plan {
            hiding: Hiding::InFile(path.to_owned()),
            folder: Some("/p".into()),
            ..Plan::default()
        };
        let text = text.replace("PAT\"}", &format!("{pat}\"}}"));
        let imported = import(&[input("/p/mcp-servers.json", &text)], &plan);
        let made: Value = serde_json::from_str(&imported.text).unwrap();
        assert_eq!(made["gateway"], json!({"env_file": "s.env"}), "{path}");
        let of = |place: usize| made["servers"][place]["env_file"].clone();
        assert_eq!([of(0), of(1)], named, "{path}");
        assert_eq!(of(2), "/p/c.env", "{path}");
        assert_eq!(imported.names_env_file, is_complete, "{path}");
        assert_eq!(imported.is_complete(), is_complete, "{path}");
        let told = told(&imported);
        assert_eq!(
            told.contains("put the new variables there: c"),
            !is_complete,
            "{told}"
        );
    }
}

#[test]
fn a_secret_that_is_a_default_is_moved_too() {
    for (name, value, expected, secret) in [
        ("MY_PAT", "${PAT:-hunter2}", "${MY_PAT}", "hunter2"),
        ("MY_PAT", "${MY_PAT:-hunter2}", "${A_MY_PAT}", "hunter2"),
        (
            "URL",
            "https://h/${X:-ghp_0123456789abcdef}/mcp",
            "https://h/${A_URL}/mcp",
            "ghp_0123456789abcdef",
        ),
        (
            "MY_PAT",
            "Bearer ${env:PAT:-hunter2}",
            "Bearer ${MY_PAT}",
            "hunter2",
        ),
    ] {
        let text = json!({"mcpServers": {"a": {"command": "x", "env": {name: value}}}});
        let imported = of_text("a.json", &text.to_string());
        assert_eq!(env(&imported, 0)[name], expected, "{value}");
        let moved: Vec<&String> = imported.secrets.values().collect();
        assert_eq!(moved, [secret], "{value}");
        assert!(
            told(&imported).contains("a default is used without asking for its variable"),
            "{}",
            told(&imported)
        );
    }
    for (name, value) in [
        ("MY_PAT", "${PAT:-}"),
        ("HOST", "${HOST:-localhost}"),
        ("MY_PAT", "${PAT:-${OTHER_TOKEN}}"),
    ] {
        let text = json!({"mcpServers": {"a": {"command": "x", "env": {name: value}}}});
        let imported = of_text("a.json", &text.to_string());
        assert!(imported.secrets.is_empty(), "{value}: {}", told(&imported));
        assert_eq!(env(&imported, 0)[name], value);
    }
}

/// A secret is one wherever it stands, and a setting may have two.
#[test]
fn secrets_that_stay_are_counted_as_those_that_are_moved() {
    let text = r#"{"mcpServers": {
        "a": {"command": "x", "env": {"MY_PAT": "hunter2${X}hunter3", "GITHUB_TOKEN": "one"}},
        "b": {"command": "y", "env": {"GITHUB_TOKEN": "one"}}}}"#;
    let of = |hiding| import(&[input("a.json", text)], &plan(hiding));
    let moved = of(Hiding::ByVariables).secrets.len();
    assert_eq!((moved, of(Hiding::No).written_out), (3, 3));
}

#[test]
fn what_is_written_is_read_again() {
    let values = [
        "plain",
        "a b",
        "it's $x",
        "one\ntwo",
        "\"q\" \\ `c`",
        "# no",
        "a #b",
        "ü",
        "\ttab ",
    ];
    for value in values {
        let text = json!({"mcpServers": {"a": {"command": "x", "env": {"MY_PAT": value}}}});
        let imported = of_text("a.json", &text.to_string());
        let read = crate::config::variables(&imported.env_file());
        assert_eq!(read, Ok(imported.secrets), "{value:?}");
    }
}
