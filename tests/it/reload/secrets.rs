//! No value of `env` reaches the log, whatever is wrong with it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{Bench, PATIENCE, SOON, file, lines_after, server, server_with};
use crate::support::gateway::GatewayOptions;

const SECRET: &str = "s3cr3t-0f-th3-h0us3";

fn with_secret(field: &str) -> String {
    let fields = format!(r#", "env": {{ "API_TOKEN": "{SECRET}" }}{field}"#);
    server_with("tool", &fields)
}

#[tokio::test]
async fn no_secret_is_ever_logged() {
    let options = GatewayOptions::new(file(&[with_secret("")])).arg("--log-level=trace");
    let bench = Bench::boot(options, &["tool"]).await;
    bench
        .save(
            &[with_secret(r#", "timeout": 9"#)],
            "+0 ~1 (tool: timeout) -0 =0",
        )
        .await;
    let more = with_secret("").replace(SECRET, &format!("{SECRET}-2"));
    bench.save(&[more], "+0 ~1 (tool: env timeout) -0 =0").await;

    let wrong = [
        format!(r#"{{ "name": "tool", "env": {{ "API_TOKEN": "{SECRET}" }} }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": ["{SECRET}"] }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": "API_TOKEN={SECRET}" }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A": {{ "b": "{SECRET}" }} }} }}"#),
        format!(
            r#"{{ "name": "tool", "command": "x", "env": {{ "A": "{SECRET}", "A": "{SECRET}" }} }}"#
        ),
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A=B": "{SECRET}\u0000" }} }}"#),
        // The file as a whole: a quote, a colon, a comma, a brace missing beside the value.
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A": "{SECRET} }} }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A": {SECRET} }} }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A" "{SECRET}" }} }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A": "{SECRET}" "B": "" }} }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A": "{SECRET}" }}"#),
        format!(r#"{{ "name": "tool", "command": "x", "env": {{ "A": "\q{SECRET}" }} }}"#),
    ];
    for entry in wrong {
        let mark = bench.gateway.log_mark();
        bench
            .gateway
            .write_config(&file(std::slice::from_ref(&entry)));
        bench.gateway.sighup();
        bench
            .gateway
            .wait_for_log_after(mark, "reload: ", SOON)
            .await;
        let said = lines_after(&bench.gateway, mark, "mcp-servers.json: ");
        assert!(!said.is_empty(), "nothing was said of {entry}");
    }
    let process = bench.process("tool");
    process.signal(nix::sys::signal::Signal::SIGKILL);
    bench.gateway.wait_for_log("SIGKILL", PATIENCE).await;
    let leaks = lines_after(&bench.gateway, 0, SECRET);
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test]
async fn a_secret_for_all_to_read_is_warned_of_once() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("mcp-servers.json");
    fs::write(&path, file(&[with_secret("")])).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let options = GatewayOptions::default().home(home.path());
    let bench = Bench::boot(options, &["tool"]).await;
    let entries = [with_secret(""), server("more")];
    bench.save(&entries, "+1 (more) ~0 -0 =1").await;
    let warnings = lines_after(&bench.gateway, 0, "every user of this machine may read");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("[WARN]") && warnings[0].contains("line 2, column"),
        "{warnings:?}"
    );
    assert!(warnings[0].contains("chmod 640"), "{warnings:?}");
}

#[tokio::test]
async fn a_secret_in_a_private_file_is_none_of_our_business() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("mcp-servers.json");
    fs::write(&path, file(&[with_secret("")])).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let options = GatewayOptions::default().home(home.path());
    let bench = Bench::boot(options, &["tool"]).await;
    assert!(lines_after(&bench.gateway, 0, "[WARN]").is_empty());
}
