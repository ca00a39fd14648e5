//! Where a body ends: lengths, codings, chunks.

use super::{CHUNKED, PING, Stage, chunk};
use crate::smuggling::Then::CloseAtEnd;

const BAD_LENGTHS: [(&str, &str); 14] = [
    (
        "two lengths, the first right",
        "Content-Length: LEN\r\nContent-Length: ALL",
    ),
    (
        "two lengths, the last right",
        "Content-Length: 0\r\nContent-Length: LEN",
    ),
    ("a list of lengths", "Content-Length: LEN, ALL"),
    ("a length with a sign", "Content-Length: +LEN"),
    ("a negative length", "Content-Length: -LEN"),
    (
        "a length over 64 bits",
        "Content-Length: 184467440737095516LEN",
    ),
    ("a hexadecimal length", "Content-Length: 0xLEN"),
    ("a fraction of a length", "Content-Length: LEN.0"),
    ("an exponent", "Content-Length: 4e1"),
    ("an empty length", "Content-Length:"),
    ("two numbers", "Content-Length: LEN ALL"),
    ("space before the length's colon", "Content-Length : LEN"),
    ("a folded length", "Content-Length:\r\n LEN"),
    ("digits of another script", "Content-Length: \u{664}\u{660}"),
];

const GOOD_LENGTHS: [(&str, &str); 2] = [
    ("a length with space around", "Content-Length: \tLEN \t"),
    ("a length with zeros before", "Content-Length: 000LEN"),
];

const BAD_CODINGS: [(&str, &str); 15] = [
    ("a coding like chunked", "Transfer-Encoding: xchunked"),
    ("chunked, not last", "Transfer-Encoding: chunked, identity"),
    ("chunked with a parameter", "Transfer-Encoding: chunked;q=1"),
    ("chunked in quotes", "Transfer-Encoding: \"chunked\""),
    (
        "a vertical tab before chunked",
        "Transfer-Encoding: \u{b}chunked",
    ),
    ("a NUL after chunked", "Transfer-Encoding: chunked\0"),
    (
        "space before the coding's colon",
        "Transfer-Encoding : chunked",
    ),
    ("a folded coding", "Transfer-Encoding:\r\n chunked"),
    (
        "a coding on a folded line",
        "X: y\r\n Transfer-Encoding: chunked",
    ),
    (
        "another coding before chunked",
        "Transfer-Encoding: gzip, chunked",
    ),
    ("chunked twice", "Transfer-Encoding: chunked, chunked"),
    (
        "two headers, chunked last",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    ),
    ("no coding", "Transfer-Encoding:"),
    (
        "two headers, chunked not last",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    ),
    (
        "a length and an unknown coding",
        "Content-Length: 5\r\nTransfer-Encoding: xchunked",
    ),
];

/// What is wrong with a chunk: what of the right ones is replaced, once, and by what.
const BAD_CHUNKS: [(&str, &str, &str); 13] = [
    ("a size with a sign", "SIZE", "+SIZE"),
    ("a negative size", "SIZE", "-SIZE"),
    ("a size with 0x", "SIZE", "0xSIZE"),
    ("a size over 64 bits", "SIZE", "10000000000000000SIZE"),
    ("no size", "SIZE", ""),
    ("LF after a size", "\r\n", "\n"),
    ("CR after a size", "\r\n", "\r"),
    ("LF in an extension", "\r\n", ";a\nb\r\n"),
    ("more in a chunk than its size", "}\r\n", "}XX\r\n"),
    ("LF after a chunk", "}\r\n", "}\n"),
    ("nothing after a chunk", "}\r\n", "}"),
    ("no end of the last line", "0\r\n\r\n", "0\r\n"),
    ("a folded trailer", "0\r\n\r\n", "0\r\nX: y\r\n z: \r\n\r\n"),
];

const GOOD_CHUNKS: [(&str, &str, &str); 3] = [
    ("an extension", "\r\n", ";a=\"b\"\r\n"),
    ("a trailer", "0\r\n\r\n", "0\r\nX: y\r\n\r\n"),
    (
        "framing in a trailer",
        "0\r\n\r\n",
        "0\r\nContent-Length: ALL\r\nTransfer-Encoding: chunked\r\nHost: evil.com\r\n\r\n",
    ),
];

impl Stage {
    pub(super) fn lengths(&mut self) {
        for (name, lines) in BAD_LENGTHS {
            let body = format!("{PING}{}", self.hidden);
            self.bad(name, self.posted(&self.fill(lines), &body));
        }
        for (name, lines) in GOOD_LENGTHS {
            self.good(name, self.posted(&self.fill(lines), PING));
        }
    }

    pub(super) fn codings(&mut self) {
        let hidden = format!("0\r\n\r\n{}", self.hidden);
        for (name, lines) in BAD_CODINGS {
            self.bad(name, self.posted(lines, &hidden));
        }
        let old = self.posted(CHUNKED, &hidden);
        let old = old.replacen("HTTP/1.1", "HTTP/1.0", 1);
        self.bad("chunks in HTTP/1.0", old);
        let whole = format!("{}0\r\n\r\n", chunk(PING));
        for (name, lines) in [
            ("chunked in capitals", "Transfer-Encoding: CHUNKED"),
            ("chunked behind a tab", "Transfer-Encoding:\tchunked"),
        ] {
            self.good(name, self.posted(lines, &whole));
        }
        let lines = self.fill("Transfer_Encoding: chunked\r\nContent-Length: LEN");
        self.good("an underscore is no hyphen", self.posted(&lines, PING));
    }

    /// The chunks count, and the connection is closed (RFC 9112 §6.1).
    pub(super) fn lengths_and_codings(&mut self) {
        let empty = format!("0\r\n\r\n{}", self.hidden);
        let all = empty.len();
        let lines = format!("Content-Length: {all}\r\n{CHUNKED}");
        self.bad("a length, then chunks", self.posted(&lines, &empty));
        let lines = format!("{CHUNKED}\r\nContent-Length: {all}");
        self.bad("chunks, then a length", self.posted(&lines, &empty));
        let within = format!("{}0\r\n\r\n", chunk(&self.hidden));
        let lines = format!("Content-Length: 5\r\n{CHUNKED}");
        let name = "a length that ends before the chunk";
        self.bad(name, self.posted(&lines, &within));
    }

    pub(super) fn chunks(&mut self) {
        let whole = format!("{}0\r\n\r\n", chunk(PING));
        let size = format!("{:x}", PING.len());
        for (name, part, other) in BAD_CHUNKS {
            let (part, other) = (part.replace("SIZE", &size), other.replace("SIZE", &size));
            let body = whole.replacen(&part, &other, 1) + &self.hidden;
            self.bad(name, self.posted(CHUNKED, &body));
        }
        for (name, part, other) in GOOD_CHUNKS {
            let body = whole.replacen(part, &self.fill(other), 1);
            self.good(name, self.posted(CHUNKED, &body));
        }
        let endless = self.posted(CHUNKED, &format!("ffffff\r\n{}", self.hidden));
        self.add("a chunk that is not whole", endless, &[400], CloseAtEnd);
        let longer = self.posted("Content-Length: 99999", &self.hidden);
        self.add("a body that is not whole", longer, &[400], CloseAtEnd);
    }
}
