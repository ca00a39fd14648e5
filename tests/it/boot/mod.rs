//! The first seconds of the gateway: it answers before its servers are ready, waits for them as long as the
//! boot latch says, starts from what it kept, and comes back with a broken configuration.

#![cfg(test)]

mod broken;
mod kept;
mod latch;
mod slots;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::support::client::SseClient;
use crate::support::gateway::Gateway;
use crate::support::servers::tool_names;
use crate::support::{http, wait};

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);
/// When the latch opens at the latest, counted from the start, with some room.
const LATCH: Duration = Duration::from_secs(12);

/// The status of `/readyz`, and what it waits for.
async fn readiness(addr: SocketAddr) -> (u16, Vec<String>) {
    let response = http::get(addr, "/readyz").await;
    let body: Value = serde_json::from_slice(&response.body).expect("JSON");
    let parts = body["waiting_for"].as_array().cloned().unwrap_or_default();
    let name = |part: &Value| part.as_str().expect("a name").to_owned();
    (response.status, parts.iter().map(name).collect())
}

/// Readiness follows the first list by a moment.
async fn wait_ready(gateway: &Gateway) {
    wait::until("readiness", SOON, async || {
        (readiness(gateway.addr()).await.0 == 200).then_some(())
    })
    .await;
}

/// `tools/list`, answered within `deadline`.
async fn list(client: &SseClient, deadline: Duration) -> Vec<String> {
    tool_names(&client.call("tools/list", None, deadline).await)
}

fn has(tools: &[String], name: &str) -> bool {
    tools.iter().any(|tool| tool == name)
}
