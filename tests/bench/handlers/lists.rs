//! Many servers, some with long lists: their start, the lists, changes of them beside the long ones, servers
//! that end with calls in flight, reloads, and the end of the gateway.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::scale::Scale;
use super::server::Deed;
use super::stage::{PATIENCE, Peaks, Stage, entry, hold, read_all, told, with};
use crate::Plan;
use crate::support::client::{Client, StreamableClient, Transport};

/// Long enough for a server's lists to be asked for again, and merged.
const SETTLED: Duration = Duration::from_millis(700);

pub(crate) async fn play(plan: &Plan, scale: &Scale, peaks: &mut Peaks) -> anyhow::Result<()> {
    let servers = servers(scale)?;
    let mut stage = Stage::open(plan, peaks, &servers).await?;
    let clients = [
        stage.client("2025-11-25", true).await,
        stage.client("2025-11-25", true).await,
    ];
    let sse = stage.sse_client().await;
    let [client, _] = &clients;
    stage.note("a session opens beside long lists").await?;
    read_all(client).await?;
    read_all(&sse).await?;
    stage.note("long lists are read").await?;
    for _ in 0..3 {
        changed(client, "s0", 1).await?;
    }
    stage.note("a short list changes beside long ones").await?;
    changed(client, "long0", 1).await?;
    stage.note("a long list changes").await?;
    changed(client, "s0", scale.notifications).await?;
    stage
        .note("a server says very often that lists changed")
        .await?;
    crash(&stage, &clients, scale.in_flight).await?;
    stage.note("a server ends with calls in flight").await?;
    cancel(client).await;
    stage.note("calls are cancelled").await?;
    reloads(&stage, servers).await?;
    stage.note("servers are added, changed and removed").await?;
    for path in ["/status", "/", "/healthz", "/readyz"] {
        stage.get(path).await?;
    }
    stage.note("the state is asked for").await?;
    hold(&clients, "s1", scale.in_flight).await;
    stage.end("the gateway stops with calls in flight").await
}

fn servers(scale: &Scale) -> anyhow::Result<Vec<Value>> {
    let short = (0..scale.servers).map(|at| format!("s{at}"));
    let short = short.map(|name| entry(&name, &scale.short(&name)));
    let long = (0..scale.long).map(|at| format!("long{at}"));
    let long = long.map(|name| entry(&name, &scale.long(&name)));
    short.chain(long).collect()
}

/// A server says so often that its lists changed, and the client has heard of it.
pub(crate) async fn changed<T: Transport>(
    client: &Client<T>,
    server: &str,
    times: usize,
) -> anyhow::Result<()> {
    client.take_notifications();
    told(client, server, (Deed::Changes, times)).await?;
    let heard = "notifications/tools/list_changed";
    client.next_notification(heard, PATIENCE).await;
    sleep(SETTLED).await;
    Ok(())
}

/// A server ends with so many calls in flight, and is back.
async fn crash(
    stage: &Stage<'_>,
    clients: &[StreamableClient],
    in_flight: usize,
) -> anyhow::Result<()> {
    hold(clients, "s0", in_flight).await;
    // Their answers become streams meanwhile.
    sleep(Duration::from_millis(1_200)).await;
    let mark = stage.gateway.log_mark();
    // Its end is no answer.
    if let Some(client) = clients.first() {
        drop(told(client, "s0", (Deed::Exit, 0)).await);
    }
    let (back, log) = ("Server 's0' started", &stage.gateway);
    log.wait_for_log_after(mark, back, PATIENCE).await;
    sleep(SETTLED).await;
    Ok(())
}

async fn cancel(client: &StreamableClient) {
    for _ in 0..10 {
        let params = r#"{"name":"s0__do","arguments":{"deed":"hold","n":0}}"#;
        let id = client.request("tools/call", Some(params)).await;
        let params = format!(r#"{{"requestId":{id}}}"#);
        client
            .notify("notifications/cancelled", Some(&params))
            .await;
    }
}

/// One server goes, one is changed, one comes; then all is read again for nothing.
async fn reloads(stage: &Stage<'_>, mut servers: Vec<Value>) -> anyhow::Result<()> {
    let mark = stage.gateway.log_mark();
    let gone = servers.swap_remove(2);
    let changed = servers.pop().map(|last| with(last, "timeout", json!(31)));
    servers.extend(changed);
    let config = json!({ "servers": servers }).to_string();
    stage.gateway.rename_config(&config);
    stage
        .gateway
        .wait_for_log_after(mark, "reload: ", PATIENCE)
        .await;
    let mark = stage.gateway.log_mark();
    servers.push(gone);
    let config = json!({ "servers": servers }).to_string();
    stage.gateway.rename_config(&config);
    stage
        .gateway
        .wait_for_log_after(mark, "reload: ", PATIENCE)
        .await;
    stage.until_ready(servers.len()).await?;
    stage.gateway.sighup();
    sleep(SETTLED).await;
    Ok(())
}
