//! The `Accept` header: whether a client takes the media type that a route has to offer.

use hyper::header::{GetAll, HeaderValue};

/// A media range of the header, as bytes: they are looked at for each request, and need not be text.
struct MediaRange<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    parameters: &'a [u8],
}

/// Whether `kind/subtype` is acceptable: listed, or nothing is said about what is. An empty header says
/// nothing: some clients write the one that their user has not set.
pub(super) fn allows(values: &GetAll<'_, HeaderValue>, kind: &str, subtype: &str) -> bool {
    let is_silent = |value: &HeaderValue| {
        let mut bytes = value.as_bytes().iter();
        bytes.all(|byte| byte.is_ascii_whitespace() || *byte == b',')
    };
    values.iter().all(is_silent) || lists(values, kind, subtype)
}

/// Whether `kind/subtype` is named or covered by a wildcard, as Streamable HTTP demands of its
/// clients. Of several ranges that cover it the most specific decides (RFC 9110 §12.5.1).
fn lists(values: &GetAll<'_, HeaderValue>, kind: &str, subtype: &str) -> bool {
    let decisions = ranges(values).filter_map(|range| {
        let specificity = match (range.kind, range.subtype) {
            (b"*", b"*") => 0,
            (_, b"*") if range.kind.eq_ignore_ascii_case(kind.as_bytes()) => 1,
            _ if range.names(kind, subtype) => 2,
            _ => return None,
        };
        Some((specificity, range.is_wanted()))
    });
    decisions.max().is_some_and(|(_, is_wanted)| is_wanted)
}

/// Whether `kind/subtype` is named, not only covered by a wildcard or by silence.
pub(super) fn names(values: &GetAll<'_, HeaderValue>, kind: &str, subtype: &str) -> bool {
    ranges(values).any(|range| range.names(kind, subtype) && range.is_wanted())
}

fn ranges<'a>(values: &GetAll<'a, HeaderValue>) -> impl Iterator<Item = MediaRange<'a>> {
    let ranges = values
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    ranges.filter_map(|range| {
        let (media, parameters) = split_once(range, b';').unwrap_or((range, b""));
        let (kind, subtype) = split_once(media.trim_ascii(), b'/')?;
        Some(MediaRange {
            kind,
            subtype,
            parameters,
        })
    })
}

impl MediaRange<'_> {
    fn names(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind.as_bytes())
            && self.subtype.eq_ignore_ascii_case(subtype.as_bytes())
    }

    /// Not so with `q=0`, `q=0.0`, …: "not this one".
    fn is_wanted(&self) -> bool {
        let mut parameters = self.parameters.split(|byte| *byte == b';');
        !parameters.any(|parameter| {
            let weight = split_once(parameter, b'=')
                .filter(|(name, _)| name.trim_ascii().eq_ignore_ascii_case(b"q"))
                .and_then(|(_, weight)| str::from_utf8(weight).ok());
            weight.is_some_and(|weight| weight.trim().parse() == Ok(0.0f32))
        })
    }
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = bytes.splitn(2, |byte| *byte == at);
    parts.next().zip(parts.next())
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
        allows(&headers.get_all(ACCEPT), "text", "event-stream")
    }

    #[test]
    fn event_streams_are_offered_to_who_takes_them() {
        assert!(allows_events(&[]));
        assert!(allows_events(&["", " , "]), "nothing is said");
        assert!(allows_events(&["text/event-stream"]));
        assert!(allows_events(&[
            "application/json, Text/Event-Stream;q=0.5"
        ]));
        assert!(allows_events(&["application/json", "*/*"]));
        assert!(allows_events(&["text/*"]));
        assert!(!allows_events(&["", "application/json"]));
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
        let lists = |headers: &HeaderMap| lists(&headers.get_all(ACCEPT), "application", "json");
        assert!(!lists(&headers));
        headers.append(ACCEPT, HeaderValue::from_static("text/event-stream"));
        assert!(!lists(&headers));
        headers.append(ACCEPT, HeaderValue::from_static("application/*"));
        assert!(lists(&headers));
    }
}
