//! The value of a header that says what a body says: as it is, or as base64 where it would not be fit
//! for a header (2026-07-28, basic/transports, "Value Encoding").

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What `value` says. `None` if it says nothing: it is marked as base64 of UTF-8 and is none, or has
/// characters that a header may not have.
#[must_use]
pub fn decode(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim_matches([' ', '\t']);
    let coded = value.strip_prefix("=?base64?");
    if let Some(coded) = coded.and_then(|coded| coded.strip_suffix("?=")) {
        let bytes = STANDARD.decode(coded).ok()?;
        return String::from_utf8(bytes).ok().map(Cow::Owned);
    }
    let is_plain = |byte: u8| matches!(byte, b'\t' | b' '..=b'~');
    value.bytes().all(is_plain).then_some(Cow::Borrowed(value))
}

/// The same the other way round: what says `text`.
#[must_use]
pub fn encode(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    let is_whole = text.trim_matches(' ').len() == text.len() && !text.starts_with("=?");
    if is_whole && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("=?base64?{}?=", STANDARD.encode(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_plain_or_base64() {
        for (value, wanted) in [
            ("us-west1", Some("us-west1")),
            (" \tx y\t ", Some("x y")),
            ("", Some("")),
            ("=?base64?SGVsbG8sIOS4lueVjA==?=", Some("Hello, 世界")),
            ("  =?base64?IHBhZGRlZCA=?= ", Some(" padded ")),
            (
                "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=",
                Some("=?base64?literal?="),
            ),
            ("=?base64??=", Some("")),
            // Not marked at both ends, or in other letters: what it says is what it is.
            ("SGVsbG8=", Some("SGVsbG8=")),
            ("=?base64?SGVsbG8=", Some("=?base64?SGVsbG8=")),
            ("=?base64?=", Some("=?base64?=")),
            ("=?BASE64?SGVsbG8=?=", Some("=?BASE64?SGVsbG8=?=")),
            // Without its padding, with other characters, with bits left over, of what is no text.
            ("=?base64?SGVsbG8?=", None),
            ("=?base64?SGVs!!!bG8=?=", None),
            ("=?base64?SGVsbG9=?=", None),
            ("=?base64?SGVs bG8=?=", None),
            ("=?base64?SGVs-_8=?=", None),
            ("=?base64?/w==?=", None),
            ("h\u{e9}", None),
            ("a\u{7f}", None),
        ] {
            assert_eq!(decode(value).as_deref(), wanted, "{value:?}");
        }
    }

    #[test]
    fn whatever_is_encoded_is_decoded_to_itself() {
        for text in [
            "us-west1",
            "",
            " padded ",
            "Hello, 世界",
            "=?base64?eA==?=",
            "a\nb",
            "a b",
        ] {
            let coded = encode(text);
            assert!(coded.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            assert_eq!(decode(&coded).as_deref(), Some(text));
        }
        assert_eq!(encode("us-west1"), "us-west1");
    }
}
