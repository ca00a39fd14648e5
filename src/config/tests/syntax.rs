//! Files that cannot be used as a whole, and what is said about them.

use crate::config::{ConfigError, parse, read};

fn malformed(text: &str) -> String {
    let error = parse(text, &|_| None).unwrap_err();
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    problems.join("\n")
}

#[test]
fn every_break_is_named_with_its_place() {
    let texts = [
        "",
        " \n\t\n",
        "\u{feff}",
        "// nothing yet\n",
        "{",
        "{\"servers\": [\n  {\"name\": \"a\", \"command\": \"x\"\n]}",
        "{\"servers\": [\n  {\"name\": \"a\" \"command\": \"x\"}]}",
        "{\"servers\": [\n  {\"name\": \"a, \"command\": \"x\"}\n]}",
        "{\"servers\": [\n  {\"name\": \"a\", \"command\": \"x\n}]}",
        "{\"servers\": [] }\n}",
        "{'servers': []}",
        "{servers: []}",
        "{\"servers\": [{\"command\": \"C:\\node\"}]}",
        "{\"ü\": 1, \"ö\": oops}",
        "[{\"timeout\": NaN}]",
        "hello",
        "\"hello\"",
        "null",
        "{\"servers\": null}",
        "{\"mcpServers\": \"x\"}",
        "{\"server\": []}",
        "{\"name\": \"a\", \"command\": \"x\"}",
        "{\"a\": {\"command\": \"x\"}}",
        "{\"x\": 1}",
    ];
    let said: Vec<_> = texts.map(|text| format!("{text:?}\n  {}", malformed(text))).into();
    insta::assert_snapshot!(said.join("\n"), @"");
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let bomb = open.repeat(100_000) + &close.repeat(100_000);
        assert!(malformed(&bomb).contains("nesting"), "{open}");
    }
}

#[test]
fn what_is_no_text_is_named_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.json");
    for (bytes, expected) in [
        (
            &b"[\n  \xc3\xbc\xff"[..],
            "error at line 2, column 4: the file is not UTF-8 here; save it with the encoding UTF-8",
        ),
        (
            b"\xff\xfe[\0]\0",
            "error at line 1, column 1: the file is UTF-16, not UTF-8; save it with the encoding UTF-8",
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(error.problems()[0].to_string(), expected);
    }
    assert!(matches!(
        read(directory.path()),
        Err(ConfigError::Unreadable { source, .. }) if source.to_string().contains("directory")
    ));
    assert!(matches!(
        read(&directory.path().join("none")),
        Err(ConfigError::Missing { .. })
    ));
}
