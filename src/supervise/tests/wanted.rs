//! What a new configuration does: only what changed is touched, and nobody has two instances.

use super::*;
use Did::{Removed, Spawn, Stop};
use FailureKind::Exited;

fn two() -> Bench {
    let mut bench = Bench::new();
    bench.want(&[run("a", 1), run("b", 1)]);
    bench.ready("a");
    bench.ready("b");
    bench
}

#[test]
fn the_diff_names_what_changed_and_only_that_is_touched() {
    let mut bench = two();
    bench.want(&[run("a", 1), run("b", 1), run("c", 1)]);
    let did = bench.want(&[run("c", 1), run("d", 7), run("b", 2)]);
    assert_eq!(did, [Stop("b"), Stop("a"), Spawn("d", 7)]);
    let diff = Diff {
        added: vec!["d"],
        changed: vec![("b", 1, 2)],
        removed: vec!["a"],
        unchanged: vec!["c"],
    };
    assert_eq!(bench.diff, Some(diff));
    let order: Vec<_> = bench.children.laddered().map(|(id, _)| *id).collect();
    assert_eq!(order, ["c", "d", "b"]);
}

#[test]
fn the_same_set_again_touches_nothing() {
    let mut bench = two();
    assert_eq!(bench.want(&[run("a", 1), run("b", 1)]), []);
    assert!(bench.diff.as_ref().unwrap().is_empty());
    assert_eq!(bench.effects, []);
}

#[test]
fn a_changed_child_drains_before_its_successor_starts() {
    let mut bench = two();
    assert_eq!(bench.want(&[run("a", 2), run("b", 1)]), [Stop("a")]);
    let restarts = true;
    let generation = bench.generation("a");
    assert_eq!(
        bench.status("a"),
        Some(Status::Stopping {
            generation,
            restarts,
            sleeps: false,
        })
    );
    assert_eq!(bench.exits("a", Exited), [Spawn("a", 2)]);
    assert_eq!(
        bench.armed(ChildTimer::Slot),
        None,
        "a restart takes no slot"
    );
}

#[test]
fn what_is_changed_again_while_it_drains_starts_with_the_latest_spec() {
    let mut bench = two();
    bench.want(&[run("a", 2), run("b", 1)]);
    assert_eq!(
        bench.want(&[run("a", 1), run("b", 1)]),
        [],
        "changed back: not asked twice, not started beside it"
    );
    assert_eq!(bench.diff.as_ref().unwrap().changed, [("a", 2, 1)]);
    assert_eq!(bench.exits("a", Exited), [Spawn("a", 1)]);
}

#[test]
fn a_removed_child_is_gone_when_it_has_drained() {
    let mut bench = two();
    assert_eq!(bench.want(&[run("b", 1)]), [Stop("a")]);
    assert_eq!(bench.children.laddered().count(), 1);
    assert_eq!(bench.exits("a", Exited), [Removed("a")]);
    assert_eq!(bench.status("a"), None);
}

#[test]
fn a_removed_child_in_backoff_never_comes_back() {
    let mut bench = two();
    bench.exits("a", Exited);
    let generation = bench.generation("a");
    assert_eq!(bench.want(&[run("b", 1)]), [Removed("a")]);
    assert_eq!(bench.timer("a", generation, ChildTimer::Backoff), []);
    assert_eq!(bench.status("a"), None);
}

#[test]
fn a_readded_child_comes_back_once_the_old_one_is_gone() {
    let mut bench = two();
    bench.want(&[run("b", 1)]);
    assert_eq!(bench.want(&[run("b", 1), run("a", 1)]), []);
    assert_eq!(bench.diff.as_ref().unwrap().added, ["a"]);
    assert_eq!(bench.exits("a", Exited), [Spawn("a", 1)]);
    assert!(bench.start().unwrap().first, "it is a new child");
}

#[test]
fn what_is_changed_and_then_removed_while_it_drains_stays_away() {
    let mut bench = two();
    bench.want(&[run("a", 2), run("b", 1)]);
    assert_eq!(bench.want(&[run("b", 1)]), [], "it has been asked already");
    assert_eq!(bench.exits("a", Exited), [Removed("a")]);
}

#[test]
fn a_kept_name_keeps_what_it_has() {
    let mut bench = two();
    bench.exits("b", Exited);
    let before = (bench.status("a"), bench.status("b"));
    assert_eq!(bench.want(&[keep("a"), keep("b"), keep("never ran")]), []);
    assert_eq!((bench.status("a"), bench.status("b")), before);
    assert_eq!(bench.status("never ran"), None);
    assert_eq!(bench.diff.as_ref().unwrap().unchanged, ["a", "b"]);
    assert_eq!(bench.wait_out("b"), [Spawn("b", 1)]);
}

#[test]
fn a_removed_name_that_is_kept_later_stays_removed() {
    let mut bench = two();
    bench.want(&[run("b", 1)]);
    assert_eq!(bench.want(&[keep("a"), run("b", 1)]), []);
    assert_eq!(bench.exits("a", Exited), [Removed("a")]);
}

#[test]
fn a_name_that_comes_twice_counts_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.want(&[run("a", 1), run("a", 2)]), [Spawn("a", 1)]);
    assert_eq!(bench.diff.as_ref().unwrap().added, ["a"]);
}

#[test]
fn after_the_shutdown_began_nothing_is_started() {
    let mut bench = two();
    bench.want(&[
        run("a", 1),
        run("b", 1),
        run("failing", 1),
        run("changing", 1),
    ]);
    bench.exits("failing", Exited);
    bench.want(&[
        run("a", 1),
        run("b", 1),
        run("failing", 1),
        run("changing", 2),
    ]);
    let failing = bench.generation("failing");
    let effects = bench.children.shut_down(secs(4));
    assert_eq!(bench.see(effects), [], "what runs goes on");
    assert_eq!(bench.status("failing"), Some(Status::Stopped));
    let Some(Status::Stopping { restarts, .. }) = bench.status("changing") else {
        panic!("{:?}", bench.status("changing"));
    };
    assert!(!restarts, "nobody waits for a successor that will not come");
    assert_eq!(bench.timer("failing", failing, ChildTimer::Backoff), []);
    assert_eq!(bench.exits("a", Exited), []);
    assert_eq!(bench.want_or_retry(&[run("new", 1)], true), []);
    let effects = bench.children.stop_all_laddered();
    assert_eq!(
        bench.see(effects),
        [Stop("b"), Stop("changing")],
        "who drains already is asked again"
    );
    assert_eq!(bench.armed(ChildTimer::Stop), Some(secs(4)));
    assert_eq!(bench.exits("changing", Exited), []);
    assert_eq!(bench.children.live_laddered(), 1);
    assert_eq!(bench.exits("b", Exited), []);
    assert!(bench.children.is_quiet());
}
