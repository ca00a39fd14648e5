//! Every shape a file may have.

use std::path::Path;
use std::time::Duration;

use super::{args, entries, load, problems, program, spec};

const ALIKE: [&str; 7] = [
    r#"{"servers": [{"name": "b", "command": "x", "args": ["1"]}, {"name": "a", "command": "y"}]}"#,
    r#"[{"name": "b", "command": "x", "args": ["1"]}, {"name": "a", "command": "y"}]"#,
    r#"{"mcpServers": {"b": {"command": "x", "args": ["1"]}, "//": "mine", "a": {"command": "y"}}}"#,
    r#"{"servers": {"b": {"type": "stdio", "command": "x", "args": ["1"]}, "a": {"command": "y"}}, "inputs": []}"#,
    r#"{"mcpServers": [{"name": "b", "command": "x", "args": ["1"]}, {"name": "a", "command": "y"}]}"#,
    r#"{"mcpServers": {"b": {"type": "STDIO", "command": "x", "args": ["1"], "description": "d", "url": null, "headers": {}}, "a": {"type": "STD", "command": "y", "env": null}}}"#,
    "\u{feff}// both\r\n{\"servers\": [{\"name\": \"b\", \"command\": \"x\", \"args\": [\"1\",],},], /* and */ \"mcpServers\": {\"a\": {\"command\": \"y\"}},}\r\n",
];

#[test]
fn the_dialects_mean_the_same() {
    let first = load(ALIKE[0]);
    assert_eq!(entries(&first), ["b", "a"], "in the order of the file");
    assert_eq!(args(&first, 0), ["1"]);
    for text in ALIKE {
        let parsed = load(text);
        assert_eq!(problems(&parsed), [""; 0], "{text}");
        assert_eq!(parsed.config, first.config, "{text}");
        let origins: Vec<_> = parsed.origins.iter().map(|o| o.server.as_str()).collect();
        assert_eq!(origins, ["b", "a"]);
    }
}

#[test]
fn an_entry_is_read_in_full() {
    let parsed = load(
        r#"{"servers": [{
            "name": "full", "command": "${HOME}/bin/x", "args": ["--dir=${env:HOME}", "${NOPE:-d}"],
            "env": {"A": "${TOKEN}", "B": ""}, "cwd": "${HOME}", "timeout": 1.5, "call_timeout": 60,
            "inherit_env": true, "enabled": true, "disabled": false, "transport": "stdio"}]}"#,
    );
    assert_eq!(problems(&parsed), [""; 0]);
    let full = spec(&parsed, 0);
    let run = program(&parsed, 0);
    assert_eq!(run.command, "/home/me/bin/x");
    assert_eq!(args(&parsed, 0), ["--dir=/home/me", "d"]);
    assert_eq!(run.env["A"].expose(), "s3cret-of-the-environment");
    assert_eq!(run.env["B"].expose(), "");
    assert_eq!(run.cwd.as_deref(), Some(Path::new("/home/me")));
    assert_eq!(full.start_timeout, Duration::from_millis(1500));
    assert_eq!(full.call_timeout, Duration::from_mins(1));
    assert!(run.inherit_env);
}

#[test]
fn the_defaults() {
    let parsed = load(r#"[{"name": "a", "command": "x", "cwd": "", "timeout": null}]"#);
    assert_eq!(problems(&parsed), [""; 0]);
    let a = spec(&parsed, 0);
    let run = program(&parsed, 0);
    assert_eq!((run.cwd.clone(), run.inherit_env), (None, false));
    assert_eq!(a.start_timeout, Duration::from_secs(30));
    assert_eq!(a.call_timeout, Duration::from_mins(5));
    assert!(run.args.is_empty() && run.env.is_empty());
}

#[test]
fn an_empty_list_stops_all() {
    for text in [
        "[]",
        r#"{"servers": []}"#,
        r#"{"mcpServers": {}}"#,
        "/* x */ [] // y",
    ] {
        let parsed = load(text);
        assert_eq!(entries(&parsed), [""; 0], "{text}");
        assert_eq!(problems(&parsed), [""; 0], "{text}");
    }
    let said = problems(&load("{}"));
    assert_eq!(said.len(), 1);
    assert!(
        said[0].starts_with("warning at line 1, column 1: the configuration is empty"),
        "{said:?}"
    );
}

#[test]
fn off_is_off_in_every_spelling() {
    let parsed = load(
        r#"[{"name": "a", "command": "x", "enabled": false},
            {"name": "b", "command": "${NOPE}", "disabled": true, "env": {"K": "${input:k}"}},
            {"name": "c", "type": "sse", "url": "https://x", "disabled": true},
            {"name": "d", "command": "x", "enabled": true, "disabled": true},
            {"name": "e", "enabled": false}]"#,
    );
    assert_eq!(
        entries(&parsed),
        ["a (off)", "b (off)", "c (off)", "d (off)", "e (off)"]
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 4, column 72 (server 'd', [3].disabled): 'enabled' and 'disabled' contradict each other; the server stays off; keep 'enabled' alone
    warning at line 5, column 13 (server 'e', [4]): 'command' is missing; name the program to run, such as "command": "npx", or a remote server's "url"
    "#);
}

#[test]
fn names_of_metamcp_keep_the_names_of_its_tools() {
    let parsed = load(
        r#"{"mcpServers": {
  "My Server (1)": {"type": "STDIO", "command": "x"},
  "MyServer1": {"type": "STDIO", "command": "x"},
  "Other Server": {"type": "STDIO", "command": "x"},
  "a __ b": {"type": "STDIO", "command": "x"},
  "remote": {"type": "STREAMABLE_HTTP", "url": "https://key@example.org", "bearerToken": "t"}
}}"#,
    );
    assert_eq!(
        entries(&parsed),
        [
            "My-Server-1",
            "MyServer1",
            "OtherServer",
            "a-_-b",
            "remote (refused)"
        ]
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 2, column 3 (mcpServers['My Server (1)']): 'My Server (1)' is called 'My-Server-1': a name has only letters, digits, '_' and '-'; ' ' is none of them
    warning at line 4, column 3 (mcpServers['Other Server']): 'Other Server' is called 'OtherServer', as its tools were by MetaMCP
    warning at line 5, column 3 (mcpServers['a __ b']): 'a __ b' is called 'a-_-b': a name has only letters, digits, '_' and '-'; ' ' is none of them
    error at line 6, column 48 (mcpServers.remote.url): 'url' has a user or a password before its host; send them with "headers": {"Authorization": "Basic <base64 of user:password>"}
    "#);
}
