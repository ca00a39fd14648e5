//! Signals out of turn: a second one, one during the start, several kinds at once.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::{PROMPT, SOON, assert_gone, end, start};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::proc::Process;
use crate::support::servers::fixtures;
use crate::support::wait;

const STUBBORN: &[&str] = &["--ignore-eof", "--ignore-term", "--grandchild"];

/// A gateway with two servers that obey nothing, and the four processes of these.
async fn stubborn() -> (Gateway, Vec<Process>) {
    let gateway = start(&[("a", STUBBORN), ("b", STUBBORN)]).await;
    let family = wait::until("the grandchildren", SOON, async || {
        let family = gateway.children();
        (family.len() == 4).then_some(family)
    })
    .await;
    (gateway, family)
}

#[tokio::test]
async fn a_second_signal_ends_at_once_and_kills_every_group() {
    for (first, second) in [
        (Signal::SIGTERM, Signal::SIGTERM),
        (Signal::SIGINT, Signal::SIGINT),
        (Signal::SIGTERM, Signal::SIGINT),
    ] {
        let (mut gateway, family) = stubborn().await;
        gateway.signal(first);
        gateway.wait_for_log("Stopping", SOON).await;
        // What comes within 250 ms is the same signal, sent to a program and to its group.
        sleep(Duration::from_millis(400)).await;
        let asked = Instant::now();
        gateway.signal(second);
        let status = gateway.wait_exit(SOON).await;
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(2), "{first} {second}: {took:?}");
        assert!(status.code().is_some(), "it ends itself: {status}");
        assert_gone(&family).await;
    }
}

#[tokio::test]
async fn two_signals_at_once_are_one() {
    let (mut gateway, family) = stubborn().await;
    gateway.signal(Signal::SIGINT);
    let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0));
    assert!(took >= Duration::from_secs(2), "{took:?}");
    assert_gone(&family).await;
}

#[tokio::test]
async fn a_signal_during_the_start_ends_it_cleanly() {
    for milliseconds in [0, 2, 5, 10, 20, 40, 80, 160] {
        let list: [(&str, &[&str]); 3] = [("a", &[]), ("b", &["--mute"]), ("c", &[])];
        let mut gateway = Gateway::launch(GatewayOptions::new(fixtures(&list)));
        sleep(Duration::from_millis(milliseconds)).await;
        let (status, took) = end(&mut gateway, Signal::SIGTERM).await;
        // Before it has taken the signals over, it has no children yet and may die of them.
        let is_clean = status.code() == Some(0);
        let was_early = status.signal() == Some(Signal::SIGTERM as i32);
        assert!(is_clean || was_early, "after {milliseconds} ms: {status}");
        if was_early {
            assert_eq!(
                gateway.logs(),
                Vec::<String>::new(),
                "after {milliseconds} ms"
            );
        }
        assert!(took < PROMPT, "after {milliseconds} ms: {took:?}");
        assert_gone(&gateway.children()).await;
    }
}

#[tokio::test]
async fn hangups_before_and_during_a_stop_are_harmless() {
    let mut gateway = start(&[("a", &["--ignore-eof"])]).await;
    let child = gateway.children();
    for _ in 0..5 {
        gateway.sighup();
    }
    gateway.wait_for_log("reload: ", SOON).await;
    assert_eq!(
        gateway.children(),
        child,
        "unchanged servers keep their pid"
    );
    gateway.signal(Signal::SIGTERM);
    gateway.wait_for_log("Stopping", SOON).await;
    gateway.sighup();
    let status = gateway.wait_exit(SOON).await;
    assert_eq!(status.code(), Some(0));
    assert_gone(&child).await;
}

/// It is for a parent that starts the next gateway.
#[tokio::test]
async fn a_signal_to_make_room_changes_nothing_where_nobody_follows() {
    let mut gateway = start(&[("a", &[])]).await;
    let child = gateway.children();
    gateway.signal(Signal::SIGUSR2);
    gateway
        .wait_for_log("started with --hold-port; this one was not", SOON)
        .await;
    assert_eq!(gateway.children(), child);
    assert_eq!(gateway.terminate().await.code(), Some(0));
}
