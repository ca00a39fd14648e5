//! What a client of MCP's HTTP+SSE transport meets, through the real binary: the stream, the POSTs,
//! the statuses, and what becomes of clients that leave, hang or read slowly.

#![cfg(test)]

mod clients;
mod limits;
mod messages;
mod posts;
mod slow;
mod statuses;
mod stream;

use std::time::Duration;

use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::fixtures;

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);

/// A gateway with one fixture server, `fx`.
async fn gateway() -> Gateway {
    Gateway::start(GatewayOptions::new(fixtures(&[("fx", &[])]))).await
}
