//! `restart` and `reload`: done in order, and what came of it is said.

use serde_json::json;

use super::{SOON, UNKNOWN, WRONG_ARGUMENTS, ask, config, gateway, server};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::servers::{join, text_of};
use crate::support::wait;

async fn pid(client: &SseClient) -> u64 {
    let answer = client.call_tool("fx__pid", "{}").await;
    let told: serde_json::Value = serde_json::from_str(&text_of(&answer)).unwrap();
    told["pid"].as_u64().unwrap()
}

#[tokio::test]
async fn a_restart_is_an_orderly_stop_and_a_start_and_no_failure() {
    let config = json!({
        "gateway": { "drain_timeout": 1 },
        "servers": [{ "name": "fx", "command": fixture_server() }],
    });
    let options = GatewayOptions::new(config.to_string());
    let gateway = Gateway::start(options).await;
    let client = join(&gateway).await;
    let before = pid(&client).await;
    let params = r#"{"name":"fx__sleep","arguments":{"ms":600000}}"#;
    let slow = client.request("tools/call", Some(params)).await;
    wait::until("the call to be on its way", SOON, async || {
        (server(&gateway, "fx")["calls_in_flight"] == 1).then_some(())
    })
    .await;

    let said = ask(&gateway, &["restart", "fx"]);
    assert_eq!(
        (said.code, &*said.stdout),
        (Some(0), "fx: ready\n"),
        "{}",
        said.stderr
    );
    let answer = client.wait_response(slow, SOON).await;
    assert!(
        answer.contains("the call did not finish in time"),
        "{answer}"
    );
    assert_ne!(pid(&client).await, before);
    assert_eq!(server(&gateway, "fx")["failures"], 0);
    let log = gateway.logs().join("\n");
    assert!(
        log.contains("'fx' is restarted: the operator asked for it"),
        "{log}"
    );
    assert!(!log.contains("is started again in"), "{log}");
}

#[tokio::test]
async fn a_restart_forgets_failures_and_says_how_the_start_failed() {
    let config = r#"{ "gateway": { "restart_delay": 60 }, "servers": [
        { "name": "bad", "command": "/nonexistent/server" } ] }"#;
    let gateway = Gateway::start(GatewayOptions::new(config)).await;
    gateway
        .wait_for_log("'bad' could not be started", SOON)
        .await;
    for _ in 0..3 {
        let said = ask(&gateway, &["restart", "bad"]);
        assert_eq!((said.code, &*said.stdout), (Some(1), ""));
        let why = "bad could not be started: ";
        assert!(
            said.stderr.contains(why) && said.stderr.contains("mcproxy status bad"),
            "{}",
            said.stderr
        );
        assert_eq!(
            server(&gateway, "bad")["failures"],
            1,
            "it is not the next one in a row"
        );
    }
    for name in ["nope", "../x", ""] {
        let said = ask(&gateway, &["restart", name]);
        assert_eq!(said.code, Some(UNKNOWN), "{}", said.stderr);
        assert!(said.stderr.contains("there are: bad"), "{}", said.stderr);
    }
}

#[tokio::test]
async fn a_reload_says_what_changed_and_what_is_wrong() {
    let gateway = gateway(&[]).await;
    let said = ask(&gateway, &["reload"]);
    assert_eq!(
        (said.code, &*said.stdout),
        (Some(0), "Nothing has changed; 2 servers as before\n")
    );

    let changed = config(&["--marker", "x"]).replace(r#""demo""#, r#""other""#);
    let changed = changed.replacen('{', r#"{"gateway":{"max_sessions":7},"#, 1);
    gateway.write_config(&changed);
    let said = ask(&gateway, &["reload"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for line in [
        "started: other",
        "started anew: fx: args",
        "ended: demo",
        "gateway: max_sessions 1000 -> 7",
        "0 servers as before",
    ] {
        assert!(
            said.stdout.lines().any(|it| it == line),
            "{line}: {}",
            said.stdout
        );
    }

    gateway.write_config("{ \"servers\": [\n  }");
    let said = ask(&gateway, &["reload"]);
    assert_eq!((said.code, &*said.stderr), (Some(1), ""));
    assert!(
        said.stdout
            .starts_with("Nothing has changed; 2 servers as before"),
        "{}",
        said.stdout
    );
    let mut lines = said.stdout.lines();
    assert!(
        lines.any(|line| line.contains("The configuration has errors")),
        "{}",
        said.stdout
    );
    let fault = lines.next().unwrap_or_default();
    assert!(fault.starts_with("  line "), "{fault}");
    assert_eq!(
        ask(&gateway, &["call", "fx__echo", r#"{"text":"x"}"#]).code,
        Some(0),
        "what runs goes on"
    );
}

#[tokio::test]
async fn tokens_are_read_again_too() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("tokens");
    std::fs::write(&file, "first-token-of-some-length").unwrap();
    let options = GatewayOptions::new("[]").arg(format!("--token-file={}", file.display()));
    let gateway = Gateway::start(options).await;
    std::fs::write(&file, "other-token-of-some-length").unwrap();
    assert_eq!(ask(&gateway, &["reload"]).code, Some(0));
    let url = format!("http://{}", gateway.addr());
    let file = file.display().to_string();
    wait::until("the new token to let in", SOON, async || {
        let said = ask(&gateway, &["status", "--url", &url, "--token-file", &file]);
        (said.code == Some(0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_changes_a_gateway_is_for_its_own_machine() {
    let gateway = gateway(&[]).await;
    let url = format!("http://{}", gateway.addr());
    for args in [&["restart", "fx"][..], &["reload"]] {
        let said = ask(&gateway, &[args, &["--url", &url]].concat());
        assert_eq!(said.code, Some(WRONG_ARGUMENTS), "{}", said.stderr);
        assert!(said.stderr.contains("without --url"), "{}", said.stderr);
    }
}
