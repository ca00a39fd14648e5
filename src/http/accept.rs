//! The `Accept` header: whether a client takes the media type that a route has to offer.

use hyper::header::{GetAll, HeaderValue};

/// Whether `kind/subtype` is acceptable: listed, or nothing is said about what is. An empty header says
/// nothing, as some clients write the one that their user has not set.
pub(super) fn allows(values: GetAll<'_, HeaderValue>, kind: &str, subtype: &str) -> bool {
    let is_silent = |value: &HeaderValue| {
        let mut bytes = value.as_bytes().iter();
        bytes.all(|byte| byte.is_ascii_whitespace() || *byte == b',')
    };
    values.iter().all(is_silent) || lists(values, kind, subtype)
}

/// Whether `kind/subtype` is named or covered by a wildcard, as Streamable HTTP demands of its
/// clients. Of several ranges that cover it the most specific decides (RFC 9110 §12.5.1).
fn lists(values: GetAll<'_, HeaderValue>, kind: &str, subtype: &str) -> bool {
    let mut decision = None;
    for value in values {
        let Ok(text) = value.to_str() else { continue };
        for range in text.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let Some((left, right)) = parts.next().and_then(|media| media.split_once('/')) else {
                continue;
            };
            let specificity = match (left, right) {
                ("*", "*") => 0,
                (left, "*") if left.eq_ignore_ascii_case(kind) => 1,
                (left, right)
                    if left.eq_ignore_ascii_case(kind) && right.eq_ignore_ascii_case(subtype) =>
                {
                    2
                }
                (_, _) => continue,
            };
            let is_wanted = !parts.any(is_zero_weight);
            decision = decision.max(Some((specificity, is_wanted)));
        }
    }
    decision.is_some_and(|(_, is_wanted)| is_wanted)
}

/// Whether `kind/subtype` is named, not only covered by a wildcard or by silence.
pub(super) fn names(values: &GetAll<'_, HeaderValue>, kind: &str, subtype: &str) -> bool {
    let mut texts = values.iter().filter_map(|value| value.to_str().ok());
    texts.any(|text| {
        text.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next().and_then(|media| media.split_once('/'));
            named.is_some_and(|(left, right)| {
                left.eq_ignore_ascii_case(kind) && right.eq_ignore_ascii_case(subtype)
            }) && !parts.any(is_zero_weight)
        })
    })
}

/// `q=0`, `q=0.0`, …: "not this one".
fn is_zero_weight(parameter: &str) -> bool {
    let weight = parameter
        .split_once('=')
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{ACCEPT, HeaderMap};

    fn allows_events(lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, HeaderValue::from_static(line));
        }
        allows(headers.get_all(ACCEPT), "text", "event-stream")
    }

    #[test]
    fn event_streams_are_offered_to_who_takes_them() {
        assert!(allows_events(&[]));
        assert!(allows_events(&["text/event-stream"]));
        assert!(allows_events(&[
            "application/json, Text/Event-Stream;q=0.5"
        ]));
        assert!(allows_events(&["application/json", "*/*"]));
        assert!(allows_events(&["text/*"]));
        assert!(allows_events(&[""]));
        assert!(allows_events(&["", " , "]));
        assert!(!allows_events(&["", "application/json"]));
        assert!(!allows_events(&["application/json"]));
        assert!(!allows_events(&["text/event-stream;q=0, */*"]));
        assert!(!allows_events(&["nonsense"]));
    }

    #[test]
    fn what_allows_event_streams_need_not_name_them() {
        let names = |value| {
            let mut headers = HeaderMap::new();
            headers.append(ACCEPT, HeaderValue::from_static(value));
            names(&headers.get_all(ACCEPT), "text", "event-stream")
        };
        assert!(names("application/json, Text/Event-Stream;q=0.5"));
        for value in [
            "image/avif,image/webp,*/*;q=0.8",
            "*/*",
            "text/*",
            "text/event-stream;q=0",
        ] {
            assert!(!names(value), "{value}");
        }
    }

    #[test]
    fn to_say_nothing_is_not_to_list() {
        let mut headers = HeaderMap::new();
        let lists = |headers: &HeaderMap| lists(headers.get_all(ACCEPT), "application", "json");
        assert!(!lists(&headers));
        headers.append(ACCEPT, HeaderValue::from_static("text/event-stream"));
        assert!(!lists(&headers));
        headers.append(ACCEPT, HeaderValue::from_static("application/*"));
        assert!(lists(&headers));
    }
}
