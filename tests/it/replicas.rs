//! Several gateways for the same clients: keys that they share and change, and a stop that a balancer sees
//! before anybody is turned away.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::both::ready;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{fixture, text_of};
use crate::support::streamable::Endpoint;
use crate::support::{http, wait};

const SOON: Duration = Duration::from_secs(20);
const VERSION: &str = "2025-11-25";

async fn start(keys: &Path, delay: f64) -> Gateway {
    let gateway = json!({ "shutdown_delay": delay });
    let config = json!({ "gateway": gateway, "servers": [fixture("fx", &[])] });
    let options = GatewayOptions::new(config.to_string()).arg("--session-key-file");
    let gateway = Gateway::start(options.arg(keys.display().to_string())).await;
    ready(&gateway).await;
    gateway
}

/// Puts keys, which are a digit each, into the file, and waits until the gateways have read them.
async fn give(keys: &Path, digits: &[&str], gateways: &[&Gateway]) {
    let lines: Vec<String> = digits.iter().map(|digit| digit.repeat(64)).collect();
    fs::write(keys, lines.join("\n")).expect("the directory is ours");
    for gateway in gateways {
        let mark = gateway.log_mark();
        gateway.sighup();
        gateway
            .wait_for_log_after(mark, "Session keys read again", SOON)
            .await;
    }
}

/// The same session, at another gateway.
fn at(gateway: &Gateway, endpoint: &Endpoint) -> Endpoint {
    Endpoint {
        addr: gateway.addr(),
        ..endpoint.clone()
    }
}

async fn echo(endpoint: &Endpoint, text: &str) -> String {
    let arguments = json!({ "text": text }).to_string();
    text_of(&endpoint.call_tool("fx__echo", &arguments).await)
}

#[tokio::test]
async fn gateways_with_the_same_keys_take_up_each_others_sessions_while_keys_change() {
    let home = tempfile::tempdir().expect("a directory");
    let keys = home.path().join("keys");
    give(&keys, &["a"], &[]).await;
    let (one, two) = (start(&keys, 0.0).await, start(&keys, 0.0).await);
    let old = Endpoint::initialized(one.addr(), VERSION).await;
    assert_eq!(echo(&at(&two, &old), "over there").await, "over there");
    let adopted = http::get(two.addr(), "/metrics").await.text();
    assert!(
        adopted.contains("mcproxy_sessions_adopted_total 1"),
        "{adopted}"
    );

    // The new key is made known, then it signs, then the old one goes.
    give(&keys, &["a", "b"], &[&one, &two]).await;
    give(&keys, &["b", "a"], &[&one, &two]).await;
    let new = Endpoint::initialized(two.addr(), VERSION).await;
    for gateway in [&one, &two] {
        assert_eq!(echo(&at(gateway, &old), "still").await, "still");
        assert_eq!(echo(&at(gateway, &new), "still").await, "still");
    }
    give(&keys, &["b"], &[&one, &two]).await;
    let ping = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
    for gateway in [&one, &two] {
        assert_eq!(echo(&at(gateway, &new), "still").await, "still");
        let gone = wait::until("the end of the old session", SOON, async || {
            let reply = at(gateway, &old).post(ping).await;
            (reply.status() != 200).then(|| reply.status())
        })
        .await;
        assert_eq!(gone, 404, "its client begins anew");
    }
}

#[tokio::test]
async fn a_key_file_that_cannot_be_used_stops_the_start_and_changes_no_running_gateway() {
    let home = tempfile::tempdir().expect("a directory");
    let keys = home.path().join("keys");
    give(&keys, &["a"], &[]).await;
    let gateway = start(&keys, 0.0).await;
    let session = Endpoint::initialized(gateway.addr(), VERSION).await;
    fs::write(&keys, "c0ffee").expect("the directory is ours");
    let mark = gateway.log_mark();
    gateway.sighup();
    let stay = "The session keys stay as they were";
    let line = gateway.wait_for_log_after(mark, stay, SOON).await;
    assert!(
        line.contains("line 1 is no key") && !line.contains("c0ffee"),
        "{line}"
    );
    assert_eq!(echo(&session, "still").await, "still");

    let options = GatewayOptions::new(r#"{"servers":[]}"#).arg("--session-key-file");
    let mut other = Gateway::launch(options.arg(keys.display().to_string()));
    assert_eq!(other.wait_exit(SOON).await.code(), Some(78));
    let said = other.stderr().join("\n");
    assert!(
        said.contains("line 1 is no key") && said.contains("openssl rand"),
        "{said}"
    );
}

#[tokio::test]
async fn with_a_delay_the_stop_is_seen_before_anybody_is_turned_away() {
    const DELAY: Duration = Duration::from_secs(4);
    let home = tempfile::tempdir().expect("a directory");
    let keys = home.path().join("keys");
    give(&keys, &["a"], &[]).await;
    let mut gateway = start(&keys, DELAY.as_secs_f64()).await;
    let addr = gateway.addr();
    let session = Endpoint::initialized(addr, VERSION).await;
    let mut stream = session.listen().await;
    let asked = Instant::now();
    gateway.signal(Signal::SIGTERM);
    let unready = wait::until("the gateway to be unready", SOON, async || {
        let reply = http::get(addr, "/readyz").await;
        (reply.status == 503).then_some(reply)
    })
    .await;
    assert_eq!(unready.header("connection"), Some("close"));
    // Newcomers and those who are there are served all the same, a server that crashes is started again.
    let newcomer = Endpoint::initialized(addr, VERSION).await;
    assert_eq!(echo(&newcomer, "new").await, "new");
    assert_eq!(echo(&session, "old").await, "old");
    let metrics = http::get(addr, "/metrics").await.text();
    assert!(metrics.contains("mcproxy_draining 1"), "{metrics}");
    let status: Value =
        serde_json::from_str(&http::get(addr, "/status").await.text()).expect("JSON");
    assert_eq!(status["servers"][0]["state"], "ready");
    assert!(asked.elapsed() < DELAY, "all of this was before the end");
    while stream.next().await.is_some() {}
    assert!(asked.elapsed() >= DELAY, "streams end with the stop");
    assert_eq!(gateway.wait_exit(SOON).await.code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_waits_for_no_delay() {
    let home = tempfile::tempdir().expect("a directory");
    let keys = home.path().join("keys");
    give(&keys, &["a"], &[]).await;
    let mut gateway = start(&keys, 120.0).await;
    let mark = gateway.log_mark();
    gateway.signal(Signal::SIGTERM);
    gateway
        .wait_for_log_after(mark, "shutdown_delay", SOON)
        .await;
    // Two that come at once are one.
    let killed = wait::until("the end at once", SOON, async || {
        gateway.signal(Signal::SIGTERM);
        let logs = gateway.logs();
        logs.iter()
            .any(|line| line.contains("Second signal"))
            .then_some(())
    });
    killed.await;
    assert_eq!(gateway.wait_exit(SOON).await.code(), Some(70));
}
