//! Every mistake with its place, its text and its help; the others run.

use super::{entries, load, problems, spec};

#[test]
fn every_mistake_is_reported_in_one_go() {
    let parsed = load(
        r#"{
  "server": [],
  "gateway": {},
  "servers": [
    {"name": "typo", "comand": "npx"},
    {"name": "list", "command": ["npx", "-y"]},
    {"name": "empty", "command": "  "},
    {"name": "number", "command": 7, "args": "-y x", "env": ["A=b"], "cwd": {}},
    {"name": "elements", "command": "x", "args": ["-p", 80, true, null, ["a"]]},
    {"name": "variables", "command": "x", "env": {"PORT": 80, "ON": false, "NO": null, "BAD": {}, "A=B": "", "": ""}},
    {"name": "nul", "command": "x", "args": ["a\u0000b"]},
    {"name": "twice", "command": "x", "command": "y", "env": {"A": "1", "A": "2"}},
    {"name": "switch", "command": "x", "enabled": "true", "inherit_env": 1},
    {"command": "x"},
    {"name": 5, "command": "x"},
    {"name": "my server", "command": "x"},
    {"name": "@scope/a__b", "command": "x"},
    {"name": "", "command": "x"},
    "npx",
    {"name": "good", "command": "x"}
  ]
}"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @"");
    insta::assert_snapshot!(entries(&parsed).join(", "), @"");
}

#[test]
fn times() {
    let parsed = load(
        r#"[
{"name": "zero", "command": "x", "timeout": 0},
{"name": "negative", "command": "x", "timeout": -5},
{"name": "text", "command": "x", "timeout": "30"},
{"name": "huge", "command": "x", "call_timeout": 600000},
{"name": "infinite", "command": "x", "call_timeout": 1e999},
{"name": "tiny", "command": "x", "call_timeout": 1e-9},
{"name": "millis", "command": "x", "timeout": 30000},
{"name": "most", "command": "x", "call_timeout": 86400},
{"name": "least", "command": "x", "timeout": 0.001}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @"");
    insta::assert_snapshot!(entries(&parsed).join(", "), @"");
}

#[test]
fn servers_that_are_not_stdio() {
    let parsed = load(
        r#"[
{"name": "sse", "type": "sse", "url": "https://user:pass@x"},
{"name": "http", "transport": "streamable-http", "url": "https://x", "headers": {"A": "b"}},
{"name": "url", "url": "https://x"},
{"name": "windsurf", "serverUrl": "https://x"},
{"name": "other", "type": "carrier-pigeon", "command": "x"},
{"name": "odd", "type": 1, "command": "x"},
{"name": "void", "url": ""},
{"name": "both", "command": "x", "url": "https://x"},
{"name": "capitals", "type": "Stdio", "command": "x"}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @"");
    insta::assert_snapshot!(entries(&parsed).join(", "), @"");
}

#[test]
fn fields_of_others_and_of_later_versions() {
    let parsed = load(
        r#"{"mcpServers": {
"quiet": {"command": "x", "description": "d", "autoApprove": ["a"], "alwaysAllow": [], "icon": "i",
  "headers": {"A": "b"}, "bearerToken": "t", "gallery": true, "version": "1", "id": 1, "name": "quiet"},
"later": {"command": "x", "prefix": "", "isolation": "session", "tools": {}, "roots": []},
"lost": {"command": "x", "disabledTools": ["rm"], "envFile": ".env", "sandboxEnabled": false, "name": "other"},
"slip": {"command": "x", "inheritEnv": true, "workingDirectory": "/", "colour": "red"}
}, "inputs": [{"id": "x"}], "mcpservers": {}, "colour": 1}"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @"");
    assert_eq!(entries(&parsed), ["quiet", "later", "lost", "slip"]);
}

#[test]
fn the_second_of_a_name_is_refused() {
    let parsed = load(
        r#"{"servers": [
  {"name": "a", "command": "first"},
  {"name": "b", "command": ""},
  {"name": "a", "command": "second"},
  {"name": "b", "command": "x"}
], "mcpServers": {"c": {"command": "x"}, "c": {"command": "y"}, "a": {"command": "z"}}}"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @"");
    assert_eq!(entries(&parsed), ["a", "b (refused)", "c"]);
    assert_eq!(spec(&parsed, 0).command, "first");
}

#[test]
fn references_and_habits_of_the_shell() {
    let parsed = load(
        r#"[
{"name": "unset", "command": "x", "args": ["${NOPE}", "$${NOPE}"], "env": {"T": "a ${env:NOPE}"}},
{"name": "input", "command": "x", "env": {"T": "${input:token}"}},
{"name": "editor", "command": "x", "args": ["${workspaceFolder}/a"], "cwd": "${userHome}"},
{"name": "odd", "command": "x", "env": {"PASSWORD": "hunter${2"}},
{"name": "spaces", "command": "npx -y server --key=hunter2"},
{"name": "path", "command": "/opt/My App/run"},
{"name": "tilde", "command": "~/bin/x", "cwd": "~"},
{"name": "void", "command": "${NOPE:-}"}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @"");
    assert_eq!(spec(&parsed, 0).args, ["${NOPE}", "${NOPE}"]);
    let hidden = format!("{:?} {:?}", parsed.config, parsed.problems);
    assert!(!hidden.contains("hunter${") && !format!("{:?}", parsed.problems).contains("hunter"));
}

#[test]
fn no_value_of_the_environment_is_ever_shown() {
    let parsed = load(
        r#"[{"name": "a", "command": "x", "env": {"A": "${TOKEN}", "B": "literal-secret"}, "x": "literal-secret"},
            {"name": "a", "command": "x", "env": {"A": "literal-secret", "A": "${TOKEN}"}, "timeout": "literal-secret"}]"#,
    );
    let shown = format!("{parsed:?} {}", problems(&parsed).join(" "));
    assert!(shown.contains("'A'"), "{shown}");
    for secret in ["s3cret", "literal-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn what_the_file_writes_cannot_forge_a_line_of_the_log() {
    let parsed = load("{\"servers\": [{\"name\": \"a\\n[INFO] b\", \"command\": \"x\", \"\\u001b[31m\": 1}]}");
    for line in problems(&parsed) {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    assert_eq!(parsed.problems.len(), 2);
}
