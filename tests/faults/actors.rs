//! Row 45: an actor of each kind panics. The gateway is this test program once more: see `support::puppet`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::stage::Stage;
use crate::support::client::{Client, DEADLINE, Sse, Streamable};
use crate::support::fleet::{echo, identify, successor};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::puppet::{self, KINDS};
use crate::support::servers::fixture;
use crate::support::wait;

#[test]
fn gateway_process() {
    puppet::perform();
}

/// How many actors of each kind have been started.
async fn spawned(gateway: &mut Gateway) -> BTreeMap<String, usize> {
    puppet::counts(&gateway.command("spawned").await)
}

/// The processes of the bystanders.
fn others(gateway: &Gateway) -> BTreeSet<u32> {
    let mut children = gateway.children();
    children.retain(|child| child.command.contains("--marker=(by"));
    children.iter().map(|child| child.pid).collect()
}

/// The `pick`th actor of this kind panics, and of these kinds and no others one is started again.
async fn panics(stage: &mut Stage, what: &str, (kind, pick): (&str, usize), restarted: &[&str]) {
    let gateway = &mut stage.gateway;
    let (before, mark) = (spawned(gateway).await, gateway.log_mark());
    let command = format!("strike {kind} {pick} Panic");
    assert_eq!(gateway.command(&command).await, "true", "{command}");
    let line = gateway
        .wait_for_log_after(mark, "panicked at", DEADLINE)
        .await;
    assert!(line.contains("chaos"), "{line}");
    let until = format!("the successors of {what}");
    let more = wait::until(&until, DEADLINE, async || {
        let after = spawned(gateway).await;
        let is_more = |kind: &&str| after[*kind] > before[*kind];
        let more: Vec<&str> = KINDS.into_iter().filter(is_more).collect();
        (more.len() >= restarted.len()).then_some(more)
    });
    assert_eq!(more.await, restarted, "started again after {what} panicked");
    stage.struck(format!("the log says that {what} panicked"));
}

/// How many actors of this kind there are.
async fn alive(stage: &mut Stage, kind: &str) -> usize {
    puppet::counts(&stage.gateway.command("alive").await)[kind]
}

/// Sessions of both transports are served by `x`.
async fn served(old_way: &Client<Sse>, new_way: &Client<Streamable>) {
    assert_eq!(echo(old_way, "x", "on").await.text, "on");
    assert_eq!(echo(new_way, "x", "on").await.text, "on");
}

#[tokio::test]
async fn f45_panic_in_an_actor() {
    let mut own = fixture("own", &["--marker=(own)"]);
    own["isolation"] = json!("session");
    let servers = [fixture("x", &["--marker=(x)"]), own];
    let puppet = |options: GatewayOptions| options.puppet("actors::gateway_process");
    let mut stage = Stage::with(45, &servers, &json!({}), puppet).await;
    let before = others(&stage.gateway);
    let old_way = stage.client::<Sse>().await;
    let new_way = stage.client::<Streamable>().await;
    let x = identify(&old_way, "x").await;
    for kind in ["config", "registry"] {
        let what = format!("the {kind} actor");
        panics(&mut stage, &what, (kind, 0), &[kind]).await;
        served(&old_way, &new_way).await;
    }
    assert_eq!(identify(&new_way, "x").await, x);

    servers_panic(&mut stage, &old_way, &new_way).await;
    sessions_panic(&mut stage, &old_way, &new_way).await;
    stage.pause().await;
    edge_panics(&mut stage).await;
    stage.resume().await;
    stage.holds(
        "no other server's process has changed",
        others(&stage.gateway) == before,
    );
    stage.close().await;
}

/// The actor of a shared server, and of a session's own instance: sessions live on.
async fn servers_panic(stage: &mut Stage, old_way: &Client<Sse>, new_way: &Client<Streamable>) {
    let x = identify(old_way, "x").await;
    panics(
        stage,
        "the actor of a server",
        ("upstream", 0),
        &["upstream"],
    )
    .await;
    x.gone(DEADLINE).await;
    successor(old_way, "x", &x, DEADLINE).await;
    served(old_way, new_way).await;

    let mine = identify(old_way, "own").await;
    let youngest = alive(stage, "upstream").await - 1;
    let what = "the actor of a session's own instance";
    panics(stage, what, ("upstream", youngest), &["upstream"]).await;
    mine.gone(DEADLINE).await;
    successor(old_way, "own", &mine, DEADLINE).await;
    served(old_way, new_way).await;
    stage.holds(
        "sessions live on without these four",
        old_way.ended().is_none(),
    );
}

/// Sessions of both transports: the others live on.
async fn sessions_panic(stage: &mut Stage, old_way: &Client<Sse>, new_way: &Client<Streamable>) {
    let victims = (
        stage.client::<Sse>().await,
        stage.client::<Streamable>().await,
    );
    for what in [
        "the session of a client over /mcp",
        "the session of an SSE client",
    ] {
        let youngest = alive(stage, "session").await - 1;
        panics(stage, what, ("session", youngest), &[]).await;
        served(old_way, new_way).await;
    }
    victims.0.wait_end(DEADLINE).await;
    stage.holds(
        "a session's panic ends its stream, and no other's",
        old_way.ended().is_none(),
    );
}

/// What all sessions go with: new ones are served.
async fn edge_panics(stage: &mut Stage) {
    for (kind, restarted) in [
        ("listener", &["listener"][..]),
        ("requests", &["requests"]),
        ("sessions", &["sessions", "requests", "listener"]),
    ] {
        let what = format!("the {kind} actor");
        panics(stage, &what, (kind, 0), restarted).await;
        let late = (
            stage.client::<Sse>().await,
            stage.client::<Streamable>().await,
        );
        served(&late.0, &late.1).await;
        late.0.close().await;
        late.1.close().await;
    }
}
