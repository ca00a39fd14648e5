//! The command line as a new user meets it: help that teaches, mistakes that are explained, a
//! check before it matters, and a default configuration that works with nothing installed.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server, mcproxy};
use crate::support::http;
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
        "http://<this machine>:12009/sse",
        "Examples:",
        "mcproxy check",
        "demo-server",
        "claude mcp add --transport sse",
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
fn every_option_has_its_variable() {
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
        "syslog-socket",
    ] {
        let variable = option.to_uppercase().replace('-', "_");
        let (_, from) = help.split_once(&format!("--{option}")).unwrap();
        let (_, after) = from.split_once("[env: ").unwrap();
        assert!(
            after.starts_with(&format!("MCPROXY_{variable}]")),
            "--{option}"
        );
    }
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
fn a_missing_configuration_is_one_clear_message() {
    let default = Path::new("/srv/containers/mcp-gateway/mcp-servers.json");
    assert!(!default.exists(), "it would be run: this machine has one");
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let said = run(here, &["--listen", "127.0.0.1:0"], &[]);
    assert_eq!((said.code, &*said.stdout), (Some(MISCONFIGURED), ""));
    let expected = format!(
        "mcproxy: error: no configuration file: looked for {} and \
         /srv/containers/mcp-gateway/mcp-servers.json; create one of them, or name yours with \
         --config or MCPROXY_CONFIG\n",
        here.join("mcp-servers.json").display()
    );
    assert_eq!(said.stderr, expected);

    let named = here.join("mine.json").display().to_string();
    for (args, env) in [
        (vec!["--config", "mine.json"], vec![]),
        (vec![], vec![("MCPROXY_CONFIG", "mine.json")]),
        (vec!["check", "mine.json"], vec![]),
        (vec!["check"], vec![("MCPROXY_CONFIG", "mine.json")]),
    ] {
        let said = run(here, &args, &env);
        assert_eq!(said.code, Some(MISCONFIGURED), "{args:?}");
        let both = format!("{}{}", said.stdout, said.stderr);
        assert_eq!(both.lines().count(), 1, "{both}");
        assert!(
            both.contains(&named) && both.contains("does not exist"),
            "{both}"
        );
    }
}

#[test]
fn a_taken_port_is_explained() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("mcp-servers.json"), "[]").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = run(here.path(), &["--log", "--listen", &address], &[]);
    assert_eq!((said.code, &*said.stdout), (Some(MISCONFIGURED), ""));
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    for part in [&*address, "MetaMCP", "ss -ltnp", "--listen"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
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
        (
            "--allowed-host",
            "MCPROXY_ALLOWED_HOST",
            "http://a.org",
            "without http://",
        ),
        (
            "--allowed-origin",
            "MCPROXY_ALLOWED_ORIGIN",
            "a.org",
            "https://",
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
    explained(
        &run(here.path(), &["--confg", "x"], &[]),
        "'--config'",
        "similar",
    );
}

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
  { "name": "d", "url": "https://example.org/sse" },
  { "name": "e", "command": "mcproxy" },
] }"#;
    fs::write(here.path().join("mine.json"), text).unwrap();
    let said = run(here.path(), &["check", "mine.json"], &[]);
    assert_eq!(said.code, Some(MISCONFIGURED));
    for start in [
        "mine.json:2:3: error: ",
        "mine.json:2:18: warning: ",
        "mine.json:3:13: error: ",
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

#[tokio::test]
async fn the_default_configuration_works_with_nothing_installed() {
    let text = include_str!("../../config/mcp-servers.json");
    let options = GatewayOptions::new(text).env("PATH", "/nonexistent");
    let gateway = Gateway::start(options).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    let answer = client.call_tool("demo__echo", r#"{"text":"hello"}"#).await;
    assert!(answer.contains(r#""text":"hello""#), "{answer}");
    let logs = gateway.logs();
    let is_bad = |line: &&String| line.contains("[WARN]") || line.contains("[ERROR]");
    assert_eq!(logs.iter().find(is_bad), None);
}

#[tokio::test]
async fn everything_by_environment() {
    let here = tempfile::tempdir().unwrap();
    let state = here.path().join("state").display().to_string();
    let config = format!(
        r#"[{{ "name": "x", "command": "{}" }}]"#,
        fixture_server().display()
    );
    fs::write(here.path().join("mine.json"), config).unwrap();
    let env = [
        ("MCPROXY_CONFIG", "mine.json"),
        ("MCPROXY_LOG", "yes"),
        ("MCPROXY_LISTEN", "127.0.0.1:0"),
        ("MCPROXY_LOG_LEVEL", "debug"),
        ("MCPROXY_STATE_DIR", &state),
        ("MCPROXY_ALLOWED_HOST", "mcp.example.org,mcp.example.net"),
        ("MCPROXY_ALLOWED_ORIGIN", "https://pages.example.org"),
        // Set to nothing means not set.
        ("MCPROXY_SYSLOG_SOCKET", ""),
    ];
    let mut command = command(here.path(), &[], &env);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut guard = Guard(child.unwrap());
    let logs = crate::support::output::Lines::collect(guard.0.stdout.take().unwrap());
    let says = async |part: &str| {
        wait::until(part, PATIENCE, async || {
            logs.find_map(0, |line| line.contains(part).then_some(()))
        })
        .await;
    };
    says("Server 'x' started").await;
    says("[DEBUG]").await;
    wait::until("the state directory to be used", PATIENCE, async || {
        fs::read_dir(&state).ok()?.next()
    })
    .await
    .unwrap();
    let addr = proc::listening(guard.0.id()).unwrap();
    for (host, origin, status) in [
        ("mcp.example.org", "https://pages.example.org", 200),
        ("mcp.example.net:12009", "https://pages.example.org", 200),
        ("evil.example.org", "https://pages.example.org", 421),
        ("mcp.example.org", "https://evil.example.org", 403),
    ] {
        let headers = [("host", host), ("origin", origin)];
        let answer = http::request(addr, "GET", "/healthz", &headers, b"").await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
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

/// Empty programs, which are enough to be found.
#[expect(clippy::unwrap_used, reason = "a failed step is a failed test")]
fn programs(directory: &Path, names: &[&str]) {
    for name in names {
        let path = directory.join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
}
