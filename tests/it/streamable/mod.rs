//! What a client of MCP's Streamable HTTP meets, through the real binary and byte for byte: statuses, answers
//! as JSON and as streams, the stream for everything else, session ids, resumption.

#![cfg(test)]

mod answers;
mod batches;
mod paths;
mod resume;
mod sessions;
mod statuses;
mod streams;

use std::time::Duration;

use crate::support::both::ready;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{fixture, fixtures, gateway, text_of};
use crate::support::streamable::{Endpoint, Post};
use crate::support::wait;

/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);
/// The last revision, in which streams begin with a priming event.
const LATEST: &str = "2025-11-25";
/// The last one without.
const UNPRIMED: &str = "2025-06-18";

/// A gateway with one fixture server, `fx`, ready, and a session of it that has not been told anything.
async fn open(version: &str) -> (Gateway, Endpoint) {
    let gateway = gateway(&[fixture("fx", &["--offers"])]).await;
    ready(&gateway).await;
    let endpoint = Endpoint::initialized(gateway.addr(), version).await;
    (gateway, endpoint)
}

/// Sends a call of `sleep` that reports so many steps of progress under the token 5.
async fn begin_sleep(endpoint: &Endpoint, id: u32, ms: u32, steps: u32) -> Post {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"_meta":{{"progressToken":5}},"name":"fx__sleep","arguments":{{"ms":{ms},"steps":{steps}}}}}}}"#
    );
    endpoint.begin(&call).await
}

/// A progress notification exactly as the client must get it.
fn progress(step: u32, steps: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":5,"progress":{step},"total":{steps},"message":"step {step}"}}}}"#
    )
}

/// The answer to [`begin_sleep`].
fn slept(id: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"slept"}}]}}}}"#
    )
}

/// Waits until the fixture has got so many cancellations.
async fn cancelled(endpoint: &Endpoint, count: usize) {
    let what = format!("{count} cancellations");
    wait::until(&what, SOON, async || {
        let answer = endpoint.call_tool("fx__received_cancels", "{}").await;
        let got: Vec<serde_json::Value> = serde_json::from_str(&text_of(&answer)).expect("a list");
        (got.len() >= count).then_some(())
    })
    .await;
}

/// The options of a gateway with `fx` that keeps its state.
fn kept(home: &std::path::Path) -> GatewayOptions {
    GatewayOptions::new(fixtures(&[("fx", &["--offers"])])).home(home)
}

/// Ends a gateway without a chance to say good-bye, and starts it again on the same state.
async fn start_again(mut gateway: Gateway, home: &std::path::Path) -> Gateway {
    gateway.children();
    gateway.signal(nix::sys::signal::Signal::SIGKILL);
    gateway.wait_exit(SOON).await;
    drop(gateway);
    Gateway::start(kept(home)).await
}
