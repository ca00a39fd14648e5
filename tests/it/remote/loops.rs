//! A gateway that would offer what it offers, without an end.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::support::gateway::GatewayOptions;
use crate::support::remote::Manner;

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

/// A gateway that asks for this token.
async fn locked(servers: &[Value], token: &str) -> (Gateway, TempDir) {
    let home = tempfile::tempdir().expect("there is room");
    let file = home.path().join("tokens");
    fs::write(&file, token).expect("the directory is ours");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("it is ours");
    let options = GatewayOptions::new(json!({ "servers": servers }).to_string());
    let gateway = Gateway::start(options.arg(format!("--token-file={}", file.display()))).await;
    (gateway, home)
}

const TOKEN: &str = "t0k3n-0123456789abcdef";

#[tokio::test]
async fn who_may_not_use_a_gateway_is_not_told_its_number() {
    let (gateway, _home) = locked(&[], TOKEN).await;
    let shown = format!("Bearer {TOKEN}");
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

/// What a server was told in each handshake of who asks it.
fn via(server: &RemoteServer) -> Vec<String> {
    let heads = server.asked("initialize").into_iter();
    let vias = heads.filter_map(|asked| {
        let head = asked.head.to_ascii_lowercase();
        let via = head.split_once("mcproxy-via: ")?.1;
        Some(via.lines().next()?.to_owned())
    });
    vias.collect()
}

/// It is told by the first gateway who that is, asks there too, and says to the second one all that it was told.
#[tokio::test]
async fn a_server_of_two_gateways_cannot_part_them() {
    let hostile = RemoteServer::start().await;
    let (one, _home) = locked(&[hostile.entry("hostile")], TOKEN).await;
    let told = wait::until("the first one asks it", SOON, async || via(&hostile).pop()).await;
    let headers = [("mcproxy-via", &*told)];
    let refused = http::request(one.addr(), "POST", "/mcp", &headers, b"{}").await;
    assert_eq!(refused.status, 508);
    let answered = refused.header("mcproxy-behind").expect("it is answered");
    let (two, client) = gateway(hostile.entry("hostile")).await;
    let said = format!("mcproxy-behind: {told},{answered}\r\n");
    hostile.behave_at_calls(Manner::Status("500 No".into(), said, String::new()));
    client.call_tool("hostile__echo", "{}").await;
    let url = format!("http://{}/mcp", two.addr());
    one.rename_config(&config(&url));
    wait::until("the first one uses the second", SOON, async || {
        let log = one.logs();
        assert!(!log.iter().any(|line| line.contains(WORDS)), "{log:?}");
        let is_ready = |line: &String| line.contains("'far' started");
        log.iter().any(is_ready).then_some(())
    })
    .await;
}

#[tokio::test]
async fn each_life_of_a_server_is_told_another_sign() {
    let (server, _gateway, client) = far().await;
    server.forget();
    let again = |vias: Vec<String>| (vias.len() > 1).then_some(vias);
    call(&client, "x").await;
    let vias = wait::until("its next life", SOON, async || again(via(&server))).await;
    assert_ne!(vias[0], vias[1]);
}
