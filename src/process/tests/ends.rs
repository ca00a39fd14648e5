//! How children end, by themselves and by us, and that nothing is left of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const SHORT: Grace = Grace {
    eof: Duration::from_millis(300),
    term: Duration::from_millis(300),
};

#[tokio::test]
async fn an_exit_and_the_ends_of_both_pipes_are_told() {
    for _ in 0..20 {
        let mut child = sh("echo last words; exit 3");
        let (mut words, mut is_closed, mut exit) = (None, false, None);
        let mut is_quiet = false;
        while !(is_closed && is_quiet && exit.is_some()) {
            match child.next().await {
                Output::Line { bytes, .. } => words = Some(text(&bytes)),
                Output::StdoutClosed => is_closed = true,
                Output::StderrClosed => is_quiet = true,
                Output::Exited(status) => exit = Some(describe(&status)),
                Output::Unusable { .. }
                | Output::Stderr(_)
                | Output::StderrDropped(_)
                | Output::StdinFailed(_) => {
                    panic!("nothing else happens")
                }
            }
        }
        assert_eq!(exit.as_deref(), Some("exited with code 3"));
        assert_eq!(words.as_deref(), Some("last words"));
        assert!(child.process.exit_status().is_some());
    }
}

#[tokio::test]
async fn a_killed_child_is_told_with_its_signal() {
    let mut child = sh("kill -KILL $$");
    assert_eq!(child.exit().await, "was killed by signal 9 (SIGKILL)");
}

#[tokio::test]
async fn an_exit_is_seen_while_a_grandchild_holds_stdout() {
    // In a session of its own, so that killing the group does not close the pipe either, and deaf
    // to SIGTERM, so that it stays for a moment.
    let mut child = sh("setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 300' & read go; exit 4");
    let grandchild = child.pid().await;
    child.process.write(Bytes::from_static(b"go")).unwrap();
    assert_eq!(child.exit().await, "exited with code 4");
    assert!(is_running(grandchild));
    assert!(child.outputs.try_recv().is_err(), "stdout is still open");
    child.stdout_closed().await;
    gone(grandchild).await;
}

#[tokio::test]
async fn what_a_child_leaves_behind_dies_with_it() {
    let mut child = sh("sleep 300 & echo $!; exit 0");
    let grandchild = child.pid().await;
    // In any order: the exit, and that the grandchild no longer holds stdout.
    let (mut has_exited, mut is_closed) = (false, false);
    while !(has_exited && is_closed) {
        let output = child.next().await;
        has_exited |= matches!(output, Output::Exited(status) if status.success());
        is_closed |= matches!(output, Output::StdoutClosed);
    }
    gone(grandchild).await;
}

#[tokio::test]
async fn stdout_may_end_long_before_the_child() {
    let mut child = sh("exec >&-; exec sleep 300");
    child.stdout_closed().await;
    assert_eq!(child.process.exit_status(), None);
    child.process.kill_group();
    assert_eq!(child.exit().await, "was killed by signal 9 (SIGKILL)");
}

#[tokio::test]
async fn a_polite_child_ends_with_its_stdin() {
    let child = sh("exec cat");
    let report = child.process.stop(Grace::default()).await;
    assert_eq!(
        report.exit.map(|status| describe(&status)).as_deref(),
        Some("exited with code 0")
    );
    assert!(!report.forced);
    assert!(report.took < Grace::default().eof);
}

#[tokio::test]
async fn a_child_that_ignores_its_stdin_is_terminated() {
    let mut child = sh("echo up; exec sleep 300");
    child.line().await;
    let report = child.process.stop(SHORT).await;
    let how = report.exit.map(|status| describe(&status));
    assert_eq!(how.as_deref(), Some("was killed by signal 15 (SIGTERM)"));
    assert!(!report.forced && report.took >= SHORT.eof);
}

#[tokio::test]
async fn a_child_that_ignores_sigterm_is_killed_with_its_children() {
    let mut child = sh("trap '' TERM; sleep 300 & echo $!; while :; do sleep 1; done");
    let grandchild = child.pid().await;
    let pid = child.process.pid();
    let report = child.process.stop(SHORT).await;
    let how = report.exit.map(|status| describe(&status));
    assert_eq!(how.as_deref(), Some("was killed by signal 9 (SIGKILL)"));
    assert!(report.forced && report.took >= SHORT.eof + SHORT.term);
    gone(grandchild).await;
    assert!(!proc_file(pid, "").exists(), "the child was reaped");
}

#[tokio::test]
async fn sigterm_reaches_the_whole_group() {
    let script = "trap 'wait; exit 5' TERM; \
                  (trap 'echo inner; exit' TERM; echo up; while :; do sleep 0.01; done) & wait";
    let mut child = sh(script);
    assert_eq!(child.line().await, "up");
    child.process.signal(Signal::SIGTERM);
    assert_eq!(child.line().await, "inner");
    assert_eq!(child.exit().await, "exited with code 5");
}

#[tokio::test]
async fn a_stop_after_the_end_tells_how_it_ended() {
    let mut child = sh("exit 6");
    child.exit().await;
    let report = child.process.stop(Grace::default()).await;
    assert_eq!(
        report.exit.map(|status| describe(&status)).as_deref(),
        Some("exited with code 6")
    );
    assert!(!report.forced);
}

#[tokio::test]
async fn dropping_a_stop_half_way_kills() {
    let mut child = sh("trap '' TERM; echo up; while :; do sleep 1; done");
    child.line().await;
    let pid = child.process.pid();
    let stopping = child.process.stop(Grace::default());
    assert!(timeout(Duration::from_millis(10), stopping).await.is_err());
    gone(pid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_kills_the_group_reaps_and_delivers_no_more() {
    let delivered = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&delivered);
    let groups = Groups::default();
    let pids = tempfile::NamedTempFile::new().unwrap();
    let script = format!("sleep 300 & echo $! > {}; exec yes", pids.path().display());
    let sink = move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let flood = command("/bin/sh", &["-c", &script]);
    let process = spawn(&flood, &Limits::default(), &groups, sink).unwrap();
    eventually("it floods", || delivered.load(Ordering::SeqCst) > 1000).await;
    let (pid, grandchild) = (process.pid(), fs::read_to_string(pids.path()).unwrap());
    assert_eq!(groups.len(), 1);

    drop(process);
    let at_drop = delivered.load(Ordering::SeqCst);
    assert!(groups.is_empty());
    eventually("the child is reaped", || !proc_file(pid, "").exists()).await;
    gone(grandchild.trim().parse().unwrap()).await;
    assert_eq!(delivered.load(Ordering::SeqCst), at_drop);
}

#[tokio::test]
async fn all_groups_can_be_killed_at_once() {
    let groups = Groups::default();
    let script = "trap '' TERM HUP; sleep 300 & echo $!; while :; do sleep 1; done";
    let sleeper = command("/bin/sh", &["-c", script]);
    let mut children = Vec::new();
    for _ in 0..3 {
        let mut child = start(&sleeper, &Limits::default(), &groups);
        let grandchild = child.pid().await;
        children.push((child, grandchild));
    }
    assert_eq!(groups.len(), 3);
    groups.kill_all();
    for (mut child, grandchild) in children {
        assert_eq!(child.exit().await, "was killed by signal 9 (SIGKILL)");
        gone(grandchild).await;
    }
    assert!(groups.is_empty());
}

#[tokio::test]
async fn many_children_end_at_once_and_none_is_missed() {
    let groups = Groups::default();
    let quick = command("/bin/sh", &["-c", "exit 7"]);
    let started = (0..30).map(|_| start(&quick, &Limits::default(), &groups));
    for mut child in started.collect::<Vec<_>>() {
        assert_eq!(child.exit().await, "exited with code 7");
    }
    assert!(groups.is_empty());
}

#[tokio::test]
async fn an_ended_group_is_never_signalled() {
    let mut child = sh("exit 0");
    child.exit().await;
    // Were they sent they would reach whoever has the number now; here they have no way out.
    child.process.signal(Signal::SIGKILL);
    child.process.kill_group();
    drop(child.process);
}
