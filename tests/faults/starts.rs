//! Rows 5 to 7: servers that can't be started, or are not ready for long.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::crashes::lines;
use super::stage::{self, Stage, wait as real_or};
use crate::support::client::{DEADLINE, Sse, Streamable};
use crate::support::fleet;
use crate::support::gateway::{GatewayOptions, fixture_server};
use crate::support::servers::fixture;
use crate::support::{http, proc, wait};

/// The first lists wait for servers as long as this.
const LATCH: Duration = Duration::from_secs(8);
/// With starts of 15 processes on two cores.
const NORMAL: Duration = Duration::from_secs(5);
const CHANGED: &str = "notifications/tools/list_changed";

#[tokio::test]
async fn f05_no_such_command() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let absent = directory.path().join("absent");
    let forbidden = directory.path().join("forbidden");
    fs::copy(fixture_server(), &forbidden).expect("the directory is ours");
    let mode = |mode| fs::set_permissions(&forbidden, fs::Permissions::from_mode(mode));
    mode(0o644).expect("it is ours");
    let path = "/first/of/two:/second/of/two";
    let mut entries = vec![
        json!({ "name": "absent", "command": absent }),
        json!({ "name": "forbidden", "command": forbidden }),
        json!({ "name": "searched", "command": "no-such-program", "env": { "PATH": path } }),
    ];
    let start = Instant::now();
    let mut stage = Stage::open(5, &entries).await;
    stage.within("others called after", start.elapsed(), LATCH);
    let said = async |server: &str| {
        let line = format!("Server '{server}' could not be started");
        stage.gateway.wait_for_log(&line, DEADLINE).await
    };
    let (one, two, three) = (
        said("absent").await,
        said("forbidden").await,
        said("searched").await,
    );
    let is_named = one.contains(&*absent.to_string_lossy())
        && two.contains(&*forbidden.to_string_lossy())
        && two.contains("permission denied");
    let is_path_named = three.contains("no-such-program") && three.contains(path);
    for line in [&one, &two, &three] {
        let (_, text) = line.split_once("] ").expect("a level");
        stage.struck(text.replace(&*directory.path().to_string_lossy(), "…"));
    }
    stage.holds("the log names each file", is_named);
    stage.holds("and PATH", is_path_named);

    let client = stage.client::<Sse>().await;
    fs::copy(fixture_server(), &absent).expect("the directory is ours");
    mode(0o755).expect("it is ours");
    for server in entries.drain(..2) {
        let server = server["name"].as_str().expect("a name");
        let what = format!("{server} to be started again");
        wait::until(&what, Duration::from_secs(30), async || {
            let answer = fleet::echo(&client, server, "here").await;
            (answer.text == "here").then_some(())
        })
        .await;
    }
    stage.holds("started when the file is there and may be executed", true);
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f06_never_initializes() {
    let mute = |number| {
        let mut entry = fixture(&format!("mute{number}"), &["--mute"]);
        entry["timeout"] = json!(real_or(3, 30));
        entry
    };
    let mut entries: Vec<_> = (0..5).map(mute).collect();
    entries.push(fixture("good", &[]));
    let options = GatewayOptions::new(stage::configuration(&entries, &json!({})));
    let mut stage = Stage::early(6, options).await;
    let start = stage.gateway.started();
    let gateway = &stage.gateway;
    gateway.wait_for_log("Server 'good' started", LATCH).await;
    let good = start.elapsed();
    let mutes: Vec<_> = gateway.children();
    let mutes: Vec<_> = mutes
        .iter()
        .filter(|p| p.command.contains("--mute"))
        .collect();
    assert!(!mutes.is_empty(), "they run");
    wait::until("every bystander", LATCH, async || {
        let logs = gateway.logs();
        let started = |line: &&String| line.contains("Server 'by") && line.contains("' started");
        (logs.iter().filter(started).count() >= super::bystanders::COUNT).then_some(())
    })
    .await;
    let others = start.elapsed();
    let client = stage.client::<Sse>().await;
    client.call("tools/list", None, 2 * LATCH).await;
    client.close().await;
    let listed = start.elapsed();
    wait::until("/readyz", Duration::from_secs(60), async || {
        let response = http::get(gateway.addr(), "/readyz").await;
        (response.status == 200).then_some(())
    })
    .await;
    let ready = start.elapsed();
    wait::until(
        "the end of the mute ones",
        Duration::from_secs(60),
        async || (!mutes.iter().any(|mute| mute.is_alive())).then_some(()),
    )
    .await;
    let killed = format!("{} mute servers were ended at their deadline", mutes.len());
    stage.struck(killed);
    stage.within("the good one ready after", good, NORMAL);
    stage.within("every bystander ready after", others, NORMAL);
    let second = Duration::from_secs(1);
    stage.within("lists given after", listed, LATCH + second);
    // Four start at once, for 2 s at most, and fail at their deadline.
    let failed = Duration::from_secs(real_or(3 + 2, 30 + 2));
    stage.within("the gateway ready after", ready, failed + 2 * second);
    let line = "Server 'mute0' is started again in";
    stage.gateway.wait_for_log(line, DEADLINE).await;
    stage.holds("the mute ones are tried again", true);
    stage.resume().await;
    let client = stage.client::<Sse>().await;
    let answer = fleet::echo(&client, "good", "here").await;
    stage.holds("the good one answers", answer.text == "here");
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f07_slow_first_install() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let diary = directory.path().join("starts");
    let install = real_or("2500", "60000");
    let flags = [
        "--slow-start",
        install,
        "--diary",
        diary.to_str().expect("text"),
    ];
    let mut bad = fixture("bad", &flags);
    bad["timeout"] = json!(real_or(1, 20));
    let options = GatewayOptions::new(stage::configuration(&[bad], &json!({})));
    let mut stage = Stage::early(7, options).await;
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let list = old_way.call("tools/list", None, 2 * LATCH).await;
    let is_late = list.contains("by1__echo") && !list.contains("bad__echo");
    stage.holds("not in the list at first", is_late);
    stage.resume().await;
    let long = Duration::from_secs(real_or(20, 200));
    old_way.next_notification(CHANGED, long).await;
    new_way.next_notification(CHANGED, DEADLINE).await;
    let took = stage.gateway.started().elapsed();
    stage.holds("clients of both transports are told", true);
    for answer in [
        fleet::echo(&old_way, "bad", "at last").await,
        fleet::echo(&new_way, "bad", "at last").await,
    ] {
        assert_eq!(answer.text, "at last");
    }
    let starts = lines(&diary);
    stage.struck(format!(
        "{starts} starts of {install} ms each, ready after {took:.1?}"
    ));
    stage.holds("one kill at least", starts >= 2);
    stage.at_most("kills", &(starts - 1), &2);
    let pids = fs::read_to_string(&diary).expect("it was written");
    let alive = pids
        .lines()
        .filter(|pid| proc::is_alive(pid.parse().expect("a pid")));
    stage.at_most("of them alive", &alive.count(), &1);
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}
