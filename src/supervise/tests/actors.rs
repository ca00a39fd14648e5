//! The executor with real actors: every way in which a child ends, and ractor's traps. The clock
//! is paused wherever nothing but timers is waited for.

use std::sync::atomic::Ordering;

use ractor::concurrency::oneshot;

use super::toy::{BossMsg, Nature, Saw, Stage, ToyMsg};
use super::*;
use crate::supervise::Plain;

async fn with_one(nature: Nature) -> Stage {
    let mut stage = Stage::open(Plain).await;
    stage.want(&[("a", nature)]);
    stage.sees_spawned("a").await;
    stage
}

#[tokio::test(start_paused = true)]
async fn a_laddered_child_comes_back_after_a_panic_an_error_a_kill_and_a_stop() {
    let mut stage = with_one(Nature::Good).await;
    for (kind, step) in [
        (FailureKind::Panicked, 500),
        (FailureKind::Panicked, 1000),
        (FailureKind::Hung, 2000),
        (FailureKind::Killed, 4000),
        (FailureKind::Exited, 8000),
    ] {
        let toy = stage.toy("a").await;
        match (kind, step) {
            (FailureKind::Panicked, 500) => toy.cast(ToyMsg::Panic).unwrap(),
            (FailureKind::Panicked, _) => toy.cast(ToyMsg::Fail).unwrap(),
            (FailureKind::Hung, _) => toy.cast(ToyMsg::FailWith(failure(kind))).unwrap(),
            (FailureKind::Killed, _) => toy.kill(),
            (_, _) => toy.stop(None),
        }
        let told = stage.sees_failed("a").await;
        assert_eq!(told.kind, kind, "{told}");
        let failed_at = Instant::now();
        stage.sees_spawned("a").await;
        let waited = failed_at.elapsed();
        assert!(
            waited >= ms(step * 8 / 10) && waited <= ms(step * 12 / 10 + 1),
            "{waited:?} for a step of {step} ms"
        );
    }
    assert!(stage.status("a").await.unwrap().is_crash_looping());
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_comes_back_at_once_and_then_no_more() {
    let mut stage = Stage::open(Plain).await;
    stage.tell(BossMsg::Permanent("p", Nature::Good, None));
    let began = Instant::now();
    for _ in 0..5 {
        stage.sees_spawned("p").await;
        stage.toy("p").await.cast(ToyMsg::Panic).unwrap();
        stage.sees_failed("p").await;
    }
    stage.sees_spawned("p").await;
    stage.toy("p").await.kill();
    stage.sees_failed("p").await;
    assert_eq!(stage.saw().await, Saw::GaveUp("p"));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_is_ready_as_soon_as_it_runs() {
    let mut stage = Stage::open(Plain).await;
    stage.tell(BossMsg::Permanent("p", Nature::Slow(secs(1)), None));
    stage.sees_spawned("p").await;
    let is_starting = |status| matches!(status, Some(Status::Starting { .. }));
    assert!(is_starting(stage.status("p").await));
    tokio::time::sleep(ms(1001)).await;
    assert!(matches!(
        stage.status("p").await,
        Some(Status::Ready { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_failing_pre_start_is_noticed_although_ractor_says_nothing() {
    let mut stage = with_one(Nature::Stillborn).await;
    for _ in 0..3 {
        let failure = stage.sees_failed("a").await;
        let told = Failure::of_start("stillborn");
        assert_eq!(failure, told);
        stage.sees_spawned("a").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_cannot_be_spawned_climbs_the_ladder_or_gives_up() {
    let mut stage = Stage::open(Plain).await;
    stage.want(&[("a", Nature::Unspawnable)]);
    for _ in 0..3 {
        let failure = stage.sees_failed("a").await;
        assert_eq!(failure.to_string(), "could not be started: unspawnable");
    }
    stage.want(&[]);
    assert_eq!(stage.saw().await, Saw::Gone("a"));
    stage.tell(BossMsg::Permanent("p", Nature::Unspawnable, None));
    for _ in 0..6 {
        assert_eq!(stage.sees_failed("p").await.kind, FailureKind::StartFailed);
    }
    assert_eq!(stage.saw().await, Saw::GaveUp("p"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_start_does_not_hold_up_the_supervisor() {
    let mut stage = with_one(Nature::Slow(secs(20))).await;
    let asked = Instant::now();
    assert!(stage.status("a").await.unwrap().is_live());
    assert_eq!(asked.elapsed(), Duration::ZERO);
    // Nor does it hold up its own end.
    stage.toy("a").await.kill();
    let failure = stage.sees_failed("a").await;
    assert_eq!(failure.kind, FailureKind::StartFailed);
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_removed_child_stops_in_its_own_way() {
    let mut stage = with_one(Nature::Good).await;
    stage.want(&[]);
    stage.sees_stopped("a").await;
    assert_eq!(stage.saw().await, Saw::Gone("a"));
    assert_eq!(stage.status("a").await, None);
    tokio::time::sleep(secs(100)).await;
    assert!(stage.saw_nothing_more(), "nor comes it back");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_is_killed_at_its_deadline() {
    let mut stage = with_one(Nature::Deaf).await;
    let asked = Instant::now();
    stage.want(&[("a", Nature::Good)]);
    assert_eq!(stage.saw().await, Saw::Killed("a"));
    assert!(asked.elapsed() >= secs(10) && asked.elapsed() < secs(11));
    let (kind, text) = (FailureKind::Killed, "was killed by the gateway");
    let failure = Failure::new(kind, text);
    assert_eq!(stage.saw().await, Saw::Exited("a", failure, true));
    stage.sees_spawned("a").await;
}

#[tokio::test(start_paused = true)]
async fn a_dependent_comes_back_after_what_it_depends_on() {
    let mut stage = Stage::open(Plain).await;
    stage.tell(BossMsg::Permanent("sessions", Nature::Good, None));
    stage.tell(BossMsg::Permanent(
        "listener",
        Nature::Good,
        Some("sessions"),
    ));
    stage.sees_spawned("sessions").await;
    stage.sees_spawned("listener").await;
    stage.toy("sessions").await.cast(ToyMsg::Panic).unwrap();
    stage.sees_failed("sessions").await;
    stage.sees_spawned("sessions").await;
    stage.sees_stopped("listener").await;
    stage.sees_spawned("listener").await;
}

#[tokio::test(start_paused = true)]
async fn a_stable_child_comes_back_at_once() {
    let mut stage = with_one(Nature::Good).await;
    stage.tell(BossMsg::Ready("a"));
    tokio::time::sleep(secs(61)).await;
    stage.toy("a").await.cast(ToyMsg::Panic).unwrap();
    let at = Instant::now();
    stage.sees_failed("a").await;
    stage.sees_spawned("a").await;
    assert_eq!(at.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_stops_all_and_starts_nothing() {
    let mut stage = with_one(Nature::Good).await;
    stage.tell(BossMsg::StopAll);
    stage.sees_stopped("a").await;
    stage.want(&[("b", Nature::Good)]);
    assert_eq!(stage.status("a").await, Some(Status::Stopped));
    assert_eq!(stage.status("b").await, None);
}

/// ractor moves the state of a killed actor into the event; a reply port in it would stay open
/// for as long as the supervisor held that.
#[tokio::test(start_paused = true)]
async fn the_state_that_a_killed_child_leaves_is_dropped_at_once() {
    let stage = with_one(Nature::Good).await;
    let toy = stage.toy("a").await;
    let (port, answer) = oneshot();
    toy.cast(ToyMsg::Hold(port.into())).unwrap();
    let asked = Instant::now();
    // Handled before the kill: the port is in the state by then.
    tokio::task::yield_now().await;
    toy.kill();
    let answer = tokio::time::timeout(secs(60), answer).await;
    let no_answer = answer.expect("the caller learns something");
    assert!(no_answer.is_err(), "and that is that there is no answer");
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

/// ractor reports a failure before it drops the actor's state, and with it its process. The boss
/// is kept busy, so that it hears of the failure on a thread of its own and does not wait for the
/// one that drops the state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_never_meets_its_predecessors_state() {
    let mut stage = Stage::open(Plain).await;
    stage.tell(BossMsg::Permanent("p", Nature::Clinging(ms(200)), None));
    for message in [ToyMsg::Panic, ToyMsg::Fail, ToyMsg::Panic] {
        stage.sees_spawned("p").await;
        assert_eq!(stage.births.recv().await, Some(1), "alive at its birth");
        let toy = stage.toy("p").await;
        stage.tell(BossMsg::Busy(ms(50)));
        toy.cast(message).unwrap();
        stage.sees_failed("p").await;
    }
    assert_eq!(stage.births.recv().await, Some(1), "alive at its birth");
}

#[tokio::test(start_paused = true)]
async fn nothing_outlives_the_supervisor() {
    for kill in [false, true] {
        let mut stage = with_one(Nature::Good).await;
        stage.want(&[
            ("a", Nature::Deaf),
            ("b", Nature::Slow(secs(5))),
            ("c", Nature::Good),
        ]);
        while stage.saw().await != Saw::Spawned("a", Generation(4)) {}
        assert!(stage.alive.upgrade().is_some());
        if kill {
            stage.boss.kill();
        } else {
            stage.boss.stop(None);
        }
        stage.end.await.unwrap();
        tokio::time::sleep(secs(6)).await;
        assert!(stage.alive.upgrade().is_none(), "tasks or timers are left");
        assert_eq!(
            stage.children.load(Ordering::SeqCst),
            0,
            "children are left"
        );
    }
}
