//! The `Accept` header: whether a client takes the media type that a route has to offer.

use hyper::header::{GetAll, HeaderValue};

/// A media range of the header, as bytes: they are looked at for each request, and need not be text.
struct MediaRange<'a> {
    media: &'a [u8],
    parameters: &'a [u8],
}

/// Whether `media`, as in `text/html`, is acceptable: listed, or nothing is said about what is. An empty
/// header says nothing: some clients write the one that their user has not set.
pub(super) fn allows(values: &GetAll<'_, HeaderValue>, media: &str) -> bool {
    lists(values, media) || is_silent(values)
}

/// Whether nothing is said about what is acceptable.
pub(super) fn is_silent(values: &GetAll<'_, HeaderValue>) -> bool {
    values.iter().all(|value| {
        let mut bytes = value.as_bytes().iter();
        bytes.all(|byte| byte.is_ascii_whitespace() || *byte == b',')
    })
}

/// Whether `media` is named or covered by a wildcard, as Streamable HTTP demands of its
/// clients. Of several ranges that cover it the most specific decides (RFC 9110 §12.5.1).
pub(super) fn lists(values: &GetAll<'_, HeaderValue>, media: &str) -> bool {
    let decisions = ranges(values).filter_map(|range| {
        let specificity = match range.media {
            _ if range.names(media) => 2,
            b"*/*" => 0,
            [kind @ .., b'/', b'*'] if is_kind(kind, media) => 1,
            _ => return None,
        };
        Some((specificity, range.is_wanted()))
    });
    decisions.max().is_some_and(|(_, is_wanted)| is_wanted)
}

/// Whether `media` is named, not only covered by a wildcard or by silence.
pub(super) fn names(values: &GetAll<'_, HeaderValue>, media: &str) -> bool {
    ranges(values).any(|range| range.names(media) && range.is_wanted())
}

fn ranges<'a>(values: &GetAll<'a, HeaderValue>) -> impl Iterator<Item = MediaRange<'a>> {
    let ranges = values
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    ranges.map(|range| {
        let (media, parameters) = split_once(range, b';').unwrap_or((range, b""));
        MediaRange {
            media: media.trim_ascii(),
            parameters,
        }
    })
}

impl MediaRange<'_> {
    fn names(&self, media: &str) -> bool {
        self.media.eq_ignore_ascii_case(media.as_bytes())
    }

    /// Not so with `q=0`, `q=0.0`, …: "not this one".
    fn is_wanted(&self) -> bool {
        if self.parameters.is_empty() {
            return true;
        }
        let mut parameters = self.parameters.split(|byte| *byte == b';');
        !parameters.any(|parameter| {
            let weight = split_once(parameter, b'=')
                .filter(|(name, _)| name.trim_ascii().eq_ignore_ascii_case(b"q"))
                .and_then(|(_, weight)| str::from_utf8(weight).ok());
            weight.is_some_and(|weight| weight.trim().parse() == Ok(0.0f32))
        })
    }
}

/// Whether `media` is one of `kind`.
fn is_kind(kind: &[u8], media: &str) -> bool {
    let its = media.split_once('/').map(|(its, _)| its);
    its.is_some_and(|its| its.as_bytes().eq_ignore_ascii_case(kind))
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(at, bytes)?;
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
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
        allows(&headers.get_all(ACCEPT), "text/event-stream")
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
            names(&headers.get_all(ACCEPT), "text/event-stream")
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
        let lists = |headers: &HeaderMap| lists(&headers.get_all(ACCEPT), "application/json");
        assert!(!lists(&headers));
        headers.append(ACCEPT, HeaderValue::from_static("text/event-stream"));
        assert!(!lists(&headers));
        headers.append(ACCEPT, HeaderValue::from_static("application/*"));
        assert!(lists(&headers));
    }
}
