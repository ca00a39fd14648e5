//! An event stream as WHATWG HTML describes it, taken from a connection and read piece by piece. Lines may end in LF or CRLF; a
//! lone CR, which no MCP server sends, is not taken for a line end.

use std::mem;

use memchr::memchr;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::http::{Body, Connection};

/// One thing that a stream said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `name` is `message` when the event had none.
    Event {
        name: String,
        data: Vec<u8>,
        /// As the event said it; nothing is taken over from an earlier one.
        id: Option<String>,
        retry: Option<String>,
    },
    Comment(String),
}

/// Keeps what is incomplete between two pieces.
#[derive(Default)]
pub struct Parser {
    line: Vec<u8>,
    name: String,
    data: Vec<u8>,
    has_data: bool,
    id: Option<String>,
    retry: Option<String>,
}

impl Parser {
    /// Takes the next bytes and hands every item that they complete to `sink`.
    pub fn push(&mut self, mut bytes: &[u8], sink: &mut impl FnMut(Item)) {
        while let Some(end) = memchr(b'\n', bytes) {
            let (head, rest) = bytes.split_at(end);
            bytes = rest.strip_prefix(b"\n").unwrap_or(rest);
            if self.line.is_empty() {
                self.end_of_line(head, sink);
            } else {
                self.line.extend_from_slice(head);
                let mut line = mem::take(&mut self.line);
                self.end_of_line(&line, sink);
                line.clear();
                self.line = line;
            }
        }
        self.line.extend_from_slice(bytes);
    }

    fn end_of_line(&mut self, line: &[u8], sink: &mut impl FnMut(Item)) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return self.end_of_event(sink);
        }
        if let Some(comment) = line.strip_prefix(b":") {
            let comment = String::from_utf8_lossy(strip_space(comment));
            return sink(Item::Comment(comment.into_owned()));
        }
        let colon = memchr(b':', line).unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = strip_space(value.strip_prefix(b":").unwrap_or(value));
        let text = || String::from_utf8_lossy(value).into_owned();
        match field {
            b"event" => self.name = text(),
            b"id" => self.id = Some(text()),
            b"retry" => self.retry = Some(text()),
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            _ => {}
        }
    }

    fn end_of_event(&mut self, sink: &mut impl FnMut(Item)) {
        let name = mem::take(&mut self.name);
        let (id, retry) = (self.id.take(), self.retry.take());
        if mem::take(&mut self.has_data) {
            let name = if name.is_empty() {
                "message".to_owned()
            } else {
                name
            };
            sink(Item::Event {
                name,
                data: mem::take(&mut self.data),
                id,
                retry,
            });
        }
    }
}

/// One space after the colon belongs to the format, any further one to the value.
fn strip_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

/// The body of an answer, as it comes, without its framing.
pub struct Pieces {
    stream: TcpStream,
    received: Vec<u8>,
    body: Body,
    payload: Vec<u8>,
}

impl Pieces {
    pub fn of(connection: Connection, body: Body) -> Self {
        let (stream, mut received) = connection.into_parts();
        received.reserve(64 << 10);
        Self {
            stream,
            received,
            body,
            payload: Vec::new(),
        }
    }

    /// The next bytes; `None` when the body is complete.
    ///
    /// # Errors
    /// When it breaks before, and how.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, String> {
        self.payload.clear();
        loop {
            self.body
                .decode(&self.received, &mut self.payload)
                .map_err(|error| error.to_string())?;
            self.received.clear();
            if !self.payload.is_empty() {
                return Ok(Some(&self.payload));
            }
            if self.body.is_complete() {
                return Ok(None);
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) => return Err("the server closed the connection".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(format!("reading the stream: {error}")),
            }
        }
    }
}
