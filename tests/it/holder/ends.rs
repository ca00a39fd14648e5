//! How the holder ends: as its gateway does, and never without it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::{SOON, VERSION, gateway_of, options, rest_of, start};
use crate::support::gateway::{Gateway, GatewayOptions, mcproxy};
use crate::support::http::Connection;
use crate::support::proc;
use crate::support::servers::fixtures;
use crate::support::streamable::Endpoint;
use crate::support::wait;

#[tokio::test]
async fn a_stop_ends_both_and_leaves_nobody_waiting() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut holder = start(fixtures(&[("fx", &[])])).await;
        holder.wait_for_log("Server 'fx' started", SOON).await;
        let session = Endpoint::initialized(holder.addr(), VERSION).await;
        let stream = session.listen().await.into_pieces();
        holder.children();
        holder.signal(signal);
        let said = rest_of(stream).await;
        assert_eq!(holder.wait_exit(SOON).await.code(), Some(0), "{signal}");
        // Nobody has the port any more: whoever comes back is to wait for a new start.
        assert!(said.ends_with("retry: 3000\ndata: \n\n"), "{said}");
        let late = Connection::open(holder.addr()).await;
        assert!(late.is_err(), "the port is free");
    }
}

#[tokio::test]
async fn a_stop_while_it_restarts_leaves_nobody_waiting() {
    let config = || options(fixtures(&[("fx", &["--ignore-eof"])]));
    stopped_while_it_restarts(config(), "retry: 3000").await;
    // Whoever passed the socket has it still.
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut passed = config();
    passed
        .passed
        .push(socket.try_clone().expect("a descriptor").into());
    stopped_while_it_restarts(passed, "retry: 1000").await;
}

async fn stopped_while_it_restarts(options: GatewayOptions, words: &str) {
    let mut holder = Gateway::start(options).await;
    holder.wait_for_log("Server 'fx' started", SOON).await;
    let session = Endpoint::initialized(holder.addr(), VERSION).await;
    let stream = session.listen().await.into_pieces();
    holder.signal(Signal::SIGUSR2);
    holder.wait_for_log("Stopping", SOON).await;
    holder.signal(Signal::SIGTERM);
    let said = rest_of(stream).await;
    assert!(said.ends_with(&format!("{words}\ndata: \n\n")), "{said}");
    assert_eq!(holder.wait_exit(SOON).await.code(), Some(0));
}

/// A script before it may leave something running, which comes to the holder when the script's own child ends.
#[tokio::test]
async fn what_no_server_left_lives_on() {
    let home = tempfile::tempdir().expect("a directory");
    let (script, number) = (home.path().join("start"), home.path().join("number"));
    let text = format!(
        "#!/bin/sh\n( sleep 0.3; setsid sleep 60 & echo $! >'{}' ) &\nexec '{}' \"$@\"\n",
        number.display(),
        mcproxy().display()
    );
    fs::write(&script, text).expect("ours");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("ours");
    let mut holder = Gateway::start(options("[]").binary(script)).await;
    let left = wait::until(
        "what the script left, beside the gateway",
        SOON,
        async || {
            let pid: u32 = fs::read_to_string(&number).ok()?.trim().parse().ok()?;
            let mut children = proc::children(holder.pid()).into_iter();
            children.find(|child| child.pid == pid)
        },
    );
    let left = left.await;
    let ended = holder.terminate().await;
    let lives = left.is_alive();
    left.signal(Signal::SIGKILL);
    assert!(ended.success() && lives, "{ended}");
}

#[tokio::test]
async fn newcomers_are_served_while_it_stops() {
    let mut holder = start(fixtures(&[("fx", &["--ignore-eof"])])).await;
    holder.wait_for_log("Server 'fx' started", SOON).await;
    holder.signal(Signal::SIGTERM);
    holder.wait_for_log("Stopping", SOON).await;
    let late = Endpoint::initialized(holder.addr(), VERSION).await;
    assert!(late.session.is_some());
    assert_eq!(holder.wait_exit(SOON).await.code(), Some(0));
}

#[tokio::test]
async fn a_hangup_and_a_second_signal_are_passed_on() {
    let stubborn: &[&str] = &["--ignore-eof", "--ignore-term"];
    let mut holder = start(fixtures(&[("fx", stubborn)])).await;
    holder.wait_for_log("Server 'fx' started", SOON).await;
    holder.sighup();
    holder.wait_for_log("reload: +0 ~0 -0 =1", SOON).await;
    holder.children();
    holder.signal(Signal::SIGTERM);
    holder.wait_for_log("Stopping", SOON).await;
    // What comes within 250 ms is the same signal, sent to a program and to its group.
    sleep(Duration::from_millis(400)).await;
    let asked = Instant::now();
    holder.signal(Signal::SIGTERM);
    holder.wait_exit(SOON).await;
    let took = asked.elapsed();
    assert!(
        took < Duration::from_secs(2),
        "as one that is asked once: {took:?}"
    );
}

#[tokio::test]
async fn what_is_wrong_for_good_is_not_tried_again() {
    let options = GatewayOptions {
        config: None,
        ..options("")
    };
    let mut missing = Gateway::launch(options);
    assert_eq!(missing.wait_exit(SOON).await.code(), Some(78));
    missing.wait_for_stderr("does not exist", SOON).await;
    let stderr = missing.stderr().join("\n");
    assert_eq!(stderr.matches("does not exist").count(), 1, "{stderr}");

    let mut wrong = Gateway::launch(super::options("[]").arg("--lissten=1"));
    assert_eq!(wrong.wait_exit(SOON).await.code(), Some(2));

    let first = start("[]").await;
    let taken = super::options("[]").arg(format!("--listen={}", first.addr()));
    let mut second = Gateway::launch(taken);
    assert_eq!(second.wait_exit(SOON).await.code(), Some(78));
    second
        .wait_for_stderr("another program has the port", SOON)
        .await;
}

#[tokio::test]
async fn a_gateway_that_is_stopped_by_itself_is_not_started_again() {
    let mut holder = start("[]").await;
    gateway_of(&holder).await.signal(Signal::SIGTERM);
    assert_eq!(holder.wait_exit(SOON).await.code(), Some(0));
}

#[tokio::test]
async fn a_stop_that_is_cut_short_shows_the_signal() {
    let mut holder = start(fixtures(&[("fx", &["--ignore-eof"])])).await;
    holder.wait_for_log("Server 'fx' started", SOON).await;
    let gateway = gateway_of(&holder).await;
    holder.signal(Signal::SIGTERM);
    holder.wait_for_log("Stopping", SOON).await;
    let server = holder.child("--ignore-eof").expect("it has not ended");
    gateway.signal(Signal::SIGKILL);
    assert_eq!(holder.wait_exit(SOON).await.code(), Some(128 + 9));
    // Nobody is left to do it.
    server.signal(Signal::SIGKILL);
}

#[tokio::test]
async fn a_stop_between_two_gateways_is_one() {
    let mut holder = start("[]").await;
    for pause in ["200ms", "400ms", "800ms", "1.6s"] {
        gateway_of(&holder).await.signal(Signal::SIGKILL);
        let said = format!("it is started again in {pause}");
        holder.wait_for_log(&said, SOON).await;
    }
    assert_eq!(holder.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn a_signal_during_the_start_ends_it_cleanly() {
    for milliseconds in [0, 2, 5, 10, 20, 40, 80, 160] {
        let mut holder = Gateway::launch(options(fixtures(&[("fx", &[])])));
        sleep(Duration::from_millis(milliseconds)).await;
        holder.children();
        holder.signal(Signal::SIGTERM);
        let status = holder.wait_exit(SOON).await;
        // Before either has taken the signals over, it may die of them.
        let early = Signal::SIGTERM as i32;
        let is_clean = matches!(status.code(), Some(0 | 143)) || status.signal() == Some(early);
        assert!(is_clean, "after {milliseconds} ms: {status}");
    }
}

#[tokio::test]
async fn the_gateway_ends_in_order_when_the_holder_is_killed() {
    let mut holder = start(fixtures(&[("fx", &[])])).await;
    holder.wait_for_log("Server 'fx' started", SOON).await;
    let gateway = gateway_of(&holder).await;
    holder.signal(Signal::SIGKILL);
    holder.wait_exit(SOON).await;
    holder.wait_for_log("Stopped", SOON).await;
    wait::until("the end of the gateway", SOON, async || {
        (!gateway.is_alive()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_gateway_whose_holder_is_another_does_not_run() {
    let options = GatewayOptions::new("[]").env("MCPROXY_HOLDER", "1 own");
    let mut orphan = Gateway::launch(options);
    assert_eq!(orphan.wait_exit(SOON).await.code(), Some(70));
    assert!(!proc::is_alive(orphan.pid()));
    orphan.wait_for_stderr("has ended", SOON).await;
}
