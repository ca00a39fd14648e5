//! The command line as a new user meets it: help that teaches, mistakes that are explained, a
//! check before it matters, and a default configuration that works with nothing installed.

mod check;
mod commands;
mod compare;
mod connect;
mod costs;
mod healthcheck;
mod import;
mod import_targets;
mod operate;
mod remote;
mod served;
mod servers;
mod shell;
mod start;
mod started;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::gateway::mcproxy;
use crate::support::{proc, wait};

const PATIENCE: Duration = Duration::from_secs(20);
/// `EX_CONFIG` of sysexits.h.
const MISCONFIGURED: i32 = 78;
const WRONG_ARGUMENTS: i32 = 2;

/// What a finished `mcproxy` said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// `mcproxy` in a directory, with nothing in its environment but this.
fn command(directory: &Path, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(mcproxy());
    command
        .current_dir(directory)
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::null());
    command
}

#[expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
fn run(directory: &Path, args: &[&str], env: &[(&str, &str)]) -> Said {
    let output = command(directory, args, env).output().unwrap();
    Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Ends its process when the test ends, however that comes.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        proc::send(self.0.id(), Signal::SIGTERM);
        if wait::poll_blocking(PATIENCE, || self.0.try_wait().ok()?).is_none() {
            self.0.kill().ok();
        }
    }
}

#[test]
fn help_teaches() {
    let here = tempfile::tempdir().unwrap();
    let long = run(here.path(), &["--help"], &[]);
    assert_eq!((long.code, &*long.stderr), (Some(0), ""));
    for part in [
        "mcp-servers.json",
        "/srv/containers/mcp-gateway/mcp-servers.json",
        "http://<this machine>:12009/mcp",
        "/sse",
        "Examples:",
        "mcproxy check",
        "demo-server",
        "claude mcp add --transport http",
        "journalctl -t mcp-gateway",
        "SIGHUP",
        "SIGTERM",
        "Exit codes:",
        "78 ",
    ] {
        assert!(long.stdout.contains(part), "{part} is not in --help");
    }
    // The smallest configuration that it shows is one.
    let smallest = long
        .stdout
        .lines()
        .find(|line| line.contains(r#"{ "servers""#));
    fs::write(here.path().join("mcp-servers.json"), smallest.unwrap()).unwrap();
    assert_eq!(run(here.path(), &["check"], &[]).code, Some(0));

    let short = run(here.path(), &["-h"], &[]);
    assert_eq!(short.code, Some(0));
    assert!(short.stdout.lines().count() * 2 < long.stdout.lines().count());
    assert!(short.stdout.contains("mcproxy --help"));
}

#[test]
fn help_names_every_option_and_says_how_its_variable_is_called() {
    let here = tempfile::tempdir().unwrap();
    let help = run(here.path(), &["--help"], &[]).stdout;
    for option in [
        "config",
        "log",
        "listen",
        "log-level",
        "state-dir",
        "allowed-host",
        "allowed-origin",
        "call-log",
        "syslog-socket",
    ] {
        assert!(help.contains(&format!(" --{option}")), "--{option}");
    }
    let rule = "Each option is a variable too: --state-dir is MCPROXY_STATE_DIR.";
    assert!(help.contains(rule), "{help}");
}

#[test]
fn version() {
    let here = tempfile::tempdir().unwrap();
    for flag in ["--version", "-V"] {
        let said = run(here.path(), &[flag], &[]);
        assert_eq!(said.code, Some(0));
        let expected = concat!("mcproxy ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(said.stdout, expected);
    }
}

#[test]
fn wrong_values_are_explained() {
    let here = tempfile::tempdir().unwrap();
    let cases = [
        (
            "--listen",
            "MCPROXY_LISTEN",
            "example.org",
            "such as 0.0.0.0:12009",
        ),
        ("--listen", "MCPROXY_LISTEN", "1.2.3.4:70000", "65535"),
        (
            "--log-level",
            "MCPROXY_LOG_LEVEL",
            "loud",
            "error, warn, info, debug",
        ),
    ];
    let explained = |said: &Said, option: &str, part: &str| {
        assert_eq!(said.code, Some(WRONG_ARGUMENTS), "{}", said.stderr);
        assert!(
            said.stderr.contains(option) && said.stderr.contains(part),
            "{option}, {part}: {}",
            said.stderr
        );
    };
    for (option, variable, value, part) in cases {
        explained(&run(here.path(), &[option, value], &[]), option, part);
        explained(&run(here.path(), &[], &[(variable, value)]), option, part);
    }
    let said = run(here.path(), &[], &[("MCPROXY_LOG", "perhaps")]);
    explained(&said, "--log", "yes or on");
    explained(&run(here.path(), &["chek"], &[]), "'check'", "similar");
    explained(&run(here.path(), &["serve"], &[]), "'serve'", "mcproxy run");
    explained(
        &run(here.path(), &["--confg", "x"], &[]),
        "'--config'",
        "similar",
    );
}

#[test]
fn an_option_wins_over_its_variable() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("good.json"), "[]").unwrap();
    let env = [("MCPROXY_CONFIG", "missing.json")];
    let said = run(here.path(), &["--config", "good.json", "check"], &env);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
    let said = run(here.path(), &["check", "good.json"], &env);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
}

#[test]
fn the_demo_server_over_a_bare_pipe() {
    let here = tempfile::tempdir().unwrap();
    let mut command = command(here.path(), &["demo-server"], &[]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut guard = Guard(command.stderr(Stdio::null()).spawn().unwrap());
    let mut stdin = guard.0.stdin.take().unwrap();
    let mut stdout = BufReader::new(guard.0.stdout.take().unwrap()).lines();
    let mut ask = |line: &str, answer: &str| {
        writeln!(stdin, "{line}").unwrap();
        let got = stdout.next().unwrap().unwrap();
        assert!(got.contains(answer), "{line}: {got}");
    };
    ask(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
        r#""protocolVersion":"2025-11-25""#,
    );
    ask(
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#,
        r#""name":"echo""#,
    );
    ask(
        r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}"#,
        r#""text":"hi""#,
    );
    drop(stdin);
    let status = wait::until_blocking("its end", PATIENCE, || guard.0.try_wait().ok()?);
    assert_eq!(status.code(), Some(0));
}
