//! The policy table of the room's page, row by row: policy × kind of exit → what happens.

use super::*;
use Did::{GiveUp, Removed, Spawn};
use FailureKind::{Exited, Finished, Hung, Killed, Panicked, StartFailed, StartTimedOut};

const KINDS: [FailureKind; 6] = [Exited, StartTimedOut, StartFailed, Panicked, Killed, Hung];

#[derive(Debug, Clone, Copy)]
enum Asked {
    No,
    ToChange,
    ToLeave,
    ToRest,
}

/// What is left after an exit of this kind.
fn after(is_permanent: bool, kind: FailureKind, asked: Asked) -> (Vec<Did>, Option<Status>) {
    let mut bench = Bench::new();
    if is_permanent {
        bench.permanent("a", None);
    } else {
        bench.want(&[run("a", 0)]);
    }
    bench.ready("a");
    match asked {
        Asked::No => {}
        Asked::ToChange => drop(bench.want(&[run("a", 1)])),
        Asked::ToLeave => drop(bench.want(&[])),
        Asked::ToRest => drop(bench.children.stop_child(&"a")),
    }
    (bench.exits("a", kind), bench.status("a"))
}

#[test]
fn a_permanent_child_is_restarted_whatever_ended_it() {
    for kind in KINDS {
        let (did, status) = after(true, kind, Asked::No);
        assert_eq!(did, [Spawn("a", 0)], "{kind:?}");
        assert!(status.unwrap().is_live());
    }
}

#[test]
fn a_permanent_child_that_was_asked_to_stop_rests() {
    for kind in KINDS {
        let (did, status) = after(true, kind, Asked::ToRest);
        assert_eq!((did, status), (vec![], Some(Status::Stopped)), "{kind:?}");
    }
}

#[test]
fn a_permanent_child_gives_up_whatever_ends_it() {
    for kind in KINDS {
        let mut bench = Bench::new();
        bench.permanent("a", None);
        for _ in 0..5 {
            assert_eq!(bench.exits("a", kind), [Spawn("a", 0)], "{kind:?}");
        }
        assert_eq!(bench.exits("a", kind), [GiveUp("a")], "{kind:?}");
    }
}

#[test]
fn a_laddered_child_waits_whatever_ended_it() {
    for kind in KINDS {
        let (did, status) = after(false, kind, Asked::No);
        assert_eq!(did, [], "{kind:?}");
        let Some(Status::Backoff { failures, last, .. }) = status else {
            panic!("{kind:?}: {status:?}");
        };
        assert_eq!((failures, last), (1, failure(kind)));
    }
}

#[test]
fn a_laddered_child_whose_work_was_done_is_restarted_at_once_and_has_not_failed() {
    let (did, _) = after(false, Finished, Asked::No);
    assert_eq!(did, [Spawn("a", 0)]);
    let mut bench = Bench::new();
    bench.want(&[run("a", 0)]);
    bench.fail_times("a", 6);
    for _ in 0..100 {
        bench.ready("a");
        assert_eq!(bench.exits("a", Finished), [Spawn("a", 0)]);
        assert_eq!(bench.start().unwrap().failures, 0);
        assert!(!bench.status("a").unwrap().is_crash_looping());
    }
}

#[test]
fn a_laddered_child_that_was_stable_is_restarted_whatever_ended_it() {
    for kind in KINDS {
        let mut bench = Bench::new();
        bench.want(&[run("a", 0)]);
        bench.ready("a");
        let did = bench.pass(secs(60)).exits("a", kind);
        assert_eq!(did, [Spawn("a", 0)], "{kind:?}");
    }
}

#[test]
fn a_laddered_child_that_was_asked_to_stop_does_what_it_was_asked_for() {
    for kind in KINDS {
        let (did, _) = after(false, kind, Asked::ToChange);
        assert_eq!(did, [Spawn("a", 1)], "{kind:?}");
        let (did, status) = after(false, kind, Asked::ToLeave);
        assert_eq!((did, status), (vec![Removed("a")], None), "{kind:?}");
        let (did, status) = after(false, kind, Asked::ToRest);
        assert_eq!((did, status), (vec![], Some(Status::Stopped)), "{kind:?}");
    }
}

#[test]
fn one_that_came_alone_and_was_removed_is_forgotten_whatever_ended_it() {
    for kind in KINDS {
        let mut bench = Bench::new();
        bench.add("a", 0);
        bench.remove("a");
        assert_eq!(bench.exits("a", kind), [Removed("a")], "{kind:?}");
        assert_eq!(bench.status("a"), None);
    }
}

#[test]
fn after_a_shutdown_began_everybody_rests() {
    for kind in KINDS {
        let mut bench = Bench::new();
        bench.permanent("p", None);
        bench.want(&[run("a", 0), run("leaving", 0)]);
        bench.want(&[run("a", 0)]);
        bench.children.shut_down(secs(1));
        for (id, left) in [("p", Some(Status::Stopped)), ("a", Some(Status::Stopped))] {
            assert_eq!(bench.exits(id, kind), [], "{kind:?}");
            assert_eq!(bench.status(id), left);
        }
        assert_eq!(bench.exits("leaving", kind), [Removed("leaving")]);
    }
}
