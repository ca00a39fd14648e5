//! How deep a JSON text is nested, counted without parsing it: brackets outside of strings.

/// Whether arrays and objects of `json` are nested more than `limit` deep. Of a text that is not
/// JSON the answer means nothing, but it comes, in one pass.
#[must_use]
pub fn is_deeper_than(limit: usize, json: &[u8]) -> bool {
    // Mostly there are not even so many brackets, which is seen at once.
    if memchr::memchr2_iter(b'[', b'{', json).nth(limit).is_none() {
        return false;
    }
    let mut depth = 0usize;
    let mut rest = json;
    // A text with fewer bytes than the limit cannot have that many brackets.
    while rest.len() + depth > limit {
        let Some((&byte, after)) = rest.split_first() else {
            return false;
        };
        rest = after;
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(rest),
            _ => {}
        }
    }
    false
}

/// What follows a string whose opening quote was just passed; nothing if it never ends.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        match rest.split_at(at).1 {
            [b'"', after @ ..] => return after,
            // A backslash and what it escapes.
            [_, _, after @ ..] => rest = after,
            [..] => break,
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_to_the_limit() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(!is_deeper_than(512, nested(512).as_bytes()));
        assert!(is_deeper_than(512, nested(513).as_bytes()));
        assert!(is_deeper_than(512, "[{\"a\":".repeat(300).as_bytes()));
        assert!(is_deeper_than(512, &vec![b'['; 1 << 20]));
        assert!(!is_deeper_than(512, "[],".repeat(2000).as_bytes()));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = format!(r#"{{"a":"{}"}}"#, r#"[{\"\\"#.repeat(500));
        assert!(!is_deeper_than(3, text.as_bytes()));
        assert!(is_deeper_than(3, format!(r#"["\\",{}"#, "[[[[").as_bytes()));
        assert!(!is_deeper_than(3, br#""never closed [[[[[["#));
        assert!(!is_deeper_than(3, br#""ends in a backslash [[[[\"#));
    }
}
