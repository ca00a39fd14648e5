//! The corpus: heads and bodies that have been read in two ways by some server or proxy, after the cases of
//! RFC 9112 §6 and §11.2 and the published research on desynchronization. In its tables `LEN` stands for
//! the length of a message, `ALL` for that of the message and the hidden request.

mod framing;
mod rest;

use super::Case;
use super::Then::{self, Close, Marker};
use crate::support::streamable::{Endpoint, call_tool};

/// What the hidden call says.
pub(super) const HIDDEN: &str = "H1DD3N";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// The hidden call as a whole request of this session.
pub(super) fn hidden(session: &Endpoint) -> String {
    let call = call_tool(66, "fx__echo", &format!(r#"{{"text":"{HIDDEN}"}}"#));
    let length = call.len();
    let head = session.post_head(&[("host", "localhost")]);
    format!("{head}content-length: {length}\r\n\r\n{call}")
}

/// All cases.
pub(super) fn all(session: &Endpoint) -> Vec<Case> {
    let mut stage = Stage {
        hidden: hidden(session),
        post: session.post_head(&[("host", "localhost")]),
        cases: Vec::new(),
    };
    stage.lengths();
    stage.codings();
    stage.lengths_and_codings();
    stage.chunks();
    stage.lines();
    stage.unread();
    stage.unusual();
    stage.ids();
    stage.cases
}

struct Stage {
    hidden: String,
    /// The head of a good POST, its length left out.
    post: String,
    cases: Vec<Case>,
}

impl Stage {
    fn add(&mut self, name: &'static str, text: String, statuses: &'static [u16], then: Then) {
        let bytes = text.into_bytes();
        self.cases.push(Case {
            name,
            bytes,
            statuses,
            then,
        });
    }

    /// 400, and the connection is closed.
    fn bad(&mut self, name: &'static str, text: String) {
        self.add(name, text, &[400], Close);
    }

    /// Answered, and the next request is read from where this one ends.
    fn good(&mut self, name: &'static str, text: String) {
        self.add(name, text, &[200], Marker);
    }

    /// A POST with more header lines and a body.
    fn posted(&self, lines: &str, body: &str) -> String {
        format!("{}{lines}\r\n\r\n{body}", self.post)
    }

    /// `text` with its lengths filled in.
    fn fill(&self, text: &str) -> String {
        let all = PING.len() + self.hidden.len();
        text.replace("LEN", &PING.len().to_string())
            .replace("ALL", &all.to_string())
    }
}

fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}
