//! What a line is that was written here, told by its beginning: a transport has to know, and need not read all
//! of it again.

/// What a line is that was written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outline<'a> {
    /// Wants an answer.
    Request {
        /// Its number.
        id: u64,
        /// What is asked for.
        method: &'a str,
    },
    /// Wants none.
    Notification {
        /// What is told.
        method: &'a str,
    },
    /// An answer, or what somebody else wrote.
    Other,
}

/// Tells by its beginning what a line of [`request`](super::request), [`notification`](super::notification) or [`result`](super::result()) is.
#[must_use]
pub fn outline(line: &[u8]) -> Outline<'_> {
    read_outline(line).unwrap_or(Outline::Other)
}

fn read_outline(line: &[u8]) -> Option<Outline<'_>> {
    let rest = line.strip_prefix(br#"{"jsonrpc":"2.0","#)?;
    let Some(numbered) = rest.strip_prefix(br#""id":"#) else {
        let method = method_at(rest)?;
        return Some(Outline::Notification { method });
    };
    let end = numbered.iter().position(|byte| *byte == b',')?;
    let id = str::from_utf8(numbered.get(..end)?).ok()?.parse().ok()?;
    let method = method_at(numbered.get(end + 1..)?)?;
    Some(Outline::Request { id, method })
}

fn method_at(rest: &[u8]) -> Option<&str> {
    let name = rest.strip_prefix(br#""method":""#)?;
    let end = name.iter().position(|byte| *byte == b'"')?;
    str::from_utf8(name.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{RequestId, notification, request, result};
    use super::*;

    #[test]
    fn a_line_that_was_written_here_is_known_by_its_beginning() {
        let asked = request(7, "tools/call", Some(b"{\"name\":\"x\"}"));
        let (id, method) = (7, "tools/call");
        assert_eq!(outline(&asked), Outline::Request { id, method });
        let (id, method) = (0, "ping");
        assert_eq!(
            outline(&request(0, "ping", None)),
            Outline::Request { id, method }
        );
        let method = "notifications/initialized";
        assert_eq!(
            outline(&notification(method, None)),
            Outline::Notification { method }
        );
        let answer = result(&RequestId::from_number(7), b"{\"method\":\"x\"}");
        for other in [
            &answer[..],
            b"",
            br#"{"id":7,"method":"x"}"#,
            br#"{"jsonrpc":"2.0","id":"a","method":"x"}"#,
        ] {
            assert_eq!(outline(other), Outline::Other);
        }
    }
}
