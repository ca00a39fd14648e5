//! A worker that is killed, hangs, is slow or lets nobody in is a server that is down: its names stay, its calls say so, it
//! is tried again, and the other worker's clients notice nothing.

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::Instant;

use super::{SOON, Worker, client, fronts, heals, is, names};
use crate::clients::Clients;
use crate::support::client::DEADLINE;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{fixture, text_of};

const TOKEN: &str = "a-token-of-some-length-and-more";
const HERE: &str = r#"{"text":"here"}"#;

async fn workers() -> (Worker, Worker) {
    (
        Worker::start(json!([fixture("fx", &[])])).await,
        Worker::start(json!([fixture("gx", &[])])).await,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_comes_back_and_the_other_serves_on() {
    let (fx, mut gx) = workers().await;
    let fronts = fronts(&[&fx, &gx], &[]).await;
    let mut load = Vec::new();
    for front in &fronts {
        load.push(Clients::start(front.addr(), 8).await);
    }
    let client = client(&fronts[0]).await;
    let before = names(&client).await;
    let call = r#"{"name":"gx__sleep","arguments":{"ms":60000}}"#;
    let call = client.request("tools/call", Some(call)).await;
    gx.gateway.signal(Signal::SIGKILL);
    gx.gateway.wait_exit(SOON).await;
    let lost = client.wait_response(call, SOON).await;
    assert!(lost.contains("may or may not have taken effect"), "{lost}");
    for front in &fronts {
        let down = is(front, "w1", "backoff").await;
        assert!(
            down["why"].as_str().is_some_and(|why| !why.is_empty()),
            "{down}"
        );
    }
    assert_eq!(names(&client).await, before, "its names stay");
    let said = client.call_tool("gx__echo", HERE).await;
    assert!(said.contains("w1"), "{said}");
    gx.again().await;
    heals(&client, "gx__echo").await;
    for load in load {
        let seen = load.stop().await;
        assert_eq!(
            (seen.failed.len(), seen.lost, seen.crossed),
            (0, 0, 0),
            "{seen:?}"
        );
        assert!(seen.answered > 50, "{seen:?}");
    }
}

#[tokio::test]
async fn a_worker_that_hangs_costs_its_own_calls_and_goes_on_where_it_was() {
    let (fx, gx) = workers().await;
    let fronts = fronts(&[&fx, &gx], &[("call_timeout", json!("2s"))]).await;
    let client = client(&fronts[0]).await;
    let before = names(&client).await;
    gx.gateway.signal(Signal::SIGSTOP);
    let began = Instant::now();
    let call = client
        .request(
            "tools/call",
            Some(r#"{"name":"gx__echo","arguments":{"text":"x"}}"#),
        )
        .await;
    for _ in 0..10 {
        assert_eq!(text_of(&client.call_tool("fx__echo", HERE).await), "here");
    }
    assert!(began.elapsed() < DEADLINE);
    let late = client.wait_response(call, SOON).await;
    assert!(late.contains("did not answer within 2 s"), "{late}");
    assert_eq!(names(&client).await, before);
    gx.gateway.signal(Signal::SIGCONT);
    heals(&client, "gx__echo").await;
}

#[tokio::test]
async fn a_worker_that_lets_nobody_in_is_said_to_and_its_names_stay() {
    let (fx, gx) = workers().await;
    let fronts = fronts(&[&fx, &gx], &[]).await;
    let client = client(&fronts[0]).await;
    let before = names(&client).await;
    // From its next start on it wants a token.
    let Worker {
        mut gateway,
        addr,
        home,
        config,
    } = gx;
    gateway.terminate().await;
    let tokens = home.path().join("tokens");
    std::fs::write(&tokens, TOKEN).expect("it is written");
    let guarded = GatewayOptions::new(config.to_string())
        .home(home.path())
        .arg("--token-file")
        .arg(tokens.display().to_string())
        .arg("--listen")
        .arg(addr.to_string());
    let guarded = Gateway::start(guarded).await;
    let refused = client.call_tool("gx__echo", HERE).await;
    assert!(!refused.contains(r#""text":"here""#), "{refused}");
    is(&fronts[0], "w1", "unauthorized").await;
    assert_eq!(names(&client).await, before);
    assert_eq!(text_of(&client.call_tool("fx__echo", HERE).await), "here");
    let said = client.call_tool("gx__echo", HERE).await;
    let why = "server 'w1' is down: does not let in (status 401)";
    assert!(said.contains(why) && !said.contains("a-token"), "{said}");
    // One that has the token is let in.
    let mut entry = json!({ "name": "w", "url": format!("http://{addr}/mcp"), "prefix": "" });
    entry["headers"] = json!({ "Authorization": "Bearer ${WORKER}" });
    let config_of_third = json!({ "servers": [entry] }).to_string();
    let third = GatewayOptions::new(config_of_third).env("WORKER", TOKEN);
    let third = Gateway::start(third).await;
    heals(&super::client(&third).await, "gx__echo").await;
    drop(guarded);
    // Without one again: it is tried at once when the operator says so.
    let options = GatewayOptions::new(config.to_string()).home(home.path());
    let _open = Gateway::start(options.arg("--listen").arg(addr.to_string())).await;
    fronts[0].sighup();
    heals(&client, "gx__echo").await;
}

#[tokio::test]
async fn a_front_that_is_there_before_its_worker_serves_what_it_has() {
    let (fx, mut gx) = workers().await;
    gx.gateway.terminate().await;
    let mut entries = vec![fx.entry("w0"), gx.entry("w1")];
    entries[1]["start_timeout"] = json!("1s");
    let config = json!({ "gateway": { "restart_delay": "100ms" }, "servers": entries });
    let front = Gateway::start(GatewayOptions::new(config.to_string())).await;
    is(&front, "w1", "backoff").await;
    let client = client(&front).await;
    assert_eq!(text_of(&client.call_tool("fx__echo", HERE).await), "here");
    gx.again().await;
    client
        .next_notification("notifications/tools/list_changed", SOON)
        .await;
    assert!(names(&client).await.contains(&"gx__echo".to_owned()));
    heals(&client, "gx__echo").await;
}

#[tokio::test]
async fn a_front_that_is_behind_its_own_worker_is_found() {
    let worker = Worker::start(json!([fixture("fx", &[])])).await;
    let fronts = fronts(&[&worker], &[]).await;
    let url = format!("http://{}/mcp", fronts[0].addr());
    let both =
        json!({ "servers": [fixture("fx", &[]), { "name": "round", "url": url, "prefix": "" }] });
    worker.gateway.write_config(&both.to_string());
    let found = "Server 'round' is this gateway itself, by way of others";
    worker.gateway.wait_for_log(found, SOON).await;
    let round = super::status(&worker.gateway, "round").await;
    assert_ne!(round["state"], "ready", "{round}");
    // The other front is no part of it.
    let client = client(&fronts[1]).await;
    heals(&client, "fx__echo").await;
}
