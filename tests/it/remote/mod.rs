//! Servers that are asked by HTTP: what goes through them, what can go wrong with them, and gateways that would ask
//! themselves.

#![cfg(test)]

mod failures;
mod loops;
mod through;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::both::ready;
use crate::support::client::{Client, Streamable};
use crate::support::gateway::Gateway;
use crate::support::remote::RemoteServer;
use crate::support::{both, http, servers, wait};

const SOON: Duration = Duration::from_secs(20);

/// A gateway with this entry alone, named `far`, that is ready, and a client.
async fn gateway(entry: Value) -> (Gateway, Client<Streamable>) {
    both::serve::<Streamable>(&[entry]).await
}

/// A server, and a gateway that asks it.
async fn far() -> (RemoteServer, Gateway, Client<Streamable>) {
    let server = RemoteServer::start().await;
    let (gateway, client) = gateway(server.entry("far")).await;
    (server, gateway, client)
}

/// What the status says of this server.
async fn status(gateway: &Gateway, name: &str) -> Value {
    let response = http::get(gateway.addr(), "/status").await;
    let status: Value = serde_json::from_slice(&response.body).expect("the status is JSON");
    let servers = status["servers"].as_array().cloned().unwrap_or_default();
    let found = servers.into_iter().find(|server| server["name"] == name);
    found.unwrap_or_default()
}

/// Waits until the server is in this state.
async fn is(gateway: &Gateway, name: &str, state: &str) -> Value {
    let what = format!("{name} is {state}");
    wait::until(&what, SOON, async || {
        let status = status(gateway, name).await;
        (status["state"] == state).then_some(status)
    })
    .await
}

async fn call(client: &Client<Streamable>, text: &str) -> String {
    let arguments = json!({ "text": text }).to_string();
    client.call_tool("far__echo", &arguments).await
}
