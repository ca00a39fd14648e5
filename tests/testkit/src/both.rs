//! One test, both transports: what a gateway promises to a session does not depend on how its client talks.

use std::time::Duration;

use serde_json::Value;

use super::client::{Client, Transport};
use super::gateway::Gateway;
use super::{http, servers, wait};

/// Readiness waits for servers as long as this, with some room.
const FIRST_STARTS: Duration = Duration::from_secs(70);

/// For each async function that takes a [`Transport`] as its parameter: a test over HTTP+SSE and one over
/// Streamable HTTP.
#[macro_export]
macro_rules! on_both_transports {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[tokio::test]
            async fn over_sse() {
                super::$test::<$crate::client::Sse>().await;
            }

            #[tokio::test]
            async fn over_streamable_http() {
                super::$test::<$crate::client::Streamable>().await;
            }
        }
    )+};
}

/// A gateway with these entries, all ready or failed once, and a client of it that has shaken hands and has
/// not been told anything.
pub async fn serve<T: Transport>(entries: &[Value]) -> (Gateway, Client<T>) {
    serve_with(entries, "{}").await
}

/// As [`serve`], with a client that declares these capabilities, raw JSON.
pub async fn serve_with<T: Transport>(
    entries: &[Value],
    capabilities: &str,
) -> (Gateway, Client<T>) {
    let gateway = servers::gateway(entries).await;
    ready(&gateway).await;
    let client = join_with(&gateway, capabilities).await;
    (gateway, client)
}

/// Waits until all servers are ready or have failed once. Who comes later finds all lists whole.
pub async fn ready(gateway: &Gateway) {
    wait::until("every first start", FIRST_STARTS, async || {
        let response = http::get(gateway.addr(), "/readyz").await;
        (response.status == 200).then_some(())
    })
    .await;
}

/// One more client that has shaken hands.
pub async fn join<T: Transport>(gateway: &Gateway) -> Client<T> {
    join_with(gateway, "{}").await
}

/// As [`join`], declaring these capabilities, raw JSON.
pub async fn join_with<T: Transport>(gateway: &Gateway, capabilities: &str) -> Client<T> {
    let client = T::client(gateway.addr()).await;
    client.initialize_with("2025-11-25", capabilities).await;
    client
}
