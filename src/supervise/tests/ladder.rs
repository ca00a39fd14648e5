//! The ladder as children climb it, and the start deadline that grows until an install converges.

use super::*;
use Did::{Kill, Spawn, Stop};
use FailureKind::{Exited, StartTimedOut};

fn running() -> Bench {
    let mut bench = Bench::new();
    assert_eq!(bench.want(&[run("a", 1)]), [Spawn("a", 1)]);
    bench
}

#[test]
fn every_failure_in_a_row_waits_twice_as_long() {
    let mut bench = running();
    for step in [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000] {
        assert_eq!(bench.exits("a", Exited), []);
        let delay = bench.armed(ChildTimer::Backoff).unwrap();
        assert!(delay >= ms(step * 8 / 10) && delay <= ms(step * 12 / 10));
        assert_eq!(bench.wait_out("a"), [Spawn("a", 1)]);
    }
}

#[test]
fn only_the_first_step_counts_as_a_start() {
    let mut bench = running();
    let is_first_step = |bench: &Bench| {
        let Some(Status::Backoff { first_step, .. }) = bench.status("a") else {
            panic!("{:?}", bench.status("a"));
        };
        first_step
    };
    bench.exits("a", Exited);
    assert!(is_first_step(&bench));
    bench.wait_out("a");
    bench.exits("a", Exited);
    assert!(!is_first_step(&bench));
}

#[test]
fn a_run_that_was_ready_for_a_minute_is_restarted_at_once() {
    let mut bench = running();
    bench.fail_times("a", 3);
    bench.ready("a");
    assert_eq!(bench.pass(secs(60)).exits("a", Exited), [Spawn("a", 1)]);
    assert_eq!(bench.start().unwrap().failures, 0);
    // And the ladder begins at its foot.
    bench.exits("a", Exited);
    assert!(bench.armed(ChildTimer::Backoff).unwrap() <= ms(600));
}

#[test]
fn a_run_that_was_ready_for_less_is_not_stable() {
    let mut bench = running();
    bench.fail_times("a", 3);
    bench.ready("a");
    assert_eq!(bench.pass(ms(59_999)).exits("a", Exited), []);
    assert!(
        bench.armed(ChildTimer::Backoff).unwrap() >= ms(3200),
        "the fourth step"
    );
}

#[test]
fn running_without_being_ready_is_not_stable_either() {
    let mut bench = running();
    assert_eq!(bench.pass(secs(600)).exits("a", Exited), []);
}

#[test]
fn the_fifth_failure_in_a_row_is_crash_looping_until_a_stable_minute() {
    let mut bench = running();
    bench.fail_times("a", 3);
    bench.exits("a", Exited);
    assert!(!bench.status("a").unwrap().is_crash_looping());
    bench.wait_out("a");
    bench.exits("a", Exited);
    assert!(bench.status("a").unwrap().is_crash_looping());
    assert!(bench.effects.contains(&Effect::StatusChanged { id: "a" }));
    bench.wait_out("a");
    assert!(bench.status("a").unwrap().is_crash_looping());
    bench.ready("a");
    assert!(bench.status("a").unwrap().is_crash_looping());
    assert_eq!(bench.armed(ChildTimer::Stable), Some(secs(60)));
    let generation = bench.generation("a");
    bench
        .pass(secs(60))
        .timer("a", generation, ChildTimer::Stable);
    assert!(!bench.status("a").unwrap().is_crash_looping());
    assert_eq!(bench.children.failures(&"a"), 0);
}

#[test]
fn the_start_deadline_doubles_only_for_what_was_never_ready_and_ran_into_it() {
    let mut bench = running();
    let mut next = |kind| {
        bench.exits("a", kind);
        bench.wait_out("a");
        bench.start().unwrap().deadline
    };
    assert_eq!(next(Exited), secs(30), "another failure does not count");
    for expected in [60, 120, 240, 300, 300] {
        assert_eq!(next(StartTimedOut), secs(expected));
    }
}

#[test]
fn once_ready_the_start_deadline_stays_where_it_was() {
    let mut bench = running();
    bench.exits("a", StartTimedOut);
    bench.wait_out("a");
    bench.ready("a");
    for _ in 0..3 {
        bench.exits("a", StartTimedOut);
        bench.wait_out("a");
        assert_eq!(bench.start().unwrap().deadline, secs(60));
    }
}

#[test]
fn a_configured_deadline_over_the_cap_is_not_shortened() {
    let mut bench = Bench::new();
    let what = Wanted::Run {
        spec: 1,
        start_deadline: secs(400),
        begin: Begin::Now,
    };
    bench.want(&[Want { id: "a", what }]);
    assert_eq!(bench.start().unwrap().deadline, secs(400));
    bench.exits("a", StartTimedOut);
    bench.wait_out("a");
    assert_eq!(bench.start().unwrap().deadline, secs(400));
}

#[test]
fn a_changed_spec_starts_over_in_everything() {
    let mut bench = running();
    for _ in 0..6 {
        bench.exits("a", StartTimedOut);
        bench.wait_out("a");
    }
    bench.exits("a", StartTimedOut);
    assert_eq!(bench.want(&[run("a", 2)]), [Spawn("a", 2)], "at once");
    let start = bench.start().unwrap();
    assert_eq!((start.deadline, start.failures), (secs(30), 0));
    assert!(!bench.status("a").unwrap().is_crash_looping());
    bench.exits("a", StartTimedOut);
    bench.wait_out("a");
    assert_eq!(bench.start().unwrap().deadline, secs(60));
}

#[test]
fn another_deadline_alone_restarts_nothing() {
    let mut bench = running();
    let what = Wanted::Run {
        spec: 1,
        start_deadline: secs(5),
        begin: Begin::Now,
    };
    assert_eq!(bench.want(&[Want { id: "a", what }]), []);
    bench.exits("a", Exited);
    bench.wait_out("a");
    assert_eq!(bench.start().unwrap().deadline, secs(5));
}

#[test]
fn a_retry_tries_what_is_in_backoff_at_once_and_touches_nothing_else() {
    let mut bench = Bench::new();
    let wanted = [
        run("failing", 1),
        run("fine", 1),
        keep("failing, and wrong by now"),
    ];
    bench.want(&[run("failing", 1), run("fine", 1), run(wanted[2].id, 1)]);
    bench.fail_times("failing", 4);
    bench.exits("failing", Exited);
    bench.exits(wanted[2].id, Exited);
    bench.ready("fine");
    assert_eq!(
        bench.want_or_retry(&wanted, true),
        [Spawn("failing", 1), Spawn(wanted[2].id, 1)]
    );
    assert_eq!(bench.start().unwrap().failures, 0);
    assert_eq!(bench.diff.as_ref().unwrap().unchanged.len(), 3);
    bench.exits("failing", Exited);
    assert!(
        bench.armed(ChildTimer::Backoff).unwrap() <= ms(600),
        "its ladder starts over"
    );
}

#[test]
fn a_timer_of_an_old_generation_does_nothing() {
    let mut bench = running();
    bench.ready("a");
    bench.exits("a", Exited);
    let old = bench.generation("a");
    bench.want_or_retry(&[run("a", 1)], true);
    for timer in [
        ChildTimer::Backoff,
        ChildTimer::Slot,
        ChildTimer::Stop,
        ChildTimer::Stable,
    ] {
        assert_eq!(bench.timer("a", old, timer), [], "{timer:?} while starting");
    }
    bench.exits("a", Exited);
    assert_eq!(bench.timer("a", old, ChildTimer::Backoff), [], "in backoff");
    bench.wait_out("a");
    bench.want(&[]);
    assert_eq!(
        bench.timer("a", old, ChildTimer::Stop),
        [],
        "while stopping"
    );
    let id = "a";
    let (generation, failure) = (old, failure(Exited));
    assert_eq!(
        bench.on(Event::Exited {
            id,
            generation,
            failure
        }),
        []
    );
}

#[test]
fn a_child_that_does_not_stop_in_time_is_killed() {
    let mut bench = running();
    assert_eq!(bench.want(&[]), [Stop("a")]);
    assert_eq!(bench.armed(ChildTimer::Stop), Some(secs(10)));
    let generation = bench.generation("a");
    let killed = bench
        .pass(secs(10))
        .timer("a", generation, ChildTimer::Stop);
    assert_eq!(killed, [Kill("a")]);
    assert_eq!(
        bench.exits("a", FailureKind::Killed),
        [Did::Removed("a")],
        "and is gone only then"
    );
}

#[test]
fn who_does_not_let_in_waits_for_the_last_step_and_counts_as_no_failure() {
    let mut bench = running();
    bench.fail_times("a", 2);
    for _ in 0..8 {
        assert_eq!(bench.exits("a", FailureKind::Unauthorized), []);
        let delay = bench.armed(ChildTimer::Backoff).unwrap();
        assert!(delay >= secs(48) && delay <= secs(72), "{delay:?}");
        let Some(Status::Backoff {
            first_step: false,
            failures: 2,
            crash_looping: false,
            ..
        }) = bench.status("a")
        else {
            panic!("{:?}", bench.status("a"));
        };
        assert_eq!(bench.wait_out("a"), [Spawn("a", 1)]);
    }
    // Each configuration that is read has it tried again; another failure waits.
    bench.exits("a", FailureKind::Unauthorized);
    assert_eq!(bench.want(&[run("a", 1)]), [Spawn("a", 1)]);
    bench.exits("a", Exited);
    assert_eq!(bench.want(&[run("a", 1)]), []);
}

#[test]
fn who_was_let_in_for_long_is_tried_at_once_but_once() {
    let mut bench = running();
    bench.ready("a");
    assert_eq!(
        bench.pass(secs(600)).exits("a", FailureKind::Unauthorized),
        [Spawn("a", 1)]
    );
    assert_eq!(bench.exits("a", FailureKind::Unauthorized), []);
    assert!(bench.armed(ChildTimer::Backoff).unwrap() >= secs(48));
}
