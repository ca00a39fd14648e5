//! The chaos spawner: that it strikes where it was told to, and that the supervisor heals each
//! of these wounds.

use super::toy::{Nature, Stage, ToyMsg};
use super::*;
use crate::supervise::chaos::Chaos;
use crate::supervise::{Fault, Moment};

#[tokio::test(start_paused = true)]
async fn a_child_heals_from_every_fault_at_every_moment() {
    use FailureKind::{Killed, Panicked, StartFailed};
    let table = [
        (Moment::Start, Fault::Panic, StartFailed),
        (Moment::Start, Fault::Error, StartFailed),
        (Moment::Start, Fault::Kill, StartFailed),
        (Moment::Started, Fault::Panic, Panicked),
        (Moment::Started, Fault::Error, Panicked),
        (Moment::Started, Fault::Kill, Killed),
        (Moment::Message, Fault::Panic, Panicked),
        (Moment::Message, Fault::Error, Panicked),
        (Moment::Message, Fault::Kill, Killed),
    ];
    for (moment, how, kind) in table {
        let chaos = Chaos::default();
        chaos.plan("toy", moment, 0, how);
        let mut stage = Stage::open(chaos.clone()).await;
        stage.want(&[("a", Nature::Good)]);
        stage.sees_spawned("a").await;
        if moment == Moment::Message {
            let harmless = ractor::concurrency::oneshot().0;
            let toy = stage.toy("a").await;
            toy.cast(ToyMsg::Hold(harmless.into())).unwrap();
        }
        let failure = stage.sees_failed("a").await;
        assert_eq!(failure.kind, kind, "{moment:?} {how:?}");
        assert_eq!(chaos.pending(), 0, "it struck");
        stage.sees_spawned("a").await;
        stage.toy("a").await.cast(ToyMsg::Stop).unwrap();
        let failure = stage.sees_failed("a").await;
        assert_eq!(failure.kind, FailureKind::Exited, "its next life is sound");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_while_stopping_is_the_end_all_the_same() {
    for how in [Fault::Panic, Fault::Error, Fault::Kill] {
        let chaos = Chaos::default();
        chaos.plan("toy", Moment::Stop, 0, how);
        let mut stage = Stage::open(chaos.clone()).await;
        stage.want(&[("a", Nature::Good)]);
        stage.sees_spawned("a").await;
        stage.want(&[("a", Nature::Slow(ms(1)))]);
        stage.sees_stopped("a").await;
        assert_eq!(chaos.pending(), 0, "it struck");
        stage.sees_spawned("a").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_can_wait_for_its_turn_and_strikes_its_own_kind_only() {
    let chaos = Chaos::default();
    chaos.plan("toy", Moment::Start, 2, Fault::Error);
    chaos.plan("other", Moment::Start, 0, Fault::Panic);
    let mut stage = Stage::open(chaos.clone()).await;
    stage.want(&["a", "b", "c", "d"].map(|id| (id, Nature::Good)));
    for id in ["a", "b", "c", "d"] {
        stage.sees_spawned(id).await;
    }
    stage.sees_failed("c").await;
    assert_eq!(chaos.pending(), 1);
}
