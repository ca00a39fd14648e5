//! Rows 170 to 172: a configuration of a million fields, and a state directory that is not the gateway's alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use serde_json::json;

use super::stage::{Stage, configuration};
use crate::support::client::{DEADLINE, Streamable};
use crate::support::fleet::echo;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::proc;
use crate::support::servers::fixture;

/// A configuration whose first server has so many fields that nobody knows.
fn with_fields(count: usize) -> String {
    let fields = (0..count).map(|number| format!("\"f{number}\":1,"));
    let text = configuration(&[fixture("old", &[])], &json!({}));
    let begin = "\"servers\":[{";
    assert!(text.contains(begin), "{text}");
    let with_fields = format!("{begin}{}", fields.collect::<String>());
    text.replacen(begin, &with_fields, 1)
}

#[tokio::test]
async fn f170_million_fields() {
    const FEW: usize = 250_000;
    const MANY: usize = 1_000_000;
    let mut stage = Stage::open(170, &[fixture("old", &[])]).await;
    let pid = stage.gateway.pid();
    let before = stage.gateway.child("fixture-server");
    let mut costs = Vec::new();
    let begin = stage.gateway.log_mark();
    for count in [FEW, MANY] {
        let (text, mark) = (with_fields(count), stage.gateway.log_mark());
        let cpu = proc::cpu_time(pid).expect("it runs");
        stage.gateway.rename_config(&text);
        stage
            .gateway
            .wait_for_log_after(
                mark,
                &format!("and {} more warnings", count - 50),
                DEADLINE * 6,
            )
            .await;
        costs.push(proc::cpu_time(pid).expect("it runs").saturating_sub(cpu));
        stage.struck(format!("{} MB are read", text.len() >> 20));
    }
    let lines = stage.gateway.log_mark() - begin;
    stage.at_most("log lines of both", &lines, &150);
    let [few, many] = costs.as_slice() else {
        unreachable!("two were read");
    };
    stage.within("CPU for four times as many", *many, *few * 8);
    let after = stage.gateway.child("fixture-server");
    let pid = |child: Option<proc::Process>| child.map(|child| child.pid);
    stage.holds("servers keep their process", pid(before) == pid(after));
    stage.close().await;
}

#[tokio::test]
async fn f171_shared_state_directory() {
    let mut stage = Stage::open(171, &[fixture("x", &[])]).await;
    let directory = stage.gateway.state_dir();
    let before = stage.gateway.children();
    let options = GatewayOptions::new(configuration(&[fixture("y", &[])], &json!({})));
    let mut second =
        Gateway::start(options.arg(format!("--state-dir={}", directory.display()))).await;
    let line = second
        .wait_for_log("Another gateway uses the state directory", DEADLINE)
        .await;
    stage.struck("a second gateway uses the directory");
    stage.holds("its log warns and names it", {
        line.contains("[WARN]") && line.contains(&directory.display().to_string())
    });
    second.wait_for_log("Server 'y' started", DEADLINE).await;
    let is_well = second.terminate().await.success();
    stage.holds("the second ends with 0", is_well);
    let all_live = before.iter().all(proc::Process::is_alive);
    stage.holds("the servers of the first live on", all_live);
    let client = stage.client::<Streamable>().await;
    assert_eq!(echo(&client, "x", "here").await.text, "here");
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f172_planted_state_files() {
    const NOBODY: u32 = 65_534;
    let home = tempfile::tempdir().expect("a directory");
    let entries = configuration(&[fixture("fx", &[])], &json!({}));
    let mut first = Gateway::start(GatewayOptions::new(entries).home(home.path())).await;
    first.wait_for_log("Server 'fx' started", DEADLINE).await;
    let (directory, last) = (first.state_dir(), first.kept("last-configuration"));
    assert!(first.terminate().await.success());
    let victim = home.path().join("victim");
    fs::write(&victim, "precious").expect("ours");
    // The names that files had while they were written, and one as it may be now.
    let beside = |name: &str| last.with_file_name(name);
    for name in [
        ".last-configuration.unfinished",
        ".last-configuration.0123456789abcdef.unfinished",
    ] {
        symlink(&victim, beside(name)).expect("ours");
    }
    fs::remove_file(&last).expect("it was kept");
    let key = directory.join("session.key");
    fs::write(&key, [7; 32]).expect("ours");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("ours");
    let is_foreign = chown(&key, Some(NOBODY), None).is_ok();
    let at_home = |options: GatewayOptions| options.home(home.path());
    let mut stage = Stage::with(172, &[fixture("fx", &[])], &json!({}), at_home).await;
    stage.struck("links and a key are planted");
    let text = fs::read_to_string(&victim).expect("it is ours");
    stage.holds("what the links led to is as it was", text == "precious");
    if is_foreign {
        let line = stage.gateway.wait_for_log("session.key", DEADLINE).await;
        stage.holds(
            "the log names the other user's key",
            line.contains("[ERROR]"),
        );
    } else {
        assert!(last.exists(), "the configuration is kept again");
    }
    stage.close().await;
}
