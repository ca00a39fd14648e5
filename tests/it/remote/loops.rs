//! A gateway that would offer what it offers, without an end.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;
use crate::support::gateway::GatewayOptions;

fn config(url: &str) -> String {
    json!({ "servers": [{ "name": "far", "url": url }] }).to_string()
}

async fn bare() -> (Gateway, String) {
    let gateway = servers::gateway(&[]).await;
    let url = format!("http://{}/mcp", gateway.addr());
    (gateway, url)
}

const WORDS: &str = "is this gateway itself";

#[tokio::test]
async fn a_gateway_is_not_its_own_server() {
    let (gateway, url) = bare().await;
    gateway.rename_config(&config(&url));
    let line = gateway.wait_for_log(WORDS, SOON).await;
    assert!(!line.contains("by way of others"), "{line}");
    is(&gateway, "far", "backoff").await;
}

#[tokio::test]
async fn nor_is_it_by_way_of_others() {
    let (one, one_url) = bare().await;
    let (two, two_url) = bare().await;
    let (three, three_url) = bare().await;
    two.rename_config(&config(&one_url));
    is(&two, "far", "ready").await;
    three.rename_config(&config(&two_url));
    is(&three, "far", "ready").await;
    one.rename_config(&config(&three_url));
    let line = one.wait_for_log(WORDS, SOON).await;
    assert!(line.contains("by way of others"), "{line}");
    for others in [&two, &three] {
        assert_eq!(status(others, "far").await["state"], "ready");
    }
}

#[tokio::test]
async fn two_that_close_the_ring_at_once_do_not_both_go_on() {
    let (one, one_url) = bare().await;
    let (two, two_url) = bare().await;
    one.rename_config(&config(&two_url));
    two.rename_config(&config(&one_url));
    wait::until("one of them finds it", SOON, async || {
        let logs = [one.logs(), two.logs()].concat();
        logs.iter().any(|line| line.contains(WORDS)).then_some(())
    })
    .await;
    wait::until("one edge is left", Duration::from_secs(60), async || {
        let states = [status(&one, "far").await, status(&two, "far").await];
        let ready = states.iter().filter(|status| status["state"] == "ready");
        (ready.count() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_may_not_use_a_gateway_is_not_told_its_number() {
    let home = tempfile::tempdir().expect("there is room");
    let file = home.path().join("tokens");
    let token = "t0k3n-0123456789abcdef";
    fs::write(&file, token).expect("the directory is ours");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("it is ours");
    let options = GatewayOptions::new(json!({ "servers": [] }).to_string());
    let gateway = Gateway::start(options.arg(format!("--token-file={}", file.display()))).await;
    let shown = format!("Bearer {token}");
    for (path, token, is_told) in [
        ("/mcp", "Bearer t0k3n-another-123456", false),
        ("/healthz", "Bearer t0k3n-another-123456", false),
        ("/healthz", &*shown, false),
        ("/mcp", &*shown, true),
    ] {
        let headers = [("mcproxy-via", "1"), ("authorization", token)];
        let response = http::request(gateway.addr(), "POST", path, &headers, b"").await;
        let told = response.header("mcproxy-behind");
        assert_eq!(told.is_some(), is_told, "{path} {token}");
    }
}
