//! Sessions with instances of a server for themselves, beside a server with long lists for all.

use anyhow::ensure;
use serde_json::json;

use super::lists::changed;
use super::scale::Scale;
use super::server::{Deed, order};
use super::stage::{PATIENCE, Peaks, Stage, entry, told, with};
use crate::Plan;
use crate::support::client::StreamableClient;

pub(crate) async fn play(plan: &Plan, scale: &Scale, peaks: &mut Peaks) -> anyhow::Result<()> {
    let mut offer = scale.short("own");
    offer.tools = scale.owned;
    let own = with(entry("own", &offer)?, "isolation", json!("session"));
    let servers = [
        entry("long", &scale.long("long"))?,
        entry("s0", &scale.short("s0"))?,
        own,
    ];
    let mut stage = Stage::open(plan, peaks, &servers).await?;
    let mut clients = Vec::new();
    for _ in 0..scale.owners {
        let client = stage.client("2025-11-25", true).await;
        told(&client, "own", (Deed::Text, 1)).await?;
        clients.push(client);
    }
    stage.note("instances start").await?;
    for client in &clients {
        changed(client, "own", 1).await?;
    }
    stage.note("the lists of instances change").await?;
    if let Some(client) = clients.first() {
        changed(client, "s0", 1).await?;
        stage.note("a list changes beside instances").await?;
        asked(client, scale.questions).await?;
        client
            .notify("notifications/roots/list_changed", None)
            .await;
        told(client, "own", (Deed::Text, 1)).await?;
        stage.note("an instance asks its client").await?;
        drop(told(client, "own", (Deed::Exit, 0)).await);
        told(client, "own", (Deed::Text, 1)).await?;
        stage.note("an instance ends").await?;
    }
    for client in clients {
        client.leave().await;
    }
    stage.note("sessions with instances end").await?;
    stage.end("the gateway stops").await
}

/// The client's own server asks it so often, and gets answers.
async fn asked(client: &StreamableClient, questions: usize) -> anyhow::Result<()> {
    let arguments = order(Deed::Asks, questions);
    let params = format!(r#"{{"name":"own__do","arguments":{arguments}}}"#);
    let call = client.request("tools/call", Some(&params)).await;
    for _ in 0..questions {
        let asked = client
            .next_notification("sampling/createMessage", PATIENCE)
            .await;
        let result =
            r#""result":{"role":"assistant","content":{"type":"text","text":"x"},"model":"m"}"#;
        client.respond(&asked, result).await;
    }
    let answer = client.wait_response(call, PATIENCE).await;
    ensure!(answer.contains("\"result\""), "{answer:.500}");
    Ok(())
}
