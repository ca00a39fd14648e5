//! Clients with a handshake and without one at the same gateway, in front of servers of either kind: what belongs to
//! one never reaches another, and each hears what it asked for.

#![cfg(test)]

mod beside;
mod bytes;
mod held;
mod listen;
mod log;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::both::ready;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::ModernClient;
use crate::support::servers::fixture;

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);

/// A gateway that serves both eras, with one fixture server `fx` that has these flags and members of its entry,
/// ready; and a client without a handshake.
async fn open(flags: &[&str], more: &Value) -> (Gateway, ModernClient) {
    let mut entry = fixture("fx", &[&["--offers"], flags].concat());
    for (name, value) in more.as_object().expect("members of an entry") {
        entry[name] = value.clone();
    }
    let file = json!({ "gateway": { "protocol": "both" }, "servers": [entry] });
    let gateway = Gateway::start(GatewayOptions::new(file.to_string())).await;
    ready(&gateway).await;
    let client = ModernClient::new(gateway.addr());
    (gateway, client)
}

/// What is in a raw message there.
fn member(message: &str, pointer: &str) -> Value {
    let message: Value = serde_json::from_str(message).expect("JSON");
    message.pointer(pointer).cloned().unwrap_or_default()
}
