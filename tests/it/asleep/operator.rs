//! What the operator does and sees of servers that sleep.

use std::process::Command;

use serde_json::json;

use super::{LATER, SOON, always, asleep, by_environment, echo, on_demand, server, server_in};
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::servers::{configuration, join, text_of};

#[tokio::test]
async fn a_signal_wakes_nobody() {
    let (gateway, _home) = asleep(&[on_demand("a", LATER, &[])]).await;
    gateway.sighup();
    gateway.wait_for_log("reload:", SOON).await;
    assert_eq!(server(&gateway, "a").await["state"], "asleep");
    assert_eq!(gateway.children(), []);
}

#[tokio::test]
async fn a_server_changes_between_always_and_on_demand() {
    let (gateway, _home) = asleep(&[on_demand("a", LATER, &[])]).await;
    gateway.write_config(&configuration(&[always(on_demand("a", LATER, &[]))]));
    gateway
        .wait_for_log("nothing is restarted for it: a: start", SOON)
        .await;
    server_in(&gateway, "a", "ready").await;
    gateway.write_config(&configuration(&[on_demand("a", 0.3, &[])]));
    server_in(&gateway, "a", "asleep").await;
    let client = join(&gateway).await;
    assert_eq!(echo(&client, "a", "x").await, "x");
}

#[tokio::test]
async fn a_change_of_when_it_sleeps_costs_no_call() {
    let (gateway, _home) = asleep(&[on_demand("a", LATER, &[])]).await;
    let client = join(&gateway).await;
    let pid = async || text_of(&client.call_tool("a__pid", "{}").await);
    let before = pid().await;
    for entry in [
        on_demand("a", 500.0, &[]),
        always(on_demand("a", LATER, &[])),
        on_demand("a", LATER, &[]),
    ] {
        let params = r#"{"name":"a__sleep","arguments":{"ms":1000}}"#;
        let call = client.request("tools/call", Some(params)).await;
        let mark = gateway.log_mark();
        gateway.write_config(&configuration(&[entry]));
        let changed = "nothing is restarted for it: a: ";
        gateway.wait_for_log_after(mark, changed, SOON).await;
        let answer = client.wait_response(call, SOON).await;
        assert!(answer.contains("result"), "{answer}");
        assert_eq!(pid().await, before);
    }
    gateway.write_config(&configuration(&[on_demand("a", 0.3, &[])]));
    server_in(&gateway, "a", "asleep").await;
}

#[tokio::test]
async fn the_gateway_says_it_for_all_and_an_entry_for_itself() {
    let entries = [by_environment("a", LATER, ""), on_demand("b", LATER, &[])];
    let home = super::known(&entries).await;
    let mut own = always(entries[1].clone());
    own["start"] = json!("always");
    let text = json!({
        "gateway": { "start": "on-demand", "idle_timeout": "1m" },
        "servers": [always(entries[0].clone()), own]
    });
    let options = GatewayOptions::new(text.to_string()).home(home.path());
    let gateway = Gateway::start(options).await;
    server_in(&gateway, "a", "asleep").await;
    server_in(&gateway, "b", "ready").await;
}

#[tokio::test]
async fn what_cannot_be_read_of_it_leaves_all_as_they_are() {
    let entry = on_demand("a", LATER, &[]);
    let home = super::known(std::slice::from_ref(&entry)).await;
    let text = |start: &str, time: &str| {
        let all = json!({ "start": start, "idle_timeout": time });
        json!({ "gateway": all, "servers": [always(entry.clone())] }).to_string()
    };
    let options = GatewayOptions::new(text("on-demand", "1h")).home(home.path());
    let gateway = Gateway::start(options).await;
    server_in(&gateway, "a", "asleep").await;
    for (start, time, wrong) in [
        ("ondemand", "1h", "'start' is 'ondemand'"),
        ("on-demand", "soon", "'idle_timeout' is 'soon'"),
    ] {
        gateway.write_config(&text(start, time));
        gateway.wait_for_log(wrong, SOON).await;
        gateway.sighup();
        gateway.wait_for_log("reload: +0 ~0 -0 =1", SOON).await;
        assert_eq!(server(&gateway, "a").await["state"], "asleep");
    }
}

#[tokio::test]
async fn a_restart_that_is_asked_for_starts_it() {
    let (gateway, _home) = asleep(&[on_demand("a", LATER, &[])]).await;
    assert!(server(&gateway, "a").await["awake_for"].is_null());
    succeeds(&gateway, &["restart", "a"]);
    let status = server_in(&gateway, "a", "ready").await;
    assert_eq!(status["awake_for"], json!(["recent_use"]));
    let said = succeeds(&gateway, &["status", "a"]);
    assert!(said.contains("awake  for recent use\n"), "{said}");
}

#[tokio::test]
async fn one_that_sleeps_is_well() {
    let (gateway, _home) = asleep(&[on_demand("a", LATER, &[])]).await;
    let said = succeeds(&gateway, &["status", "a"]);
    assert!(said.contains("a: asleep\n"), "{said}");
}

/// What the command prints, which ends with 0.
fn succeeds(gateway: &Gateway, args: &[&str]) -> String {
    let output = Command::new(mcproxy())
        .args(args)
        .current_dir(gateway.home())
        .env("MCPROXY_STATE_DIR", gateway.state_dir())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    said
}
