//! Where a line ends, bodies that nobody reads, requests for something else than an answer, and ids that
//! look like lines.

use super::{CHUNKED, PING, Stage, chunk};
use crate::smuggling::Then::{Close, Marker};

const BAD_LINES: [(&str, &str); 8] = [
    ("a bare CR in a value", "X: a\rContent-Length: ALL"),
    ("CR CR LF", "X: y\r\r\nContent-Length: ALL"),
    ("a NUL in a value", "X: a\0b"),
    ("a NUL in a name", "X\0: a"),
    ("a line without a colon", "Content-Length"),
    ("a line of space", " \t"),
    ("an empty name", ": x"),
    ("a name beyond ASCII", "C\u{f6}ntent-Length: 5"),
];

const BAD_FIRST_LINES: [(&str, &str); 7] = [
    ("a space in the target", "GET /health z HTTP/1.1"),
    ("a tab for a space", "GET\t/healthz HTTP/1.1"),
    ("a word too many", "GET /healthz HTTP/1.1 HTTP/1.1"),
    ("an unknown version", "GET /healthz HTTP/1.2"),
    ("no version", "GET /healthz"),
    ("a NUL in the target", "GET /healthz\0 HTTP/1.1"),
    ("a method with a colon", "GET: /healthz HTTP/1.1"),
];

/// The first line, another header, and the status.
type Unread = (&'static str, &'static str, &'static str, &'static [u16]);

const UNREAD: [Unread; 8] = [
    ("a GET with a body", "GET /healthz", "X: y", &[200]),
    ("a GET of nothing, a body", "GET /nothing", "X: y", &[404]),
    ("a DELETE with a body", "DELETE /mcp", "X: y", &[400]),
    ("an OPTIONS with a body", "OPTIONS /mcp", "X: y", &[405]),
    ("the wrong method, a body", "POST /healthz", "X: y", &[405]),
    (
        "another method by a header",
        "GET /healthz",
        "X-HTTP-Method-Override: POST",
        &[200],
    ),
    (
        "no session, a body",
        "POST /messages?session_id=1",
        "Content-Type: text/plain",
        &[404],
    ),
    (
        "a page's body",
        "POST /mcp",
        "Origin: https://evil.com",
        &[403],
    ),
];

const UNUSUAL: [(&str, &str); 5] = [
    (
        "an upgrade to HTTP/2",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    ),
    (
        "an upgrade to WebSocket",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: eA==",
    ),
    ("Expect", "Expect: 100-continue"),
    ("an Expect that nobody knows", "Expect: 200-ok"),
    ("a length named by Connection", "Connection: Content-Length"),
];

impl Stage {
    pub(super) fn lines(&mut self) {
        let good = "GET /healthz HTTP/1.1";
        let bad_lines = BAD_LINES.map(|(name, line)| (name, good, self.fill(line)));
        let bad_first = BAD_FIRST_LINES.map(|(name, line)| (name, line, "X: y".to_owned()));
        for (name, first, line) in bad_lines.into_iter().chain(bad_first) {
            let hidden = &self.hidden;
            let text = format!("{first}\r\nHost: localhost\r\n{line}\r\n\r\n{hidden}");
            self.bad(name, text);
        }
        let (length, hidden) = (self.hidden.len(), &self.hidden);
        let text = format!("{good}\nHost: localhost\nContent-Length: {length}\n\n{hidden}");
        self.good("bare LF ends lines", text);
        let text = format!("\r\n\r\n{good}\r\nHost: localhost\r\n\r\n");
        self.good("empty lines before a request", text);
    }

    /// Bodies that nobody asked for, or that were refused by the head alone: not read as requests.
    pub(super) fn unread(&mut self) {
        for (name, first, line, statuses) in UNREAD {
            let (length, hidden) = (self.hidden.len(), &self.hidden);
            let text = format!(
                "{first} HTTP/1.1\r\nHost: localhost\r\n{line}\r\nContent-Length: {length}\r\n\r\n{hidden}"
            );
            self.add(name, text, statuses, Marker);
        }
        let body = chunk(&self.hidden);
        let text =
            format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{CHUNKED}\r\n\r\n{body}0\r\n\r\n");
        self.good("a GET with chunks", text);
        let text = self.posted("Content-Length: 99999999", &self.hidden);
        self.add("a body over the limit", text, &[413], Close);
    }

    pub(super) fn unusual(&mut self) {
        let length = self.fill("Content-Length: LEN");
        for (name, lines) in UNUSUAL {
            let text = self.posted(&format!("{lines}\r\n{length}"), PING);
            self.good(name, text);
        }
        let lines = format!(
            "Expect: 100-continue\r\nContent-Length: {}",
            self.hidden.len()
        );
        let text = self.posted(&lines, &self.hidden);
        self.add("Expect, and the body at once", text, &[400], Marker);
        let text = "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n".to_owned();
        self.add("CONNECT", text, &[405], Marker);
        let text = format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{}", self.hidden);
        self.add("the preface of HTTP/2", text, &[], Close);
        let text = self.posted(&length, PING);
        let text = text.replacen("POST /mcp", "POST http://evil.com/mcp", 1);
        self.add("another host in the target", text, &[400], Marker);
    }

    /// What looks like lines in an id comes back as no line.
    pub(super) fn ids(&mut self) {
        for (name, id) in [
            ("lines in a session's id", "x%0d%0a%0d%0aGET%20/%20HTTP/1.1"),
            ("a NUL in a session's id", "%00"),
        ] {
            let length = PING.len();
            let text = format!(
                "POST /messages?session_id={id} HTTP/1.1\r\nHost: localhost\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{PING}"
            );
            self.add(name, text, &[404], Marker);
        }
        let body = PING.replace(":1,", r#":"a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n","#);
        let lines = format!("Content-Length: {}", body.len());
        self.good("lines in a request's id", self.posted(&lines, &body));
    }
}
