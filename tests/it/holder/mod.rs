//! `--hold-port`: the small parent that has the port and starts the gateway again.

#![cfg(test)]

mod duties;
mod ends;
mod manager;
mod restarts;

use std::path::Path;
use std::time::Duration;

use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::proc::{self, Process};
use crate::support::sse::Pieces;
use crate::support::wait;

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);
const VERSION: &str = "2025-11-25";

fn options(config: impl Into<String>) -> GatewayOptions {
    GatewayOptions::new(config).arg("--hold-port")
}

async fn start(config: impl Into<String>) -> Gateway {
    Gateway::start(options(config)).await
}

/// The gateway that `holder` has started, whose pid is not `before`.
async fn gateway_after(holder: &Gateway, before: u32) -> Process {
    let is_it = |process: &Process| process.pid != before && process.is_alive();
    wait::until("the holder's child", SOON, async || {
        let mut children = proc::children(holder.pid()).into_iter();
        children.find(|child| is_it(child) && child.command.contains("--config"))
    })
    .await
}

async fn gateway_of(holder: &Gateway) -> Process {
    gateway_after(holder, 0).await
}

/// The program that this process runs.
fn program_of(pid: u32) -> std::path::PathBuf {
    std::fs::read_link(Path::new("/proc").join(pid.to_string()).join("exe")).expect("it runs")
}

/// Everything that a stream says until it ends.
async fn rest_of(mut stream: Pieces) -> String {
    let mut text = Vec::new();
    while let Some(bytes) = wait::within(|| "the end".to_owned(), SOON, stream.next()).await {
        text.extend_from_slice(bytes);
    }
    String::from_utf8(text).expect("text")
}
