//! Many sessions that listen and subscribe; what servers say to all of them; sessions that come and go.

use anyhow::ensure;
use futures_util::future::join_all;

use super::lists::changed;
use super::scale::Scale;
use super::server::Deed;
use super::stage::{PATIENCE, Peaks, Stage, entry, told};
use crate::Plan;
use crate::support::client::{Client, StreamableClient, Transport};

pub(crate) async fn play(plan: &Plan, scale: &Scale, peaks: &mut Peaks) -> anyhow::Result<()> {
    let mut busy = scale.short("s0");
    busy.resources = scale.subscriptions;
    let servers = [
        entry("s0", &busy)?,
        entry("s1", &scale.short("s1"))?,
        entry("s2", &scale.short("s2"))?,
    ];
    let mut stage = Stage::open(plan, peaks, &servers).await?;
    let (mut mcp, mut sse) = (Vec::new(), Vec::new());
    for at in 0..scale.sessions - 1 {
        if at % 2 == 0 {
            mcp.push(stage.client("2025-11-25", true).await);
            mcp.iter().for_each(StreamableClient::close_posts);
        } else {
            sse.push(stage.sse_client().await);
        }
    }
    stage.note("many sessions open").await?;
    let client = stage.sse_client().await;
    let subscribers = mcp.iter().take(scale.subscribers);
    let subscribed = join_all(subscribers.map(|client| subscribe(client, &busy.scheme, scale)));
    subscribed
        .await
        .into_iter()
        .collect::<anyhow::Result<()>>()?;
    stage.note("sessions subscribe").await?;
    told(&client, "s0", (Deed::Updates, scale.notifications)).await?;
    stage.note("resources are updated").await?;
    for client in &sse {
        set_level(client).await;
    }
    stage.note("levels are set").await?;
    told(&client, "s0", (Deed::Logs, scale.notifications / 10)).await?;
    stage.note("a server logs to many sessions").await?;
    changed(&client, "s1", 1).await?;
    stage.note("a list changes for many sessions").await?;
    let mark = stage.gateway.log_mark();
    drop(told(&client, "s0", (Deed::Exit, 0)).await);
    let back = stage
        .gateway
        .wait_for_log_after(mark, "Server 's0' started", PATIENCE);
    back.await;
    told(&client, "s0", (Deed::Text, 1)).await?;
    stage.note("a server with many subscriptions ends").await?;
    for client in mcp {
        client.leave().await;
    }
    stage.note("sessions that subscribed end").await?;
    for client in sse {
        client.close().await;
    }
    for _ in 0..scale.visitors {
        stage.client("2025-11-25", false).await.leave().await;
    }
    stage.note("sessions come and go").await?;
    stage.end("the gateway stops").await
}

async fn subscribe<T: Transport>(
    client: &Client<T>,
    scheme: &str,
    scale: &Scale,
) -> anyhow::Result<()> {
    for at in 0..scale.subscriptions {
        let params = format!(r#"{{"uri":"{scheme}:///{at}"}}"#);
        let answer = client
            .call("resources/subscribe", Some(&params), PATIENCE)
            .await;
        ensure!(answer.contains("\"result\""), "{answer:.500}");
    }
    Ok(())
}

async fn set_level<T: Transport>(client: &Client<T>) {
    let params = Some(r#"{"level":"info"}"#);
    client.call("logging/setLevel", params, PATIENCE).await;
}
