//! Kept catalogues: the second boot lists what the first one learned, and is not misled by what is
//! wrong with the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::{SOON, has, list, readiness, wait_ready};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::servers::{configuration, fixtures, text_of};
use crate::support::wait;

/// The fixture as `fx`, whose start is as slow as its environment says: that may change without
/// making it another command.
fn slow_by_environment(milliseconds: &str) -> String {
    let script = format!("exec '{}' --slow-start $PAUSE", fixture_server().display());
    let entry = json!({ "name": "fx", "command": "sh", "args": ["-c", script], "env": { "PAUSE": milliseconds } });
    configuration(&[entry])
}

/// Boots once, so that the catalogue of `fx` is kept under `home`.
async fn keep(home: &Path, config: &str) -> PathBuf {
    let mut gateway = Gateway::start(GatewayOptions::new(config).home(home)).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    let file = wait::until("the catalogue on disk", SOON, async || {
        let file = gateway.kept("catalogues/fx.json");
        file.is_file().then_some(file)
    })
    .await;
    assert!(gateway.terminate().await.success());
    file
}

#[tokio::test]
async fn the_second_boot_lists_at_once_and_parks_calls() {
    let home = TempDir::new().expect("a temporary directory");
    keep(home.path(), &slow_by_environment("0")).await;
    let options = GatewayOptions::new(slow_by_environment("4000")).home(home.path());
    let gateway = Gateway::start(options).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.initialize().await;
    let tools = list(&client, SOON).await;
    assert!(has(&tools, "fx__echo"), "{tools:?}");
    wait_ready(&gateway).await;
    let parked = client
        .request(
            "tools/call",
            Some(r#"{"name":"fx__echo","arguments":{"text":"patience"}}"#),
        )
        .await;
    let elapsed = gateway.started().elapsed();
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
    let answer = client.wait_response(parked, SOON).await;
    assert_eq!(text_of(&answer), "patience");
    assert!(gateway.started().elapsed() >= Duration::from_secs(4));
    assert_eq!(list(&client, SOON).await, tools);
    assert_eq!(
        client.notifications(),
        Vec::<String>::new(),
        "nothing changed"
    );
}

#[tokio::test]
async fn a_kept_catalogue_is_byte_for_byte_what_the_server_said() {
    let home = TempDir::new().expect("a temporary directory");
    keep(home.path(), &slow_by_environment("0")).await;
    let options = GatewayOptions::new(slow_by_environment("3000")).home(home.path());
    let gateway = Gateway::start(options).await;
    let client = SseClient::connect(gateway.addr()).await;
    let kept = client.call("tools/list", Some("{}"), SOON).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    let fresh = client.call("tools/list", Some("{}"), SOON).await;
    let body = |answer: &str| {
        answer
            .split_once("\"result\":")
            .expect("a result")
            .1
            .to_owned()
    };
    assert_eq!(body(&kept), body(&fresh));
    assert!(kept.contains(r#""x-scale":1.10"#), "{kept:.500}");
}

#[tokio::test]
async fn the_catalogue_of_another_command_is_not_shown() {
    let home = TempDir::new().expect("a temporary directory");
    let before = fixtures(&[("fx", &["--tools", "3"])]);
    keep(home.path(), &before).await;
    let after = fixtures(&[("fx", &["--tools", "1", "--slow-start", "2000"])]);
    let gateway = Gateway::start(GatewayOptions::new(after).home(home.path())).await;
    let client = SseClient::connect(gateway.addr()).await;
    assert_eq!(readiness(gateway.addr()).await.0, 503);
    let tools = list(&client, SOON).await;
    assert!(gateway.started().elapsed() >= Duration::from_secs(2));
    assert!(
        has(&tools, "fx__tool_0") && !has(&tools, "fx__tool_1"),
        "{tools:?}"
    );
}

#[tokio::test]
async fn servers_that_are_gone_are_not_listed_from_what_was_kept() {
    let home = TempDir::new().expect("a temporary directory");
    let both = fixtures(&[("fx", &[]), ("gone", &[])]);
    keep(home.path(), &both).await;
    let gateway =
        Gateway::start(GatewayOptions::new(fixtures(&[("fx", &[])])).home(home.path())).await;
    let client = SseClient::connect(gateway.addr()).await;
    let tools = list(&client, SOON).await;
    assert!(
        tools.iter().all(|tool| tool.starts_with("fx__")),
        "{tools:?}"
    );
}

#[tokio::test]
async fn a_server_that_fails_keeps_its_names() {
    let home = TempDir::new().expect("a temporary directory");
    keep(home.path(), &slow_by_environment("0")).await;
    // Not a number: it ends at once with a usage message.
    let options = GatewayOptions::new(slow_by_environment("broken")).home(home.path());
    let gateway = Gateway::start(options).await;
    gateway
        .wait_for_log("Server 'fx' is started again", SOON)
        .await;
    let client = SseClient::connect(gateway.addr()).await;
    assert!(has(&list(&client, SOON).await, "fx__echo"));
}

/// A way to spoil a file, and its name.
type Spoil = (&'static str, fn(&Path));

#[tokio::test]
async fn spoiled_files_are_ignored() {
    let spoils: [Spoil; 5] = [
        ("empty", |file| {
            fs::write(file, "").expect("ours");
        }),
        ("binary", |file| {
            fs::write(file, [0xff, 0, 0xfe]).expect("ours");
        }),
        ("cut off", |file| {
            let text = fs::read(file).expect("ours");
            fs::write(file, &text[..text.len() / 2]).expect("ours");
        }),
        ("other JSON", |file| {
            fs::write(file, r#"{"fingerprint":"x","list":7}"#).expect("ours");
        }),
        ("a directory", |file| {
            fs::remove_file(file).expect("ours");
            fs::create_dir(file).expect("ours");
        }),
    ];
    for (what, spoil) in spoils {
        let home = TempDir::new().expect("a temporary directory");
        let config = slow_by_environment("300");
        let file = keep(home.path(), &config).await;
        spoil(&file);
        fs::write(file.with_file_name("not a name!.json"), "{}").expect("ours");
        let gateway = Gateway::start(GatewayOptions::new(config).home(home.path())).await;
        let client = SseClient::connect(gateway.addr()).await;
        let tools = list(&client, SOON).await;
        assert!(has(&tools, "fx__echo"), "{what}: {tools:?}");
        let errors = gateway
            .logs()
            .into_iter()
            .filter(|line| line.contains("[ERROR]"));
        assert_eq!(errors.count(), 0, "{what}");
    }
}

#[tokio::test]
async fn what_is_kept_is_for_nobody_else_to_read() {
    let home = TempDir::new().expect("a temporary directory");
    let file = keep(home.path(), &slow_by_environment("0")).await;
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&file), 0o600);
    let directory = file.parent().expect("a directory");
    assert_eq!(mode(directory), 0o700);
    assert_eq!(mode(directory.parent().expect("the state")), 0o700);
    let names: Vec<_> = fs::read_dir(directory)
        .expect("ours")
        .map(|entry| entry.expect("ours").file_name())
        .collect();
    assert_eq!(names, ["fx.json"], "nothing unfinished is left");
    let text = fs::read_to_string(&file).expect("ours");
    assert!(!text.contains("PAUSE"), "nothing of the environment");
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_written_is_a_warning() {
    let home = TempDir::new().expect("a temporary directory");
    let blocked = home.path().join("a-file");
    fs::write(&blocked, "").expect("ours");
    let options = GatewayOptions::new(fixtures(&[("fx", &[]), ("other", &[])]))
        .home(home.path())
        .arg(format!("--state-dir={}", blocked.join("state").display()));
    let gateway = Gateway::start(options).await;
    let warning = gateway.wait_for_log("Could not keep", SOON).await;
    assert!(warning.contains("[WARN"), "{warning}");
    let client = SseClient::connect(gateway.addr()).await;
    let answer = client
        .call_tool("fx__echo", r#"{"text":"all the same"}"#)
        .await;
    assert_eq!(text_of(&answer), "all the same");
    gateway.wait_for_log("Server 'other' started", SOON).await;
    let warnings = gateway
        .logs()
        .into_iter()
        .filter(|line| line.contains("Could not keep"));
    assert_eq!(warnings.count(), 1, "said once");
}
