//! Limits in the `gateway` object, by flags and by variables: what stands above what, what a change does, and
//! answers that `tests/faults`, where every limit is reached under load, does not look at.

#![cfg(test)]

mod command_line;
mod live;
mod port;
mod servers;
mod sessions;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::gateway::{Gateway, GatewayOptions};

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);

/// A configuration with these limits and servers.
fn file(limits: &Value, servers: &[Value]) -> String {
    json!({ "gateway": limits, "servers": servers }).to_string()
}

/// A gateway with these limits and servers, after it has read them.
async fn gateway(limits: &Value, servers: &[Value]) -> Gateway {
    let gateway = Gateway::start(GatewayOptions::new(file(limits, servers))).await;
    gateway.wait_for_log(" disabled", SOON).await;
    gateway
}
