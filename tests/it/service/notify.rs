//! Ready, reloading, stopping and the line for people, told to sockets of both kinds; and managers that are
//! not there or do not listen.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tempfile::TempDir;

use super::{Mailbox, SOON};
use crate::support::client::SseClient;
use crate::support::fleet::{config, fixture, script};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;

fn one() -> String {
    config([fixture("one", &[])])
}

/// A reload, told as one.
async fn reloads(manager: &mut Mailbox) {
    let begun = manager.next_word().await;
    let time = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    let time: u64 = time.expect("its time").parse().expect("a number");
    assert!(time > 0);
    assert_eq!(manager.next_word().await, "READY=1");
}

async fn lives(mut manager: Mailbox) {
    let options = GatewayOptions::new(one()).env("NOTIFY_SOCKET", manager.name());
    let mut gateway = Gateway::start(options).await;
    assert_eq!(manager.next().await.1, "READY=1", "before anything else");
    let health = http::get(gateway.addr(), "/healthz").await;
    assert_eq!(health.status, 200);
    manager.next_status("1 server ready, 0 sessions").await;

    gateway.sighup();
    reloads(&mut manager).await;
    gateway.write_config(&config([fixture("one", &[]), fixture("two", &[])]));
    reloads(&mut manager).await;
    manager.next_status("2 servers ready, 0 sessions").await;
    gateway.write_config("{");
    reloads(&mut manager).await;
    let line = "2 servers ready, 0 sessions; the configuration has errors";
    manager.next_status(line).await;

    let status = gateway.terminate().await;
    assert_eq!(manager.next_word().await, "STOPPING=1\nSTATUS=stopping");
    assert_eq!(status.code(), Some(0));
    let after = manager.read_all();
    assert!(!after.iter().any(|text| text == "READY=1"), "{after:?}");
}

#[tokio::test]
async fn a_life_is_told_in_order() {
    lives(Mailbox::open()).await;
}

#[tokio::test]
async fn a_life_is_told_to_an_abstract_socket() {
    lives(Mailbox::open_abstract()).await;
}

#[tokio::test]
async fn a_broken_file_is_no_reason_not_to_be_ready() {
    let mut manager = Mailbox::open();
    let options = GatewayOptions::new("{").env("NOTIFY_SOCKET", manager.name());
    let gateway = Gateway::start(options).await;
    assert_eq!(manager.next().await.1, "READY=1");
    let line = "no usable configuration, 0 sessions";
    manager.next_status(line).await;
    gateway.write_config(&one());
    reloads(&mut manager).await;
    manager.next_status("1 server ready, 0 sessions").await;
}

#[tokio::test]
async fn people_are_told_what_is_wrong_once_a_second_at_most() {
    let mut manager = Mailbox::open();
    let text = config([fixture("one", &[]), script("bad", "exit 3")]);
    let options = GatewayOptions::new(text).env("NOTIFY_SOCKET", manager.name());
    let gateway = Gateway::start(options).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(SseClient::connect(gateway.addr()).await);
    }
    let mut times = Vec::new();
    loop {
        let (when, line) = manager.next_of("STATUS=").await;
        times.push(when);
        if line.ends_with(", 10 sessions") {
            assert!(
                line.starts_with("STATUS=1 of 2 servers ready (bad: "),
                "{line}"
            );
            break;
        }
    }
    clients.truncate(1);
    loop {
        let (when, line) = manager.next_of("STATUS=").await;
        times.push(when);
        if line.ends_with(", 1 session") && line.contains("crash-looping") {
            break;
        }
    }
    for pair in times.windows(2) {
        // They are read a little later than sent, each by its own measure.
        let gap = pair[1] - pair[0];
        assert!(gap > Duration::from_millis(700), "{gap:?}");
    }
}

#[tokio::test]
async fn a_manager_that_is_not_there_is_no_harm() {
    let home = TempDir::new().expect("a temporary directory");
    let nowhere = home.path().join("nothing");
    for socket in [nowhere.to_str().expect("text"), "vsock:2:1"] {
        let options = GatewayOptions::new(one()).env("NOTIFY_SOCKET", socket);
        let mut gateway = Gateway::start(options.env("WATCHDOG_USEC", "200000")).await;
        let said = gateway
            .wait_for_log("[WARN] The service manager", SOON)
            .await;
        gateway.wait_for_log("Server 'one' started", SOON).await;
        assert_eq!(gateway.terminate().await.code(), Some(0), "{said}");
        let logs = gateway.logs();
        let said = logs
            .iter()
            .filter(|line| line.contains("[WARN] The service manager"));
        assert_eq!(said.count(), 1, "{logs:?}");
    }
}

#[tokio::test]
async fn a_manager_that_does_not_listen_holds_nothing_up() {
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("notify");
    let deaf = UnixDatagram::bind(&path).expect("a new path");
    let filler = UnixDatagram::unbound().expect("a socket");
    filler.set_nonblocking(true).expect("a socket");
    let mut sent = 0;
    while filler.send_to(b"X=1", &path).is_ok() {
        sent += 1;
    }
    assert!(sent > 0, "else the test shows nothing");
    let options = GatewayOptions::new(one()).env("NOTIFY_SOCKET", path.to_str().expect("text"));
    let mut gateway = Gateway::start(options).await;
    gateway.wait_for_log("Server 'one' started", SOON).await;
    gateway.write_config(&config([fixture("two", &[])]));
    gateway.wait_for_log("Server 'two' started", SOON).await;
    assert_eq!(gateway.terminate().await.code(), Some(0));
    drop(deaf);
}
