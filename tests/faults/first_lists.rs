//! Rows 290, 291, 294 and 296: what a client's first lists wait for, and what a list costs that was not declared.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::lists::{CHANGED, LONG, is_ready, one_at_a_time, tools_of};
use super::stage::{Stage, configuration};
use crate::support::both;
use crate::support::client::{DEADLINE, Sse, Streamable};
use crate::support::gateway::GatewayOptions;
use crate::support::servers::fixture;
use crate::support::wait;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn f290_pages_still_on_their_way() {
    // The server is ready with what it has 5 s after the handshake.
    let pages = r#"sleep 3; case $line in
        *cursor*) say '"result":{"tools":[{"name":"last","inputSchema":{"type":"object"}}]}';;
        *) say '"result":{"tools":[{"name":"first","inputSchema":{"type":"object"}}],"nextCursor":"on"}';;
        esac"#;
    let bad = one_at_a_time(r#"{"tools":{}}"#, pages, "true");
    let options = GatewayOptions::new(configuration(&[bad], &json!({})));
    let mut stage = Stage::early(290, options).await;
    let start = stage.gateway.started();
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let (old, new) = tokio::join!(tools_of(&old_way, "bad"), tools_of(&new_way, "bad"));
    stage.within("first lists after", start.elapsed(), 8 * SECOND);
    stage
        .gateway
        .wait_for_log("Server 'bad' is slow", DEADLINE)
        .await;
    stage.struck("ready with one page of two, 3 s each");
    stage.holds(
        "first lists hold both",
        old == ["first", "last"] && new == old,
    );
    stage.resume().await;
    old_way.close().await;
    new_way.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f291_first_configuration_comes_late() {
    let options = GatewayOptions::new("{ \"servers\": [".to_owned());
    let mut stage = Stage::early(291, options).await;
    let said = "and the file is used once";
    let line = stage.gateway.wait_for_log(said, DEADLINE).await;
    let (_, text) = line.split_once("] ").expect("a level");
    stage.struck(text.rsplit("mcp-servers.json").next().unwrap_or(text));
    first_servers_come_late(stage, false).await;
}

#[tokio::test]
async fn f296_first_server_comes_late() {
    let mut stage = Stage::early(296, GatewayOptions::new("[]".to_owned())).await;
    let line = "configuration: 0 servers, 0 disabled";
    stage.gateway.wait_for_log(line, DEADLINE).await;
    stage.struck(line);
    both::ready(&stage.gateway).await;
    first_servers_come_late(stage, true).await;
}

async fn first_servers_come_late(mut stage: Stage, was_ready: bool) {
    let early = stage.client::<Sse>().await;
    let start = Instant::now();
    let none = early.call("tools/list", None, LONG).await;
    stage.within("a list without servers after", start.elapsed(), SECOND);
    assert!(none.contains(r#""tools":[]"#), "{none}");

    let takes = 4 * SECOND;
    let slow = takes.as_millis().to_string();
    let mut mute = fixture("mute", &["--mute"]);
    mute["timeout"] = json!(10);
    let entries = [fixture("slow", &["--slow-start", &slow]), mute];
    let mended = configuration(&entries, &json!({ "first_list_timeout": 6 }));
    let start = Instant::now();
    stage.gateway.rename_config(&mended);
    let applied = "gateway: first_list_timeout 8 -> 6";
    stage.gateway.wait_for_log(applied, DEADLINE).await;
    let is_ready_still = is_ready(&stage.gateway).await;
    stage.holds("ready if it was", is_ready_still == was_ready);
    let (old_way, new_way) = (
        stage.client::<Sse>().await,
        stage.client::<Streamable>().await,
    );
    let (old, new) = tokio::join!(tools_of(&old_way, "slow"), tools_of(&new_way, "slow"));
    stage.within("first lists after the change", start.elapsed(), 8 * SECOND);
    let has_all = |tools: &[String]| tools.iter().any(|tool| tool == "echo");
    stage.holds(
        "they have who takes 4 s to start",
        has_all(&old) && has_all(&new),
    );
    let line = stage
        .gateway
        .wait_for_log("Lists are given without", DEADLINE)
        .await;
    stage.holds(
        "the log names who does not come",
        line.contains("'mute'") && !line.contains("slow"),
    );
    early.next_notification(CHANGED, LONG).await;
    let seen = tools_of(&early, "slow").await;
    stage.holds("who had an empty list is told", has_all(&seen));
    wait::until("/readyz", LONG, async || {
        is_ready(&stage.gateway).await.then_some(())
    })
    .await;
    stage.resume().await;
    for client in [early, old_way] {
        client.close().await;
    }
    new_way.close().await;
    stage.close().await;
}

#[tokio::test]
async fn f294_dies_late_of_an_undeclared_list() {
    let home = tempfile::tempdir().expect("a directory");
    let asked = home.path().join("asked");
    // It is silent for longer than it is waited for, and what it does meanwhile ends it.
    let tools = format!("echo x >>'{}'; (sleep 6; kill -9 $$) &", asked.display());
    let bad = one_at_a_time("{}", &tools, "true");
    let options = GatewayOptions::new(configuration(&[bad], &json!({}))).home(home.path());
    let mut stage = Stage::early(294, options).await;
    // The others are asked for when a life has outlived the one that ends it.
    let others = "'bad' stderr: is asked for another list";
    stage.gateway.wait_for_log(others, LONG).await;
    let times = std::fs::read_to_string(&asked).expect("it was asked");
    let lives = times.lines().count();
    stage.struck(format!("{lives} lives ended a second after the silence"));
    stage.at_most("lives that were asked", &lives, &2);
    let logs = stage.gateway.logs();
    let ended = |line: &&String| line.contains("Server 'bad'") && line.contains("[ERROR]");
    stage.at_most(
        "of their ends called failures",
        &logs.iter().filter(ended).count(),
        &0,
    );
    stage.resume().await;
    stage.close().await;
}
