//! Rows 52, 53 and 56: the disk is full, the clock jumps, the port is taken.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

use super::stage::Stage;
use super::wrapped::{own_mounts, wrapped};
use crate::support::client::{DEADLINE, Sse, Streamable};
use crate::support::fleet::{Answer, echo, identify, send};
use crate::support::gateway::{GatewayOptions, mcproxy};
use crate::support::servers::fixture;
use crate::support::{fleet, wait};

#[tokio::test]
async fn f52_disk_full() {
    let directory = TempDir::new().expect("a temporary directory");
    let gateway = mcproxy().display();
    let full = directory.path().join("full");
    fs::create_dir(&full).expect("the directory is ours");
    // What the disk holds is filled up, so that not one byte more can be written.
    let (how, script) = match own_mounts() {
        Some(unshare) => (
            "a tmpfs without a free byte",
            format!(
                "#!/bin/sh\nexec {unshare} sh -c 'mount -t tmpfs -o size=64k none {0} && \
                 cat /dev/zero >{0}/filler 2>/dev/null; exec {gateway} \"$@\"' - \"$@\"\n",
                full.display()
            ),
        ),
        None => (
            "no byte can be written to any file (RLIMIT_FSIZE: mounts are forbidden here)",
            format!("#!/bin/sh\nexec prlimit --fsize=0 {gateway} \"$@\"\n"),
        ),
    };
    let binary = wrapped(&directory, &script);
    let change = |options: GatewayOptions| {
        let full = full.display().to_string();
        options.binary(binary).arg("--state-dir").arg(full)
    };
    let mut stage = Stage::with(52, &[fixture("x", &[])], &json!({}), change).await;
    let said = stage
        .gateway
        .wait_for_log("[WARN] Could not keep", DEADLINE)
        .await;
    let (_, complaint) = said.split_once("[WARN] ").expect("its level");
    let complaint = complaint.replace(&*full.to_string_lossy(), "STATE");
    stage.struck(format!("{how}: {complaint}"));
    let sse = stage.client::<Sse>().await;
    let streamable = stage.client::<Streamable>().await;
    // A list that changes would be kept: it is served all the same.
    sse.call_tool("x__set_tools", r#"{"names":["fresh"]}"#)
        .await;
    sse.next_notification("notifications/tools/list_changed", DEADLINE)
        .await;
    let answer = Answer::of(&streamable.call_tool("x__fresh", "{}").await);
    stage.holds(
        "a changed list is served",
        answer.text == "fresh" && !answer.is_error,
    );
    stage.gateway.write_config(&super::stage::configuration(
        &[fixture("y", &[])],
        &json!({}),
    ));
    sse.next_notification("notifications/tools/list_changed", DEADLINE)
        .await;
    wait::until("the added server", DEADLINE, async || {
        let answer = Answer::of(&sse.call_tool("y__echo", r#"{"text":"here"}"#).await);
        (answer.text == "here").then_some(())
    })
    .await;
    stage.holds("a reload is applied", true);
    sse.close().await;
    streamable.close().await;
    stage.close().await;
}

/// Builds a program or a library of the C file beside this one. A linker of C is what Rust itself needs.
pub(crate) fn compile(directory: &TempDir, name: &str, options: &[&str]) -> String {
    let built = directory.path().join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/faults/{name}.c"));
    let mut compiler = Command::new("cc");
    compiler
        .args(options)
        .args(["-O1", "-o"])
        .arg(&built)
        .arg(source);
    let status = compiler
        .stdin(Stdio::null())
        .status()
        .expect("a C compiler");
    assert!(status.success(), "{compiler:?}: {status}");
    built.display().to_string()
}

/// The minute of the day of the newest log line.
fn log_clock(stage: &Stage) -> i32 {
    let last = stage.gateway.logs().pop().expect("it has logged");
    let part = |from: usize| -> i32 {
        let digits = last.get(from..from + 2).expect("a time stamp");
        digits.parse().expect("digits")
    };
    part(11) * 60 + part(14)
}

#[tokio::test]
async fn f53_clock_jump() {
    const TIMEOUT: Duration = Duration::from_secs(2);
    const DAY: i32 = 24 * 60;
    let directory = TempDir::new().expect("a temporary directory");
    let setting = directory.path().join("offset");
    fs::write(&setting, "0").expect("the directory is ours");
    // Moves the gateway's wall clock.
    let library = compile(&directory, "clock", &["-shared", "-fPIC"]);
    let mut slow = fixture("slow", &["--hang-on", "echo"]);
    slow["call_timeout"] = json!(TIMEOUT.as_secs());
    let change = |options: GatewayOptions| {
        let setting = setting.display().to_string();
        options
            .env("LD_PRELOAD", &library)
            .env("FAULTS_CLOCK", &setting)
    };
    let mut stage = Stage::with(53, &[slow], &json!({}), change).await;
    let sse = stage.client::<Sse>().await;
    let streamable = stage.client::<Streamable>().await;
    let jumps = [
        ("an hour forward", 60),
        ("two hours back", -60),
        ("right again", 0),
    ];
    let mut offset = 0;
    for (what, minutes) in jumps {
        identify(&sse, "slow").await; // it is not hung, only slow
        let since = Instant::now();
        let call = send(&sse, "slow__echo", r#"{"text":"never"}"#).await;
        let before = log_clock(&stage);
        fs::write(&setting, (minutes * 60).to_string()).expect("the directory is ours");
        let mark = stage.gateway.log_mark();
        stage.gateway.sighup();
        stage
            .gateway
            .wait_for_log_after(mark, "reload: ", DEADLINE)
            .await;
        let jumped = (log_clock(&stage) - before - (minutes - offset)).rem_euclid(DAY);
        assert!(
            jumped <= 1,
            "the clock of the log did not jump: off by {jumped} minutes"
        );
        offset = minutes;
        stage.struck(format!("{what}, as the log's time stamps show"));

        let answer = fleet::answer(&sse, call).await;
        let took = since.elapsed();
        stage.holds("the timeout's error", answer.is_error);
        stage.holds("not early", took >= TIMEOUT);
        stage.within("it comes after", took, TIMEOUT + Duration::from_secs(1));
        let text = echo(&streamable, "by1", "here").await.text;
        stage.holds("sessions go on", text == "here");
    }
    sse.close().await;
    streamable.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f56_port_taken() {
    let mut stage = Stage::open(56, &[]).await;
    let addr = stage.gateway.addr().to_string();
    let since = Instant::now();
    let second = Command::new(mcproxy())
        .args(["--log", "--listen", &addr, "--config"])
        .arg(stage.gateway.config_path())
        .output()
        .expect("it starts");
    stage.within(
        "a second gateway ends after",
        since.elapsed(),
        Duration::from_secs(2),
    );
    stage.struck(format!("exit code {}", second.status.code().unwrap_or(-1)));
    let said = String::from_utf8_lossy(&second.stderr);
    stage.holds("exit 78", second.status.code() == Some(78));
    stage.holds(
        "one line that names the port and how to find who has it",
        said.lines().count() == 1 && said.contains(&addr) && said.contains("ss -ltnp"),
    );
    stage.close().await;
}
