//! Server-sent events, as text. Fields are written `name: value` with the space, because some
//! clients in the field do not read them without; lines end with a single line feed.

use std::time::Duration;

use bytes::Bytes;
use memchr::memchr2;

/// What ends an event behind its data.
pub const TAIL: &[u8] = b"\n\n";

/// One event. Data with line breaks becomes several `data:` lines, which the reader joins again
/// with line feeds; JSON means the same after that.
#[must_use]
pub fn event(name: &str, data: &[u8]) -> Bytes {
    with_data(opening(None, name), data)
}

/// What stands before the data of a message, so that data that is large and on one line need not be
/// copied to be sent: this, the data, [`TAIL`]. With an `id` its stream can be resumed: a client that
/// comes back names that of the last message it saw (2025-11-25, basic/transports, "Resumability and
/// Redelivery").
#[must_use]
pub fn head(id: Option<&str>) -> Bytes {
    let mut out = opening(id, "message");
    out.extend_from_slice(DATA);
    out.into()
}

/// The event without data that opens a stream: its client can resume it before there was a message,
/// and does so no sooner than after `retry`. For [`Version::has_priming`] only.
///
/// [`Version::has_priming`]: super::super::Version::has_priming
#[must_use]
pub fn priming(id: &str, retry: Duration) -> Bytes {
    let mut out = Vec::with_capacity(id.len() + 32);
    push_lines(&mut out, b"id: ", first_line(id.as_bytes()).0);
    push_lines(
        &mut out,
        b"retry: ",
        retry.as_millis().to_string().as_bytes(),
    );
    with_data(out, b"")
}

/// The last words of a stream: its client comes back after so long. Without an event, the field alone:
/// who reads line by line has it, and nobody takes it for a message.
#[must_use]
pub fn retry(after: Duration, is_event: bool) -> Bytes {
    let mut out = Vec::with_capacity(32);
    push_lines(
        &mut out,
        b"retry: ",
        after.as_millis().to_string().as_bytes(),
    );
    if is_event {
        return with_data(out, b"");
    }
    out.into()
}

const DATA: &[u8] = b"data: ";

/// The fields before the data.
fn opening(id: Option<&str>, name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(id.map_or(0, str::len) + name.len() + 24);
    if let Some(id) = id {
        push_lines(&mut out, b"id: ", first_line(id.as_bytes()).0);
    }
    push_lines(&mut out, b"event: ", first_line(name.as_bytes()).0);
    out
}

fn with_data(mut out: Vec<u8>, data: &[u8]) -> Bytes {
    out.reserve(DATA.len() + data.len() + TAIL.len());
    push_lines(&mut out, DATA, data);
    out.push(b'\n');
    out.into()
}

/// A comment, which readers skip: it keeps a connection alive and shows when it is not.
#[must_use]
pub fn comment(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(text.len() + 4);
    push_lines(&mut out, b": ", text.as_bytes());
    out.push(b'\n');
    out.into()
}

/// Every line of `text` behind `field`; a text without line breaks is one line.
fn push_lines(out: &mut Vec<u8>, field: &[u8], text: &[u8]) {
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (line, after) = first_line(text);
        out.extend_from_slice(field);
        out.extend_from_slice(line);
        out.push(b'\n');
        rest = after;
    }
}

/// The first line and what is behind its break (`\n`, `\r` or `\r\n`, as readers see them).
fn first_line(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(at) = memchr2(b'\n', b'\r', text) else {
        return (text, None);
    };
    let (line, rest) = text.split_at(at);
    let after = rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..));
    (line, after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A reader as the HTML standard describes it, for one stream at its end.
    fn read(stream: &str) -> Vec<(String, String)> {
        let (mut events, mut name, mut data) = (Vec::new(), String::new(), Vec::new());
        let normal = stream.replace("\r\n", "\n").replace('\r', "\n");
        for line in normal.split('\n') {
            match line.split_once(':') {
                _ if line.is_empty() => {
                    if !data.is_empty() {
                        events.push((std::mem::take(&mut name), data.join("\n")));
                    }
                    data.clear();
                }
                Some(("event", value)) => value
                    .strip_prefix(' ')
                    .unwrap_or(value)
                    .clone_into(&mut name),
                Some(("data", value)) => {
                    data.push(value.strip_prefix(' ').unwrap_or(value).to_owned());
                }
                _ => {}
            }
        }
        events
    }

    #[test]
    fn the_text_is_exactly_this() {
        assert_eq!(
            event("endpoint", b"/messages?session_id=1"),
            "event: endpoint\ndata: /messages?session_id=1\n\n"
        );
        assert_eq!(event("message", b""), "event: message\ndata: \n\n");
        assert_eq!(
            event("message", b"{\r\n}\n"),
            "event: message\ndata: {\ndata: }\ndata: \n\n"
        );
        assert_eq!(comment("keepalive"), ": keepalive\n\n");
        assert_eq!(comment("a\nb"), ": a\n: b\n\n");
    }

    #[test]
    fn events_to_resume_from_say_so_first() {
        assert_eq!(head(Some("s1_7")), "id: s1_7\nevent: message\ndata: ");
        assert_eq!(
            priming("s1_0", Duration::from_millis(1500)),
            "id: s1_0\nretry: 1500\ndata: \n\n"
        );
    }

    #[test]
    fn a_name_or_an_id_cannot_smuggle_fields() {
        assert_eq!(event("x\ndata: forged", b"1"), "event: x\ndata: 1\n\n");
        assert_eq!(head(Some("x\r\nretry: 1")), "id: x\nevent: message\ndata: ");
        let retry = Duration::from_secs(1);
        assert_eq!(priming("x\n\n", retry), priming("x", retry));
    }

    proptest! {
        #[test]
        fn one_line_can_be_sent_in_three_pieces(data in "[^\\n\\r]*") {
            let pieces = [&head(None), data.as_bytes(), TAIL].concat();
            prop_assert_eq!(pieces, event("message", data.as_bytes()));
        }

        #[test]
        fn any_data_reaches_the_reader(data in "(\\PC|[\\n\\r :])*", text in any::<String>()) {
            let mut stream = event("message", data.as_bytes()).to_vec();
            stream.extend_from_slice(&comment(&text));
            stream.extend_from_slice(&event("message", b"{}"));
            let seen = read(std::str::from_utf8(&stream).unwrap());
            let normal = data.replace("\r\n", "\n").replace('\r', "\n");
            let message = |data: &str| ("message".to_owned(), data.to_owned());
            prop_assert_eq!(seen, vec![message(&normal), message("{}")]);
        }
    }
}
