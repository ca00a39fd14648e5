//! Files that cannot be used as a whole, and what is said about them.

use crate::config::{ConfigError, parse, read};

fn malformed(text: &str) -> String {
    let error = parse(text, &|_| None).unwrap_err();
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    problems.join("\n")
}

fn said(texts: &[&str]) -> String {
    let one = |text: &&str| format!("{text:?}\n  {}", malformed(text));
    texts.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_slip_in_the_syntax_is_named_with_its_place() {
    insta::assert_snapshot!(said(&[
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
        "{\"servers\": [{\"command\": \"C:\\qemu\"}]}",
        "{\"ü\": 1, \"ö\": oops}",
        "[{\"timeout\": NaN}]",
        "hello",
    ]), @r#"
    ""
      error at line 1, column 1: the file is empty; write [] if no server is to run
    " \n\t\n"
      error at line 1, column 1: the file is empty; write [] if no server is to run
    "\u{feff}"
      error at line 1, column 1: the file is empty; write [] if no server is to run
    "// nothing yet\n"
      error at line 1, column 1: the file is empty; write [] if no server is to run
    "{"
      error at line 1, column 1: the object that starts here is not closed; its '}' is missing
    "{\"servers\": [\n  {\"name\": \"a\", \"command\": \"x\"\n]}"
      error at line 3, column 1: a field in double quotes or a '}' should be here; perhaps a '}' is missing before this place
    "{\"servers\": [\n  {\"name\": \"a\" \"command\": \"x\"}]}"
      error at line 2, column 15: a comma is missing; put a ',' here
    "{\"servers\": [\n  {\"name\": \"a, \"command\": \"x\"}\n]}"
      error at line 2, column 29: the string is not closed on its line; put the missing '"' at its end
    "{\"servers\": [\n  {\"name\": \"a\", \"command\": \"x\n}]}"
      error at line 2, column 28: the string is not closed on its line; put the missing '"' at its end
    "{\"servers\": [] }\n}"
      error at line 2, column 1: something follows after the end of the configuration; look for a '}' or ']' too many before this place
    "{'servers': []}"
      error at line 1, column 2: a text in single quotes; use double quotes
    "{servers: []}"
      error at line 1, column 2: a field without quotes; put it into double quotes
    "{\"servers\": [{\"command\": \"C:\\qemu\"}]}"
      error at line 1, column 29: a backslash that stands for nothing; write it as \\, and paths with /
    "{\"ü\": 1, \"ö\": oops}"
      error at line 1, column 15: this is no value; a value is a text in double quotes, a number, true, false, null, [ … ] or { … }
    "[{\"timeout\": NaN}]"
      error at line 1, column 14: this is no value; a value is a text in double quotes, a number, true, false, null, [ … ] or { … }
    "hello"
      error at line 1, column 1: this is no value; a value is a text in double quotes, a number, true, false, null, [ … ] or { … }
    "#);
}

#[test]
fn what_a_web_page_made_of_the_text_is_named() {
    for (text, word) in [
        ("{\u{201c}servers\u{201d}: []}", "quotation mark"),
        ("{\"servers\":\u{200b}[]}", "looks like a space"),
        ("\u{200d}{\"servers\": []}", "looks like a space"),
    ] {
        assert!(malformed(text).contains(word), "{}", malformed(text));
    }
}

#[test]
fn another_shape_is_named_with_what_it_should_be() {
    insta::assert_snapshot!(said(&[
        "\"hello\"",
        "null",
        "{\"servers\": null}",
        "{\"mcpServers\": \"x\"}",
        "{\"server\": []}",
        "{\"name\": \"a\", \"command\": \"x\"}",
        "{\"a\": {\"command\": \"x\"}}",
        "{\"x\": 1}",
    ]), @r#"
    "\"hello\""
      error at line 1, column 1: a configuration is an object or a list, not a text; write {"servers": [{"name": "…", "command": "…", "args": […]}]}
    "null"
      error at line 1, column 1: a configuration is an object or a list, not null; write {"servers": [{"name": "…", "command": "…", "args": […]}]}
    "{\"servers\": null}"
      error at line 1, column 13 (servers): the servers are a list or an object, not null; write [] if no server is to run
    "{\"mcpServers\": \"x\"}"
      error at line 1, column 16 (mcpServers): the servers are a list or an object, not a text; write [] if no server is to run
    "{\"server\": []}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; 'server' should probably be 'servers'
    "{\"name\": \"a\", \"command\": \"x\"}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; this looks like one entry; put it into {"servers": [ … ]}
    "{\"a\": {\"command\": \"x\"}}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; this looks like the entries alone; put them into {"mcpServers": { … }}
    "{\"x\": 1}"
      error at line 1, column 1: there is no 'servers' or 'mcpServers' in it; write {"servers": [{"name": "…", "command": "…", "args": […]}]}
    "#);
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
            "error at line 2, column 4: the file is not UTF-8 here, but perhaps Windows-1252 or Latin-1; save it with the encoding UTF-8",
        ),
        (
            b"\xff\xfe[\0]\0",
            "error at line 1, column 1: the file is UTF-16, not UTF-8; save it with the encoding UTF-8; in PowerShell: Set-Content -Encoding utf8",
        ),
        (
            b"[\0]\0",
            "error at line 1, column 1: the file is UTF-16, not UTF-8; save it with the encoding UTF-8; in PowerShell: Set-Content -Encoding utf8",
        ),
        (
            b"PK\x03\x04",
            "error at line 1, column 1: the file is a ZIP archive, not UTF-8; bundles of servers (.mcpb, .dxt) are such: unpack it, and write an entry for the server in it",
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
