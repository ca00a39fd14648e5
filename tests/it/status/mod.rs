//! `GET /status` and `GET /metrics` of the real binary: what they say of servers, calls and clients, that
//! every gauge comes back to zero, and what they never say.

#![cfg(test)]

mod counts;
mod definitions;
pub(crate) mod exposition;
mod figures;
mod gauges;
mod held;
mod history;
mod routes;
mod schema;
mod servers;

use std::time::Duration;

use serde_json::Value;

use crate::support::gateway::Gateway;
use crate::support::{http, wait};
use exposition::Scrape;

/// For what a healthy gateway does at once, on a machine that has other work.
const SOON: Duration = Duration::from_secs(20);

async fn status(gateway: &Gateway) -> Value {
    let response = http::get(gateway.addr(), "/status").await;
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_slice(&response.body).expect("the status is JSON")
}

/// What the status says of this server; null if nothing.
pub(crate) async fn server(gateway: &Gateway, name: &str) -> Value {
    let status = status(gateway).await;
    let servers = status["servers"].as_array().expect("a list").clone();
    let is_it = |server: &Value| server["name"] == name;
    servers.into_iter().find(is_it).unwrap_or_default()
}

/// Waits until this server is in this state, and gives all that is said of it then.
pub(crate) async fn server_in(gateway: &Gateway, name: &str, state: &str) -> Value {
    let what = format!("the server {name} to be {state}");
    wait::until(&what, SOON, async || {
        let server = server(gateway, name).await;
        (server["state"] == state).then_some(server)
    })
    .await
}

async fn scrape(gateway: &Gateway) -> Scrape {
    let response = http::get(gateway.addr(), "/metrics").await;
    assert_eq!(response.status, 200, "{}", response.text());
    Scrape::read(&response.text())
}

/// Waits until this series has this value.
async fn value_is(gateway: &Gateway, series: &str, value: f64) {
    wait::until(&format!("{series} to be {value}"), SOON, async || {
        (scrape(gateway).await.value(series) == Some(value)).then_some(())
    })
    .await;
}

/// Waits until this series is above zero, and gives its value.
async fn value_of(gateway: &Gateway, series: &str) -> f64 {
    wait::until(&format!("{series} to rise"), SOON, async || {
        let value = scrape(gateway).await.value(series);
        value.filter(|value| *value > 0.0)
    })
    .await
}
