//! Limits by flags and variables: a flag stands above a variable, that above the file.

use std::process::Command;

use serde_json::json;

use super::{SOON, file};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::http;

#[tokio::test]
async fn a_flag_stands_above_a_variable_and_that_above_the_file() {
    let limits = json!({ "max_sessions": 9, "max_servers": 9, "max_batch_length": 9 });
    let options = GatewayOptions::new(file(&limits, &[]))
        .arg("--max-sessions=1")
        .env("MCPROXY_MAX_SESSIONS", "5")
        .env("MCPROXY_MAX_SERVERS", "5")
        .env("MCPROXY_MAX_CONNECTIONS", "");
    let gateway = Gateway::start(options).await;
    let said = gateway.wait_for_log("configuration: gateway:", SOON).await;
    assert!(
        said.ends_with("gateway: max_batch_length 100 -> 9"),
        "{said}"
    );
    let _one = SseClient::connect(gateway.addr()).await;
    assert_eq!(http::get(gateway.addr(), "/sse").await.status, 503);

    // What the file says does not matter where the command line says something.
    let mark = gateway.log_mark();
    gateway.write_config(&file(
        &json!({ "max_sessions": 3, "max_batch_length": 8 }),
        &[],
    ));
    let said = gateway
        .wait_for_log_after(mark, "reload: gateway:", SOON)
        .await;
    assert!(said.ends_with("gateway: max_batch_length 9 -> 8"), "{said}");
}

#[tokio::test]
async fn flags_and_variables_that_will_go_hold_and_are_named_with_their_fields() {
    let options = GatewayOptions::new(file(&json!({}), &[]))
        .arg("--max-batch-length=9")
        .arg("--max-sessions=8")
        .env("MCPROXY_PEER_TIMEOUT", "5");
    let gateway = Gateway::start(options).await;
    let said = gateway.wait_for_log("[WARN] --", SOON).await;
    let named =
        "--max-batch-length or MCPROXY_MAX_BATCH_LENGTH, --peer-timeout or MCPROXY_PEER_TIMEOUT";
    assert!(said.contains(named), "{said}");
    assert!(
        said.ends_with("only, as max_batch_length, peer_timeout"),
        "{said}"
    );
    let _open = SseClient::connect(gateway.addr()).await;
}

#[test]
fn all_limits_are_printed() {
    let printed = Command::new(mcproxy()).arg("limits").output().unwrap();
    let help = Command::new(mcproxy())
        .args(["help", "limits"])
        .output()
        .unwrap();
    assert!(printed.status.success() && help.status.success());
    let (printed, help) = (
        printed.stdout,
        String::from_utf8_lossy(&help.stdout).into_owned(),
    );
    let printed = String::from_utf8_lossy(&printed).into_owned();
    let rows = printed.lines().filter(|line| line.starts_with("  "));
    for row in mcproxy::config::limits::TABLE {
        let mut rows = rows.clone();
        assert!(
            rows.any(|line| line.trim_start().starts_with(&format!("{} ", row.name))),
            "{}: {printed}",
            row.name
        );
    }
    assert!(help.contains(printed.trim()), "{help}");
}

#[test]
fn a_wrong_flag_or_variable_ends_with_2_and_says_what_is_needed() {
    let flag = Command::new(mcproxy())
        .args(["--peer-timeout", "60000"])
        .output()
        .unwrap();
    assert_eq!(flag.status.code(), Some(2));
    let said = String::from_utf8_lossy(&flag.stderr).into_owned();
    assert!(
        said.contains("--peer-timeout") && said.contains("write 60"),
        "{said}"
    );

    let variable = Command::new(mcproxy())
        .env("MCPROXY_MAX_BODY_BYTES", "16MB")
        .output()
        .unwrap();
    assert_eq!(variable.status.code(), Some(2));
    let said = String::from_utf8_lossy(&variable.stderr).into_owned();
    assert!(said.contains("such as 16MiB"), "{said}");
}

#[test]
fn check_reports_limits_with_their_place() {
    let home = tempfile::TempDir::new().unwrap();
    let path = home.path().join("mcp-servers.json");
    std::fs::write(
        &path,
        "{\"gateway\": {\n  \"max_servers\": 0}, \"servers\": []}",
    )
    .unwrap();
    let checked = Command::new(mcproxy())
        .arg("check")
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(78));
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        said.contains(":2:18: error: 'max_servers': a whole number from 1"),
        "{said}"
    );
}
