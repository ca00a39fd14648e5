//! The start: what keeps the gateway from it, and that it works with the default configuration and
//! with everything set by environment.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use super::{Guard, MISCONFIGURED, PATIENCE, command, run};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::output::Lines;
use crate::support::{http, proc, wait};

#[test]
fn a_missing_configuration_is_one_clear_message() {
    for place in ["/etc", "/srv/containers"] {
        let default = Path::new(place).join("mcp-gateway/mcp-servers.json");
        assert!(!default.exists(), "it would be run: this machine has one");
    }
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let home = here.display().to_string();
    let expected = format!(
        "error: no configuration file: looked for {home}/mcp-servers.json, \
         {home}/.config/mcproxy/mcp-servers.json, /etc/mcp-gateway/mcp-servers.json and \
         /srv/containers/mcp-gateway/mcp-servers.json; create one of them ('mcproxy add' does), or name \
         yours with --config or MCPROXY_CONFIG\n"
    );
    for words in [
        &["--listen", "127.0.0.1:0"][..],
        &["run", "--listen", "127.0.0.1:0"],
    ] {
        let said = run(here, words, &[("HOME", &home)]);
        assert_eq!((said.code, &*said.stdout), (Some(MISCONFIGURED), ""));
        assert_eq!(said.stderr, format!("mcproxy: {expected}"));
    }
    let said = run(here, &["check"], &[("HOME", &home)]);
    assert_eq!((said.code, said.stdout), (Some(MISCONFIGURED), expected));

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
fn a_host_or_origin_that_is_none_is_explained() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("mcp-servers.json"), "[]").unwrap();
    for (option, variable, value) in [
        ("--allowed-host", "MCPROXY_ALLOWED_HOST", "http://a.org"),
        ("--allowed-origin", "MCPROXY_ALLOWED_ORIGIN", "a.org"),
    ] {
        let listen = ["--listen", "127.0.0.1:0"];
        let said = [
            run(here.path(), &[listen[0], listen[1], option, value], &[]),
            run(here.path(), &listen, &[(variable, value)]),
        ];
        for said in said {
            assert_eq!(said.code, Some(MISCONFIGURED), "{}", said.stderr);
            let is_named = said.stderr.contains(option) && said.stderr.contains(value);
            assert!(
                is_named && said.stderr.contains("such as"),
                "{}",
                said.stderr
            );
        }
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

#[tokio::test]
async fn the_default_configuration_works_with_nothing_installed() {
    let text = include_str!("../../../config/mcp-servers.json");
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
    let logs = Lines::collect(guard.0.stdout.take().unwrap());
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
        let answer = http::request(addr, "GET", "/status", &headers, b"").await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
}
