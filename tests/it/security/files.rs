//! Secrets in files: read at each start of a server, missing ones are said, and what is in them is seen
//! nowhere but in the server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::SOON;
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::servers::{fixture, join, text_of};
use crate::support::{http, wait};

const FIRST: &str = "c4n4ry-one";
const SECOND: &str = "c4n4ry-two";
const OF_VARIABLES: &str = "c4n4ry-$three";

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("it is written");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it has this mode");
}

async fn environment(client: &SseClient) -> Value {
    let answer = client.call_tool("a__env", "{}").await;
    serde_json::from_str(&text_of(&answer)).expect("a table of texts")
}

/// What is said over HTTP and by `check`.
async fn said(gateway: &Gateway) -> String {
    let mut said = String::new();
    for path in ["/status", "/metrics", "/"] {
        said += &http::get(gateway.addr(), path).await.text();
    }
    let check = Command::new(mcproxy())
        .arg("check")
        .arg(gateway.config_path())
        .output()
        .expect("it runs");
    said + &String::from_utf8_lossy(&check.stdout) + &String::from_utf8_lossy(&check.stderr)
}

fn config(home: &Path) -> String {
    let here = home.display();
    let mut entry = fixture("a", &["--marker", &format!("${{file:{here}/secret}}")]);
    entry["env_file"] = json!("own.env");
    entry["env"] = json!({ "C": "${file:credential}", "D": "x${FROM_ALL}" });
    json!({ "gateway": { "env_file": "all.env" }, "servers": [entry] }).to_string()
}

#[tokio::test]
async fn a_replaced_secret_is_used_by_the_next_start_and_seen_nowhere() {
    let home = tempfile::tempdir().expect("a directory");
    let here = home.path();
    let credentials = here.join("credentials");
    fs::create_dir(&credentials).expect("a directory");
    write(&credentials.join("credential"), FIRST, 0o644);
    write(&here.join("secret"), &format!("{FIRST}\n"), 0o600);
    write(&here.join("all.env"), "A=all\nFROM_ALL=all\n", 0o600);
    write(
        &here.join("own.env"),
        &format!("A='{OF_VARIABLES}' # own\n"),
        0o644,
    );
    write(&here.join("mcp-servers.json"), &config(here), 0o600);
    let options = GatewayOptions::default()
        .home(here)
        .arg("--log-level=trace")
        .env("CREDENTIALS_DIRECTORY", &credentials.display().to_string());
    let gateway = Gateway::start(options).await;
    let client = join(&gateway).await;
    let seen = environment(&client).await;
    assert_eq!(seen["A"], OF_VARIABLES);
    assert_eq!((&seen["C"], &seen["D"]), (&json!(FIRST), &json!("xall")));
    let process = gateway.child(FIRST).expect("it is in its arguments");

    write(&here.join("secret"), SECOND, 0o600);
    process.signal(Signal::SIGKILL);
    wait::until("a start with the other", SOON, async || {
        gateway.child(SECOND)
    })
    .await;
    gateway.sighup();
    gateway.wait_for_log("=1", SOON).await;

    fs::remove_file(here.join("secret")).expect("it was there");
    let process = gateway.child(SECOND).expect("a server");
    process.signal(Signal::SIGKILL);
    let line = gateway.wait_for_log("there is no such file", SOON).await;
    assert!(line.contains("'a'") && line.contains("/secret}"), "{line}");
    let said = said(&gateway).await;
    assert!(
        said.contains("error: ${file:") && said.contains("own.env"),
        "{said}"
    );

    write(&here.join("secret"), SECOND, 0o600);
    gateway.sighup();
    wait::until("a start", SOON, async || gateway.child(SECOND)).await;
    let log = gateway.logs();
    let exposed = log
        .iter()
        .filter(|line| line.contains("every user of this machine may read"));
    let exposed: Vec<_> = exposed.collect();
    assert!(
        exposed.len() == 1 && exposed[0].contains("own.env"),
        "{exposed:?}"
    );
    let all = log.join("\n") + &gateway.stderr().join("\n") + &said;
    for canary in [FIRST, SECOND, OF_VARIABLES] {
        let line = all.lines().find(|line| line.contains(canary));
        assert_eq!(line, None);
    }
}

#[tokio::test]
async fn a_server_without_its_file_hurts_nobody_else() {
    let mut lost = fixture("lost", &[]);
    lost["env_file"] = json!("/no/such/file\u{1b}[31m\n");
    let config = json!({ "servers": [lost, fixture("a", &[])] }).to_string();
    let gateway = Gateway::start(GatewayOptions::new(config)).await;
    let client = join(&gateway).await;
    assert!(environment(&client).await.is_object());
    let line = gateway.wait_for_log("its env_file", SOON).await;
    assert!(
        line.contains("'lost'") && !line.contains('\u{1b}'),
        "{line}"
    );
}
