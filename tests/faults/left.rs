//! Rows 140 to 144: what servers leave behind, and what gateways leave on record.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::stage::{Stage, configuration};
use super::system::compile;
use crate::support::client::{DEADLINE, Sse};
use crate::support::fleet::{identify, successor};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::servers::{fixture, fixtures};
use crate::support::streamable::Endpoint;
use crate::support::{proc, wait};

const DAEMONS: usize = 40;
const RECORDS: usize = 40;
const VERSION: &str = "2025-11-25";

/// A server, and before it `script`.
fn after(script: &str) -> Value {
    let program = fixture_server().display();
    let script = format!("{script}\nexec '{program}'").replace("${", "$${");
    json!({ "name": "bad", "command": "/bin/sh", "args": ["-c", script] })
}

/// Grows with the generations of what the server of this number left.
fn generations(home: &Path, server: u32) -> u64 {
    fs::metadata(home.join(format!("beat.{server}"))).map_or(0, |beat| beat.len())
}

#[tokio::test]
async fn f140_forks_without_end() {
    let home = TempDir::new().expect("a temporary directory");
    let place = home.path().display();
    let forks = compile(&home, "forks", &[]);
    let begin = format!("setsid {forks} {place}/stop {place}/beat.$$ </dev/null >/dev/null 2>&1 &");
    let mut stage = Stage::open(140, &[after(&begin)]).await;
    let client = stage.client::<Sse>().await;
    let first = identify(&client, "bad").await;
    let beat = |pid| generations(home.path(), pid);
    wait::until("generations", DEADLINE, async || {
        (beat(first.pid) > 10).then_some(())
    })
    .await;
    let killed = Instant::now();
    proc::send(first.pid, Signal::SIGKILL);
    successor(&client, "bad", &first, DEADLINE).await;
    let after = beat(first.pid);
    stage.struck(format!("killed; {} generations were there", 10 * after));
    let said = "server 'bad' has left behind keep starting new ones";
    let mut last = (after, Instant::now());
    let how = wait::until("the end, or a word", DEADLINE, async || {
        let now = beat(first.pid);
        if now != last.0 {
            last = (now, Instant::now());
        }
        if last.1.elapsed() > Duration::from_millis(500) {
            return Some("ended");
        }
        let mut logs = stage.gateway.logs().into_iter();
        logs.any(|line| line.contains(said)).then_some("said")
    })
    .await;
    let what = format!("{how} after the kill");
    stage.within(&what, killed.elapsed(), Duration::from_secs(3));
    fs::write(home.path().join("stop"), "").expect("ours");
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f141_daemons_pile_up() {
    let script = format!(
        "n=0; while [ $n -lt {DAEMONS} ]; do (env -i setsid sleep 3601 </dev/null >/dev/null 2>&1 &); \
         n=$((n + 1)); done"
    );
    let mut stage = Stage::open(141, &[after(&script)]).await;
    let begin = Instant::now();
    let line = stage
        .gateway
        .wait_for_log("processes that servers have left behind run on", DEADLINE)
        .await;
    stage.within("said after", begin.elapsed(), Duration::from_secs(15));
    let daemons = || {
        let children = proc::children(stage.gateway.pid()).into_iter();
        let daemons = children.filter(|process| process.command == "sleep 3601");
        daemons.collect::<Vec<_>>()
    };
    let all = daemons();
    stage.struck(format!("{} daemons run", all.len()));
    stage.holds("all of them run", all.len() == DAEMONS);
    stage.holds("the line is a warning", line.contains("[WARN]"));
    stage.gateway.write_config(&configuration(&[], &json!({})));
    stage
        .gateway
        .wait_for_log("processes stay that server 'bad'", DEADLINE)
        .await;
    stage.holds("said again at its end", true);
    stage.close().await;
    let left = all.iter().filter(|process| process.is_alive()).count();
    assert_eq!(left, 0, "none outlives the gateway");
}

fn records(gateway: &Gateway) -> Vec<PathBuf> {
    let files = fs::read_dir(gateway.state_dir().join("lives"));
    let files = files.expect("it was made").flatten();
    files.map(|file| file.path()).collect()
}

/// What a record says, with another process by the number of its own.
fn of_the_dead(record: &str) -> String {
    record.replacen(' ', " 1", 1)
}

#[tokio::test]
async fn f142_record_says_dead() {
    let home = TempDir::new().expect("a temporary directory");
    let other = Gateway::start(GatewayOptions::new(fixtures(&[("fx", &[])]))).await;
    other.wait_for_log("Server 'fx' started", DEADLINE).await;
    let servers = other.children();
    let record = records(&other).pop().expect("it runs");
    let name = record.file_name().expect("a file").to_owned();
    let text = fs::read_to_string(&record).expect("it is a file");
    let lives = home.path().join("state/lives");
    let mut first = Gateway::start(GatewayOptions::new("[]").home(home.path())).await;
    assert_eq!(first.state_dir().join("lives"), lives);
    assert!(first.terminate().await.success());
    fs::write(lives.join(&name), of_the_dead(&text)).expect("ours");
    let entries = configuration(&[fixture("mine", &[])], &json!({}));
    let options = GatewayOptions::new(entries).home(home.path());
    let mut stage = Stage::early(142, options).await;
    let line = stage
        .gateway
        .wait_for_log("It can't be told", DEADLINE)
        .await;
    stage.struck(format!("the file is {}", name.display()));
    let is_named = line.contains(name.to_str().expect("hexadecimal"));
    stage.holds("the warning names it", is_named && line.contains("[WARN]"));
    stage
        .gateway
        .wait_for_log("Server 'mine' started", DEADLINE)
        .await;
    let are_alive = servers.iter().all(proc::Process::is_alive);
    stage.holds("the other's servers live on", are_alive);
    let now = other.children();
    stage.holds("and were not replaced", now.len() == servers.len());
    stage.close().await;
}

#[tokio::test]
async fn f143_records_pile_up() {
    let home = TempDir::new().expect("a temporary directory");
    let mut first = Gateway::start(GatewayOptions::new("[]").home(home.path())).await;
    let text = fs::read_to_string(&records(&first)[0]).expect("it runs");
    assert!(first.terminate().await.success());
    // Of another namespace.
    let apart = text.replace('\n', "1\n");
    for number in 0..RECORDS {
        let file = first.state_dir().join(format!("lives/{number:032x}"));
        let text = if number % 2 == 0 { apart.as_str() } else { "" };
        fs::write(file, text).expect("ours");
    }
    let entries = configuration(&[], &json!({}));
    let mut stage = Stage::early(143, GatewayOptions::new(entries).home(home.path())).await;
    stage
        .gateway
        .wait_for_log("It can't be told", DEADLINE)
        .await;
    stage.struck(format!("{RECORDS} files were there"));
    let left = records(&stage.gateway).len();
    stage.at_most("files left", &left, &17);
    let logs = stage.gateway.logs();
    let lines = logs.iter().filter(|line| line.contains("It can't be told"));
    stage.at_most("lines", &lines.count(), &1);
    stage.close().await;
}

#[tokio::test]
async fn f144_deleted_before_a_restart() {
    let home = TempDir::new().expect("a temporary directory");
    let entries = configuration(&[fixture("x", &[])], &json!({}));
    let options = || GatewayOptions::new(entries.as_str()).home(home.path());
    let mut stage = Stage::early(144, options()).await;
    let address = stage.gateway.addr();
    let deleted = Endpoint::initialized(address, VERSION).await;
    let other = Endpoint::initialized(address, VERSION).await;
    assert_eq!(deleted.delete().await.status, 200);
    let file = stage.gateway.state_dir().join("deleted-sessions");
    wait::until("the note of it", DEADLINE, async || {
        file.exists().then_some(())
    })
    .await;
    stage.gateway.signal(Signal::SIGKILL);
    stage.gateway.wait_exit(DEADLINE).await;
    stage.struck(format!("pid {} is gone", stage.gateway.pid()));
    let address = address.to_string();
    let next = Gateway::start(options().arg("--listen").arg(address)).await;
    stage.replace(next);
    let ping = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
    stage.holds("404 for it", deleted.post(ping).await.status() == 404);
    stage.holds("another goes on", other.post(ping).await.status() == 200);
    stage.close().await;
}
