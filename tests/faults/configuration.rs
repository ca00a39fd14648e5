//! Rows 46 to 49: the configuration is broken, replaced, saved too often, or takes a server away that is at work.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::stage::{Stage, configuration};
use crate::support::client::{DEADLINE, SseClient, Streamable, Transport};
use crate::support::fleet::{self, identify};
use crate::support::servers::fixture;
use crate::support::{client::Sse, wait};

/// What the row demands within a second, on a machine that is busy.
const SOON: Duration = Duration::from_secs(3);

fn text(entries: &[Value]) -> String {
    configuration(entries, &json!({}))
}

/// The pids of all servers.
fn servers(stage: &Stage) -> BTreeSet<u32> {
    let children = stage.gateway.children().into_iter();
    children.map(|child| child.pid).collect()
}

/// Waits until `tool` is listed.
async fn listed<T: Transport>(client: &support::client::Client<T>, tool: &str) {
    let name = format!(r#""{tool}""#);
    wait::until(&format!("{tool} in the list"), DEADLINE, async || {
        let list = client.call("tools/list", None, DEADLINE).await;
        list.contains(&name).then_some(())
    })
    .await;
}

#[tokio::test]
async fn f46_broken_configuration() {
    let old = fixture("old", &[]);
    let mut stage = Stage::open(46, std::slice::from_ref(&old)).await;
    let client = stage.client::<Streamable>().await;
    let before = servers(&stage);
    let new = text(&[old.clone(), fixture("new", &[])]);
    let half = new.get(..new.len() / 2).expect("it is ASCII");
    for (what, broken) in [("no JSON", "{ \"servers\": [ nonsense ] }"), ("half", half)] {
        let mark = stage.gateway.log_mark();
        stage.gateway.write_config(broken);
        let line = stage
            .gateway
            .wait_for_log_after(mark, "[ERROR]", DEADLINE)
            .await;
        stage.struck(format!("{what}, {} bytes, is in the file", broken.len()));
        stage.holds(
            "the error has line and column",
            line.contains("line ") && line.contains("column "),
        );
        // Reading it once more says nothing new, and shows that it was read.
        stage.gateway.sighup();
        stage
            .gateway
            .wait_for_log_after(mark, "reload: +0 ~0 -0 =10", DEADLINE)
            .await;
        let logs = stage.gateway.logs().split_off(mark);
        let errors = logs.iter().filter(|line| line.contains("[ERROR]")).count();
        stage.at_most("errors in the log", &errors, &1);
        stage.at_most(
            "servers restarted",
            &usize::from(servers(&stage) != before),
            &0,
        );
    }
    let mended = Instant::now();
    stage.gateway.write_config(&new);
    listed(&client, "new__echo").await;
    stage.within("applied and started after the mend", mended.elapsed(), SOON);
    let now = servers(&stage);
    stage.holds("others keep their process", before.is_subset(&now));
    client.close().await;
    stage.close().await;
}

/// One way to put another text into the place of the configuration.
type Replace = fn(&Path, &str);

fn rename(path: &Path, text: &str) {
    let other = path.with_extension("other");
    fs::write(&other, text).expect("the directory is ours");
    fs::rename(other, path).expect("the directory is ours");
}

/// As Kubernetes mounts a config map: the file is a link through `..data`, which is a link that is swapped.
fn swap_links(path: &Path, text: &str) {
    let home = path.parent().expect("it has one");
    let version = format!("..version{}", text.len());
    fs::create_dir_all(home.join(&version)).expect("the directory is ours");
    fs::write(home.join(&version).join("mcp-servers.json"), text).expect("the directory is ours");
    let place = |target: &str, link: &str| {
        let fresh = home.join("..fresh");
        symlink(target, &fresh).expect("the directory is ours");
        fs::rename(fresh, home.join(link)).expect("the directory is ours");
    };
    place(&version, "..data");
    if !path.is_symlink() {
        place("..data/mcp-servers.json", "mcp-servers.json");
    }
}

fn delete_and_write(path: &Path, text: &str) {
    fs::remove_file(path).expect("it is there");
    fs::write(path, text).expect("the directory is ours");
}

#[tokio::test]
async fn f47_replaced_configuration() {
    let mut stage = Stage::open(47, &[fixture("s0", &[])]).await;
    let client = stage.client::<Sse>().await;
    let ways: [(&str, Replace); 5] = [
        ("renamed over", rename),
        ("made a link through ..data", swap_links),
        ("its ..data swapped", swap_links),
        ("deleted and written", delete_and_write),
        ("renamed over again", rename),
    ];
    let mut entries = vec![fixture("s0", &[])];
    for (number, (what, replace)) in (1..).zip(ways) {
        let before = servers(&stage);
        let name = format!("s{number}");
        entries.push(fixture(&name, &[]));
        let mark = stage.gateway.log_mark();
        let saved = Instant::now();
        replace(&stage.gateway.config_path(), &text(&entries));
        let said = format!("reload: +1 ({name}) ~0 -0");
        stage
            .gateway
            .wait_for_log_after(mark, &said, Duration::from_secs(8))
            .await;
        stage.struck(what);
        stage.within(&format!("{what}: applied after"), saved.elapsed(), SOON);
        listed(&client, &format!("{name}__echo")).await;
        let now = servers(&stage);
        let kept = before.is_subset(&now);
        stage.holds("others keep their process", kept);
    }
    client.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f48_hundred_reloads() {
    const SAVES: u32 = 100;
    let mut stage = Stage::open(48, &[]).await;
    let client = stage.client::<Sse>().await;
    let mark = stage.gateway.log_mark();
    let begin = Instant::now();
    let mut rhythm = tokio::time::interval(Duration::from_millis(100));
    for save in 1..=SAVES {
        rhythm.tick().await;
        stage
            .gateway
            .rename_config(&text(&[fixture(&format!("s{save}"), &[])]));
    }
    let took = begin.elapsed();
    stage.struck(format!("{SAVES} saves in {:.1} s", took.as_secs_f32()));
    let last = format!("s{SAVES}__echo");
    listed(&client, &last).await;
    stage.within(
        "the last one stands after",
        begin.elapsed().saturating_sub(took),
        SOON,
    );
    let logs = stage.gateway.logs().split_off(mark);
    let applied = logs.iter().filter(|line| line.contains("reload: ")).count();
    stage.at_most("applied", &applied, &20);
    let answer = fleet::Answer::of(&client.call_tool(&last, r#"{"text":"last"}"#).await);
    stage.holds("it answers", answer.text == "last" && !answer.is_error);
    client.close().await;
    stage.close().await;
}

/// A call that never ends, and is with its server when this returns.
async fn in_flight(client: &SseClient) -> u64 {
    let call = fleet::send(client, "goes__sleep", r#"{"ms":600000}"#).await;
    identify(client, "goes").await; // after the call before it
    call
}

#[tokio::test]
async fn f49_removed_in_a_call() {
    const DRAIN: Duration = Duration::from_secs(5);
    let mut stage = Stage::open(49, &[fixture("goes", &[])]).await;
    let client = stage.client::<Sse>().await;
    let calls = [in_flight(&client).await, in_flight(&client).await];
    let process = identify(&client, "goes").await;
    let saved = Instant::now();
    stage.gateway.write_config(&text(&[]));
    client
        .next_notification("notifications/tools/list_changed", DEADLINE)
        .await;
    stage.within("clients are told after", saved.elapsed(), SOON);
    for call in calls {
        let answer = fleet::answer(&client, call).await;
        stage.holds(
            "an error that names the server",
            answer.is_error && answer.text.contains("goes"),
        );
    }
    let took = saved.elapsed();
    stage.holds("not before 5 s", took >= DRAIN);
    stage.within("calls end after", took, DRAIN + SOON);
    process.gone(DEADLINE).await;
    stage.struck(format!("pid {} is gone", process.pid));
    client.close().await;
    stage.close().await;
}
