//! Rows 50 and 51: syslog is absent, blocked and restarted; the gateway's own output is closed.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

use super::record::Record;
use super::stage::Stage;
use super::wrapped::wrapped;
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet::echo;
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::proc::Stopwatch;
use crate::support::servers::fixture;
use crate::support::syslogd::Syslogd;
use crate::support::wait;

/// Calls while something is wrong with the log.
const CALLS: u32 = 50;

fn on_stderr(gateway: &Gateway, part: &str) -> usize {
    let lines = gateway.stderr();
    lines.iter().filter(|line| line.contains(part)).count()
}

/// Calls while every SIGHUP leaves lines; the slowest one, without waiting for a core.
async fn slowest_call(stage: &Stage) -> Duration {
    let client = stage.client::<Sse>().await;
    let mut slowest = Duration::ZERO;
    for number in 0..CALLS {
        stage.gateway.sighup();
        let text = number.to_string();
        let watch = Stopwatch::start(&[stage.gateway.pid()]);
        assert_eq!(echo(&client, "x", &text).await.text, text);
        slowest = slowest.max(watch.elapsed());
    }
    client.close().await;
    slowest
}

#[tokio::test]
async fn f50_syslog_gone() {
    // A line that waits for a log does so for 250 ms; a call must not.
    const UNDISTURBED: Duration = Duration::from_millis(200);
    let directory = TempDir::new().expect("a temporary directory");
    let socket = directory.path().join("log");
    let change = |options: GatewayOptions| options.syslog(&socket);
    let mut stage = Stage::with(50, &[fixture("x", &[])], &json!({}), change).await;

    wait::until("the log on stderr", DEADLINE, async || {
        (on_stderr(&stage.gateway, "Server 'x' started") > 0).then_some(())
    })
    .await;
    stage.struck("absent: the log is on stderr");
    let slowest = slowest_call(&stage).await;
    stage.within("absent: slowest call", slowest, UNDISTURBED);

    let syslogd = Syslogd::start(&socket);
    let since = Instant::now();
    wait::until("lines in syslog", DEADLINE, async || {
        stage.gateway.sighup();
        (syslogd.count("reload: ") > 0).then_some(())
    })
    .await;
    stage.within(
        "there: lines arrive after",
        since.elapsed(),
        Duration::from_secs(5),
    );

    syslogd.die().await;
    std::fs::remove_file(&socket).expect("it is there");
    let never_read = UnixDatagram::bind(&socket).expect("the directory is ours");
    let before = on_stderr(&stage.gateway, "no syslog (");
    wait::until("the log to be stuck", 3 * DEADLINE, async || {
        stage.gateway.sighup();
        (on_stderr(&stage.gateway, "no syslog (") > before).then_some(())
    })
    .await;
    stage.struck("blocked: its socket is full");
    let slowest = slowest_call(&stage).await;
    stage.within("blocked: slowest call", slowest, UNDISTURBED);

    drop(never_read);
    let syslogd = Syslogd::start(&socket);
    let since = Instant::now();
    wait::until("lines in syslog again", DEADLINE, async || {
        stage.gateway.sighup();
        (syslogd.count("reload: ") > 0).then_some(())
    })
    .await;
    stage.struck("restarted: another process has the socket");
    stage.within(
        "restarted: lines arrive after",
        since.elapsed(),
        Duration::from_secs(5),
    );
    stage.close().await;
}

#[tokio::test]
async fn f51_closed_output() {
    let directory = TempDir::new().expect("a temporary directory");
    let gateway = mcproxy().display();
    let mut record = Record::default();
    for (what, redirection) in [("closed", ">&- 2>&-"), ("EPIPE", "> >(exec true) 2>&1")] {
        let script = format!("#!/bin/bash\nexec {gateway} \"$@\" {redirection}\n");
        let binary = wrapped(&directory, &script);
        let change = |options: GatewayOptions| GatewayOptions {
            is_silent: true,
            ..options.binary(binary)
        };
        let mut stage = Stage::with(51, &[fixture("x", &[])], &json!({}), change).await;
        stage.after(record);
        stage.struck(format!("{what}: not a line has come by its pipes"));
        assert!(stage.gateway.logs().is_empty() && stage.gateway.stderr().is_empty());
        let slowest = slowest_call(&stage).await;
        stage.within(
            &format!("{what}: slowest call"),
            slowest,
            Duration::from_secs(1),
        );
        record = stage.close().await;
    }
}
