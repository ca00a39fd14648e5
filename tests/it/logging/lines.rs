//! Both formats to the letter, the levels, and what must never be in a line.

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan, tz};

use super::{PATIENCE, Syslogd, address, assert_serves, one_server};
use crate::support::gateway::{Gateway, GatewayOptions};

/// Three hours east of Greenwich, in POSIX's way, which counts the other way round.
const ZONE: (&str, &str) = ("TZ", "TST-3");

/// The time in that zone.
fn local_now() -> DateTime {
    let offset = tz::offset(3);
    offset.to_datetime(Timestamp::now())
}

/// Asserts that `time` was a moment ago.
fn assert_recent(time: DateTime) {
    let now = local_now();
    let since = now - 2.minutes();
    assert!(since < time && time <= now, "{time} is not now, {now}");
}

/// The parts of a `--log` line.
fn parts(line: &str) -> Option<(DateTime, &str, &str)> {
    let (time, rest) = line.split_at_checked(23)?;
    let (seconds, millis) = time.split_once(',')?;
    let is_millis = millis.len() == 3 && millis.bytes().all(|b| b.is_ascii_digit());
    let time = DateTime::strptime("%Y-%m-%d %H:%M:%S", seconds).ok()?;
    let (level, text) = rest.strip_prefix(" [")?.split_once("] ")?;
    is_millis.then_some((time, level, text))
}

#[tokio::test]
async fn stdout_to_the_letter() {
    let options = GatewayOptions::new(one_server("playwright", &[])).env(ZONE.0, ZONE.1);
    let mut gateway = Gateway::start(options).await;
    gateway.wait_for_log("' started", PATIENCE).await;
    assert_serves(gateway.addr(), "playwright__echo").await;
    let pid = gateway.children()[0].pid;
    support::proc::send(pid, nix::sys::signal::Signal::SIGKILL);
    gateway.wait_for_log("SIGKILL", PATIENCE).await;
    gateway.write_config("[]");
    gateway.wait_for_log("reload: ", PATIENCE).await;
    gateway.terminate().await;

    let lines = gateway.logs();
    let mut texts = Vec::new();
    for line in &lines {
        let (time, level, text) = parts(line).unwrap_or_else(|| panic!("{line:?}"));
        assert_recent(time);
        assert!(matches!(level, "INFO" | "WARN" | "ERROR"), "{line}");
        texts.push((level, text));
    }
    assert!(texts.contains(&("INFO", "Server 'playwright' started")));
    assert!(texts.contains(&("INFO", "reload: +0 ~0 -1 (playwright) =0")));
    assert_eq!(gateway.stderr(), [""; 0], "nothing but the log is said");
    // Everything in it is the gateway's own: nothing of the packages that it is made of.
    let ours = [
        "Listening on ",
        "configuration: ",
        "Clients are offered ",
        "Server 'playwright' ",
        "reload: ",
        "Stopping",
        "Stopped",
    ];
    for (_, text) in texts {
        assert!(ours.iter().any(|start| text.starts_with(start)), "{text}");
    }
}

#[tokio::test]
async fn syslog_to_the_letter() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("log");
    let syslogd = Syslogd::start(&socket);
    let mut options = GatewayOptions::new(one_server("playwright", &[])).env(ZONE.0, ZONE.1);
    options.syslog = Some(socket);
    let gateway = Gateway::launch(options);
    let line = syslogd.wait_for("' started").await;
    let (time, rest) = line.strip_prefix("<30>").unwrap().split_at(15);
    let year = local_now().year();
    let time = DateTime::strptime("%Y %b %d %H:%M:%S", format!("{year} {time}")).unwrap();
    assert_recent(time);
    let pid = gateway.pid();
    assert_eq!(
        rest,
        format!(" mcp-gateway[{pid}]: [INFO] Server 'playwright' started")
    );
    gateway.children()[0].signal(nix::sys::signal::Signal::SIGKILL);
    let line = syslogd.wait_for("SIGKILL").await;
    assert!(
        line.starts_with("<28>") && line.contains(": [WARN] "),
        "{line}"
    );
    gateway.write_config("{");
    let line = syslogd.wait_for("cannot be used").await;
    assert!(
        line.starts_with("<27>") && line.contains(": [ERROR] "),
        "{line}"
    );
    assert_eq!(gateway.stderr(), [""; 0]);
    assert_eq!(gateway.logs(), [""; 0]);
}

#[tokio::test]
async fn the_level_is_the_least_that_is_said() {
    let config = r#"[{ "name": "x", "command": "/nowhere/x" }]"#;
    let options = GatewayOptions::new(config).arg("--log-level=warn");
    let gateway = Gateway::launch(options);
    address(gateway.pid()).await;
    gateway.wait_for_log("[WARN]", PATIENCE).await;
    gateway.write_config("{");
    gateway.wait_for_log("[ERROR]", PATIENCE).await;
    let logs = gateway.logs();
    assert!(
        !logs.iter().any(|line| line.contains("[INFO]")),
        "{logs:#?}"
    );

    let options = GatewayOptions::new(config).env("MCPROXY_LOG_LEVEL", "debug");
    let gateway = Gateway::start(options).await;
    gateway.wait_for_log("[DEBUG]", PATIENCE).await;
}

#[tokio::test]
async fn no_control_character_reaches_the_log() {
    let options = GatewayOptions::new(one_server("noisy", &["--noisy-stderr", "--banner"]));
    let gateway = Gateway::start(options).await;
    let line = gateway
        .wait_for_log("Server 'noisy' stderr: ", PATIENCE)
        .await;
    assert!(line.ends_with("ERROR noise"), "no colours: {line:?}");
    // The flood goes on, and is cut down to a few lines.
    gateway.wait_for_log("suppressed", PATIENCE).await;
    assert_serves(gateway.addr(), "noisy__echo").await;
    let logs = gateway.logs();
    let is_clean = |line: &&String| !line.contains(char::is_control);
    assert_eq!(logs.iter().find(|line| !is_clean(line)), None);
    assert!(logs.len() < 2_000, "{} lines", logs.len());
}
