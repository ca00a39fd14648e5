//! Those who sleep until they are wanted: what wakes them, and that no wake is lost.

use super::*;
use Did::{Kill, Spawn, Stop};

fn asleep() -> Bench {
    let mut bench = Bench::new();
    assert_eq!(bench.want(&[run_from("a", 1, Begin::Asleep)]), []);
    assert_eq!(bench.status("a"), Some(Status::Asleep));
    bench
}

fn ready() -> Bench {
    let mut bench = asleep();
    assert_eq!(bench.wake("a"), [Spawn("a", 1)]);
    bench.ready("a");
    bench
}

impl Bench {
    fn wake(&mut self, id: &'static str) -> Vec<Did> {
        let effects = self.children.wake(&id);
        self.see(effects)
    }

    fn rouse(&mut self, id: &'static str) -> Vec<Did> {
        let effects = self.children.rouse(&id);
        self.see(effects)
    }

    fn sleep(&mut self, id: &'static str) -> Vec<Did> {
        let effects = self.children.sleep(&id, self.generation(id));
        self.see(effects)
    }
}

#[test]
fn one_that_nobody_uses_stops_in_order_and_is_no_failure() {
    let mut bench = ready();
    assert_eq!(bench.sleep("a"), [Stop("a")]);
    assert!(matches!(
        bench.status("a"),
        Some(Status::Stopping { sleeps: true, .. })
    ));
    assert_eq!(bench.exits("a", FailureKind::Exited), []);
    assert_eq!(bench.status("a"), Some(Status::Asleep));
    assert_eq!(bench.children.failures(&"a"), 0);
    assert_eq!(bench.children.live_laddered(), 0);
    assert_eq!(bench.wake("a"), [Spawn("a", 1)]);
}

#[test]
fn one_that_is_to_run_always_starts_from_the_spec_it_had() {
    let mut bench = asleep();
    assert_eq!(bench.want(&[run("a", 1)]), [Spawn("a", 1)]);
    let mut bench = ready();
    bench.sleep("a");
    assert_eq!(bench.want(&[run("a", 1)]), []);
    assert_eq!(bench.exits("a", FailureKind::Exited), [Spawn("a", 1)]);
}

#[test]
fn one_that_does_not_stop_in_time_is_killed_and_sleeps() {
    let mut bench = ready();
    bench.sleep("a");
    let generation = bench.generation("a");
    assert_eq!(bench.timer("a", generation, ChildTimer::Stop), [Kill("a")]);
    bench.exits("a", FailureKind::Killed);
    assert_eq!(bench.status("a"), Some(Status::Asleep));
}

#[test]
fn a_wake_while_it_stops_starts_it_once_it_is_gone() {
    for haste in [true, false] {
        let mut bench = ready();
        bench.sleep("a");
        let woken = if haste {
            bench.wake("a")
        } else {
            bench.rouse("a")
        };
        assert_eq!(woken, [], "one at a time");
        assert_eq!(bench.exits("a", FailureKind::Exited), [Spawn("a", 1)]);
    }
}

#[test]
fn who_is_awake_is_not_woken() {
    let mut bench = ready();
    assert_eq!(bench.wake("a"), []);
    bench.exits("a", FailureKind::Exited);
    assert_eq!(bench.wake("a"), [], "the ladder is for all");
    assert_eq!(bench.wait_out("a"), [Spawn("a", 1)]);
    assert_eq!(bench.wake("a"), []);
}

#[test]
fn what_another_life_says_of_itself_is_old() {
    let mut bench = ready();
    let old = bench.generation("a");
    bench.exits("a", FailureKind::Exited);
    bench.wait_out("a");
    bench.ready("a");
    assert_eq!(bench.children.sleep(&"a", old), []);
}

#[test]
fn a_wake_waits_for_no_start_slot_and_a_look_at_its_lists_does() {
    let mut bench = Bench::new();
    let others = ["b", "c", "d", "e"].map(|id| run(id, 1));
    let sleeper = run_from("a", 1, Begin::Asleep);
    bench.want(&[&others[..], &[sleeper]].concat());
    assert_eq!(bench.rouse("a"), []);
    assert_eq!(bench.status("a"), Some(Status::Queued));
    assert_eq!(bench.wake("a"), [Spawn("a", 1)]);
    assert!(!bench.start().unwrap().first, "it holds none");
}

#[test]
fn one_without_lists_is_started_in_its_turn() {
    let mut bench = asleep();
    assert_eq!(bench.rouse("a"), [Spawn("a", 1)]);
    assert!(bench.start().unwrap().first);
}

#[test]
fn a_reload_wakes_nobody_but_who_runs_always_now() {
    let mut bench = asleep();
    let wanted = [run_from("a", 1, Begin::Asleep)];
    assert_eq!(bench.want_or_retry(&wanted, true), []);
    let wanted = [run_from("a", 2, Begin::Asleep)];
    assert_eq!(bench.want(&wanted), []);
    assert_eq!(bench.status("a"), Some(Status::Asleep));
    assert!(
        bench.effects.contains(&Effect::StatusChanged { id: "a" }),
        "who knows what it offered says whether that is still so"
    );
    assert_eq!(bench.want(&[run("a", 3)]), [Spawn("a", 3)]);
}

#[test]
fn a_reload_while_it_stops_lets_it_sleep_or_not() {
    for (begin, did) in [(Begin::Asleep, vec![]), (Begin::Now, vec![Spawn("a", 2)])] {
        let mut bench = ready();
        bench.sleep("a");
        assert_eq!(bench.want(&[run_from("a", 2, begin)]), []);
        assert_eq!(bench.exits("a", FailureKind::Exited), did, "{begin:?}");
    }
}

#[test]
fn the_operator_restarts_one_that_sleeps() {
    assert_eq!(asleep().restart("a"), Some(vec![Spawn("a", 1)]));
    let mut bench = ready();
    bench.sleep("a");
    assert_eq!(bench.restart("a"), Some(vec![]));
    assert_eq!(bench.exits("a", FailureKind::Exited), [Spawn("a", 1)]);
}

#[test]
fn one_that_is_not_wanted_any_more_is_gone() {
    assert_eq!(asleep().want(&[]), [Did::Removed("a")]);
}

#[test]
fn after_a_shutdown_began_nobody_wakes() {
    let mut bench = asleep();
    let effects = bench.children.shut_down(secs(4));
    bench.see(effects);
    assert_eq!(bench.status("a"), Some(Status::Stopped));
    assert_eq!(bench.wake("a"), []);
    assert_eq!(bench.rouse("a"), []);
    let mut bench = ready();
    bench.sleep("a");
    let effects = bench.children.shut_down(secs(4));
    bench.see(effects);
    assert_eq!(bench.wake("a"), []);
    assert_eq!(bench.exits("a", FailureKind::Exited), []);
    assert_eq!(bench.status("a"), Some(Status::Stopped));
}
