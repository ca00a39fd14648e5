//! `approve`: clients see what was held back from them.

use serde_json::json;

use super::{SOON, UNKNOWN, ask, ready};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::wait;

#[tokio::test]
async fn what_was_held_is_shown_once_it_is_approved() {
    let config = json!({ "servers": [
        { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
        { "name": "fx", "command": fixture_server(), "on_changed_tools": "hold" },
    ] });
    let gateway = Gateway::start(GatewayOptions::new(config.to_string())).await;
    ready(&gateway, "fx").await;
    ready(&gateway, "demo").await;
    let said = ask(&gateway, &["approve", "fx"]);
    assert_eq!(
        (said.code, &*said.stdout),
        (Some(0), "fx: nothing was held back\n"),
        "{}",
        said.stderr
    );
    ask(
        &gateway,
        &["call", "fx__set_tools", r#"{"names":["extra"]}"#],
    );
    let held = wait::until("it to be said", SOON, async || {
        let said = ask(&gateway, &["status", "fx"]);
        let line = said.stdout.lines().find(|line| line.contains("  held  "));
        line.map(str::to_owned)
    });
    let held = held.await;
    assert!(
        held.ends_with("held  extra; 'mcproxy approve fx' shows them"),
        "{held}"
    );
    let all = ask(&gateway, &["status"]);
    assert!(all.stdout.contains(", 1 held  "), "{}", all.stdout);
    let approved = wait::until("something to be held", SOON, async || {
        let said = ask(&gateway, &["approve", "fx"]);
        said.stdout.starts_with("approved: ").then_some(said)
    });
    assert_eq!(approved.await.stdout, "approved: extra\n");
    let listed = ask(&gateway, &["tools", "fx__extra"]);
    assert!(listed.stdout.contains("1 tool, "), "{}", listed.stdout);

    let open = ask(&gateway, &["approve", "demo"]);
    assert_eq!((open.code, &*open.stdout), (Some(1), ""));
    assert!(open.stderr.contains("on_changed_tools"), "{}", open.stderr);
    assert_eq!(ask(&gateway, &["approve", "nope"]).code, Some(UNKNOWN));
}
