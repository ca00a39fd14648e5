//! What servers wrote and how they ended: `logs`, and `status SERVER`.

use std::process::Stdio;

use serde_json::json;

use super::{SOON, Said, UNAVAILABLE, UNKNOWN, ask, gateway, run};
use crate::cli::command;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::output::Lines;
use crate::support::servers::fixtures;
use crate::support::wait;

/// Has the fixture write this to its stderr.
fn write(gateway: &Gateway, text: &str) {
    let arguments = json!({ "stderr": format!("{text}\n") }).to_string();
    let said = ask(gateway, &["call", "fx__echo", &arguments]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

async fn logged(gateway: &Gateway, args: &[&str], part: &str) -> Said {
    wait::until(&format!("{part:?} in {args:?}"), SOON, async || {
        let said = ask(gateway, args);
        said.stdout.contains(part).then_some(said)
    })
    .await
}

#[tokio::test]
async fn the_last_lines_are_shown_without_what_a_terminal_obeys() {
    let gateway = gateway(&[]).await;
    for number in 0..60 {
        write(&gateway, &format!("\u{1b}[31mline {number}\u{1b}[0m\u{7}"));
    }
    let said = logged(&gateway, &["logs", "fx"], "line 59").await;
    assert_eq!(said.stdout.lines().count(), 50, "{}", said.stdout);
    let acts = |c: char| c.is_control() && c != '\n';
    assert!(!said.stdout.chars().any(acts), "{:?}", said.stdout);
    for (number, first) in [("1", "line 59"), ("55", "line 5")] {
        let said = ask(&gateway, &["logs", "fx", "-n", number]);
        assert_eq!(said.stdout.lines().count().to_string(), number);
        assert!(
            said.stdout.lines().next().unwrap().contains(first),
            "{}",
            said.stdout
        );
    }
    let whole = ask(&gateway, &["status", "fx"]).stdout;
    assert!(
        whole.contains("\nstderr\n") && whole.contains("line 59"),
        "{whole}"
    );
    assert!(!whole.chars().any(acts), "{whole:?}");
    assert_eq!(ask(&gateway, &["logs", "nope"]).code, Some(UNKNOWN));
}

#[tokio::test]
async fn lines_are_followed_as_they_come() {
    let gateway = gateway(&[]).await;
    write(&gateway, "before");
    logged(&gateway, &["logs", "fx"], "before").await;
    let state = gateway.state_dir().display().to_string();
    let mut follow = command(
        gateway.home(),
        &["logs", "fx", "-f"],
        &[("MCPROXY_STATE_DIR", &state)],
    );
    let mut child = follow.stdout(Stdio::piped()).spawn().unwrap();
    let lines = Lines::collect(child.stdout.take().unwrap());
    let _ends = crate::cli::Guard(child);
    for text in ["before", "during"] {
        if text == "during" {
            write(&gateway, text);
        }
        wait::until(text, SOON, async || {
            lines.find_map(0, |line| line.ends_with(text).then_some(()))
        })
        .await;
    }
}

#[tokio::test]
async fn how_a_server_ended_is_in_its_status() {
    let gateway = gateway(&[]).await;
    ask(&gateway, &["call", "fx__exit", r#"{"code":3}"#]);
    let said = logged(&gateway, &["status", "fx"], "exit  ").await;
    assert!(
        said.stdout.contains("exited with code 3"),
        "{}",
        said.stdout
    );
}

#[tokio::test]
async fn what_servers_write_is_for_the_operator_and_who_shows_a_token() {
    let token = "a-token-of-some-length";
    for (env, code) in [(Some(token), 0), (None, UNAVAILABLE)] {
        let options = GatewayOptions::new(fixtures(&[("fx", &[])]));
        let options = env.iter().fold(options, |options, token| {
            options.env("MCPROXY_TOKEN", token)
        });
        let gateway = Gateway::start(options).await;
        super::ready(&gateway, "fx").await;
        std::fs::write(gateway.home().join("token"), token).unwrap();
        let url = format!("http://{}", gateway.addr());
        let said = run(
            gateway.home(),
            &["logs", "fx", "--url", &url, "--token-file", "token"],
            &[],
        );
        assert_eq!(said.code, Some(code), "{}", said.stderr);
        assert_eq!(
            said.stderr.contains("shows nobody"),
            code != 0,
            "{}",
            said.stderr
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_file_has_a_line_and_a_column() {
    let gateway = gateway(&[]).await;
    gateway.write_config("{ \"servers\": [\n  { \"name\": \"a\", \"comand\": \"x\" } ] }");
    let said = ask(&gateway, &["reload"]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stdout.contains("line 2, column "), "{}", said.stdout);
    assert!(
        ask(&gateway, &["status"])
            .stdout
            .contains("line 2, column "),
        "the status says so too"
    );
}
