//! Sinks that restart, hang, are missing or closed.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::time::Instant;

use super::{PATIENCE, Syslogd, address, assert_serves, on_stderr, one_server};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, listening_address, mcproxy};
use crate::support::{proc, wait};

fn with_syslog(directory: &TempDir) -> GatewayOptions {
    let mut options = GatewayOptions::new(one_server("x", &[]));
    options.syslog = Some(directory.path().join("log"));
    options
}

/// The line that each SIGHUP leaves.
const RELOAD: &str = "[INFO] reload: +0 ~0 -0 =1";

#[tokio::test]
async fn a_restart_of_syslogd_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let first = Syslogd::start(&path);
    let gateway = Gateway::launch(with_syslog(&directory));
    first.wait_for("Server 'x' started").await;
    let mut hangups = 0;
    let mut hang_up = || {
        gateway.sighup();
        hangups += 1;
        hangups
    };
    hang_up();
    first.wait_for(RELOAD).await;

    // Away: stderr has what it would have had.
    let at_first = first.count(RELOAD);
    first.die().await;
    for away in 1..=3 {
        hang_up();
        wait::until("the line on stderr", PATIENCE, async || {
            (on_stderr(&gateway, RELOAD) == away).then_some(())
        })
        .await;
    }
    assert_eq!(on_stderr(&gateway, "no syslog ("), 1);

    // Back: it is used again without anybody's doing.
    let second = Syslogd::start(&path);
    let mut all = 0;
    wait::until("the new syslogd to be used", PATIENCE, async || {
        let before = second.count(RELOAD) + on_stderr(&gateway, RELOAD);
        all = hang_up();
        wait::until("the next line", PATIENCE, async || {
            let now = second.count(RELOAD) + on_stderr(&gateway, RELOAD);
            (now > before).then_some(())
        })
        .await;
        (second.count(RELOAD) > 0).then_some(())
    })
    .await;
    second.wait_for("[WARN] syslog is back").await;
    let said = at_first + on_stderr(&gateway, RELOAD) + second.count(RELOAD);
    assert_eq!(said, all, "every line is somewhere, once");

    // A restart between two lines is not noticed at all.
    let on_stderr_before = gateway.stderr().len();
    second.die().await;
    let third = Syslogd::start(&path);
    hang_up();
    third.wait_for(RELOAD).await;
    assert_eq!(gateway.stderr().len(), on_stderr_before);
}

#[tokio::test]
async fn a_syslogd_that_never_reads_slows_no_call() {
    const CALLS: u32 = 100;
    let directory = tempfile::tempdir().unwrap();
    let _never_read = UnixDatagram::bind(directory.path().join("log")).unwrap();
    let options = with_syslog(&directory).arg("--log-level=trace");
    let gateway = Gateway::launch(options);
    let client = SseClient::connect(address(gateway.pid()).await).await;
    client.initialize().await;
    // Each SIGHUP is some lines: enough of them to fill what the kernel keeps for the reader.
    wait::until("the log to be stuck", PATIENCE, async || {
        gateway.sighup();
        (on_stderr(&gateway, "no syslog (") > 0).then_some(())
    })
    .await;
    let since = Instant::now();
    for _ in 0..CALLS {
        gateway.sighup();
        let answer = client.call_tool("x__echo", r#"{"text":"here"}"#).await;
        assert!(answer.contains("here"), "{answer}");
    }
    // A line that waits does so for 250 ms: waiting calls would be far beyond this.
    let took = since.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn without_a_socket_stderr_says_so_once_and_has_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::launch(with_syslog(&directory));
    wait::until("the log on stderr", PATIENCE, async || {
        (on_stderr(&gateway, "Server 'x' started") > 0).then_some(())
    })
    .await;
    assert_serves(address(gateway.pid()).await, "x__echo").await;
    gateway.terminate().await;
    let stderr = gateway.stderr();
    let socket = directory.path().join("log");
    assert!(
        stderr[0].contains("[WARN] no syslog (") && stderr[0].contains(&*socket.to_string_lossy()),
        "{stderr:#?}"
    );
    assert_eq!(on_stderr(&gateway, "no syslog"), 1);
    assert_eq!(on_stderr(&gateway, "[INFO] Stopped"), 1);
    let ident = format!(" mcp-gateway[{}]: [", gateway.pid());
    for line in &stderr {
        assert!(line.contains(&ident) && !line.contains('<'), "{line}");
    }
}

/// Closed before the start: what is opened first must not take their numbers, or the log would be
/// written into it.
#[tokio::test]
async fn closed_stdout_and_stderr() {
    let home = tempfile::tempdir().unwrap();
    let script = home.path().join("closed");
    let text = format!("#!/bin/sh\nexec {} \"$@\" >&- 2>&-\n", mcproxy().display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    for syslog in [None, Some(home.path().join("none"))] {
        let options = GatewayOptions {
            binary: Some(script.clone()),
            syslog,
            ..GatewayOptions::new(one_server("x", &[]))
        };
        let mut gateway = Gateway::launch(options);
        let addr = address(gateway.pid()).await;
        assert_serves(addr, "x__echo").await;
        gateway.sighup();
        gateway.write_config("[]");
        wait::until("the server to be stopped", PATIENCE, async || {
            gateway.children().is_empty().then_some(())
        })
        .await;
        let status = gateway.terminate().await;
        assert_eq!(status.code(), Some(0));
    }
}

/// The reader of the pipe goes away, as `mcproxy --log | head` does.
#[tokio::test]
async fn a_reader_that_leaves() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("mcp-servers.json");
    std::fs::write(&config, one_server("x", &[])).unwrap();
    let mut child = Command::new(mcproxy())
        .args(["--log", "--listen", "127.0.0.1:0", "--config"])
        .arg(&config)
        .arg("--state-dir")
        .arg(home.path().join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addr = lines.find_map(|line| listening_address(&line.unwrap()));
    let addr = addr.unwrap();
    drop(lines);
    drop(child.stderr.take());
    for _ in 0..3 {
        proc::send(child.id(), Signal::SIGHUP);
        assert_serves(addr, "x__echo").await;
    }
    proc::send(child.id(), Signal::SIGTERM);
    let status = wait::until("the gateway to end", PATIENCE, async || {
        child.try_wait().unwrap()
    })
    .await;
    assert_eq!(status.code(), Some(0));
}
