//! What is remembered of a server that says too much, and of one that ends too often.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use super::*;
use crate::supervise::{Failure, FailureKind};

#[test]
fn a_flood_and_a_hundred_thousand_ends_take_no_more_than_their_room() {
    let history = ServerHistory::default();
    let line = "x".repeat(1 << 20);
    for number in 0..1000 {
        history.stderr(&line);
        history.junk(line.as_bytes());
        history.dropped(&format!("{number}"));
    }
    let status = Some(ExitStatus::from_raw(3 << 8));
    let failure = Failure::new(FailureKind::Exited, "exited with code 3");
    let failure = Failure { status, ..failure };
    for _ in 0..100_000 {
        history.started();
        history.exited(&failure, Duration::from_millis(1234), false);
    }
    let ServerLog {
        stderr,
        junk,
        dropped,
    } = history.log();
    assert_eq!((stderr.len(), junk.len(), dropped.len()), (50, 20, 20));
    assert!(
        stderr
            .iter()
            .chain(&junk)
            .all(|line| line.text.len() <= 1024)
    );
    assert_eq!(dropped.last().unwrap().reason, "999");
    let counts = history.counts();
    assert_eq!(counts.restarts, 99_999);
    assert_eq!((counts.junk_lines, counts.dropped_answers), (1000, 1000));
    assert_eq!(counts.exits.len(), 8);
    let last = &counts.exits[0];
    assert_eq!(
        (last.code, last.signal, last.lived_seconds),
        (Some(3), None, 1.2)
    );
    assert_eq!(last.why, "exited with code 3");
}

#[test]
fn the_cause_is_that_of_the_last_failure() {
    let history = ServerHistory::default();
    let exited = || Failure::new(FailureKind::Exited, "exited with code 1");
    history.stderr("ModuleNotFoundError: No module named 'mcp'");
    history.exited(&exited(), Duration::from_secs(1), false);
    let cause = |history: &ServerHistory| history.counts().likely.map(|likely| likely.cause);
    assert!(cause(&history).unwrap().contains("Python"));
    // Who was asked to end says nothing of it.
    history.exited(&exited(), Duration::from_secs(1), true);
    assert!(cause(&history).is_some());
    let missing = Failure::of_start("command 'npx' not found on the server's PATH; install it");
    history.exited(&missing, Duration::ZERO, false);
    assert!(cause(&history).unwrap().contains("command"));
    let hung = Failure::new(FailureKind::Hung, "is hung");
    let history = ServerHistory::default();
    history.exited(&hung, Duration::from_secs(9), false);
    assert_eq!(cause(&history), None);
}

#[tokio::test(start_paused = true)]
async fn who_follows_has_what_is_kept_then_what_comes() {
    let history = Arc::new(ServerHistory::default());
    for number in 0..300 {
        history.stderr(&format!("{number}"));
    }
    let mut follower = history.follow();
    let first = follower.next().await.unwrap();
    assert_eq!((first.missed, first.lines.len()), (0, 200));
    assert_eq!(first.lines[0].text, "100");
    let (news, ()) = tokio::join!(follower.next(), async { history.stderr("news") });
    assert_eq!(news.unwrap().lines[0].text, "news");
    for number in 0..1000 {
        history.stderr(&format!("{number}"));
    }
    let late = follower.next().await.unwrap();
    assert_eq!((late.missed, late.lines.len()), (800, 200));
    let (over, ()) = tokio::join!(follower.next(), async { history.end() });
    assert_eq!(over, None);
}
