//! `mcproxy check --start`: each server is really started, and is gone afterwards.

#![cfg(test)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use nix::sys::signal::Signal;

use super::{Guard, MISCONFIGURED, PATIENCE, command, run};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::{http, proc, wait};

#[test]
fn each_server_is_started_once_and_ended() {
    let here = tempfile::tempdir().unwrap();
    let pid = here.path().join("pid").display().to_string();
    let script = format!("echo $$ >> {pid}; exec \"$0\"");
    let servers = serde_json::json!([
        { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
        { "name": "fixture", "command": "sh", "args": ["-c", script, fixture_server()],
          "start": "on-demand" },
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
    let named = "\ndemo:\n  demo__echo\n";
    assert!(said.stdout.contains(named), "{}", said.stdout);
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
  { "name": "broken", "command": "sh", "args": ["-c", "echo env: node: no such file >&2; exit 3"] }
]"#;
    fs::write(here.path().join("mcp-servers.json"), text).unwrap();
    let said = run(
        here.path(),
        &["check", "--start"],
        &[("PATH", "/usr/bin:/bin")],
    );
    assert_eq!(said.code, Some(MISCONFIGURED), "{}", said.stdout);
    for part in [
        "mcp-servers.json:3:34: error: it did not start: was not ready within 1 s",
        "mcp-servers.json:4:34: error: it did not start: exited with code 3; it wrote: env: node: no such file",
        "(server 'broken', ",
        "2 errors",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    // Without it nothing is started.
    let said = run(here.path(), &["check"], &[("PATH", "/usr/bin:/bin")]);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    assert!(!said.stdout.contains("AFTER"), "{}", said.stdout);
}

#[test]
fn a_signal_leaves_nothing_behind() {
    for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGINT] {
        let here = tempfile::tempdir().unwrap();
        let text = r#"[{ "name": "slow", "command": "sh", "args": ["-c", "echo $$ > pid; exec sleep 1000"] }]"#;
        fs::write(here.path().join("mcp-servers.json"), text).unwrap();
        let mut command = command(
            here.path(),
            &["check", "--start"],
            &[("PATH", "/usr/bin:/bin")],
        );
        let mut check = Guard(command.stdout(Stdio::piped()).spawn().unwrap());
        let pid = || {
            fs::read_to_string(here.path().join("pid"))
                .ok()
                .filter(|pid| pid.ends_with('\n'))
        };
        let pid = wait::poll_blocking(PATIENCE, pid).unwrap();
        proc::send(check.0.id(), signal);
        let status = wait::poll_blocking(PATIENCE, || check.0.try_wait().ok()?).unwrap();
        assert_eq!(status.code(), Some(130), "{signal}");
        let said = std::io::read_to_string(check.0.stdout.take().unwrap()).unwrap();
        assert!(said.contains("not tried: interrupted"), "{said}");
        assert!(
            !fs::exists(format!("/proc/{}", pid.trim())).unwrap(),
            "{signal}"
        );
    }
}

/// A shell's PATH and variables are not those of the service.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_it_is_checked_as_the_running_gateway_has_it() {
    let tools = tempfile::tempdir().unwrap();
    let tool = tools.path().join("only-there");
    fs::write(&tool, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let text = r#"[{ "name": "x", "command": "only-there", "args": ["${ONLY_THERE}"] }]"#;
    let path = format!("{}:/usr/bin:/bin", tools.path().display());
    let options = GatewayOptions::new(text)
        .env("PATH", &path)
        .env("ONLY_THERE", "s3cret");
    let gateway = Gateway::start(options).await;
    let here = tempfile::tempdir().unwrap();
    let state = gateway.state_dir().display().to_string();
    let env = [("MCPROXY_STATE_DIR", &*state), ("PATH", "/usr/bin:/bin")];
    let said = run(here.path(), &["check"], &env);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(
        said.stderr.contains("of the running gateway"),
        "{}",
        said.stderr
    );
    assert!(
        said.stdout.contains(&tool.display().to_string()),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("s3cret"), "{}", said.stdout);
    // With a name it is this shell's business.
    let named = gateway.config_path().display().to_string();
    let said = run(here.path(), &["check", &named], &env);
    assert_eq!(said.code, Some(MISCONFIGURED), "{}", said.stdout);
    // The port tells nobody.
    let answer = http::request(gateway.addr(), "GET", "/control/environment", &[], b"").await;
    assert_eq!(answer.status, 404);
}

/// It has another directory, and another state directory.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_prints_is_what_that_gateway_sees() {
    let runtime = tempfile::tempdir().unwrap();
    let runtime = runtime.path().display().to_string();
    let text = r#"[{ "name": "demo", "command": "mcproxy", "args": ["demo-server"] }]"#;
    let options = GatewayOptions::new(text).env("XDG_RUNTIME_DIR", &runtime);
    let gateway = Gateway::start(options).await;
    let kept = || {
        fs::exists(gateway.kept("catalogues/demo.json"))
            .unwrap()
            .then_some(())
    };
    wait::until("what it keeps", PATIENCE, async || kept()).await;
    let here = tempfile::tempdir().unwrap();
    let home = here.path().display().to_string();
    let env = [
        ("XDG_RUNTIME_DIR", &*runtime),
        ("HOME", &home),
        ("PATH", "/usr/bin:/bin"),
    ];
    for args in [&["check"][..], &["check", "--start"]] {
        let said = run(here.path(), args, &env);
        if args.len() > 1 && nix::unistd::geteuid().is_root() {
            assert_eq!(said.code, Some(super::WRONG_ARGUMENTS), "{}", said.stderr);
            continue;
        }
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        let costs = said
            .stdout
            .lines()
            .find(|line| line.starts_with("all together  5  "));
        assert!(costs.is_some(), "{}", said.stdout);
        let directory = std::env::current_dir().unwrap();
        let words = format!(
            "in its directory {}, where relative paths begin",
            directory.display()
        );
        assert!(said.stderr.contains(&words), "{}", said.stderr);
        let file = format!("\n{}: 1 server to run", gateway.config_path().display());
        assert!(
            args.len() > 1 || said.stdout.contains(&file),
            "{}",
            said.stdout
        );
    }
}
