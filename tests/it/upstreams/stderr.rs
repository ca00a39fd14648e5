//! stderr: under the server's name, harmless, at a limited rate, and never a reason for the server to wait.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{SOON, echo, logged};
use crate::support::client::SseClient;
use crate::support::servers::{fixture, gateway, serve_ready};
use crate::support::wait;

async fn say(client: &SseClient, stderr: &str) {
    let arguments = json!({ "stderr": stderr }).to_string();
    client.call_tool("a__echo", &arguments).await;
}

#[tokio::test]
async fn it_is_logged_under_the_name_of_its_server() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    say(
        &client,
        "first line\nsecond línea\r\n\n   \nlast, without an end",
    )
    .await;
    for line in ["first line", "second línea"] {
        let logged = gateway.wait_for_log(line, SOON).await;
        let wanted = format!("[INFO] Server 'a' stderr: {line}");
        assert!(logged.ends_with(&wanted), "{logged:?}");
    }
    say(&client, "\n").await;
    gateway
        .wait_for_log("stderr: last, without an end", SOON)
        .await;
    let all = logged(&gateway, &["stderr:"]);
    assert_eq!(all.len(), 3, "blank lines are not logged: {all:#?}");
}

/// Why a server ends is what its user looks for, and stands on stderr. Many at once: what is said
/// last and the end itself are seen by different tasks, in either order.
#[tokio::test]
async fn what_a_server_says_last_is_logged_before_its_end() {
    let dying = |number: usize| {
        let script = format!("echo 'reason {number}.' >&2; exit 3");
        json!({ "name": format!("s{number}"), "command": "sh", "args": ["-c", script] })
    };
    let entries: Vec<_> = (0..24).map(dying).collect();
    let gateway = gateway(&entries).await;
    for number in 0..24 {
        let end = format!("'s{number}' exited with code 3");
        gateway.wait_for_log(&end, SOON).await;
        let lines = gateway.logs();
        let first = |part: &str| lines.iter().position(|line| line.contains(part));
        let reason = first(&format!("'s{number}' stderr: reason {number}."));
        assert!(
            reason.is_some_and(|at| Some(at) < first(&end)),
            "{lines:#?}"
        );
    }
}

#[tokio::test]
async fn nothing_in_it_acts_on_a_terminal_or_forges_a_line() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    let nasty = "\u{1b}[31mred\u{1b}[0m\u{7}\0\u{8}\u{7f}\u{9b}2J\u{202e}x\r2025-01-01 00:00:00,000 [ERROR] forged\u{2028}[ERROR] too";
    say(&client, &format!("{nasty}\nend of it\n")).await;
    gateway.wait_for_log("stderr: end of it", SOON).await;
    let lines = gateway.logs();
    for line in &lines {
        let acting = |c: char| c.is_control() || "\u{202e}\u{2028}\u{9b}".contains(c);
        assert!(!line.contains(acting), "{line:?}");
        assert!(!line.starts_with("2025-01-01"), "{line:?}");
    }
    let shown = logged(&gateway, &["forged"]);
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert!(
        shown[0].contains("red") && shown[0].contains("too"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn a_long_line_is_cut_and_the_next_one_is_whole() {
    let (gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    let long = "L".repeat(1_000_000);
    say(&client, &format!("{long}\nthe next\n")).await;
    gateway.wait_for_log("stderr: the next", SOON).await;
    let shown = logged(&gateway, &["LLLL"]);
    assert_eq!(shown.len(), 1);
    assert!(shown[0].len() < 10_000, "{} bytes", shown[0].len());
    assert!(shown[0].ends_with("(cut)"));
}

#[tokio::test]
async fn a_flood_neither_blocks_the_server_nor_fills_the_log() {
    let (gateway, client) =
        serve_ready(&[fixture("a", &["--noisy-stderr"]), fixture("b", &[])]).await;
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < Duration::from_secs(4) {
        for server in ["a", "b"] {
            echo(&client, server, "in spite of it").await;
            calls += 1;
        }
    }
    assert!(calls > 50, "{calls} calls in 4 s");
    gateway.wait_for_log("suppressed", SOON).await;
    let lines = logged(&gateway, &["stderr:"]);
    let seconds = gateway.started().elapsed().as_secs() + 1;
    let seconds = usize::try_from(seconds).expect("it fits");
    let bytes: usize = lines.iter().map(String::len).sum();
    // A burst, and then a few lines a second.
    assert!(
        lines.len() < 150 + 50 * seconds,
        "{} lines in {seconds} s",
        lines.len()
    );
    assert!(
        bytes < 100_000 + 20_000 * seconds,
        "{bytes} bytes in {seconds} s"
    );
}

/// A pipe holds 64 KiB: if nobody read it, the server would wait inside of its write for ever.
#[tokio::test]
async fn a_server_never_waits_for_its_stderr_to_be_read() {
    let (_gateway, client) = serve_ready(&[fixture("a", &[])]).await;
    let much = "noise that nobody wants to read\n".repeat(30_000);
    for _ in 0..5 {
        let asked = Instant::now();
        say(&client, &much).await;
        assert!(asked.elapsed() < Duration::from_secs(5));
    }
    wait::until("an answer", SOON, async || {
        echo(&client, "a", "alive").await;
        Some(())
    })
    .await;
}
