//! Servers that misbehave, and the rules by which one is started: what a bad neighbour may cost, and that
//! the others do not notice.

#![cfg(test)]

mod commands;
mod ends;
mod environment;
mod flood;
mod handshake;
mod huge;
mod junk;
mod modern;
mod stderr;
mod timeouts;

use std::time::Duration;

use crate::support::client::SseClient;
use crate::support::gateway::Gateway;
use crate::support::servers::text_of;

/// For what a healthy gateway does at once, on a machine that has other work.
const SOON: Duration = Duration::from_secs(10);

/// A call of `echo` that must come back.
async fn echo(client: &SseClient, server: &str, text: &str) {
    let arguments = serde_json::json!({ "text": text }).to_string();
    let answer = client
        .call_tool(&format!("{server}__echo"), &arguments)
        .await;
    assert_eq!(text_of(&answer), text);
}

/// A call of `echo` for which the server first writes `stdout` as it is, but for `$ID`.
async fn write_and_echo(client: &SseClient, server: &str, stdout: &str) -> String {
    let arguments = serde_json::json!({ "text": "after", "stdout": stdout }).to_string();
    client
        .call_tool(&format!("{server}__echo"), &arguments)
        .await
}

/// The lines of the log so far that contain all `parts`.
fn logged(gateway: &Gateway, parts: &[&str]) -> Vec<String> {
    let mut lines = gateway.logs();
    lines.retain(|line| parts.iter().all(|part| line.contains(part)));
    lines
}
