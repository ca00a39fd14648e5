//! What is wrong in a file is said with its place, and whatever a file holds comes to an end.

use std::fmt::Write as _;

use super::{Hiding, import, input, of_text, plan, told};

#[test]
fn what_is_wrong_in_an_entry_is_said_with_its_place_and_the_entry_is_left_out() {
    for (path, text) in [
        (
            "a.json",
            "{\"mcpServers\": {\n  \"a\": {\"command\": 5, \"args\": {}},\n  \"b\": {\"command\": \"x\"}}}",
        ),
        (
            "a.toml",
            "[mcp_servers.a]\ncommand = [[1]]\n[mcp_servers.b]\ncommand = \"x\"\n",
        ),
        (
            "a.yaml",
            "mcpServers:\n  a:\n    command: {x: {}}\n  b:\n    command: x\n",
        ),
        (
            "b.json",
            "{\"mcpServers\": {\"a\": {\"command\": \"x\",\n \"disabledTools\": 5},\n  \"b\": {\"command\": \"x\"}}}",
        ),
        (
            "c.json",
            "{\"mcpServers\": {\"a\": {\"command\": \"x\",\n \"toolFilter\": {\"mode\": \"odd\", \"list\": [\"x\"]}},\n  \"b\": {\"command\": \"x\"}}}",
        ),
        (
            "d.json",
            "{\"mcpServers\": {\"a\": {\n\"timeout\": 5},\n  \"b\": {\"command\": \"x\"}}}",
        ),
        (
            "e.json",
            "{\"mcpServers\": {\"a\": {\"command\": \"x\",\n\"enabeld\": false},\n  \"b\": {\"command\": \"x\"}}}",
        ),
    ] {
        let imported = of_text(path, text);
        assert_eq!(imported.left_out(), 1, "{path}: {}", told(&imported));
        let json: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
        assert_eq!(json["servers"].as_array().unwrap().len(), 1, "{path}");
        let lines: Vec<usize> = imported.problems.iter().map(|(_, p)| p.line).collect();
        assert!(
            lines.contains(&2) || lines.contains(&3) || path == "d.json",
            "{path}: {lines:?}"
        );
    }
}

#[test]
fn what_may_hide_tools_and_is_not_understood_switches_its_server_off() {
    for filter in [
        r#""denyTools": ["b"]"#,
        r#""deny": ["b"]"#,
        r#""Tools": {"deny": ["b"]}"#,
        r#""tolos": {"deny": ["b"]}"#,
        r#""options": {"hiddenTools": ["b"]}, "x": null, "options2": {}, "blockTools": ["c"]"#,
    ] {
        let text = format!(r#"{{"mcpServers": {{"a": {{"command": "x", {filter}}}}}}}"#);
        let imported = of_text("a.json", &text);
        let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
        assert_eq!(made["servers"][0]["enabled"], false, "{filter}");
        assert!(!imported.is_complete(), "{filter}");
        assert!(told(&imported).contains("switched off: '"), "{filter}");
    }
}

#[test]
fn what_is_certain_of_a_filter_is_taken_over() {
    for filter in [
        r#""exclude_tools": ["b"]"#,
        r#""tools": [{"name": "b", "enabled": false}, {"name": "c", "enabled": true}]"#,
        r#""options": {"toolFilter": {"mode": "block", "list": ["b"]}}"#,
    ] {
        let text = format!(r#"{{"mcpServers": {{"a": {{"command": "x", {filter}}}}}}}"#);
        let imported = of_text("a.json", &text);
        let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
        assert_eq!(
            made["servers"][0],
            serde_json::json!({"name": "a", "command": "x", "tools": {"deny": ["b"]}}),
            "{filter}"
        );
        assert!(imported.is_complete(), "{filter}: {}", told(&imported));
    }
    for filter in [
        r#""tools": {"b": {"enabled": "false"}}"#,
        r#""tools": [{"name": "b"}]"#,
    ] {
        let text = format!(r#"{{"mcpServers": {{"a": {{"command": "x", {filter}}}}}}}"#);
        assert_eq!(of_text("a.json", &text).left_out(), 1, "{filter}");
    }
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let mut all = String::new();
    for (path, text) in [
        ("a.json", "{\"mcpServers\": {\n  \"a\" {}}}"),
        ("a.toml", "[mcp_servers.a]\ncommand = \"x\nargs = []"),
        ("a.toml", "a = 1\na = 2"),
        ("a.yaml", "mcpServers:\n  a: [\n"),
        ("a.yaml", "ü: ä\nb: [ü\n"),
        ("a.yaml", "a: 1\n---\nb: 2\n"),
        ("a.yaml", "? {a: b}\n: c\n"),
        ("a.yaml", ""),
        ("a", "no configuration of anybody"),
        ("a", "a: 1\nb: 2\n"),
        ("a.json", "{\"dependencies\": {}}"),
        ("a.json", "5"),
    ] {
        let imported = of_text(path, text);
        assert!(imported.is_unusable(), "{text}");
        writeln!(all, "{path} {text:?}").unwrap();
        for (_, problem) in &imported.problems {
            writeln!(all, "    {problem}").unwrap();
        }
    }
    insta::assert_snapshot!(all, @r###"
    a.json "{\"mcpServers\": {\n  \"a\" {}}}"
        error at line 2, column 7: a colon is missing; write "field": value
    a.toml "[mcp_servers.a]\ncommand = \"x\nargs = []"
        error at line 2, column 13: this is no TOML here: invalid basic string, expected `"`
    a.toml "a = 1\na = 2"
        error at line 2, column 1: this is no TOML here: duplicate key
    a.yaml "mcpServers:\n  a: [\n"
        error at line 3, column 1: this is no YAML here: while parsing a node, did not find expected node content
    a.yaml "ü: ä\nb: [ü\n"
        error at line 3, column 1: this is no YAML here: while parsing a flow sequence, expected ',' or ']'
    a.yaml "a: 1\n---\nb: 2\n"
        error at line 2, column 1: a second document starts here; one is read
    a.yaml "? {a: b}\n: c\n"
        error at line 1, column 8: a name is a text
    a.yaml ""
        error at line 1, column 1: the file is empty
    a "no configuration of anybody"
        error at line 1, column 1: this is no value; a value is a text in double quotes, a number, true, false, null, [ … ] or { … }
    a "a: 1\nb: 2\n"
        error at line 1, column 1: there are no servers in it, as far as the programs are known whose files are read; name the file of a program that 'mcproxy import --help' lists
    a.json "{\"dependencies\": {}}"
        error at line 1, column 1: this is an npm package's package.json; name the configuration instead
    a.json "5"
        error at line 1, column 1: there are no servers in it, as far as the programs are known whose files are read; name the file of a program that 'mcproxy import --help' lists
    "###);
}

proptest::proptest! {
    /// Whatever a file holds, what is made of it is JSON, and is read by the gateway or refused with words.
    #[test]
    fn any_text_is_imported_or_refused(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..40),
        path in proptest::sample::select(vec!["a", "a.json", "a.toml", "a.yaml"]),
        moves in proptest::bool::ANY,
    ) {
        let text = pieces.concat();
        let imported = import(&[input(path, &text)], &plan(if moves { Hiding::ByVariables } else { Hiding::No }));
        let made: serde_json::Value = serde_json::from_str(&imported.text).unwrap();
        proptest::prop_assert!(made["servers"].is_array());
        proptest::prop_assert!(!imported.is_unusable() || !imported.problems.is_empty());
        let parsed = crate::config::parse(&imported.text, &|_| None).unwrap();
        proptest::prop_assert_eq!(parsed.config.servers.len(), made["servers"].as_array().unwrap().len());
    }
}

/// What files are made of.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\n",
    " ",
    "  ",
    "- ",
    "= ",
    "&a ",
    "*a",
    "<<: ",
    "#",
    "ü",
    "\u{feff}",
    "\0",
    "mcpServers",
    "\"mcpServers\": {",
    "\"a\": {",
    "\"command\": \"x\"",
    "\"args\": [\"y\"]",
    "\"url\": \"http://x\"",
    "\"env\": {\"TOKEN\": \"x\"}",
    "\"tools\": {\"a\": false}",
    "[mcp_servers.a]\n",
    "command = \"x\"\n",
    "extensions:\n",
    "  a:\n",
    "    cmd: x\n",
    "    type: stdio\n",
    "    enabled: false\n",
    "\"mcp_servers\": [",
    "{\"name\": \"a\", \"command\": \"x\"}",
    "null",
    "true",
    "1",
    "\"type\": \"STDIO\"",
];
