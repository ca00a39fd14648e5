//! What becomes of calls, as counters: one outcome for each, and gauges that are right after any end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Desk;
use crate::telemetry::metrics::{Counter, ServerMetrics};
use crate::testing::name;
use crate::tree::call::{Answer, Failure};
use crate::tree::upstream::calls::{CANCELLED_KEEPS_PERMIT, Calls, Refused};

const TIMEOUT: Duration = Duration::from_secs(10);

fn counted() -> (Calls, Arc<ServerMetrics>) {
    let metrics = Arc::<ServerMetrics>::default();
    let mut calls = Calls::new(name("s"), TIMEOUT);
    calls.count_in(Arc::clone(&metrics));
    (calls, metrics)
}

fn send(calls: &mut Calls, now: Instant, desk: &mut Desk) -> u64 {
    calls.send(now, desk.plain(), |_| Ok(())).unwrap().0
}

fn result() -> Answer {
    Answer::Result(Bytes::from_static(br#"{"content":[]}"#))
}

/// Answered, timed out, cancelled, lost, refused.
fn outcomes(metrics: &ServerMetrics) -> [u64; 5] {
    let ServerMetrics {
        answered,
        timed_out,
        cancelled,
        lost,
        refused,
        ..
    } = metrics;
    [answered, timed_out, cancelled, lost, refused].map(Counter::get)
}

/// Late, duplicate, unknown.
fn dropped(metrics: &ServerMetrics) -> [u64; 3] {
    let dropped = &metrics.answers_dropped;
    [&dropped.late, &dropped.duplicate, &dropped.unknown].map(Counter::get)
}

#[tokio::test(start_paused = true)]
async fn each_call_has_one_outcome() {
    let (mut calls, metrics) = counted();
    let (mut desk, now) = (Desk::new(9), Instant::now());
    let [one, two, ..] = [(); 5].map(|()| send(&mut calls, now, &mut desk));
    assert_eq!(metrics.in_flight.get(), 5);
    drop(calls.settle(Instant::now(), one, result()));
    drop(calls.settle(
        Instant::now(),
        two,
        Answer::Failed(Failure::Refused, "can't be read".into()),
    ));
    assert_eq!(outcomes(&metrics), [1, 0, 0, 1, 0]);
    assert!(calls.cancel(now, Desk::id(3), None).is_some());
    assert!(calls.cancel(now, Desk::id(3), None).is_none());
    assert_eq!(outcomes(&metrics), [1, 0, 1, 1, 0]);
    calls.expire(now + TIMEOUT);
    assert_eq!(outcomes(&metrics), [1, 2, 1, 1, 0]);
    assert_eq!(metrics.in_flight.get(), 0);

    assert!(
        calls
            .send(now, desk.plain(), |_| Err(Refused::Full))
            .is_none()
    );
    assert!(
        calls
            .send(now, desk.plain(), |_| Err(Refused::Gone))
            .is_none()
    );
    assert_eq!(
        outcomes(&metrics),
        [1, 2, 1, 1, 1],
        "what bounces goes elsewhere"
    );
    send(&mut calls, now, &mut desk);
    calls.fail_all("it ended");
    assert_eq!(outcomes(&metrics), [1, 2, 1, 2, 1]);
    assert_eq!((metrics.in_flight.get(), dropped(&metrics)), (0, [0; 3]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_nobody_is_late_a_second_one_or_unknown() {
    let (mut calls, metrics) = counted();
    let (mut desk, now) = (Desk::new(9), Instant::now());
    let (one, two) = (
        send(&mut calls, now, &mut desk),
        send(&mut calls, now, &mut desk),
    );
    drop(calls.settle(Instant::now(), one, result()));
    drop(calls.settle(Instant::now(), one, result()));
    assert_eq!(dropped(&metrics), [0, 1, 0]);
    calls.expire(now + TIMEOUT);
    drop(calls.settle(Instant::now(), two, result()));
    assert_eq!(dropped(&metrics), [1, 1, 0]);
    drop(calls.settle(Instant::now(), two + 1, result()));
    calls.drop_unknown();
    assert_eq!(dropped(&metrics), [1, 1, 2]);
    assert_eq!(outcomes(&metrics), [1, 1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_late_however_late_it_is_and_once() {
    let (mut calls, metrics) = counted();
    let (mut desk, now) = (Desk::new(9), Instant::now());
    let id = send(&mut calls, now, &mut desk);
    calls.expire(now + TIMEOUT);
    calls.expire(now + TIMEOUT + CANCELLED_KEEPS_PERMIT);
    assert!(!calls.has(id) && desk.permits.free() == 9);
    drop(calls.settle(Instant::now(), id, result()));
    assert_eq!(dropped(&metrics), [1, 0, 0]);
    drop(calls.settle(Instant::now(), id, result()));
    assert_eq!(dropped(&metrics), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_in_flight_when_its_end_is_heard_of_nor_after_a_panic() {
    let (mut calls, metrics) = counted();
    let (mut desk, now) = (Desk::new(9), Instant::now());
    for _ in 0..3 {
        send(&mut calls, now, &mut desk);
    }
    calls.cancel(now, Desk::id(1), None);
    assert_eq!(metrics.in_flight.get(), 2);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _of_the_actor = calls;
        panic!("in a handler");
    }));
    assert!(panicked.is_err());
    assert_eq!(metrics.in_flight.get(), 0);
    assert_eq!(outcomes(&metrics), [0, 0, 1, 2, 0]);
    assert_eq!(desk.hear().len(), 2);
    assert_eq!(desk.permits.free(), 9);
    assert!(CANCELLED_KEEPS_PERMIT > TIMEOUT);
}
