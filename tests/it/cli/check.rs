//! `mcproxy check`: every mistake in one go, with its place, before it matters.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{MISCONFIGURED, command, run};

#[test]
fn a_good_file_checks_with_0_and_the_program_is_looked_for_on_path() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let text = r#"{ "servers": [
  { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
  { "name": "tool", "command": "some-tool" }
] }"#;
    fs::write(here.join("mcp-servers.json"), text).unwrap();
    let bin = here.join("bin");
    fs::create_dir(&bin).unwrap();
    let path = bin.display().to_string();
    let env = [("PATH", &*path)];

    let said = run(here, &["check"], &env);
    assert_eq!(said.code, Some(MISCONFIGURED));
    let expected = "mcp-servers.json:3:32: error: the program 'some-tool' was not found";
    assert!(said.stdout.starts_with(expected), "{}", said.stdout);
    assert!(said.stdout.contains(&*path), "where it looked");

    programs(&bin, &["some-tool"]);
    for args in [vec!["check"], vec!["check", "mcp-servers.json"]] {
        let said = run(here, &args, &env);
        assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{}", said.stdout);
        assert!(said.stdout.contains(&format!("{path}/some-tool")));
        assert!(
            said.stdout
                .ends_with("mcp-servers.json: 2 servers to run\n")
        );
    }
}

#[test]
fn every_mistake_is_reported_in_one_go_with_its_place() {
    let here = tempfile::tempdir().unwrap();
    let text = r#"{ "servers": [
  { "name": "a", "comand": "npx" },
  { "name": "b b", "command": "mcproxy" },
  { "name": "c", "command": "mcproxy", "timeout": "x", "env": { "TOKEN": "s3cr3t" } },
  { "name": "d", "url": "wss://example.org/sse" },
  { "name": "e", "command": "mcproxy" },
] }"#;
    fs::write(here.path().join("mine.json"), text).unwrap();
    let said = run(here.path(), &["check", "mine.json"], &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    for start in [
        "mine.json:2:3: error: ",
        "mine.json:2:18: warning: ",
        "mine.json:3:13: warning: ",
        "mine.json:4:51: error: ",
        "mine.json:5:25: error: ",
    ] {
        let is_there = said.stdout.lines().any(|line| line.starts_with(start));
        assert!(is_there, "{start}\n{}", said.stdout);
    }
    assert!(said.stdout.contains("did you mean 'command'?"));
    assert!(!said.stdout.contains("s3cr3t"), "{}", said.stdout);

    fs::write(
        here.path().join("mine.json"),
        "{ \"servers\": [\n  { \"name\" ",
    )
    .unwrap();
    let said = run(here.path(), &["check", "mine.json"], &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert!(said.stdout.starts_with("mine.json:2:"), "{}", said.stdout);
}

/// On a machine that has the programs that the examples name.
#[test]
fn every_file_in_config_passes_the_check() {
    let bin = tempfile::tempdir().unwrap();
    programs(
        bin.path(),
        &["npx", "uvx", "docker", "node", "python3", "uv"],
    );
    let path = bin.path().display().to_string();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let examples = fs::read_dir(config.join("examples")).unwrap();
    let mut files: Vec<PathBuf> = examples.map(|entry| entry.unwrap().path()).collect();
    files.push(config.join("mcp-servers.json"));
    assert!(files.len() > 6);
    for file in files {
        let file = file.display().to_string();
        let said = run(&config, &["check", &file], &[("PATH", &path)]);
        assert_eq!(said.code, Some(0), "{}", said.stdout);
    }
}

/// Empty programs, which are enough to be found.
#[expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
pub(super) fn programs(directory: &Path, names: &[&str]) {
    for name in names {
        let path = directory.join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn an_entry_without_a_name_of_its_own_is_counted_and_named() {
    let here = tempfile::tempdir().unwrap();
    let text = r#"[{ "command": "mcproxy" },
  { "name": "a", "command": "mcproxy" },
  { "name": "a", "command": "mcproxy" },
  { "command": "mcproxy", "enabled": false }]"#;
    fs::write(here.path().join("mine.json"), text).unwrap();
    let said = run(here.path(), &["check", "mine.json"], &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    let end = "mine.json: 1 server to run, 2 refused, 2 errors, 1 warning\n";
    assert!(said.stdout.ends_with(end), "{}", said.stdout);
    let rows: Vec<Vec<&str>> = said
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for row in [
        ["[0]", "refused", "-", "see", "line", "1"],
        ["'a'", "refused", "-", "see", "line", "3"],
    ] {
        assert!(
            rows.iter().any(|words| *words == row),
            "{row:?}: {}",
            said.stdout
        );
    }
}

#[test]
fn what_a_program_is_known_to_need_and_does_not_get_is_said() {
    let here = tempfile::tempdir().unwrap();
    let bin = here.path().join("bin");
    fs::create_dir(&bin).unwrap();
    programs(&bin, &["npx", "docker"]);
    let text = r#"[{ "name": "a", "command": "npx", "args": ["x"] },
  { "name": "b", "command": "npx", "env": { "NPM_TOKEN": "${NPM_TOKEN}" } },
  { "name": "c", "command": "npx", "inherit_env": true },
  { "name": "d", "command": "docker", "args": ["run", "-e", "KEY", "--env=DEBUG=1", "--env=HOME", "-e", "OWN", "x"], "env": { "OWN": "1" } }]"#;
    fs::write(here.path().join("mine.json"), text).unwrap();
    let path = bin.display().to_string();
    let env = [
        ("PATH", &*path),
        ("NPM_TOKEN", "s3cr3t"),
        ("NODE_OPTIONS", ""),
        ("HOME", "/"),
    ];
    let said = run(here.path(), &["check", "mine.json"], &env);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    let warnings: Vec<&str> = said
        .stdout
        .lines()
        .filter(|line| line.contains("warning:"))
        .collect();
    let [npm, docker] = &warnings[..] else {
        panic!("{}", said.stdout);
    };
    assert!(
        npm.starts_with("mine.json:1:28:") && npm.contains("not passed on: NPM_TOKEN"),
        "{npm}"
    );
    assert!(
        docker.starts_with("mine.json:4:29:") && docker.contains("to hand KEY on"),
        "{docker}"
    );
    assert!(
        said.stdout
            .contains(r#"add "env": {"NPM_TOKEN": "${NPM_TOKEN}"}"#)
    );
    assert!(!said.stdout.contains("s3cr3t"));
}

#[test]
fn a_script_from_windows_is_named_for_what_it_is() {
    let here = tempfile::tempdir().unwrap();
    programs(here.path(), &["crlf", "mark"]);
    fs::write(here.path().join("crlf"), "#!/bin/sh\r\nexit\r\n").unwrap();
    fs::write(here.path().join("mark"), "\u{feff}#!/bin/sh\n").unwrap();
    let text = r#"[{ "name": "a", "command": "./crlf" }, { "name": "b", "command": "./mark" },
  { "name": "c", "command": "sh", "args": ["./crlf"] }]"#;
    fs::write(here.path().join("mine.json"), text).unwrap();
    let said = run(here.path(), &["check", "mine.json"], &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    assert_eq!(
        said.stdout.matches("its lines end as on Windows").count(),
        2,
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("byte order mark"), "{}", said.stdout);
}

#[test]
fn a_reader_that_has_read_enough_is_no_fault() {
    let here = tempfile::tempdir().unwrap();
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let mut check = command(here.path(), &["limits"], &[]);
    let check = check.stdout(write).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(check.status.code(), Some(141));
    assert!(check.stderr.is_empty(), "{check:?}");
}
