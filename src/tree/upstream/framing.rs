//! Servers that do not write one message a line. No client understands them; their operator reads
//! here what is to be changed.

use std::fmt;

/// How a server frames its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// As language servers do.
    Headers,
    /// For people to read.
    Indented,
    /// As some programs of Windows do.
    Utf16,
}

impl Framing {
    /// What a line that can't be used says, by how it begins.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        const HEADERS: [&[u8]; 2] = [b"content-length:", b"content-type:"];
        let line = head.trim_ascii();
        let is_header = |name: &&[u8]| {
            let start = line.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        if HEADERS.iter().any(is_header) {
            return Some(Self::Headers);
        }
        if matches!(line, b"{" | b"[" | b"[{") || (line.starts_with(b"\"jsonrpc\"")) {
            return Some(Self::Indented);
        }
        let is_wide = matches!(
            head,
            [b'{', 0, ..] | [0, b'{', ..] | [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]
        );
        is_wide.then_some(Self::Utf16)
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Headers => {
                "it puts Content-Length headers before its messages, as language servers do; MCP has none: \
                 each message stands on one line"
            }
            Self::Indented => {
                "it writes one message over several lines; MCP wants each on one line, without indentation"
            }
            Self::Utf16 => "it writes UTF-16; MCP wants UTF-8",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_messages_are_framed() {
        for (head, framing) in [
            (&b"Content-Length: 149\r"[..], Some(Framing::Headers)),
            (b"content-type: application/json", Some(Framing::Headers)),
            (b"{", Some(Framing::Indented)),
            (b"  \"jsonrpc\": \"2.0\",", Some(Framing::Indented)),
            (b"{\0\"\0j\0", Some(Framing::Utf16)),
            (b"Content of the length", None),
            (b"{\"jsonrpc\":\"2.0\"", None),
            (b"Server running on stdio", None),
            (b"", None),
        ] {
            assert_eq!(Framing::of(head), framing, "{head:?}");
        }
    }
}
