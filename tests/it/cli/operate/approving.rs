//! `approve`: clients see what was held back from them.

use std::fs::File;
use std::io::Write as _;

use nix::pty::openpty;
use serde_json::json;

use super::{SOON, Said, UNKNOWN, WRONG_ARGUMENTS, ask, json_of, ready};
use crate::cli::command;
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::output::Lines;
use crate::support::{http, wait};

/// One that holds back changes of `fx`, and none of `demo`.
async fn holding() -> Gateway {
    let config = json!({ "servers": [
        { "name": "demo", "command": "mcproxy", "args": ["demo-server"] },
        { "name": "fx", "command": fixture_server(), "on_changed_tools": "hold" },
    ] });
    let gateway = Gateway::start(GatewayOptions::new(config.to_string())).await;
    ready(&gateway, "fx").await;
    ready(&gateway, "demo").await;
    gateway
}

/// Has the server say that it has these tools too, and waits until so many are held back.
async fn change(gateway: &Gateway, names: &[&str]) {
    let names_json = json!({ "names": names }).to_string();
    ask(gateway, &["call", "fx__set_tools", &names_json]);
    let held = format!(", {} held  ", names.len());
    wait::until("them to be held", SOON, async || {
        let all = ask(gateway, &["status"]).stdout;
        all.contains(&held).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_held_is_shown_once_it_is_approved() {
    let gateway = holding().await;
    let said = ask(&gateway, &["approve", "fx"]);
    assert_eq!(
        (said.code, &*said.stdout),
        (Some(0), "fx: nothing is held back\n"),
        "{}",
        said.stderr
    );
    change(&gateway, &["extra"]).await;
    let said = ask(&gateway, &["status", "fx"]).stdout;
    let held = "  held  extra; 'mcproxy approve fx' shows what is new\n";
    assert!(said.contains(held), "{said}");
    let looked = ask(&gateway, &["approve", "fx"]);
    assert_eq!(looked.code, Some(1), "{}", looked.stdout);
    assert!(
        looked.stdout.starts_with("new      extra\n"),
        "{}",
        looked.stdout
    );
    assert!(
        looked.stdout.contains("\n\nClients are shown none of it"),
        "{}",
        looked.stdout
    );
    let digest = digest(&looked);
    let json = json_of(&ask(&gateway, &["approve", "fx", "--json"]));
    assert_eq!(json["digest"], digest);
    assert_eq!(json["tools"][0]["offered"]["name"], "extra");

    // It changes after it was looked at.
    change(&gateway, &["extra", "more"]).await;
    let refused = ask(&gateway, &["approve", "fx", &digest]);
    assert_eq!((refused.code, &*refused.stdout), (Some(1), ""));
    assert!(refused.stderr.contains("look again"), "{}", refused.stderr);
    let unseen = ask(&gateway, &["tools", "fx__extra"]);
    assert!(unseen.stdout.contains("0 tools, "), "{}", unseen.stdout);
    let digest = self::digest(&ask(&gateway, &["approve", "fx"]));
    let approved = ask(&gateway, &["approve", "fx", &digest]);
    assert_eq!(approved.stdout, "approved: extra\napproved: more\n");
    let listed = ask(&gateway, &["tools", "fx__extra"]);
    assert!(listed.stdout.contains("1 tool, "), "{}", listed.stdout);
}

#[tokio::test]
async fn what_cannot_be_approved_says_why() {
    let gateway = holding().await;
    change(&gateway, &["extra"]).await;
    for (digest, code) in [
        ("xyz", WRONG_ARGUMENTS),
        ("../x", WRONG_ARGUMENTS),
        ("00", 1),
    ] {
        let said = ask(&gateway, &["approve", "fx", digest]);
        assert_eq!(said.code, Some(code), "{}", said.stderr);
    }
    let open = ask(&gateway, &["approve", "demo"]);
    assert_eq!((open.code, &*open.stdout), (Some(1), ""));
    assert!(open.stderr.contains("on_changed_tools"), "{}", open.stderr);
    for args in [&["approve", "nope"][..], &["approve", "nope", "00"]] {
        assert_eq!(ask(&gateway, args).code, Some(UNKNOWN));
    }
    // Who has only the port is not told what servers say.
    let detail = http::get(gateway.addr(), "/status/servers/fx").await;
    let detail = detail.text();
    assert!(
        detail.contains("fx__set_tools") && !detail.contains("digest"),
        "{detail}"
    );
}

/// What the last line says to write.
fn digest(said: &Said) -> String {
    let last = said.stdout.lines().last().unwrap_or_default();
    let digest = last.rsplit_once(' ').expect("a digest").1;
    digest.trim_end_matches('\'').to_owned()
}

#[tokio::test]
async fn what_is_too_long_to_be_shown_is_not_asked_about() {
    let gateway = holding().await;
    let names: Vec<String> = (0..400).map(|number| format!("tool{number}")).collect();
    let names = json!({ "names": names }).to_string();
    ask(&gateway, &["call", "fx__set_tools", &names]);
    wait::until("them to be held", SOON, async || {
        let all = ask(&gateway, &["approve", "fx"]).stdout;
        all.contains("This is not all of it").then_some(())
    })
    .await;
    let shown = answered(&gateway, "y");
    assert!(!shown.contains("[y/N]"), "{shown}");
    assert!(shown.contains("This is not all of it"), "{shown}");
}

/// Answers the question of `approve` on a terminal.
fn answered(gateway: &Gateway, answer: &str) -> String {
    let terminal = openpty(None, None).unwrap();
    let slave = || File::from(terminal.slave.try_clone().unwrap());
    let state = gateway.state_dir().display().to_string();
    let mut command = command(
        gateway.home(),
        &["approve", "fx"],
        &[("MCPROXY_STATE_DIR", &state)],
    );
    command.stdin(slave()).stdout(slave()).stderr(slave());
    let mut child = command.spawn().unwrap();
    let mut master = File::from(terminal.master);
    let lines = Lines::collect(master.try_clone().unwrap());
    // The terminal keeps what is typed before it is read.
    writeln!(master, "{answer}").unwrap();
    wait::until_blocking("its end", SOON, || child.try_wait().unwrap());
    drop((command, terminal.slave));
    wait::poll_blocking(SOON, || {
        let all = lines.all().join("\n");
        (all.contains("approved: ") || all.contains("until 'mcproxy approve fx")).then_some(all)
    })
    .unwrap_or_else(|| panic!("{:?}", lines.all()))
}

#[tokio::test]
async fn on_a_terminal_it_asks() {
    let gateway = holding().await;
    change(&gateway, &["extra"]).await;
    for (answer, is_approved) in [("", false), ("no", false), ("y", true)] {
        let shown = answered(&gateway, answer);
        assert!(shown.contains("as they are now? [y/N]"), "{shown}");
        assert_eq!(shown.contains("approved: extra"), is_approved, "{shown}");
    }
}
