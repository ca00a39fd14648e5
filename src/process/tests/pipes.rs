//! What goes through the pipes: order, limits, floods, deafness.

use super::*;

fn with(script: &str, limits: &Limits) -> Child {
    start(
        &command("/bin/sh", &["-c", script]),
        limits,
        &Groups::default(),
    )
}

#[tokio::test]
async fn lines_arrive_in_order_and_whole() {
    let mut child = sh("exec cat");
    let line = |number: usize| format!("{number} {}", "x".repeat(number % 700));
    for first in (0..5000).step_by(100) {
        // Fewer than wait to be read at the most: nothing is held up on the way back.
        for number in first..first + 100 {
            let mut line = Bytes::from(line(number));
            // The queue is short on purpose; a full one gives the line back.
            while let Err(refused) = child.process.write(line) {
                line = refused;
                tokio::task::yield_now().await;
            }
        }
        for number in first..first + 100 {
            assert_eq!(child.line().await, line(number));
        }
    }
}

#[tokio::test]
async fn large_lines_pass_both_ways() {
    let mut child = sh("exec cat");
    let large = Bytes::from(vec![b'x'; 5 << 20]);
    child.process.write(large.clone()).unwrap();
    child.process.write(Bytes::from_static(b"after")).unwrap();
    assert_eq!(child.line().await.as_bytes(), large);
    assert_eq!(child.line().await, "after");
}

#[tokio::test]
async fn closing_stdin_lets_what_was_handed_over_through() {
    let mut child = sh("exec cat");
    for number in 0..100 {
        child
            .process
            .write(Bytes::from(format!("{number}")))
            .unwrap();
    }
    child.process.close_stdin();
    assert!(child.process.write(Bytes::from_static(b"late")).is_err());
    for number in 0..100 {
        assert_eq!(child.line().await, format!("{number}"));
    }
    assert_eq!(child.exit().await, "exited with code 0");
}

#[tokio::test]
async fn a_deaf_child_refuses_then_is_said_to_stall() {
    let limits = Limits {
        queue: 2,
        write_stall: Duration::from_millis(300),
        ..Limits::default()
    };
    let mut child = with("exec sleep 300", &limits);
    let line = Bytes::from(vec![b'x'; 1 << 20]);
    child.process.write(line.clone()).unwrap();
    let mut accepted = 1;
    while child.process.write(line.clone()).is_ok() {
        accepted += 1;
        tokio::task::yield_now().await;
    }
    assert!(accepted <= 64 + 3, "{accepted} lines were accepted"); // a batch and the queue
    let failure = child.stdin_failure().await;
    assert!(matches!(failure, StdinFailure::Stalled));
    assert_eq!(child.process.write(line.clone()), Err(line));
}

#[tokio::test]
async fn a_slow_reader_is_not_stalled() {
    let limits = Limits {
        write_stall: Duration::from_secs(2),
        ..Limits::default()
    };
    // A megabyte at 64 KiB each 200 ms takes longer than the stall allows in all.
    let script = "while sleep 0.2; do head -c 65536 >/dev/null; echo read; done";
    let mut child = with(script, &limits);
    child
        .process
        .write(Bytes::from(vec![b'x'; 1 << 20]))
        .unwrap();
    for _ in 0..15 {
        let output = child.next().await;
        assert!(matches!(output, Output::Line { .. }), "{output:?}");
    }
}

#[tokio::test]
async fn a_closed_stdin_is_noticed_at_the_next_write() {
    let mut child = sh("exec <&-; echo closed; exec sleep 300");
    assert_eq!(child.line().await, "closed");
    // More than once: a process that another test forks at this moment has the pipe's other end
    // until it is the program it will be.
    let line = Bytes::from_static(b"hello?");
    eventually("it refuses", || child.process.write(line.clone()).is_err()).await;
    assert!(matches!(
        child.stdin_failure().await,
        StdinFailure::Broken(_)
    ));
}

#[tokio::test]
async fn junk_on_stdout_does_not_hide_what_follows() {
    let script = r#"printf '\357\273\277{"a":1}\r\n\n\r\n\377\376\n{"b":2}\n{"id":3,'"#;
    let mut child = sh(script);
    assert_eq!(child.line().await, "{\"a\":1}");
    let (why, length, _) = child.unusable().await;
    assert_eq!((why, length), (UnusableLine::NotUtf8, 2));
    assert_eq!(child.line().await, "{\"b\":2}");
    let (why, _, head) = child.unusable().await;
    assert_eq!((why, head.as_str()), (UnusableLine::Partial, "{\"id\":3,"));
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

#[tokio::test]
async fn an_endless_line_costs_its_limit_and_no_more() {
    let limits = Limits {
        line: 4 << 20,
        ..Limits::default()
    };
    let script = r"echo first; head -c 300000000 /dev/zero | tr '\0' x; echo; echo next";
    let before = resident();
    let mut child = with(script, &limits);
    assert_eq!(child.line().await, "first");
    let (why, length, _) = child.unusable().await;
    assert_eq!((length, why), (300_000_000, UnusableLine::TooLong));
    assert_eq!(child.line().await, "next");
    // Other tests run in this process too, hence the room.
    let after = resident();
    assert!(
        after < before + 100,
        "{before} MiB before, {after} MiB after"
    );
}

#[tokio::test]
async fn a_flood_waits_until_its_lines_are_handled() {
    let limits = Limits {
        buffered: 64 * 1024,
        ..Limits::default()
    };
    let mut child = with("exec yes 123456789", &limits);
    // Hold what comes until nothing comes any more.
    let mut held = Vec::new();
    while let Ok(Some(output)) = timeout(Duration::from_millis(500), child.outputs.recv()).await {
        held.push(output);
        assert!(
            held.len() <= 64 * 1024 / 256,
            "more than the budget was handed out"
        );
    }
    assert!(!held.is_empty());
    held.clear();
    for _ in 0..10_000 {
        assert_eq!(child.line().await, "123456789");
    }
}

#[tokio::test]
async fn a_line_larger_than_the_budget_passes_alone() {
    let limits = Limits {
        buffered: 1024,
        ..Limits::default()
    };
    let mut child = with(
        "echo a; head -c 100000 /dev/zero | tr '\\0' x; echo; echo b",
        &limits,
    );
    let first = child.next().await;
    assert!(matches!(&first, Output::Line { bytes, .. } if bytes == "a"));
    // The end is told at once; the second line waits for the first one's permit.
    assert_eq!(child.exit().await, "exited with code 0");
    let held_back = timeout(Duration::from_millis(200), child.outputs.recv()).await;
    assert!(held_back.is_err(), "the first line still has its permit");
    drop(first);
    assert_eq!(child.line().await.len(), 100_000);
    assert_eq!(child.line().await, "b");
}

#[tokio::test]
async fn a_flood_on_stderr_neither_blocks_the_child_nor_passes() {
    let start = Instant::now();
    let script = "yes 'an error of some length' | head -n 1700000 >&2; echo last >&2; echo done";
    let mut child = sh(script);
    let mut said = Vec::new();
    let mut dropped = 0;
    let (mut is_done, mut is_over) = (false, false);
    while !(is_done && is_over) {
        match child.next().await {
            Output::Stderr(line) => said.push(line),
            Output::StderrDropped(count) => dropped += count,
            Output::Line { .. } => is_done = true,
            Output::StderrClosed => is_over = true,
            Output::Unusable { .. }
            | Output::StdoutClosed
            | Output::StdinFailed(_)
            | Output::Exited(_) => {}
        }
    }
    // The last 50 lines pass in any case.
    let allowed = 150.0 + 25.0 * (start.elapsed().as_secs_f64() + 1.0);
    let passed = u32::try_from(said.len()).unwrap();
    assert!(
        passed >= 100 && f64::from(passed) < allowed,
        "{passed} lines passed"
    );
    assert_eq!(said.last().map(String::as_str), Some("last"));
    let notes = said.iter().filter(|line| line.ends_with("suppressed"));
    let (notes, passed) = (notes.count() as u64, said.len() as u64);
    // Those among the last 50 that were dropped are said nevertheless.
    let last = passed - notes + dropped - 1_700_001;
    assert!(notes > 0 && last <= 50, "{notes}, {passed}, {dropped}");
}

#[tokio::test]
async fn what_is_said_last_passes_after_a_flood_too() {
    let mut child = sh("seq 1 1000 >&2; echo 'the reason' >&2; exit 1");
    let mut said = Vec::new();
    loop {
        match child.next().await {
            Output::Stderr(line) => said.push(line),
            Output::StderrClosed => break,
            Output::Line { .. }
            | Output::Unusable { .. }
            | Output::StderrDropped(_)
            | Output::StdoutClosed
            | Output::StdinFailed(_)
            | Output::Exited(_) => {}
        }
    }
    assert_eq!(said.last().map(String::as_str), Some("the reason"));
    assert!(said.len() < 300, "{} lines", said.len());
}

#[tokio::test]
async fn the_note_of_what_was_suppressed_needs_no_further_line() {
    let mut child = sh("seq 1 300 >&2; exec sleep 300");
    let mut note = child.stderr().await;
    while !note.ends_with("suppressed") {
        note = child.stderr().await;
    }
    assert_eq!(note, "… 200 lines suppressed");
}

#[tokio::test]
async fn stderr_is_fit_for_a_log() {
    let mut child =
        sh(r"printf '\033[31mred\033[0m\n\n' >&2; head -c 100000 /dev/zero >&2; exit 1");
    assert_eq!(child.stderr().await, "red");
    let cut = child.stderr().await;
    assert!(cut.starts_with(r"\u{0}") && cut.ends_with("(cut)"));
    assert!(cut.len() < 8300, "{} bytes", cut.len());
}
