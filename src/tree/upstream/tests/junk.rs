//! Junk on stdout: counted, logged seldom, escaped.

use std::time::Duration;

use tokio::time::Instant;

use super::who;
use crate::tree::upstream::junk::{Junk, excerpt};

#[test]
fn every_line_is_counted_and_few_are_logged() {
    let (mut junk, start) = (Junk::new(who()), Instant::now());
    let logged = (0..30_000_u64)
        .filter(|millis| {
            let now = start + Duration::from_millis(*millis);
            junk.note(now, b"npm notice", "is not a JSON-RPC message")
        })
        .count();
    assert_eq!((junk.count(), logged), (30_000, 3));
}

#[test]
fn what_is_shown_is_short_and_harmless() {
    assert_eq!(excerpt(b"a\n\x1b[31mb\xff"), "a\\n\\u{1b}[31mb\u{fffd}");
    assert_eq!(excerpt(br#"{"a":'b'}"#), r#"{"a":'b'}"#);
    assert_eq!(excerpt(&[b'x'; 10_000]).len(), 200);
    assert!(excerpt(&[0; 10_000]).chars().count() <= 200);
}
