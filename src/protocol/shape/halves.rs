//! Halves of characters. JSON can write a character beyond the first 65 536 as two escapes, and one
//! of them alone is no text: a program that cut a string in the middle of an emoji writes it, and
//! the Python SDK, Rust's and other clients refuse the whole message for it. Readers that take it show
//! the replacement character, which is put in its place.

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memmem};

const REPLACEMENT: &[u8] = b"\\ufffd";

/// Whether one of the two escapes stands alone.
#[must_use]
pub fn has_half(json: &[u8]) -> bool {
    may_have_half(json) && next_half(json, 0).is_some()
}

/// `json` without halves; `None` if there are none, which is seen at once mostly.
#[must_use]
pub fn mended(json: &Bytes) -> Option<Bytes> {
    let mut at = may_have_half(json).then(|| next_half(json, 0)).flatten()?;
    let mut mended = BytesMut::from(&**json);
    loop {
        let end = at + REPLACEMENT.len();
        if let Some(half) = mended.get_mut(at..end) {
            half.copy_from_slice(REPLACEMENT);
        }
        match next_half(json, end) {
            Some(next) => at = next,
            None => return Some(mended.freeze()),
        }
    }
}

fn may_have_half(json: &[u8]) -> bool {
    // Most messages have no escape at all, which is seen faster than that they have none of these.
    let escapes = memchr(b'\\', json).and_then(|first| json.get(first..));
    let is_there = |part: &[u8]| escapes.is_some_and(|json| memmem::find(json, part).is_some());
    is_there(b"\\ud") || is_there(b"\\uD")
}

/// Where the next one is, from `at` on, which is outside of an escape.
fn next_half(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr(b'\\', json.get(at..)?)?;
        let escape = json.get(at..)?;
        at += match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => return Some(at),
            _ => 2,
        };
    }
}

/// The UTF-16 unit of an escape at the beginning of `json`.
fn unit(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_alone_are_replaced() {
        let of = |json: &'static str| mended(&Bytes::from(json));
        for right in [
            r#"{"a":"\u00e9 ud800"}"#,
            r#"{"a":"\\ud800"}"#,
            r#""\ud83d\uDE00""#,
            "{}",
        ] {
            assert_eq!(of(right), None, "{right}");
        }
        for (wrong, right) in [
            (r#"{"\ud800":"\uDC00"}"#, r#"{"\ufffd":"\ufffd"}"#),
            (
                r#"["\ude00\ud83d","\ud83d\ud83d\ude00"]"#,
                r#"["\ufffd\ufffd","\ufffd\ud83d\ude00"]"#,
            ),
            (r#""\\\ud800x""#, r#""\\\ufffdx""#),
        ] {
            assert_eq!(of(wrong).unwrap(), right);
            assert!(has_half(wrong.as_bytes()));
        }
    }

    #[test]
    fn many_are_replaced_in_one_pass() {
        let many = Bytes::from(format!("[{}]", r#""\ud800","#.repeat(100_000)));
        let mended = mended(&many).unwrap();
        assert_eq!(mended.len(), many.len());
        assert!(!has_half(&mended));
    }
}
