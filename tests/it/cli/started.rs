//! `mcproxy check --start`: each server is really started, and is gone afterwards.

#![cfg(test)]

use std::fs;

use super::{MISCONFIGURED, run};
use crate::support::gateway::fixture_server;

#[test]
fn each_server_is_started_once_and_ended() {
    let here = tempfile::tempdir().unwrap();
    let pid = here.path().join("pid").display().to_string();
    let script = format!("echo $$ >> {pid}; exec \"$0\"");
    let servers = serde_json::json!([
        { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
        { "name": "fixture", "command": "sh", "args": ["-c", script, fixture_server()] },
        { "name": "off", "command": "no-such-program", "enabled": false },
    ]);
    fs::write(here.path().join("mcp-servers.json"), servers.to_string()).unwrap();
    let said = run(
        here.path(),
        &["check", "--start"],
        &[("PATH", "/usr/bin:/bin")],
    );
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{}", said.stdout);
    let line = |name: &str| {
        let mut lines = said.stdout.lines().filter(|line| line.starts_with(name));
        let words = |line: &str| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        lines.find(|line| line.contains("ready")).map(words)
    };
    assert_eq!(line("demo").unwrap()[..3], ["demo", "ready", "5"]);
    assert!(
        line("fixture").is_some() && line("off").is_none(),
        "{}",
        said.stdout
    );
    let pids = fs::read_to_string(&pid).unwrap();
    assert_eq!(pids.lines().count(), 1, "{pids}");
    let is_alive = fs::exists(format!("/proc/{}", pids.trim())).unwrap();
    assert!(!is_alive, "{pids}");
}

#[test]
fn one_that_fails_is_said_with_its_place() {
    let here = tempfile::tempdir().unwrap();
    let text = r#"[
  { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
  { "name": "silent", "command": "sleep", "args": ["1000"], "timeout": "1s" },
  { "name": "broken", "command": "sh", "args": ["-c", "exit 3"] }
]"#;
    fs::write(here.path().join("mcp-servers.json"), text).unwrap();
    let said = run(
        here.path(),
        &["check", "--start"],
        &[("PATH", "/usr/bin:/bin")],
    );
    assert_eq!(said.code, Some(MISCONFIGURED), "{}", said.stdout);
    for part in [
        "mcp-servers.json:3:3: error: it did not start: ",
        "mcp-servers.json:4:3: error: it did not start: ",
        "(server 'broken')",
        "2 errors",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    // Without it nothing is started.
    let said = run(here.path(), &["check"], &[("PATH", "/usr/bin:/bin")]);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    assert!(!said.stdout.contains("AFTER"), "{}", said.stdout);
}
