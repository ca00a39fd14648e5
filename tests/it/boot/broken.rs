//! A start with a configuration that somebody broke: the machine rebooted at night and must come back.

use std::time::Duration;

use serde_json::json;

use super::{SOON, has, list, readiness, wait_ready};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;
use crate::support::servers::{configuration, error_code, fixture, fixtures, text_of};
use crate::support::wait;

#[tokio::test]
async fn a_broken_file_is_started_with_and_mended_later() {
    let good = fixtures(&[("fx", &[])]);
    for broken in [
        "",
        "{ \"servers\": [",
        "\u{feff}",
        "7",
        "{\"servers\":{\"a\":1}",
    ] {
        let gateway = Gateway::start(GatewayOptions::new(broken)).await;
        let complaint = gateway.wait_for_log("[ERROR]", SOON).await;
        assert!(complaint.contains("mcp-servers.json"), "{complaint}");
        assert_eq!(http::get(gateway.addr(), "/healthz").await.status, 200);
        let (status, waiting) = readiness(gateway.addr()).await;
        assert_eq!(status, 503, "{broken:?}");
        assert_eq!(waiting.first().map(String::as_str), Some("configuration"));
        let client = SseClient::connect(gateway.addr()).await;
        client.initialize().await;
        assert_eq!(
            list(&client, SOON).await,
            Vec::<String>::new(),
            "{broken:?}"
        );
        let refused = client.call_tool("fx__echo", "{}").await;
        assert_eq!(error_code(&refused), -32602, "{refused}");

        gateway.write_config(&good);
        client
            .next_notification("notifications/tools/list_changed", SOON)
            .await;
        let answer = client.call_tool("fx__echo", r#"{"text":"mended"}"#).await;
        assert_eq!(text_of(&answer), "mended");
        wait_ready(&gateway).await;
    }
}

#[tokio::test]
async fn a_restart_with_a_broken_file_starts_what_was_used_last() {
    let home = tempfile::TempDir::new().expect("a temporary directory");
    let good = fixtures(&[("fx", &[])]);
    let mut first = Gateway::start(GatewayOptions::new(good.as_str()).home(home.path())).await;
    first.wait_for_log("Server 'fx' started", SOON).await;
    wait::until("the catalogue on disk", SOON, async || {
        let file = first.kept("catalogues/fx.json");
        file.is_file().then_some(())
    })
    .await;
    assert!(first.terminate().await.success());

    for broken in ["{ oops", ""] {
        let mut gateway = Gateway::start(GatewayOptions::new(broken).home(home.path())).await;
        let complaint = gateway.wait_for_log("[ERROR]", SOON).await;
        let says = complaint.contains("what was used last is used");
        assert!(
            says && complaint.contains("mcp-servers.json"),
            "{complaint}"
        );
        wait_ready(&gateway).await;
        let client = SseClient::connect(gateway.addr()).await;
        client.initialize().await;
        let answer = client
            .call_tool("fx__echo", r#"{"text":"as before"}"#)
            .await;
        assert_eq!(text_of(&answer), "as before");
        let status = http::get(gateway.addr(), "/status").await.text();
        assert!(status.contains(r#""faulty":true"#), "{status}");

        let mark = gateway.log_mark();
        gateway.rename_config(&good);
        gateway.wait_for_log_after(mark, "mended", SOON).await;
        let pids = gateway.children();
        assert_eq!(
            text_of(&client.call_tool("fx__echo", r#"{"text":"go on"}"#).await),
            "go on"
        );
        assert_eq!(gateway.children(), pids, "nothing was restarted for it");
        assert!(gateway.terminate().await.success());
    }
}

#[tokio::test]
async fn what_another_file_said_is_not_used() {
    let home = tempfile::TempDir::new().expect("a temporary directory");
    let good = fixtures(&[("fx", &[])]);
    let mut first = Gateway::start(GatewayOptions::new(good).home(home.path())).await;
    first.wait_for_log("Server 'fx' started", SOON).await;
    assert!(first.terminate().await.success());
    let kept = first.kept("last-configuration");
    let text = std::fs::read_to_string(&kept).expect("it is kept");
    let other = text.replacen("mcp-servers.json", "other.json", 1);
    std::fs::write(&kept, other).expect("the directory is ours");
    let gateway = Gateway::start(GatewayOptions::new("{ oops").home(home.path())).await;
    gateway.wait_for_log("what runs goes on", SOON).await;
    assert_eq!(gateway.children(), []);
}

#[tokio::test]
async fn wrong_entries_are_refused_alone() {
    let good = fixture("good", &[]);
    let text = configuration(&[
        json!({ "name": "typo", "comand": "x" }),
        good,
        json!({ "name": "bad__name", "command": "x" }),
        json!({ "name": "remote", "url": "http://example.org/mcp" }),
        json!({ "name": "missing", "command": "no-such-program-anywhere" }),
        json!({ "name": "off", "command": "no-such-program", "enabled": false }),
    ]);
    let gateway = Gateway::start(GatewayOptions::new(text)).await;
    let client = SseClient::connect(gateway.addr()).await;
    let tools = list(&client, SOON).await;
    assert!(has(&tools, "good__echo"), "{tools:?}");
    assert!(
        tools.iter().all(|tool| tool.starts_with("good__")),
        "{tools:?}"
    );
    wait_ready(&gateway).await;
    let typo = gateway.wait_for_log("did you mean 'command'", SOON).await;
    assert!(typo.contains("line 1, column"), "{typo}");
    for part in ["bad__name", "'remote'", "no-such-program-anywhere"] {
        gateway.wait_for_log(part, SOON).await;
    }
    assert!(
        !gateway
            .logs()
            .iter()
            .any(|line| line.contains("Server 'off'"))
    );
    let elapsed = gateway.started().elapsed();
    assert!(
        elapsed < Duration::from_secs(9),
        "the latch waited: {elapsed:?}"
    );
}
