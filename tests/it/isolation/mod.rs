//! `"isolation": "session"`: a process for each client beside the one that supplies the catalogue, and what
//! servers ask of their client; over both transports.

#![cfg(test)]

mod answers;
mod asks;
mod ends;
mod instances;
mod lists;
mod refusals;
mod roots;
mod vanishing;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::{Client, Transport};
use crate::support::gateway::Gateway;
use crate::support::proc::Process;
use crate::support::servers::{fixture, text_of};

/// For what a healthy gateway does at once, on a machine that has other work.
const SOON: Duration = Duration::from_secs(20);
/// Everything that a client can let servers ask.
const ALL: &str =
    r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true}}"#;
const SAMPLING: &str = "sampling/createMessage";

/// An entry with a process for each session.
fn isolated(name: &str, flags: &[&str]) -> Value {
    let mut entry = shared(name, flags);
    entry["isolation"] = json!("session");
    entry
}

/// An entry with one process for all.
fn shared(name: &str, flags: &[&str]) -> Value {
    let marker = format!("--marker=({name})");
    let flags = [flags, &["--offers", &marker]].concat();
    fixture(name, &flags)
}

/// What a tool of a fixture says.
async fn drive<T: Transport>(client: &Client<T>, tool: &str, arguments: &str) -> String {
    text_of(&client.call_tool(tool, arguments).await)
}

/// What the process behind this session's `server` has seen.
async fn state<T: Transport>(client: &Client<T>, server: &str) -> Value {
    let state = drive(client, &format!("{server}__state"), "{}").await;
    serde_json::from_str(&state).expect("JSON")
}

/// Which process it is.
async fn pid<T: Transport>(client: &Client<T>, server: &str) -> u32 {
    let pid = state(client, server).await["pid"].as_u64();
    u32::try_from(pid.expect("a number")).expect("it fits")
}

/// All processes of `server` that are alive, the template too.
fn processes(gateway: &Gateway, server: &str) -> Vec<Process> {
    let mut all = gateway.children();
    let marker = format!("--marker=({server})");
    all.retain(|process| process.command.contains(&marker));
    all
}

/// Makes a server ask its client, in a call that waits for the answer; the id of that call.
async fn begin_ask<T: Transport>(client: &Client<T>, server: &str, ask: &str) -> u64 {
    let params = format!(r#"{{"name":"{server}__ask","arguments":{ask}}}"#);
    client.request("tools/call", Some(&params)).await
}

/// Until this returns, everything the session was told before has been said to the client.
async fn settle<T: Transport>(client: &Client<T>) {
    client.call("ping", None, SOON).await;
}
