//! The commands against a running gateway, and the socket that they reach it by.

#![cfg(test)]

mod approving;
mod documents;
mod hostile;
mod logs;
mod look;
mod sockets;
mod steering;
mod watching;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{Said, WRONG_ARGUMENTS, run};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::wait;

const SOON: Duration = Duration::from_secs(20);
/// As `status` has them.
const NOT_READY: i32 = 3;
const UNKNOWN: i32 = 4;
const UNAVAILABLE: i32 = 69;

/// `mcproxy` as who runs this gateway runs it beside it.
fn ask(gateway: &Gateway, args: &[&str]) -> Said {
    let state = gateway.state_dir().display().to_string();
    run(gateway.home(), args, &[("MCPROXY_STATE_DIR", &state)])
}

fn json_of(said: &Said) -> Value {
    let error = |error| panic!("{error}: {} {}", said.stdout, said.stderr);
    serde_json::from_str(&said.stdout).unwrap_or_else(error)
}

/// What `/status` says of a server.
fn server(gateway: &Gateway, name: &str) -> Value {
    let all = json_of(&ask(gateway, &["status", "--json"]));
    let servers = all["servers"].as_array().expect("an array").clone();
    let found = servers.into_iter().find(|server| server["name"] == name);
    found.unwrap_or_default()
}

/// The demo server and one fixture, called `fx`, both ready.
async fn gateway(flags: &[&str]) -> Gateway {
    let gateway = Gateway::start(GatewayOptions::new(config(flags))).await;
    ready(&gateway, "fx").await;
    ready(&gateway, "demo").await;
    gateway
}

fn config(flags: &[&str]) -> String {
    serde_json::json!({ "servers": [
        { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
        { "name": "fx", "command": fixture_server(), "args": flags },
    ] })
    .to_string()
}

async fn ready(gateway: &Gateway, name: &str) {
    let what = format!("{name} to be ready");
    wait::until(&what, SOON, async || {
        (server(gateway, name)["state"] == "ready").then_some(())
    })
    .await;
}

/// Where its control sockets are.
fn sockets(gateway: &Gateway) -> Vec<PathBuf> {
    let entries = fs::read_dir(gateway.state_dir().with_extension("control"));
    let entries = entries.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// What its log complains of.
fn complaints(gateway: &Gateway) -> Vec<String> {
    let is_one = |line: &String| line.contains("[WARN]") || line.contains("[ERROR]");
    gateway.logs().into_iter().filter(is_one).collect()
}
