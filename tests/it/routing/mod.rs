//! Names, ids, tokens: which call reaches which server, and which answer which client.

#![cfg(test)]

mod cancel;
mod ids;
mod limits;
mod lists;
mod names;
mod progress;
mod states;

use std::time::Duration;

use crate::support::client::SseClient;

/// For what a healthy gateway does at once, on a machine that has other work.
const SOON: Duration = Duration::from_secs(10);

/// Until this returns, everything the session was told before has been said to the client.
async fn settle(client: &SseClient) {
    client.call("ping", None, SOON).await;
}
