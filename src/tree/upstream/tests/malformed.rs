//! Junk on stdout: counted, logged seldom, escaped.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::label;
use crate::tree::upstream::malformed::{MalformedLines, excerpt};
use crate::tree::upstream::past::Past;

#[test]
fn every_line_is_counted_and_few_are_logged() {
    let (mut malformed, start) = (MalformedLines::new(label(), Arc::default()), Instant::now());
    let logged = (0..30_000_u64)
        .filter(|millis| {
            let now = start + Duration::from_millis(*millis);
            malformed.note(now, b"npm notice", "is not a JSON-RPC message")
        })
        .count();
    assert_eq!((malformed.count(), logged), (30_000, 3));
}

#[test]
fn what_was_not_shown_is_said_when_nothing_more_comes() {
    let (mut malformed, now) = (MalformedLines::new(label(), Arc::default()), Instant::now());
    assert!(malformed.note(now, b"x", "is no message"));
    assert_eq!(malformed.next_deadline(), None);
    assert!(!malformed.note(now, b"x", "is no message"));
    let due = malformed.next_deadline().expect("one was not shown");
    assert_eq!(due, now + Duration::from_secs(10));
    malformed.say_rest(due);
    assert_eq!(malformed.next_deadline(), None);
    assert!(!malformed.note(due, b"x", "is no message"));
}

#[tokio::test(start_paused = true)]
async fn lives_that_are_alike_are_said_ever_more_rarely() {
    let past = Arc::new(Past::default());
    let mut said = Vec::new();
    for life in 1..=40 {
        let mut malformed = MalformedLines::new(label(), Arc::clone(&past));
        for _ in 0..3 {
            if malformed.note(Instant::now(), b"x", "is no message") {
                said.push(life);
            }
        }
        malformed.say_rest(Instant::now());
        tokio::time::advance(Duration::from_secs(20)).await;
    }
    assert_eq!(said, [1, 2, 4, 8, 16, 32]);
    assert_eq!(past.take_unsaid_junk(), 3 * 8);

    let mut malformed = MalformedLines::new(label(), Arc::clone(&past));
    assert!(!malformed.note(Instant::now(), b"x", "is no message"));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(
        malformed.note(Instant::now(), b"x", "is no message"),
        "it lasts"
    );
    let mut next = MalformedLines::new(label(), past);
    assert!(next.note(Instant::now(), b"x", "is no message"));
}

#[test]
fn what_is_shown_is_short_and_harmless() {
    assert_eq!(excerpt(b"a\n\x1b[31mb\xff"), "a\\n\\u{1b}[31mb\u{fffd}");
    assert_eq!(excerpt(br#"{"a":'b'}"#), r#"{"a":'b'}"#);
    assert_eq!(excerpt(&[b'x'; 10_000]).len(), 200);
    assert!(excerpt(&[0; 10_000]).chars().count() <= 200);
}
