//! Servers that say what a terminal obeys, too much, or without an end.

use std::fs::File;
use std::os::fd::OwnedFd;

use nix::pty::openpty;
use serde_json::{Value, json};

use super::{ask, gateway};
use crate::cli::command;
use crate::support::gateway::Gateway;
use crate::support::output::Lines;
use crate::support::wait;

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31mred\u{202e}";

/// All that `mcproxy` shows on a terminal, its colours apart.
fn on_terminal(gateway: &Gateway, args: &[&str]) -> String {
    let terminal = openpty(None, None).unwrap();
    let screen = |slave: &OwnedFd| File::from(slave.try_clone().unwrap());
    let state = gateway.state_dir().display().to_string();
    let env = [("MCPROXY_STATE_DIR", state.as_str())];
    let mut command = command(gateway.home(), args, &env);
    command
        .stdout(screen(&terminal.slave))
        .stderr(screen(&terminal.slave));
    let mut child = command.spawn().unwrap();
    drop((command, terminal.slave));
    let lines = Lines::collect(File::from(terminal.master));
    wait::until_blocking("its end", super::SOON, || child.try_wait().unwrap());
    let shown = wait::poll_blocking(super::SOON, || {
        let all = lines.all().join("\n");
        (!all.is_empty()).then_some(all)
    });
    let mut shown = shown.unwrap_or_default();
    for code in ["0m", "1m", "2m", "31m", "32m", "33m"] {
        shown = shown.replace(&format!("\u{1b}[{code}"), "");
    }
    shown
}

fn is_harmless(shown: &str) -> bool {
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\r');
    !shown.chars().any(|c| acts(c) || c == '\u{202e}')
}

fn call(content: &Value) -> [String; 3] {
    let arguments = json!({ "result": { "content": content } });
    [
        "call".to_owned(),
        "fx__raw".to_owned(),
        arguments.to_string(),
    ]
}

#[tokio::test]
async fn nothing_that_a_server_says_reaches_the_terminal_as_it_is() {
    let gateway = gateway(&[]).await;
    let tool =
        json!({ "name": "evil", "description": HOSTILE, "inputSchema": { "type": "object" } });
    let defined = json!({ "definitions": [tool] }).to_string();
    assert_eq!(
        ask(&gateway, &["call", "fx__set_tools", &defined]).code,
        Some(0)
    );
    wait::until("the tool to be listed", super::SOON, async || {
        ask(&gateway, &["tools", "fx__evil"])
            .stdout
            .contains("fx__evil")
            .then_some(())
    })
    .await;
    let content = json!([
        { "type": "text", "text": HOSTILE },
        { "type": "image", "data": "YQ==", "mimeType": HOSTILE },
        { "type": "resource_link", "uri": HOSTILE, "name": HOSTILE },
        { "type": "from-the-future", "x": HOSTILE },
    ]);
    let [one, two, three] = call(&content);
    let failing = json!({ "error": { "code": 1, "message": HOSTILE } }).to_string();
    for args in [
        &["tools"][..],
        &["tools", "--json"],
        &[&one, &two, &three],
        &[&one, &two, &three, "--json"],
        &["call", "fx__fail", &failing],
        &["status", HOSTILE],
        &["status"],
    ] {
        let shown = on_terminal(&gateway, args);
        assert!(is_harmless(&shown), "{args:?}: {shown:?}");
        assert!(!shown.is_empty(), "{args:?}");
    }
    let piped = ask(
        &gateway,
        &["call", "fx__echo", &json!({ "text": HOSTILE }).to_string()],
    );
    assert_eq!(
        piped.stdout,
        format!("{HOSTILE}\n"),
        "a program gets what it asked for"
    );
}

#[tokio::test]
async fn progress_is_shown_on_a_terminal_alone() {
    let gateway = gateway(&[]).await;
    let arguments = r#"{"ms":400,"steps":4}"#;
    let shown = on_terminal(&gateway, &["call", "fx__sleep", arguments]);
    assert!(shown.contains('%') && shown.contains("[####"), "{shown:?}");
    assert!(shown.contains("slept"), "{shown:?}");
    let piped = ask(&gateway, &["call", "fx__sleep", arguments]);
    assert_eq!((&*piped.stdout, &*piped.stderr), ("slept\n", ""));
}

#[tokio::test]
async fn ten_megabytes_are_a_result_like_any_other() {
    let gateway = gateway(&[]).await;
    let said = ask(&gateway, &["call", "fx__huge", r#"{"bytes":10000000}"#]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.len() > 10_000_000, "{}", said.stdout.len());
}
