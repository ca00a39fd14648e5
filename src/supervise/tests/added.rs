//! Children that come one by one: what a full set does to them, and they to it.

use super::*;
use Did::{Kill, Removed, Spawn, Stop};
use FailureKind::Exited;

/// One of a full set and one that was added, both ready.
fn one_and_one() -> Bench {
    let mut bench = Bench::new();
    bench.want(&[run("a", 1)]);
    assert_eq!(bench.add("x", 1), [Spawn("x", 1)]);
    bench.ready("a");
    bench.ready("x");
    bench
}

#[test]
fn a_full_set_neither_removes_nor_names_what_was_added() {
    let mut bench = one_and_one();
    assert_eq!(bench.want(&[run("b", 1)]), [Stop("a"), Spawn("b", 1)]);
    let diff = Diff {
        added: vec!["b"],
        changed: vec![],
        removed: vec!["a"],
        unchanged: vec![],
    };
    assert_eq!(bench.diff, Some(diff));
    assert!(matches!(bench.status("x"), Some(Status::Ready { .. })));
    let named: Vec<_> = bench.children.laddered().map(|(id, _)| *id).collect();
    assert_eq!((named, bench.children.added()), (vec!["b"], &["x"][..]));
}

#[test]
fn adding_it_again_touches_nothing() {
    let mut bench = one_and_one();
    assert_eq!(bench.add("x", 1), []);
    assert_eq!(bench.effects, []);
    assert_eq!(bench.children.added(), ["x"]);
}

#[test]
fn a_name_of_another_kind_is_ignored_both_ways() {
    let mut bench = one_and_one();
    bench.permanent("p", None);
    assert_eq!(bench.add("a", 2), []);
    assert_eq!(bench.add("p", 2), []);
    assert_eq!(bench.want(&[run("a", 1), run("x", 2), run("p", 2)]), []);
    assert!(bench.diff.as_ref().unwrap().is_empty());
    assert_eq!(bench.remove("a"), []);
    assert_eq!(bench.remove("p"), []);
    assert_eq!(bench.effects, []);
}

#[test]
fn a_removed_one_stops_is_forgotten_and_never_comes_back() {
    let mut bench = one_and_one();
    assert_eq!(bench.remove("x"), [Stop("x")]);
    assert_eq!(
        (bench.children.added(), bench.children.spec(&"x")),
        (&[][..], None)
    );
    assert_eq!(bench.remove("x"), [], "once");
    assert_eq!(bench.children.live_laddered(), 2, "it is not gone yet");
    let generation = bench.generation("x");
    assert_eq!(bench.timer("x", generation, ChildTimer::Stop), [Kill("x")]);
    assert_eq!(bench.exits("x", Exited), [Removed("x")]);
    assert_eq!(bench.status("x"), None);
}

#[test]
fn a_removed_one_in_backoff_or_in_the_queue_is_gone_at_once() {
    let mut bench = one_and_one();
    bench.exits("x", Exited);
    let generation = bench.generation("x");
    assert_eq!(bench.remove("x"), [Removed("x")]);
    assert_eq!(bench.timer("x", generation, ChildTimer::Backoff), []);
    for id in ["1", "2", "3", "4", "5"] {
        bench.add(id, 1);
    }
    assert_eq!(bench.remove("5"), [Removed("5")]);
    assert_eq!(bench.exits("1", Exited), []);
}

#[test]
fn what_comes_back_while_it_stops_starts_once_the_old_one_is_gone() {
    let mut bench = one_and_one();
    bench.remove("x");
    assert_eq!(bench.add("x", 1), []);
    assert_eq!(bench.exits("x", Exited), [Spawn("x", 1)]);
    assert!(bench.start().unwrap().first, "it is a new child");
}

#[test]
fn another_spec_makes_it_a_new_child_that_waits_for_the_old_one_and_for_a_slot() {
    let mut bench = one_and_one();
    for id in ["1", "2", "3", "4"] {
        bench.add(id, 1);
    }
    assert_eq!(bench.add("x", 2), [Stop("x")]);
    let Some(Status::Stopping { restarts, .. }) = bench.status("x") else {
        panic!("{:?}", bench.status("x"));
    };
    assert!(restarts);
    assert_eq!(bench.add("x", 3), [], "not asked twice");
    assert_eq!(bench.exits("x", Exited), [], "four are starting");
    assert_eq!(bench.status("x"), Some(Status::Queued));
    assert_eq!(bench.ready("1"), [Spawn("x", 3)]);
    assert_eq!(bench.children.added(), ["x", "1", "2", "3", "4"]);
}

#[test]
fn another_spec_ends_the_wait_for_the_next_try() {
    let mut bench = one_and_one();
    bench.fail_times("x", 4);
    bench.exits("x", Exited);
    assert_eq!(bench.add("x", 2), [Spawn("x", 2)]);
    assert_eq!(bench.children.failures(&"x"), 0);
}

#[test]
fn it_climbs_the_ladder_like_everybody_and_a_retry_is_for_it_too() {
    let mut bench = one_and_one();
    bench.fail_times("x", 5);
    assert!(bench.status("x").unwrap().is_crash_looping());
    bench.exits("x", Exited);
    let retried = bench.want_or_retry(&[run("a", 1)], true);
    assert_eq!(retried, [Spawn("x", 1)]);
    assert!(bench.diff.as_ref().unwrap().is_empty());
}

#[test]
fn first_starts_share_the_slots_and_come_after_the_full_set_in_their_order() {
    let mut bench = Bench::new();
    for id in ["1", "2", "3", "4"] {
        assert_eq!(bench.add(id, 1), [Spawn(id, 1)]);
    }
    assert_eq!(bench.add("z", 1), []);
    assert_eq!(bench.add("y", 1), []);
    assert_eq!(bench.want(&[run("a", 1)]), []);
    for (ready, next) in [("1", "a"), ("2", "z"), ("3", "y")] {
        assert_eq!(bench.ready(ready), [Spawn(next, 1)]);
    }
}

#[test]
fn a_shutdown_stops_it_with_the_others_and_nothing_is_added_any_more() {
    let mut bench = one_and_one();
    let effects = bench.children.shut_down(secs(4));
    assert_eq!(bench.see(effects), []);
    assert_eq!(bench.add("y", 1), []);
    assert_eq!(bench.add("x", 2), []);
    let effects = bench.children.stop_all_laddered();
    assert_eq!(bench.see(effects), [Stop("a"), Stop("x")]);
    bench.remove("x");
    assert_eq!(bench.exits("x", Exited), [Removed("x")]);
    assert_eq!(bench.status("y"), None);
    bench.exits("a", Exited);
    assert!(bench.children.is_quiet());
}
