//! Server-sent events, as text. Fields are written `name: value` with the space, because some
//! clients in the field do not read them without; lines end with a single line feed.

use bytes::Bytes;
use memchr::memchr2;

/// One event. Data with line breaks becomes several `data:` lines, which the reader joins again
/// with line feeds; JSON means the same after that.
#[must_use]
pub fn event(name: &str, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(name.len() + data.len() + 24);
    push_lines(&mut out, b"event: ", first_line(name.as_bytes()).0);
    push_lines(&mut out, b"data: ", data);
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
    fn a_name_cannot_smuggle_fields() {
        assert_eq!(event("x\ndata: forged", b"1"), "event: x\ndata: 1\n\n");
    }

    proptest! {
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
