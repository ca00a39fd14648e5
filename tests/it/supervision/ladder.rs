//! The ladder as the log shows it, and what sets it back.

use std::time::Duration;

use super::{STEP, ladder_of};
use crate::support::client::DEADLINE;
use crate::support::fleet::{self, echo, fixture, identify};
use crate::support::wait;

#[tokio::test]
async fn its_first_steps_double_within_the_jitter() {
    let (gateway, _client) = fleet::open([fixture("loops", &["--exit-at-start", "3"])]).await;
    wait::until("three failures", STEP, async || {
        (ladder_of(&gateway, "loops").len() >= 3).then_some(())
    })
    .await;
    // The third is not said.
    let ladder = ladder_of(&gateway, "loops");
    for ((seconds, failures), expected) in ladder.iter().zip([(0.5, 1), (1.0, 2), (4.0, 4)]) {
        let (step, number): (f32, u32) = expected;
        let share = seconds / step;
        // One digit is shown.
        assert!((0.79..=1.21).contains(&share), "{ladder:?}");
        assert_eq!(*failures, number);
    }
    let why = gateway
        .wait_for_log("Server 'loops' exited with code 3", STEP)
        .await;
    assert!(why.contains("[WARNING]") || why.contains("[WARN]"), "{why}");
}

#[tokio::test]
async fn a_caller_of_a_server_that_is_down_learns_why_and_when() {
    let (gateway, client) = fleet::open([fixture("victim", &[]), fixture("good", &[])]).await;
    identify(&client, "victim").await;
    for (failure, code) in [(1, 7), (2, 8), (3, 9)] {
        // The first step is waited out, the later ones are not: then it is parked until it is back.
        wait::until("the victim to take a call", STEP, async || {
            let call = format!(r#"{{"code":{code}}}"#);
            let answer = fleet::Answer::of(&client.call_tool("victim__exit", &call).await);
            answer
                .text
                .contains(&format!("exited with code {code}"))
                .then_some(())
        })
        .await;
        wait::until("the next step", STEP, async || {
            (ladder_of(&gateway, "victim").len() >= failure).then_some(())
        })
        .await;
    }
    let refused = echo(&client, "victim", "?").await;
    assert!(refused.is_error, "{refused:?}");
    for part in [
        "server 'victim' is down",
        "exited with code 9",
        "started again in",
    ] {
        assert!(refused.text.contains(part), "{part}: {refused:?}");
    }
    // Its names stay, and the others work.
    let list = client.call("tools/list", None, DEADLINE).await;
    assert!(list.contains("victim__echo"), "names survive a crash");
    assert_eq!(echo(&client, "good", "here").await.text, "here");
}

#[tokio::test]
async fn sighup_tries_at_once_and_begins_anew() {
    let (gateway, _client) = fleet::open([fixture("loops", &["--exit-at-start", "3"])]).await;
    gateway.wait_for_log("(failure 4 in a row)", STEP).await;
    let mark = gateway.log_mark();
    gateway.sighup();
    // The fourth delay is 3.2 s at least.
    let again = gateway
        .wait_for_log_after(
            mark,
            "Server 'loops' is started again",
            Duration::from_millis(2500),
        )
        .await;
    assert!(again.contains("(failure 1 in a row)"), "{again}");
}
