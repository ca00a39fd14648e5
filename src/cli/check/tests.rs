//! Tests of `mcproxy check`, on a machine with a few programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A directory with the programs `npx` and `tool`, and `plain`, which is none.
fn machine() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, mode) in [("npx", 0o755), ("tool", 0o755), ("plain", 0o644)] {
        let path = directory.path().join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    directory
}

/// The exit code and the output, with the directory called DIR.
fn known(env: Environment<'_>) -> Around<'_> {
    Around {
        env,
        last_seen: &|_, _| Costs::default(),
        start: None,
        is_elsewhere: false,
    }
}

fn check(directory: &Path, text: &str) -> (u8, String) {
    let file = directory.join("servers.json");
    let here = directory.display().to_string();
    fs::write(&file, text.replace("DIR", &here)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let mut out = Vec::new();
    let path = |name: &str| (name == "PATH").then(|| here.clone());
    let code = run(Some(&file), known(&path), &Given::default(), &mut out).unwrap();
    (code, String::from_utf8(out).unwrap().replace(&here, "DIR"))
}

#[test]
fn a_terminal_obeys_nothing_in_a_name() {
    assert_eq!(shown_path(Path::new("/é\u{1b}[2J'")), "/é\\u{1b}[2J'");
}

#[test]
fn a_good_file_is_a_table() {
    let machine = machine();
    let (code, out) = check(
        machine.path(),
        r#"[{"name": "demo", "command": "mcproxy", "args": ["demo-server"]},
            {"name": "files", "command": "npx"},
            {"name": "by-path", "command": "${NOPE:-./tool}", "cwd": "DIR"},
            {"name": "own-path", "command": "tool", "env": {"PATH": "/nowhere:DIR"}},
            {"name": "later", "command": "uvx", "enabled": false}]"#,
    );
    insta::assert_snapshot!(out, @r#"
SERVER    STATE  COMMAND          FOUND
demo      run    mcproxy          built in
files     run    npx              DIR/npx
by-path   run    ${NOPE:-./tool}  DIR/tool
own-path  run    tool             DIR/tool
later     off    uvx              -

DIR/servers.json: 4 servers to run, 1 off
"#);
    assert_eq!(code, 0);
}

#[test]
fn a_remote_server_is_its_host_and_no_key_is_shown() {
    let machine = machine();
    fs::write(machine.path().join("key"), "c4n4ry\r\nc4n4ry").unwrap();
    fs::write(machine.path().join("url"), "https://x/c4n4ry").unwrap();
    let (code, out) = check(
        machine.path(),
        r#"[{"name": "docs", "url": "https://docs.example.org/mcp?key=c4n4ry"},
            {"name": "old", "url": "http://127.0.0.1:8000/sse", "type": "sse"},
            {"name": "key", "url": "https://x", "headers": {"X-Key": "${file:DIR/key}"}},
            {"name": "file", "url": "${file:DIR/url}", "httpUrl": ""},
            {"name": "bad", "url": "https://me:c4n4ry@x/"},
            {"name": "off", "url": "https://y/c4n4ry", "enabled": false}]"#,
    );
    assert!(!out.contains("c4n4ry"), "{out}");
    insta::assert_snapshot!(out, @r#"
    DIR/servers.json:1:26: warning: a secret is written out in a file that every user of this machine may read (server 'docs', [0].url)
        help: chmod 640 the file, or write ${VARIABLE} and set that for the gateway
    DIR/servers.json:3:36: error: its header 'x-key' has a character that a header cannot have; a header is one line of text (server 'key', [2].url)
    DIR/servers.json:3:70: warning: every user of this machine may read the secrets in ${file:DIR/key} (server 'key', [2].headers.X-Key)
        help: chmod 640 the file
    DIR/servers.json:4:79: warning: every user of this machine may read the secrets in ${file:DIR/url} (server 'file', [3].httpUrl)
        help: chmod 640 the file
    DIR/servers.json:5:36: error: 'url' has a user or a password before its host (server 'bad', [4].url)
        help: send them with "headers": {"Authorization": "Basic <base64 of user:password>"}

    SERVER  STATE    COMMAND                   FOUND
    docs    run      https://docs.example.org  remote, http
    old     run      http://127.0.0.1:8000     remote, sse
    key     run      https://x                 remote, http
    file    run      a remote server           remote, http
    bad     refused  a remote server           see line 5
    off     off      https://y                 -

    DIR/servers.json: 4 servers to run, 1 off, 1 refused, 2 errors, 3 warnings
    "#);
    assert_eq!(code, CONFIG);
}

#[test]
fn what_differs_from_the_default_has_a_column() {
    let machine = machine();
    let (code, out) = check(
        machine.path(),
        r#"[{"name": "a", "command": "npx", "prefix": "b"},
            {"name": "b", "command": "npx", "isolation": "session"},
            {"name": "c", "command": "npx", "prefix": "", "isolation": "shared", "protocol": "modern"},
            {"name": "d", "command": "npx", "prefix": "d"}]"#,
    );
    insta::assert_snapshot!(out, @r#"
DIR/servers.json:2:22: warning: servers 'a' and 'b' share the prefix 'b': on equal names the first keeps its own (server 'b', [1].name)
    help: give one of them another 'prefix'

SERVER  STATE  PREFIX  ISOLATION  PROTOCOL  COMMAND  FOUND
a       run    b                            npx      DIR/npx
b       run            session              npx      DIR/npx
c       run    ""                 modern    npx      DIR/npx
d       run                                 npx      DIR/npx

clients are served in 2026-07-28, but not told of it, so that each keeps its session's own 'b'

DIR/servers.json: 4 servers to run, 1 warning
"#);
    assert_eq!(code, 0);
}

#[test]
fn a_server_that_runs_while_it_is_used_says_so() {
    let machine = machine();
    let (code, out) = check(
        machine.path(),
        r#"{"gateway": {"start": "on-demand"}, "servers": [
            {"name": "a", "command": "npx"},
            {"name": "b", "command": "npx", "start": "always"}]}"#,
    );
    insta::assert_snapshot!(out, @r#"
SERVER  STATE      COMMAND  FOUND
a       on-demand  npx      DIR/npx
b       run        npx      DIR/npx

DIR/servers.json: 2 servers to run, 1 of them on demand
"#);
    assert_eq!(code, 0);
}

#[test]
fn every_error_has_its_place_and_a_way_out() {
    let machine = machine();
    let (code, out) = check(
        machine.path(),
        r#"[{"name": "fetch", "command": "uvx", "args": ["x"]},
            {"name": "typo", "comand": "npx"},
            {"name": "plain", "command": "plain"},
            {"name": "nowhere", "command": "npx", "cwd": "DIR/none"},
            {"name": "by-path", "command": "./npx", "cwd": "/"},
            {"name": "own-path", "command": "npx", "env": {"PATH": "/s3cret"}},
            {"name": "leak", "command": "npx", "env": {"API_TOKEN": "s3cret"}}]"#,
    );
    insta::assert_snapshot!(out, @r#"
    DIR/servers.json:1:31: error: the program 'uvx' was not found (server 'fetch', [0].command)
        help: install uv (https://docs.astral.sh/uv); looked on the PATH DIR
    DIR/servers.json:2:13: error: 'command' is missing (server 'typo', [1])
        help: name the program to run, such as "command": "npx", or a remote server's "url"
    DIR/servers.json:2:30: warning: unknown field 'comand', ignored (server 'typo', [1].comand)
        help: did you mean 'command'?
    DIR/servers.json:3:42: error: DIR/plain may not be executed (server 'plain', [2].command)
        help: chmod +x DIR/plain
    DIR/servers.json:4:58: error: the directory does not exist (server 'nowhere', [3].cwd)
        help: create it, or leave 'cwd' out
    DIR/servers.json:5:44: error: the program './npx' was not found (server 'by-path', [4].command)
        help: a relative path starts at the server's 'cwd', else where the gateway runs
    DIR/servers.json:6:45: error: the program 'npx' was not found (server 'own-path', [5].command)
        help: install Node.js (package nodejs, or https://nodejs.org); looked on the PATH in its 'env'
    DIR/servers.json:7:56: warning: a secret is written out in a file that every user of this machine may read (server 'leak', [6].env.API_TOKEN)
        help: chmod 640 the file, or write ${VARIABLE} and set that for the gateway

    SERVER    STATE    COMMAND  FOUND
    fetch     run      uvx      NOT FOUND
    typo      refused  -        see line 2
    plain     run      plain    NO PERMISSION
    nowhere   run      npx      NO DIRECTORY
    by-path   run      ./npx    NOT FOUND
    own-path  run      npx      NOT FOUND
    leak      run      npx      DIR/npx

    DIR/servers.json: 6 servers to run, 1 refused, 6 errors, 2 warnings
    "#);
    assert!(!out.contains("s3cret"));
    assert_eq!(code, 78);
}

#[test]
fn warnings_alone_are_no_failure() {
    let machine = machine();
    let (code, out) = check(
        machine.path(),
        r#"[{"name": "a", "command": "npx", "x": 1}]"#,
    );
    insta::assert_snapshot!(out, @r#"
DIR/servers.json:1:34: warning: unknown field 'x', ignored (server 'a', [0].x)

SERVER  STATE  COMMAND  FOUND
a       run    npx      DIR/npx

DIR/servers.json: 1 server to run, 1 warning
"#);
    assert_eq!(code, 0);
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let machine = machine();
    let (code, out) = check(machine.path(), "{\"servers\": [\n}");
    insta::assert_snapshot!(out, @r#"
DIR/servers.json:2:1: error: a '}' where a value should be
    help: perhaps a ']' is missing before this place

DIR/servers.json: cannot be used; a running gateway keeps what it has
"#);
    assert_eq!(code, 78);

    let mut out = Vec::new();
    let missing = machine.path().join("none.json");
    assert_eq!(
        run(
            Some(&missing),
            known(&|_| None),
            &Given::default(),
            &mut out
        )
        .unwrap(),
        78
    );
    let out = String::from_utf8(out).unwrap();
    assert!(
        out.starts_with("error: the configuration file /") && out.contains("does not exist"),
        "{out}"
    );
}

#[test]
fn an_empty_list_is_fine() {
    let machine = machine();
    assert_eq!(
        check(machine.path(), "[]"),
        (0, "DIR/servers.json: 0 servers to run\n".into())
    );
}

#[test]
fn files_of_secrets_are_looked_at_as_a_start_will() {
    let machine = machine();
    let file = |name: &str, text: &str, mode| {
        let path = machine.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    };
    file("all.env", "A=hush\n", 0o644);
    file("own.env", "B=hush\nhush\n", 0o600);
    file("secret", "hush", 0o604);
    let (code, out) = check(
        machine.path(),
        r#"{"gateway": {"env_file": "all.env"}, "servers": [
            {"name": "good", "command": "npx", "args": ["${A}", "${NOPE}"], "env": {"S": "${file:DIR/secret}"}},
            {"name": "bad", "command": "npx", "env_file": "own.env", "args": ["${NOPE}"]},
            {"name": "lost", "command": "npx", "env": {"S": "${file:DIR/none}", "T": "${file:mine}"}},
            {"name": "off", "command": "npx", "enabled": false, "env_file": "none"}]}"#,
    );
    assert!(!out.contains("hush"), "{out}");
    let said: Vec<&str> = out
        .lines()
        .filter(|line| line.starts_with("DIR/servers.json:"))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    DIR/servers.json:1:26: warning: every user of this machine may read the secrets in DIR/all.env (gateway.env_file)
    DIR/servers.json:2:65: warning: the variable NOPE is set neither by the 'env_file' nor for the gateway; the reference stays as written (server 'good', servers[0].args[1])
    DIR/servers.json:2:90: warning: every user of this machine may read the secrets in ${file:DIR/secret} (server 'good', servers[0].env.S)
    DIR/servers.json:3:59: error: its env_file DIR/own.env can't be used: line 2: NAME=value is expected (server 'bad', servers[1].env_file)
    DIR/servers.json:4:61: error: ${file:DIR/none} can't be used: there is no such file (server 'lost', servers[2].env.S)
    DIR/servers.json:4:98: warning: ${file:mine} can't be used: CREDENTIALS_DIRECTORY is not set; add LoadCredential=mine:/path to the systemd unit, or write an absolute path (server 'lost', servers[2].env.T)
    DIR/servers.json: 3 servers to run, 1 off, 2 errors, 4 warnings
    ");
    assert_eq!(code, 78);
}

#[test]
fn what_was_tried_before_a_signal_is_kept() {
    let machine = machine();
    let file = machine.path().join("servers.json");
    let text = r#"[{"name": "a", "command": "npx"}, {"name": "b", "command": "npx"}, {"name": "c", "command": "npx"}]"#;
    fs::write(&file, text).unwrap();
    let tried = |outcome, help: Option<&str>| Tried {
        outcome,
        tools: Vec::new(),
        help: help.map(str::to_owned),
        time: std::time::Duration::from_secs(1),
    };
    let start = |_: &Path, _: &Config| {
        let failed = tried(Err("exited\u{1b}".to_owned()), Some("install it"));
        Ok(Trial {
            tried: [
                (
                    "a".to_owned(),
                    Tried {
                        tools: (0..105).map(|at| format!("a__\u{1b}{at}")).collect(),
                        ..tried(Ok(105), None)
                    },
                ),
                ("b".to_owned(), failed),
            ]
            .into(),
            is_interrupted: true,
        })
    };
    let path = |name: &str| (name == "PATH").then(|| machine.path().display().to_string());
    let around = Around {
        start: Some(&start),
        ..known(&path)
    };
    let mut out = Vec::new();
    let code = run(Some(&file), around, &Given::default(), &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(code, 130, "{out}");
    let row = |name: &str| {
        let mut rows = out
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        rows.rfind(|row| row.first() == Some(&name))
            .unwrap()
            .join(" ")
    };
    assert_eq!(row("a"), "a ready 105 1.0 s");
    assert!(
        out.contains("\na:\n  a__\\u{1b}0\n") && out.contains("\n  a__\\u{1b}99\n  and 5 more\n\n"),
        "{out}"
    );
    assert_eq!(row("b"), "b failed 1.0 s");
    assert_eq!(row("c"), "c not tried: interrupted");
    assert!(
        out.contains("it did not start: exited\\u{1b} (") && out.contains("    help: install it\n"),
        "{out}"
    );
    assert!(out.ends_with("1 error\n"), "{out}");
}
