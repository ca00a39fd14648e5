//! Commands that can't be started: a log line that says what is wrong and what to do, and no harm to others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{SOON, echo};
use crate::support::gateway::fixture_server;
use crate::support::http;
use crate::support::servers::{fixture, serve_ready};
use crate::support::wait;

fn entry(name: &str, command: impl Into<Value>) -> Value {
    json!({ "name": name, "command": command.into() })
}

fn file(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("the directory is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[tokio::test]
async fn each_reason_is_named_and_the_others_are_ready() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    file(Path::new(&path("plain")), "#!/bin/sh\n", 0o644);
    file(Path::new(&path("odd")), "#!/no/such/interpreter\n", 0o755);
    file(Path::new(&path("noise")), "\u{1}\u{2}\u{3}", 0o755);
    let mut nowhere = fixture("nowhere", &[]);
    nowhere["cwd"] = json!("/no/such/directory");
    let mut searched = entry("searched", "no-such-program");
    searched["env"] = json!({ "PATH": "/first/of/two:/second/of/two" });
    let servers = [
        searched,
        entry("absent", path("absent")),
        entry("plain", path("plain")),
        entry("folder", path(".")),
        entry("odd", path("odd")),
        entry("noise", path("noise")),
        nowhere,
        fixture("good", &[]),
    ];
    let (gateway, client) = serve_ready(&servers).await;
    echo(&client, "good", "ready").await;
    wait::until("it is ready, as its log says", SOON, async || {
        let status = http::get(gateway.addr(), "/readyz").await.status;
        (status == 200).then_some(())
    })
    .await;
    for (server, parts) in [
        (
            "searched",
            [
                "no-such-program",
                "/first/of/two:/second/of/two",
                "not found",
            ],
        ),
        ("absent", ["absent", &path("absent"), "no file"]),
        ("plain", ["plain", &path("plain"), "permission denied"]),
        ("folder", [".", &path("."), "permission denied"]),
        ("odd", ["odd", &path("odd"), "interpreter"]),
        ("noise", ["noise", &path("noise"), "neither a program"]),
        (
            "nowhere",
            ["/no/such/directory", "directory", "No such file"],
        ),
    ] {
        let line = gateway.wait_for_log(parts[1], SOON).await;
        let named = format!("Server '{server}' could not be started: command '");
        for part in parts.iter().copied().chain([named.as_str()]) {
            assert!(line.contains(part), "{part:?} is not in {line:?}");
        }
        assert!(
            line.contains("[WARN]") || line.contains("[ERROR]"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_program_is_looked_up_on_the_path_of_its_entry() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let link = directory.path().join("only-here");
    std::os::unix::fs::symlink(fixture_server(), link).expect("the directory is ours");
    let mut server = entry("a", "only-here");
    let path = format!("/no/such:{}", directory.path().display());
    server["env"] = json!({ "PATH": path });
    let (_gateway, client) = serve_ready(&[server]).await;
    echo(&client, "a", "found").await;
}

#[tokio::test]
async fn a_program_that_appears_later_is_started_then() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("later");
    let late = entry("late", path.to_string_lossy().into_owned());
    let (gateway, client) = serve_ready(&[late, fixture("b", &[])]).await;
    gateway.wait_for_log("'late' is started again", SOON).await;
    std::os::unix::fs::symlink(fixture_server(), &path).expect("the directory is ours");
    client
        .next_notification("notifications/tools/list_changed", Duration::from_secs(30))
        .await;
    echo(&client, "late", "here now").await;
}
