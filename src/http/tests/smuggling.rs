//! Requests that two parsers could read in two ways. Whatever is answered, bytes that were a body
//! to one of them must never be answered as a request.

use super::*;

/// A request that would be answered with 200, were it taken for one.
const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Sends `request`; all status codes that come back until the server closes or falls silent.
async fn statuses(server: &Server, request: &str) -> Vec<u16> {
    let mut connection = server.connect().await;
    connection.try_send(request.as_bytes()).await;
    let text = connection.read_to_end().await;
    let codes = text.match_indices("HTTP/1.1 ").map(|(at, found)| {
        let code = text[at + found.len()..].get(..3);
        code.unwrap().parse().unwrap()
    });
    codes.collect()
}

/// What comes after `POST` and its `Host`: header lines that are wrong.
const BAD_HEADERS: [(&str, &str); 17] = [
    (
        "different lengths",
        "Content-Length: 1\r\nContent-Length: 2",
    ),
    ("a list of lengths", "Content-Length: 1, 2"),
    ("a signed length", "Content-Length: +1"),
    ("a negative length", "Content-Length: -1"),
    ("a hexadecimal length", "Content-Length: 0x10"),
    ("a huge length", "Content-Length: 99999999999999999999"),
    ("an unknown coding", "Transfer-Encoding: xchunked"),
    ("chunked not last", "Transfer-Encoding: chunked, identity"),
    ("chunked twice", "Transfer-Encoding: chunked, chunked"),
    ("two codings", "Transfer-Encoding: gzip, chunked"),
    (
        "two headers with codings",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    ),
    ("a folded header", "X: a\r\n b"),
    ("a folded coding", "Transfer-Encoding:\r\n chunked"),
    ("space before the colon", "Transfer-Encoding : chunked"),
    ("a nul in a header", "X: a\0b"),
    ("a bare CR in a header", "X: a\rContent-Length: 5"),
    ("no colon", "Nonsense"),
];

/// Whole heads that are wrong.
const BAD_REQUESTS: [(&str, &str); 5] = [
    (
        "chunks in HTTP/1.0",
        "POST /messages HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "a space in the target",
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ),
    (
        "an unknown version",
        "GET / HTTP/3.7\r\nHost: localhost\r\n\r\n",
    ),
    ("no version", "GET /\r\nHost: localhost\r\n\r\n"),
    ("TLS", "\x16\x03\x01\x02\0\x01\0\x01\x7f\x03\x03"),
];

/// Closes soon what it is not sent.
fn hurried(limits: &mut model::Limits) {
    limits.header_timeout = Duration::from_millis(500);
    limits.connection_idle_timeout = Duration::from_millis(500);
}

#[tokio::test]
async fn malformed_requests_are_refused_and_the_connection_closed() {
    let server = Server::with(hurried).await;
    let post =
        |lines| format!("POST /messages HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n\r\n{SMUGGLED}");
    let bad_headers = BAD_HEADERS.iter().map(|(name, lines)| (name, post(lines)));
    let bad_requests = BAD_REQUESTS
        .iter()
        .map(|(name, head)| (name, format!("{head}{SMUGGLED}")));
    for (name, request) in bad_headers.chain(bad_requests) {
        assert_eq!(statuses(&server, &request).await, [400], "{name}");
    }
    // There is no reply that a client of HTTP/2 could read.
    let http2 = format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{SMUGGLED}");
    assert!(statuses(&server, &http2).await.is_empty());
}

#[tokio::test]
async fn ambiguous_bodies_are_never_read_as_requests() {
    let server = Server::with(hurried).await;
    let (_stream, path) = server.open_sse().await;
    let length = PING.len();
    let good = format!("{length:x}\r\n{PING}\r\n0\r\n\r\n");
    let chunked = "Transfer-Encoding: chunked";
    let length_then_coding = format!("Content-Length: 4\r\n{chunked}");
    let coding_then_length = format!("{chunked}\r\nContent-Length: 4");
    for (name, headers, body, status) in [
        // Both: the chunks count (RFC 9112 §6.1), and the connection ends with the reply.
        ("length, coding", &*length_then_coding, &*good, 202),
        ("coding, length", &coding_then_length, &good, 202),
        ("a size with a sign", chunked, &format!("+{good}"), 400),
        ("a size with 0x", chunked, &format!("0x{good}"), 400),
        ("a huge size", chunked, "fffffffffffffffff\r\n", 400),
        ("LF after a size", chunked, &good.replacen('\r', "", 1), 400),
        (
            "LF in an extension",
            chunked,
            &good.replacen('\r', ";a", 1),
            400,
        ),
        (
            "a chunk over its size",
            chunked,
            &format!("2\r\n{PING}\r\n"),
            400,
        ),
    ] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             {headers}\r\n\r\n{body}{SMUGGLED}"
        );
        assert_eq!(statuses(&server, &request).await, [status], "{name}");
    }
}

#[tokio::test]
async fn a_refused_body_is_not_read_as_a_request() {
    let server = Server::with(|limits| {
        hurried(limits);
        limits.max_body_bytes = 10;
    })
    .await;
    let length = SMUGGLED.len();
    for host in ["localhost", "evil.com"] {
        let request = format!(
            "POST /messages HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{SMUGGLED}"
        );
        let codes = statuses(&server, &request).await;
        assert_eq!(codes.len(), 1, "{host}: {codes:?}");
    }
}

#[tokio::test]
async fn bare_line_feeds_end_lines_and_nothing_else() {
    let server = Server::with(hurried).await;
    let request = "GET /healthz HTTP/1.1\nHost: localhost\n\n";
    assert_eq!(statuses(&server, request).await, [200]);
    // The guard sees the Host that follows, too.
    let request = "GET /healthz HTTP/1.1\nHost: localhost\nHost: evil.com\n\n";
    assert_eq!(statuses(&server, request).await, [400]);
}
