//! A restart that is asked for: an orderly stop and a start, and no failure.

use super::*;
use Did::{Spawn, Stop};

#[test]
fn one_that_runs_is_stopped_and_started_and_has_not_failed() {
    let mut bench = Bench::new();
    bench.want(&[run("a", 1)]);
    bench.fail_times("a", 3);
    assert_eq!(bench.restart("a"), Some(vec![Stop("a")]), "while it starts");
    assert_eq!(bench.exits("a", FailureKind::Exited), [Spawn("a", 1)]);
    assert_eq!(bench.children.failures(&"a"), 0);
    bench.ready("a");
    assert_eq!(bench.restart("a"), Some(vec![Stop("a")]));
    let stopping = Some(Status::Stopping {
        generation: bench.generation("a"),
        restarts: true,
        sleeps: false,
    });
    assert_eq!(bench.status("a"), stopping);
    assert_eq!(bench.restart("a"), Some(vec![]), "it is on its way");
    assert_eq!(bench.exits("a", FailureKind::Killed), [Spawn("a", 1)]);
    assert_eq!(bench.children.failures(&"a"), 0);
}

#[test]
fn one_that_waits_is_tried_at_once_from_the_foot_of_its_ladder() {
    let mut bench = Bench::new();
    bench.want(&[run("a", 1)]);
    bench.fail_times("a", 6);
    bench.exits("a", FailureKind::StartFailed);
    assert_eq!(bench.restart("a"), Some(vec![Spawn("a", 1)]));
    assert_eq!(bench.start().map(|start| start.failures), Some(0));
    bench.exits("a", FailureKind::StartFailed);
    assert_eq!(bench.children.failures(&"a"), 1);
}

#[test]
fn who_is_not_there_or_on_the_way_out_is_not_restarted() {
    let mut bench = Bench::new();
    bench.permanent("p", None);
    bench.want(&[run("a", 1), run("b", 1)]);
    bench.want(&[run("b", 1)]);
    for id in ["p", "a", "x"] {
        assert_eq!(bench.restart(id), None, "{id}");
    }
    bench.children.shut_down(secs(1));
    assert_eq!(bench.restart("b"), None, "it is the end");
}

#[test]
fn one_that_has_not_had_its_turn_keeps_its_place() {
    let mut bench = Bench::new();
    let names = ["a", "b", "c", "d", "e"];
    bench.want(&names.map(|name| run(name, 1)));
    assert_eq!(bench.status("e"), Some(Status::Queued));
    assert_eq!(bench.restart("e"), Some(vec![]));
    assert_eq!(bench.status("e"), Some(Status::Queued));
}
