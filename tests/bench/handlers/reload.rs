//! A long configuration that is read again and again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::scale::Scale;
use super::stage::{PATIENCE, Peaks, Stage, entry, with};
use crate::Plan;

pub(crate) async fn play(plan: &Plan, scale: &Scale, peaks: &mut Peaks) -> anyhow::Result<()> {
    let server = entry("s0", &scale.short("s0"))?;
    let mut stage = Stage::open(plan, peaks, std::slice::from_ref(&server)).await?;
    let client = stage.client("2025-11-25", true).await;
    for odd in [false, true] {
        let timeout = json!(31 + i32::from(odd));
        let changed = with(server.clone(), "timeout", timeout);
        let others = (1..scale.configured).map(|at| other(at, odd));
        let servers: Vec<Value> = std::iter::once(changed).chain(others).collect();
        let mark = stage.gateway.log_mark();
        let limits = json!({ "max_sessions": 900 + i32::from(odd) });
        let config = json!({ "gateway": limits, "servers": servers }).to_string();
        stage.gateway.rename_config(&config);
        stage
            .gateway
            .wait_for_log_after(mark, "reload: ", PATIENCE)
            .await;
        stage.note("a long configuration is read").await?;
    }
    let broken = format!(r#"{{"servers":[{}]"#, "{},".repeat(scale.configured));
    stage.gateway.rename_config(&broken);
    stage.gateway.sighup();
    sleep(Duration::from_secs(1)).await;
    stage.get("/status").await?;
    stage.note("a broken configuration is read").await?;
    client.leave().await;
    stage.end("the gateway stops").await
}

/// One that does not run; an odd one has things to be said about it.
fn other(at: usize, is_odd: bool) -> Value {
    let entry = json!({
        "name": format!("d{at}"), "command": "none", "enabled": false,
        "env": { "A": "${MISSING}", "B": "b" }, "args": ["a", "b", "c"],
    });
    if is_odd {
        return with(entry, "comand", json!("none"));
    }
    entry
}
