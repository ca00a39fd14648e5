//! How long a stop takes, and that its exit code is 0.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::{LONGEST, PROMPT, SOON, assert_gone, end, start};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::fixtures;
use crate::support::wait;

#[tokio::test]
async fn servers_that_obey_are_gone_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut gateway = start(&[("a", &[]), ("b", &["--noisy-stderr"]), ("c", &[])]).await;
        let children = gateway.children();
        assert_eq!(children.len(), 3);
        let (status, took) = end(&mut gateway, signal).await;
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(took < PROMPT, "{signal}: {took:?}");
        assert_gone(&children).await;
    }
}

#[tokio::test]
async fn open_streams_do_not_delay_the_end_and_see_it() {
    let mut gateway = start(&[("fx", &[])]).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        let client = SseClient::connect(gateway.addr()).await;
        client.call_tool("fx__echo", "{}").await;
        clients.push(client);
    }
    // One that does not read, with something to read.
    clients[0].set_reading(false);
    for _ in 0..4 {
        let huge = r#"{"name":"fx__huge","arguments":{"bytes":3000000}}"#;
        clients[0].request("tools/call", Some(huge)).await;
    }
    clients[1].call_tool("fx__echo", "{}").await;
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took < PROMPT, "{took:?}");
    for client in &clients[1..] {
        let reason = client.wait_end(SOON).await;
        assert_eq!(reason, "the server ended the stream", "not cut off");
    }
}

#[tokio::test]
async fn servers_that_obey_nothing_are_killed_in_time() {
    let stubborn: &[&str] = &["--ignore-eof", "--ignore-term", "--grandchild"];
    let mut gateway = start(&[("a", stubborn), ("b", stubborn), ("c", &[])]).await;
    let family = wait::until("the grandchildren", SOON, async || {
        let family = gateway.children();
        (family.len() == 5).then_some(family)
    })
    .await;
    let client = SseClient::connect(gateway.addr()).await;
    client.call_tool("c__echo", "{}").await;
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took < LONGEST, "{took:?}");
    assert!(
        took >= Duration::from_secs(3),
        "1.5 s for EOF, 1.5 s for SIGTERM: {took:?}"
    );
    assert_gone(&family).await;
    let logs = gateway.logs();
    let killed = logs.iter().filter(|line| line.contains("killed"));
    assert_eq!(killed.count(), 2, "{logs:?}");
}

#[tokio::test]
async fn a_grandchild_of_a_server_that_obeys_is_not_left_behind() {
    let mut gateway = start(&[("fx", &["--grandchild"])]).await;
    let family = wait::until("the grandchild", SOON, async || {
        let family = gateway.children();
        (family.len() == 2).then_some(family)
    })
    .await;
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took < PROMPT, "{took:?}");
    assert_gone(&family).await;
}

#[tokio::test]
async fn servers_in_every_phase_are_stopped() {
    let list: [(&str, &[&str]); 5] = [
        ("looping", &["--exit-at-start", "3"]),
        ("mute", &["--mute"]),
        ("slow", &["--slow-start", "60000"]),
        ("missing-list", &["--hang-on", "tools/list"]),
        ("fx", &[]),
    ];
    let mut gateway = Gateway::start(GatewayOptions::new(fixtures(&list))).await;
    gateway
        .wait_for_log("Server 'looping' is started again", SOON)
        .await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;
    let children = gateway.children();
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    // The slow one reads nothing before its time, so it needs a SIGTERM after 1.5 s.
    assert!(took < Duration::from_millis(1500) + PROMPT, "{took:?}");
    assert_gone(&children).await;
}

#[tokio::test]
async fn a_server_that_crash_loops_does_not_start_again_while_stopping() {
    let list: [(&str, &[&str]); 2] = [
        ("looping", &["--exit-at-start", "3"]),
        ("stubborn", &["--ignore-eof", "--ignore-term"]),
    ];
    let mut gateway = Gateway::start(GatewayOptions::new(fixtures(&list))).await;
    // The next start would be in about 1 s, in the middle of the stop, which takes 3 s.
    gateway.wait_for_log("failure 2 in a row", SOON).await;
    let mark = gateway.log_mark();
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!((3..10).contains(&took.as_secs()), "{took:?}");
    let logs = gateway.logs();
    let later: Vec<&String> = logs[mark..]
        .iter()
        .filter(|line| line.contains("looping"))
        .collect();
    assert_eq!(later, Vec::<&String>::new());
}

#[tokio::test]
async fn a_stop_during_a_reload_is_a_stop() {
    let mut gateway = start(&[("old", &["--ignore-eof"]), ("stays", &[])]).await;
    let client = SseClient::connect(gateway.addr()).await;
    let call =
        r#"{"name":"old__sleep","arguments":{"ms":60000,"steps":600},"_meta":{"progressToken":1}}"#;
    let running = client.request("tools/call", Some(call)).await;
    client
        .next_notification("notifications/progress", SOON)
        .await;
    let children = gateway.children();
    // The old one drains its call for 5 s; the new ones are being started.
    let list: [(&str, &[&str]); 3] = [("stays", &[]), ("new", &["--mute"]), ("newer", &[])];
    gateway.write_config(&fixtures(&list));
    gateway.wait_for_log("reload: ", SOON).await;
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took < LONGEST, "{took:?}");
    assert_gone(&children).await;
    let answer = client.wait_response(running, SOON).await;
    assert!(answer.contains("'old'"), "{answer}");
}

#[tokio::test]
async fn a_stop_in_the_debounce_of_an_edit_starts_nothing() {
    let mut gateway = start(&[("stays", &[])]).await;
    let mark = gateway.log_mark();
    gateway.write_config(&fixtures(&[("stays", &[]), ("new", &[])]));
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took < PROMPT, "{took:?}");
    let logs = gateway.logs();
    assert!(
        !logs[mark..].iter().any(|line| line.contains("'new'")),
        "{logs:?}"
    );
}
