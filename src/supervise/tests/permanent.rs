//! Permanent children: the order in which those that depend on one another come back, and the
//! intensity that ends it all.

use super::*;
use Did::{GiveUp, Spawn, Stop};
use FailureKind::{Exited, Panicked};

/// `sessions` ← `listener` ← `beacon`, and `config` beside them.
fn tree() -> Bench {
    let mut bench = Bench::new();
    assert_eq!(bench.permanent("config", None), [Spawn("config", 0)]);
    bench.permanent("sessions", None);
    bench.permanent("listener", Some("sessions"));
    bench.permanent("beacon", Some("listener"));
    bench
}

#[test]
fn a_dependent_is_stopped_and_started_after_what_it_depends_on() {
    let mut bench = tree();
    assert_eq!(
        bench.exits("sessions", Panicked),
        [Stop("beacon"), Stop("listener"), Spawn("sessions", 0)],
        "the last started stops first"
    );
    assert_eq!(bench.exits("beacon", Exited), []);
    assert_eq!(
        bench.status("beacon"),
        Some(Status::Queued),
        "its own dependency is not back yet"
    );
    assert_eq!(
        bench.exits("listener", Exited),
        [Spawn("listener", 0), Spawn("beacon", 0)]
    );
}

#[test]
fn a_dependency_that_dies_again_meanwhile_is_waited_for() {
    let mut bench = tree();
    bench.exits("listener", Panicked);
    assert_eq!(
        bench.exits("sessions", Panicked),
        [Stop("listener"), Spawn("sessions", 0)]
    );
    assert_eq!(
        bench.exits("sessions", Panicked),
        [Spawn("sessions", 0)],
        "who drains is not asked twice"
    );
    bench.exits("beacon", Exited);
    assert_eq!(
        bench.exits("listener", Exited),
        [Spawn("listener", 0), Spawn("beacon", 0)]
    );
}

#[test]
fn a_dependent_that_dies_takes_nobody_above_with_it() {
    let mut bench = tree();
    assert_eq!(
        bench.exits("listener", Panicked),
        [Stop("beacon"), Spawn("listener", 0)]
    );
    assert_eq!(bench.exits("beacon", Exited), [Spawn("beacon", 0)]);
}

#[test]
fn five_restarts_in_thirty_seconds_are_borne_and_the_sixth_gives_up() {
    let mut bench = tree();
    for id in ["config", "beacon", "config", "beacon", "config"] {
        assert_eq!(bench.pass(secs(6)).exits(id, Panicked), [Spawn(id, 0)]);
    }
    assert_eq!(
        bench.pass(secs(6)).exits("config", Panicked),
        [GiveUp("config")],
        "thirty seconds after the first"
    );
    assert_eq!(bench.status("config"), Some(Status::Stopped));
    assert_eq!(
        bench.pass(secs(60)).exits("beacon", Panicked),
        [],
        "having given up, nothing is started"
    );
}

#[test]
fn restarts_that_are_far_enough_apart_go_on_for_ever() {
    let mut bench = tree();
    for _ in 0..50 {
        let did = bench.pass(ms(6001)).exits("config", Panicked);
        assert_eq!(did, [Spawn("config", 0)]);
    }
}

#[test]
fn what_is_stopped_with_its_dependency_does_not_count_as_a_restart() {
    let mut bench = tree();
    for _ in 0..5 {
        bench.exits("sessions", Panicked);
        bench.exits("beacon", Exited);
        let did = bench.exits("listener", Exited);
        assert_eq!(did, [Spawn("listener", 0), Spawn("beacon", 0)]);
    }
    assert_eq!(bench.exits("sessions", Panicked), [GiveUp("sessions")]);
}

#[test]
fn one_that_is_stopped_in_a_shutdown_rests_and_takes_nobody_with_it() {
    let mut bench = tree();
    bench.children.shut_down(secs(1));
    let effects = bench.children.stop_child(&"listener");
    assert_eq!(bench.see(effects), [Stop("listener")]);
    assert_eq!(bench.armed(ChildTimer::Stop), Some(secs(1)));
    assert_eq!(bench.exits("listener", Exited), []);
    assert_eq!(bench.exits("sessions", Panicked), []);
    assert_eq!(bench.status("sessions"), Some(Status::Stopped));
    assert!(!bench.children.is_quiet(), "config and beacon are up");
    assert_eq!(bench.permanent("late", None), [], "nor is anything added");
}

#[test]
fn laddered_failures_never_escalate() {
    let mut bench = tree();
    bench.want(&[run("upstream", 1)]);
    bench.fail_times("upstream", 100);
    assert_eq!(bench.exits("config", Panicked), [Spawn("config", 0)]);
}

#[test]
fn a_permanent_name_is_not_for_the_wanted() {
    let mut bench = tree();
    assert_eq!(bench.want(&[run("config", 1)]), []);
    assert_eq!(bench.want(&[]), []);
    assert!(bench.status("config").unwrap().is_live());
    assert_eq!(bench.permanent("config", None), [], "nor to be given twice");
}
