//! Entries of servers that run elsewhere.

use std::fs;

use hyper::header::{HeaderMap, HeaderValue};

use super::{entries, env, load, problems, spec};
use crate::config::model::{Address, AddressError, Given, Remote, Target, Transport};
use crate::config::{Parsed, parse_under};

fn remote(parsed: &Parsed, index: usize) -> &Remote {
    match &spec(parsed, index).target {
        Target::Remote(remote) => remote,
        Target::Program(program) => panic!("{} is run", program.command),
    }
}

fn fill(parsed: &Parsed, index: usize) -> Result<Address, AddressError> {
    remote(parsed, index).fill(&spec(parsed, index).env_files)
}

/// `name: value` in lines.
fn headers(headers: &HeaderMap) -> String {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    let mut lines: Vec<String> = lines.collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn an_entry_is_read_in_full() {
    let parsed = load(
        r#"[{"name": "full", "url": " https://x/${TOKEN}?q=${NOPE:-q} ", "type": "http",
             "headers": {"Authorization": "Bearer ${TOKEN}", "X-Team": "ops"},
             "timeout": 5, "call_timeout": 60, "isolation": "session", "enabled": true, "prefix": "f",
             "protocol": "auto", "tools": {"allow": ["a*"]}, "args": [], "env": {}, "command": ""},
            {"name": "least", "url": "https://x"}]"#,
    );
    assert_eq!(problems(&parsed), [""; 0]);
    let address = fill(&parsed, 0).unwrap();
    assert_eq!(
        address.url.as_str(),
        "https://x/s3cret-of-the-environment?q=q"
    );
    assert_eq!(
        headers(&address.headers),
        "authorization: Bearer s3cret-of-the-environment\nx-team: ops"
    );
    assert!(address.headers.values().all(HeaderValue::is_sensitive));
    assert_eq!(remote(&parsed, 0).shown(), "https://x");
    let shown = format!("{:?}", parsed.config);
    assert!(
        !shown.contains("s3cret") && !shown.contains("ops"),
        "{shown}"
    );
    let least = fill(&parsed, 1).unwrap();
    assert!(least.headers.is_empty());
    assert_eq!(remote(&parsed, 1).transport, Transport::Auto);
}

#[test]
fn every_word_for_a_remote_server_is_understood() {
    for (fields, expected) in [
        (r#""url": "https://x""#, Transport::Auto),
        (r#""url": "https://x", "type": "http""#, Transport::Auto),
        (r#""url": "https://x", "type": "remote""#, Transport::Auto),
        (r#""serverUrl": "https://x""#, Transport::Auto),
        (r#""httpUrl": "https://x""#, Transport::Streamable),
        (
            r#""type": "http", "httpUrl": "https://x""#,
            Transport::Streamable,
        ),
        (
            r#""url": "https://x", "type": "streamable-http""#,
            Transport::Streamable,
        ),
        (
            r#""url": "https://x", "type": "streamableHttp""#,
            Transport::Streamable,
        ),
        (
            r#""url": "https://x", "type": "streamable_http""#,
            Transport::Streamable,
        ),
        (
            r#""url": "https://x", "type": "STREAMABLE_HTTP", "command": null, "args": []"#,
            Transport::Streamable,
        ),
        (r#""url": "https://x", "transport": "sse""#, Transport::Sse),
        (
            r#""url": "https://x", "type": "remote", "transport": "sse""#,
            Transport::Sse,
        ),
        (
            r#""url": "https://x", "type": "SSE", "bearerToken": "", "env": {}"#,
            Transport::Sse,
        ),
    ] {
        let parsed = load(&format!(r#"{{"mcpServers": {{"a": {{{fields}}}}}}}"#));
        assert_eq!(problems(&parsed), [""; 0], "{fields}");
        assert_eq!(remote(&parsed, 0).transport, expected, "{fields}");
        assert_eq!(fill(&parsed, 0).unwrap().url.as_str(), "https://x/");
    }
}

#[test]
fn a_bearer_token_of_metamcp_is_a_header() {
    let parsed = load(
        r#"{"mcpServers": {
  "plain": {"type": "STREAMABLE_HTTP", "url": "https://x", "bearerToken": "${TOKEN}"},
  "whole": {"type": "SSE", "url": "https://x", "bearerToken": "bearer t", "headers": {"X-A": "1"}},
  "both": {"type": "SSE", "url": "https://x", "bearerToken": "t", "headers": {"authorization": "u"}}
}}"#,
    );
    let sent = [0, 1, 2].map(|index| headers(&fill(&parsed, index).unwrap().headers));
    assert_eq!(
        sent,
        [
            "authorization: Bearer s3cret-of-the-environment",
            "authorization: bearer t\nx-a: 1",
            "authorization: Bearer t",
        ]
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"warning at line 4, column 11 (mcpServers.both): 'bearerToken' counts, the Authorization in 'headers' does not; keep one of them"#);
}

#[test]
fn what_cannot_be_asked_is_refused_without_showing_it() {
    let parsed = load(
        r#"[
{"name": "none", "type": "http"},
{"name": "run", "type": "sse", "command": "npx"},
{"name": "bare", "url": "c4n4ry.example/mcp"},
{"name": "user", "url": "https://c4n4ry:c4n4ry@x/mcp"},
{"name": "socket", "url": "wss://c4n4ry/mcp"},
{"name": "ws", "type": "websocket", "url": "wss://c4n4ry/mcp"},
{"name": "host", "url": "https://x", "headers": {"Host": "c4n4ry", "mcp-session-id": "c4n4ry"}},
{"name": "lines", "url": "https://x", "headers": {"X-A": "c4n4ry\r\nX-B: c4n4ry", "X B": "c4n4ry"}},
{"name": "twice", "url": "https://x", "headers": {"X-A": "c4n4ry", "x-a": "c4n4ry"}},
{"name": "kinds", "url": ["c4n4ry"], "headers": ["c4n4ry"], "bearerToken": 1},
{"name": "off", "url": "c4n4ry", "enabled": false},
{"name": "other", "type": "ws", "enabled": false}
]"#,
    );
    let said = problems(&parsed).join("\n");
    assert!(!said.contains("c4n4ry"), "{said}");
    insta::assert_snapshot!(said, @r#"
    error at line 2, column 1 (server 'none', [0]): 'url' is missing; write where the server is, such as "url": "https://server.example/mcp", or leave 'type' out to run a command
    error at line 3, column 1 (server 'run', [1]): 'url' is missing; write where the server is, such as "url": "https://server.example/mcp", or leave 'type' out to run a command
    warning at line 3, column 43 (server 'run', [1].command): 'command' has no effect: the server is remote, and nothing is run for it
    error at line 4, column 25 (server 'bare', [2].url): 'url' does not begin with http:// or https://; write the whole of it, such as https://server.example/mcp
    error at line 5, column 25 (server 'user', [3].url): 'url' has a user or a password before its host; send them with "headers": {"Authorization": "Basic <base64 of user:password>"}
    error at line 6, column 27 (server 'socket', [4].url): 'url' is a WebSocket, which MCP does not have; ask its maker for an address with https://
    error at line 7, column 24 (server 'ws', [5].type): 'type' is a WebSocket, which MCP does not have; ask its maker for an address with https://, or switch it off with "enabled": false
    error at line 8, column 58 (server 'host', [6].headers.Host): 'Host' is set by mcproxy itself; leave it out
    error at line 8, column 86 (server 'host', [6].headers.mcp-session-id): 'mcp-session-id' is set by mcproxy itself; leave it out
    error at line 9, column 58 (server 'lines', [7].headers.X-A): 'X-A' has a character that a header cannot have; a header is one line of text
    error at line 9, column 90 (server 'lines', [7].headers['X B']): 'X B' cannot be the name of a header; it has letters, digits and '-', such as X-Api-Key
    error at line 10, column 75 (server 'twice', [8].headers.x-a): the header 'x-a' is here twice; keep one of them
    error at line 11, column 26 (server 'kinds', [9].url): 'url' must be a text, not a list
    error at line 11, column 49 (server 'kinds', [9].headers): 'headers' must be an object, not a list; write "headers": {"NAME": "value"}
    error at line 11, column 76 (server 'kinds', [9].bearerToken): 'bearerToken' must be a text, not a number
    warning at line 12, column 24 (server 'off', [10].url): 'url' does not begin with http:// or https://; write the whole of it, such as https://server.example/mcp
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"none (refused), run (refused), bare (refused), user (refused), socket (refused), ws (refused), host (refused), lines (refused), twice (refused), kinds (refused), off (off), other (off)"#);
}

#[test]
fn what_has_no_effect_or_may_be_seen_is_warned_of() {
    let parsed = load(
        r#"[
{"name": "both", "command": "x", "url": "https://x", "headers": {"A": "b"}},
{"name": "sent", "type": "http", "command": "x", "args": ["y"], "env": {"A": "b"}, "url": "https://x"},
{"name": "more", "url": "https://x", "httpUrl": "https://y"},
{"name": "end", "url": "https://x#c4n4ry"},
{"name": "copied", "url": "https://x", "headers": {"Accept": "c4n4ry", "content-type": "c4n4ry"}},
{"name": "clear", "url": "http://example.org/mcp", "headers": {"Authorization": "c4n4ry"}},
{"name": "near", "url": "http://files:8000/mcp", "headers": {"Authorization": "c4n4ry"}},
{"name": "open", "url": "http://example.org/mcp", "headers": {"X-Team": "c4n4ry"}},
{"name": "blank", "url": "https://x", "headers": {"Authorization": "YOUR_API_KEY"}},
{"name": "unset", "url": "https://x/${NOPE}", "headers": {"X-A": "$TOKEN"}},
{"name": "slip", "url": "https://x", "header": {}}
]"#,
    );
    let said = problems(&parsed).join("\n");
    assert!(!said.contains("c4n4ry"), "{said}");
    insta::assert_snapshot!(said, @r#"
    warning at line 2, column 41 (server 'both', [0].url): 'url' has no effect: the server is run by its command, its address is not used
    warning at line 3, column 45 (server 'sent', [1].command): 'command', 'args', 'env' have no effect: the server is remote, and nothing is run for it
    warning at line 4, column 25 (server 'more', [2].url): 'url' has no effect beside 'httpUrl'; keep one of them
    warning at line 5, column 24 (server 'end', [3].url): what is after the '#' in 'url' is sent to nobody; leave it out
    warning at line 6, column 62 (server 'copied', [4].headers.Accept): 'Accept' has no effect: mcproxy sends it itself
    warning at line 6, column 88 (server 'copied', [4].headers.content-type): 'content-type' has no effect: mcproxy sends it itself
    warning at line 7, column 26 (server 'clear', [5].url): the header 'authorization' is sent without encryption, over networks of others; write https://, if it is served
    warning at line 10, column 68 (server 'blank', [8].headers.Authorization): it looks like a blank that nobody has filled in; write what it stands for
    warning at line 11, column 26 (server 'unset', [9].url): the environment variable NOPE is not set; the reference stays as written; set it for the gateway, or write ${NOPE:-default}
    warning at line 11, column 66 (server 'unset', [9].headers.X-A): '$TOKEN' in it is filled in by a shell only, and stays as written; write ${TOKEN}
    warning at line 12, column 38 (server 'slip', [10].header): unknown field 'header', ignored; did you mean 'headers'?
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"both, sent, more, end, copied, clear, near, open, blank, unset, slip"#);
}

#[test]
fn files_are_read_at_each_start() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
    let here = home.path().display().to_string();
    let text = r#"[{"name": "a", "url": "https://x/${PART}", "env_file": "own.env",
        "headers": {"X-Key": "${file:DIR/key}"}, "bearerToken": "${KEY}"}]"#;
    let load = || {
        let text = text.replace("DIR", &here);
        parse_under(&text, &env, home.path(), &Given::default()).unwrap()
    };
    let parsed = load();
    assert_eq!(problems(&parsed), [""; 0]);
    write("own.env", "PART=p\nKEY=k\n");
    write("key", "one\n");
    let address = fill(&parsed, 0).unwrap();
    assert_eq!(address.url.as_str(), "https://x/p");
    assert_eq!(
        headers(&address.headers),
        "authorization: Bearer k\nx-key: one"
    );
    assert_eq!(address.exposed.len(), 2, "everybody may read them");

    write("key", "two");
    let address = fill(&parsed, 0).unwrap();
    assert_eq!(address.headers["x-key"], "two");
    assert_eq!(load().config, parsed.config, "nothing is started anew");

    write("key", "c4n4ry\nc4n4ry");
    let said = fill(&parsed, 0).unwrap_err().to_string();
    assert_eq!(
        said,
        "its header 'x-key' has a character that a header cannot have; a header is one line of text"
    );
    fs::remove_file(home.path().join("key")).unwrap();
    let said = fill(&parsed, 0)
        .unwrap_err()
        .to_string()
        .replace(&here, "DIR");
    assert_eq!(said, "${file:DIR/key} can't be used: there is no such file");
}

#[test]
fn an_address_from_a_file_is_checked_when_it_is_known() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("url");
    let text = format!(
        r#"[{{"name": "a", "url": "${{file:{}}}"}}]"#,
        path.display()
    );
    let parsed = load(&text);
    assert_eq!(problems(&parsed), [""; 0]);
    assert_eq!(remote(&parsed, 0).shown(), "a remote server");
    fs::write(&path, "https://x/mcp?key=c4n4ry\n").unwrap();
    assert_eq!(fill(&parsed, 0).unwrap().url.query(), Some("key=c4n4ry"));
    fs::write(&path, "c4n4ry").unwrap();
    let said = fill(&parsed, 0).unwrap_err().to_string();
    assert!(
        said.starts_with("its 'url' does not begin with http:// or https://"),
        "{said}"
    );
    assert!(!said.contains("c4n4ry"), "{said}");
}

#[test]
fn a_reload_names_the_field_that_changed() {
    let parsed = load(
        r#"[{"name": "a", "url": "https://x"}, {"name": "a2", "prefix": "a", "url": "https://y"},
            {"name": "a3", "prefix": "a", "url": "https://x", "type": "sse", "headers": {"X-A": "b"}},
            {"name": "a4", "prefix": "a", "command": "x"}]"#,
    );
    let differences = |one, other| spec(&parsed, one).differences(spec(&parsed, other));
    assert_eq!(differences(0, 0), [""; 0]);
    assert_eq!(differences(0, 1), ["url"]);
    assert_eq!(differences(0, 2), ["headers", "type"]);
    assert_eq!(differences(0, 3), ["command"]);
    assert_eq!(differences(3, 0), ["url"]);
}
