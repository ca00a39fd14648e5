//! Every mistake with its place, its text and its help; the others run.

use super::{args, entries, env, load, problems, program};
use crate::config::parse;

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
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 2, column 3 (server): unknown field 'server', ignored; did you mean 'servers'?
    error at line 5, column 5 (server 'typo', servers[0]): 'command' is missing; name the program to run, such as "command": "npx", or a remote server's "url"
    warning at line 5, column 22 (server 'typo', servers[0].comand): unknown field 'comand', ignored; did you mean 'command'?
    error at line 6, column 33 (server 'list', servers[1].command): 'command' must be a text, not a list; write the program into 'command' and the rest into 'args'
    error at line 7, column 34 (server 'empty', servers[2].command): 'command' is empty
    error at line 8, column 35 (server 'number', servers[3].command): 'command' must be a text, not a number
    error at line 8, column 46 (server 'number', servers[3].args): 'args' must be a list of texts, not a text; one text for each: "args": ["one", "two"]
    error at line 8, column 61 (server 'number', servers[3].env): 'env' must be an object, not a list; write "env": {"NAME": "value"}
    error at line 8, column 77 (server 'number', servers[3].cwd): 'cwd' must be a text, not an object
    warning at line 9, column 57 (server 'elements', servers[4].args[1]): 'args[1]' is a number, passed on as text; put it into quotes
    warning at line 9, column 61 (server 'elements', servers[4].args[2]): 'args[2]' is true or false, passed on as text; put it into quotes
    error at line 9, column 67 (server 'elements', servers[4].args[3]): 'args[3]' must be a text, not null
    error at line 9, column 73 (server 'elements', servers[4].args[4]): 'args[4]' must be a text, not a list
    warning at line 10, column 59 (server 'variables', servers[5].env.PORT): 'PORT' is a number, passed on as text; put it into quotes
    warning at line 10, column 69 (server 'variables', servers[5].env.ON): 'ON' is true or false, passed on as text; put it into quotes
    warning at line 10, column 82 (server 'variables', servers[5].env.NO): 'NO' is null and left out; write "" for an empty value
    error at line 10, column 95 (server 'variables', servers[5].env.BAD): 'BAD' must be a text, not an object
    error at line 10, column 106 (server 'variables', servers[5].env['A=B']): 'A=B' cannot be the name of a variable
    error at line 10, column 114 (server 'variables', servers[5].env['']): '' cannot be the name of a variable
    error at line 11, column 46 (server 'nul', servers[6].args[0]): 'args[0]' holds the character NUL, which no process can be given
    error at line 12, column 39 (server 'twice', servers[7].command): 'command' is here twice; keep one of them
    error at line 12, column 73 (server 'twice', servers[7].env.A): 'A' is here twice; keep one of them
    warning at line 13, column 51 (server 'switch', servers[8].enabled): 'enabled' is a text, taken for true; write true or false, without quotes
    error at line 13, column 74 (server 'switch', servers[8].inherit_env): 'inherit_env' must be true or false, not a number
    error at line 14, column 5 (servers[9]): an entry in a list needs a 'name'; add "name": "…"; its tools will be called name__tool
    error at line 15, column 14 (servers[10].name): 'name' must be a text, not a number
    warning at line 16, column 14 (server 'my server', servers[11].name): 'my server' is called 'my-server': a name has only letters, digits, '_' and '-'; ' ' is none of them
    warning at line 17, column 14 (server '@scope/a__b', servers[12].name): '@scope/a__b' is called 'scope-a_b': a name has only letters, digits, '_' and '-'; '@' is none of them
    error at line 18, column 14 (server '', servers[13].name): '' is no name: a name must not be empty; write one of letters, digits, '_' and '-'
    error at line 19, column 5 (servers[14]): an entry is an object, not a text; write {"command": "…", "args": […]}, or {"url": "https://…"}
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"typo (refused), list (refused), empty (refused), number (refused), elements (refused), variables (refused), nul (refused), twice (refused), switch (refused), my-server, scope-a_b, good"#);
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
{"name": "least", "command": "x", "timeout": 0.001},
{"name": "unit", "command": "x", "timeout": "30m", "call_timeout": "500ms"},
{"name": "long", "command": "x", "call_timeout": "2d"}
]"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 2, column 45 (server 'zero', [0].timeout): 'timeout' must be at least 0.001 seconds; leave the field out for the default
    error at line 3, column 49 (server 'negative', [1].timeout): 'timeout' must be at least 0.001 seconds; leave the field out for the default
    error at line 4, column 45 (server 'text', [2].timeout): 'timeout' must be a number of seconds, not a text; write it in seconds and without quotes, such as "timeout": 30, or with a unit, such as "30s"
    error at line 5, column 50 (server 'huge', [3].call_timeout): 'call_timeout' is in seconds, and at most 86400 (a day); if milliseconds were meant, write 600
    error at line 6, column 54 (server 'infinite', [4].call_timeout): 'call_timeout' is in seconds, and at most 86400 (a day)
    error at line 7, column 50 (server 'tiny', [5].call_timeout): 'call_timeout' must be at least 0.001 seconds; leave the field out for the default
    warning at line 8, column 47 (server 'millis', [6].timeout): 'timeout' is in seconds: 500 minutes; if milliseconds were meant, write 30
    error at line 12, column 50 (server 'long', [10].call_timeout): 'call_timeout' is in seconds, and at most 86400 (a day)
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"zero (refused), negative (refused), text (refused), huge (refused), infinite (refused), tiny (refused), millis, most, least, unit, long (refused)"#);
}

#[test]
fn what_a_server_is_has_to_be_known() {
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
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 2, column 39 (server 'sse', [0].url): 'url' has a user or a password before its host; send them with "headers": {"Authorization": "Basic <base64 of user:password>"}
    error at line 6, column 27 (server 'other', [4].type): 'type' is 'carrier-pigeon', which is not known; leave 'type' out, or write "stdio", "http" or "sse"
    error at line 7, column 25 (server 'odd', [5].type): 'type' must be a text, not a number
    error at line 8, column 1 (server 'void', [6]): 'command' is missing; name the program to run, such as "command": "npx", or a remote server's "url"
    warning at line 9, column 41 (server 'both', [7].url): 'url' has no effect: the server is run by its command, its address is not used
    "#);
    insta::assert_snapshot!(entries(&parsed).join(", "), @r#"sse (refused), http, url, windsurf, other (refused), odd (refused), void (refused), both, capitals"#);
}

#[test]
fn fields_of_others_and_of_later_versions() {
    let parsed = load(
        r#"{"mcpServers": {
"quiet": {"command": "x", "description": "d", "autoApprove": ["a"], "alwaysAllow": [], "icon": "i",
  "headers": {"A": "b"}, "bearerToken": "t", "gallery": true, "version": "1", "id": 1, "name": "quiet"},
"later": {"command": "x", "tools": {}},
"lost": {"command": "x", "disabledTools": ["rm"], "envFile": ".env", "sandboxEnabled": false, "name": "other"},
"slip": {"command": "x", "inheritEnv": true, "workingDirectory": "/", "colour": "red"}
}, "inputs": [{"id": "x"}], "mcpservers": {}, "colour": 1}"#,
    );
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 5, column 103 (mcpServers.lost.name): 'name' is ignored: the server is called 'lost' by its key
    warning at line 6, column 26 (mcpServers.slip.inheritEnv): unknown field 'inheritEnv', ignored; did you mean 'inherit_env'?
    warning at line 6, column 46 (mcpServers.slip.workingDirectory): unknown field 'workingDirectory', ignored; did you mean 'cwd'?
    warning at line 6, column 71 (mcpServers.slip.colour): unknown field 'colour', ignored
    warning at line 7, column 29 (mcpservers): unknown field 'mcpservers', ignored; did you mean 'mcpServers'?
    warning at line 7, column 47 (colour): unknown field 'colour', ignored
    "#);
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
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    error at line 3, column 28 (server 'b', servers[1].command): 'command' is empty
    error at line 4, column 12 (server 'a', servers[2].name): the name 'a' is taken by the entry in line 2; this one is not used; rename or remove one of the two
    error at line 5, column 12 (server 'b', servers[3].name): the name 'b' is taken by the entry in line 3; this one is not used; rename or remove one of the two
    error at line 6, column 42 (mcpServers.c): the name 'c' is taken by the entry in line 6; this one is not used; rename or remove one of the two
    error at line 6, column 65 (mcpServers.a): the name 'a' is taken by the entry in line 2; this one is not used; rename or remove one of the two
    "#);
    assert_eq!(entries(&parsed), ["a", "b (refused)", "c"]);
    assert_eq!(program(&parsed, 0).command, "first");
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
    insta::assert_snapshot!(problems(&parsed).join("\n"), @r#"
    warning at line 2, column 44 (server 'unset', [0].args[0]): the environment variable NOPE is not set; the reference stays as written; set it for the gateway, or write ${NOPE:-default}
    warning at line 2, column 81 (server 'unset', [0].env.T): the environment variable NOPE is not set; the reference stays as written; set it for the gateway, or write ${NOPE:-default}
    error at line 3, column 48 (server 'input', [1].env.T): ${input:token} is asked for by VS Code, and nobody can be asked here; write ${VARIABLE}, and set that variable for the gateway
    warning at line 4, column 45 (server 'editor', [2].args[0]): ${workspaceFolder} is known to an editor only and stays as written; write the path itself
    warning at line 4, column 77 (server 'editor', [2].cwd): ${userHome} is known to an editor only and stays as written; write ${HOME}
    warning at line 5, column 53 (server 'odd', [3].env.PASSWORD): a '${' in it is not understood and stays as written; the forms are ${VAR}, ${env:VAR}, ${VAR:-default}, ${file:/path}, and $${ for '${' itself
    warning at line 6, column 31 (server 'spaces', [4].command): 'command' has spaces in it and is run as it is, without a shell; write "command": "npx" and the rest into 'args'
    warning at line 8, column 30 (server 'tilde', [6].command): it has a '~', which only a shell knows; write ${HOME}
    warning at line 8, column 48 (server 'tilde', [6].cwd): it has a '~', which only a shell knows; write ${HOME}
    error at line 9, column 29 (server 'void', [7].command): 'command' is empty once its variables are filled in
    "#);
    assert_eq!(args(&parsed, 0), ["${NOPE}", "${NOPE}"]);
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
    let parsed = load(
        "{\"servers\": [{\"name\": \"a\\n[INFO] b\", \"command\": \"x\", \"\\u001b[31m\": 1}]}",
    );
    for line in problems(&parsed) {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    assert_eq!(parsed.problems.len(), 2);
}

/// The first are said, the others counted, and an error is not lost behind warnings.
#[test]
fn no_file_has_more_to_say_than_anybody_reads() {
    use std::fmt::Write as _;

    let mut text = r#"[{"name": "a", "command": "x""#.to_owned();
    for number in 0..20_000 {
        write!(text, r#", "f{number}": 1"#).unwrap();
    }
    text.push_str(r#"}, {"name": "b", "comand": "x"}"#);
    for _ in 0..5_000 {
        text.push_str(r#", {"nam": 1}"#);
    }
    text.push(']');
    let parsed = load(&text);
    assert_eq!(entries(&parsed), ["a", "b (refused)"]);
    let problems = problems(&parsed);
    assert_eq!(problems.len(), 102);
    let said = |text: &str| problems.iter().any(|line| line.contains(text));
    assert!(said("'command' is missing"), "{problems:#?}");
    assert!(
        said("and 9951 more errors, the first of them here"),
        "{problems:#?}"
    );
    assert!(
        said("and 24951 more warnings, the first of them here"),
        "{problems:#?}"
    );
}

#[test]
fn more_entries_than_can_be_read_are_refused_as_a_whole() {
    let text = format!("[{}]", vec!["{}"; 20_001].join(","));
    let error = parse(&text, &env).unwrap_err().to_string();
    assert!(
        error.contains("20001 entries; 20000 can be read"),
        "{error}"
    );
}
