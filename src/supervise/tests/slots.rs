//! Start slots: how many servers may be in their first start at once.

use super::*;
use Did::Spawn;
use FailureKind::Exited;

const SIX: [&str; 6] = ["f", "e", "d", "c", "b", "a"];

fn six() -> Bench {
    let mut bench = Bench::new();
    let started = bench.want(&SIX.map(|id| run(id, 1)));
    assert_eq!(
        started,
        ["f", "e", "d", "c"].map(|id| Spawn(id, 1)),
        "four at once, in the wanted order"
    );
    assert_eq!(bench.status("b"), Some(Status::Queued));
    assert!(bench.start().unwrap().first);
    bench
}

#[test]
fn a_slot_is_freed_by_initialize() {
    let mut bench = six();
    let (id, generation) = ("d", bench.generation("d"));
    assert_eq!(
        bench.on(Event::Initialised { id, generation }),
        [Spawn("b", 1)]
    );
    assert_eq!(
        bench.on(Event::Initialised { id, generation }),
        [],
        "once only"
    );
}

#[test]
fn a_slot_is_freed_by_an_exit_and_the_restart_takes_none() {
    let mut bench = six();
    assert_eq!(bench.exits("f", Exited), [Spawn("b", 1)]);
    assert_eq!(bench.wait_out("f"), [Spawn("f", 1)]);
    assert!(!bench.start().unwrap().first);
    assert_eq!(bench.armed(ChildTimer::Slot), None);
    assert_eq!(bench.exits("e", Exited), [Spawn("a", 1)]);
}

#[test]
fn a_slot_is_freed_after_two_seconds() {
    let mut bench = six();
    assert_eq!(bench.armed(ChildTimer::Slot), Some(secs(2)));
    let generation = bench.generation("c");
    let next = bench.pass(secs(2)).timer("c", generation, ChildTimer::Slot);
    assert_eq!(next, [Spawn("b", 1)]);
}

#[test]
fn a_slot_is_freed_by_readiness_and_by_removal() {
    let mut bench = six();
    assert_eq!(bench.ready("f"), [Spawn("b", 1)]);
    let without_e = ["f", "d", "c", "b", "a"].map(|id| run(id, 1));
    assert_eq!(bench.want(&without_e), [Did::Stop("e"), Spawn("a", 1)]);
}

#[test]
fn the_queue_follows_the_newest_order_and_forgets_who_left() {
    let mut bench = six();
    let order = ["a", "f", "e", "d", "c"].map(|id| run(id, 1));
    assert_eq!(bench.want(&order), [Did::Removed("b")]);
    assert_eq!(
        bench.want(&[run("z", 1)].into_iter().chain(order).collect::<Vec<_>>()),
        []
    );
    assert_eq!(bench.exits("f", Exited), [Spawn("z", 1)]);
    assert_eq!(bench.exits("e", Exited), [Spawn("a", 1)]);
}

#[test]
fn a_spec_that_changes_in_the_queue_is_the_one_that_starts() {
    let mut bench = six();
    let mut wanted = SIX.map(|id| run(id, 1));
    wanted[4] = run("b", 2);
    assert_eq!(bench.want(&wanted), []);
    assert_eq!(bench.exits("f", Exited), [Spawn("b", 2)]);
}
