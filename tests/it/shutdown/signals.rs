//! Signals out of turn: a second one, one during the start, several kinds at once.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::{PROMPT, SOON, assert_gone, end, start};
use crate::support::fixtures::servers;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::wait;

#[tokio::test]
async fn a_second_signal_ends_at_once_and_kills_every_group() {
    let stubborn: &[&str] = &["--ignore-eof", "--ignore-term", "--grandchild"];
    for (first, second) in [
        (Signal::SIGTERM, Signal::SIGTERM),
        (Signal::SIGINT, Signal::SIGINT),
        (Signal::SIGTERM, Signal::SIGINT),
    ] {
        let mut gateway = start(&[("a", stubborn), ("b", stubborn)]).await;
        let family = wait::until("the grandchildren", SOON, async || {
            let family = gateway.children();
            (family.len() == 4).then_some(family)
        })
        .await;
        gateway.signal(first);
        gateway.wait_for_log("Stopping", SOON).await;
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
async fn a_signal_during_the_start_ends_it_cleanly() {
    for milliseconds in [0, 2, 5, 10, 20, 40, 80, 160] {
        let list: [(&str, &[&str]); 3] = [("a", &[]), ("b", &["--mute"]), ("c", &[])];
        let mut gateway = Gateway::launch(GatewayOptions::new(servers(&list)));
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
