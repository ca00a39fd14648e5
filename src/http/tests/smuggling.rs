//! Requests that two parsers could read in two ways. Whatever is answered, bytes that were a body
//! to one of them must never be answered as a request.

use super::*;

/// A request that must not be answered on its own: its reply would name `/smuggled`'s 404.
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

#[tokio::test]
async fn malformed_requests_are_refused_and_the_connection_closed() {
    let server = Server::with(|limits| limits.header_time = Duration::from_millis(500)).await;
    let post = "POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    for (name, request) in [
        (
            "different lengths",
            format!("{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a list of lengths",
            format!("{post}Content-Length: 1, 2\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a signed length",
            format!("{post}Content-Length: +1\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a negative length",
            format!("{post}Content-Length: -1\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a hexadecimal length",
            format!("{post}Content-Length: 0x10\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a huge length",
            format!("{post}Content-Length: 99999999999999999999\r\n\r\n{SMUGGLED}"),
        ),
        (
            "an unknown coding",
            format!("{post}Transfer-Encoding: xchunked\r\n\r\n{SMUGGLED}"),
        ),
        (
            "chunked not last",
            format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a folded header",
            format!("{post}X: a\r\n b\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a folded coding",
            format!("{post}Transfer-Encoding:\r\n chunked\r\n\r\n{SMUGGLED}"),
        ),
        (
            "space before the colon",
            format!("{post}Transfer-Encoding : chunked\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a nul in a header",
            format!("{post}X: a\0b\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a bare CR in a header",
            format!("{post}X: a\rContent-Length: 5\r\n\r\n{SMUGGLED}"),
        ),
        ("no colon", format!("{post}Nonsense\r\n\r\n{SMUGGLED}")),
        (
            "chunks in HTTP/1.0",
            format!(
                "POST /messages HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "a space in the target",
            format!("GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n{SMUGGLED}"),
        ),
        (
            "an unknown version",
            format!("GET / HTTP/3.7\r\nHost: localhost\r\n\r\n{SMUGGLED}"),
        ),
        (
            "no version",
            format!("GET /\r\nHost: localhost\r\n\r\n{SMUGGLED}"),
        ),
        (
            "not HTTP",
            "\x16\x03\x01\x02\x00\x01\x00\x01\u{7f}\u{3}\u{3}".to_owned(),
        ),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ] {
        let codes = statuses(&server, &request).await;
        assert!(codes.is_empty() || codes == [400], "{name}: {codes:?}");
    }
}

#[tokio::test]
async fn ambiguous_bodies_are_never_read_as_requests() {
    let server = Server::with(|limits| limits.header_time = Duration::from_millis(500)).await;
    let (_stream, path) = server.open_sse().await;
    let post =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
    let length = PING.len();
    let chunk = format!("{length:x}\r\n{PING}\r\n0\r\n\r\n");
    for (name, request) in [
        // Both: the chunks count (RFC 9112 §6.1), and the connection ends with the reply.
        (
            "length then coding",
            format!(
                "{post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{SMUGGLED}"
            ),
        ),
        (
            "coding then length",
            format!(
                "{post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunk}{SMUGGLED}"
            ),
        ),
        (
            "a chunk size with a sign",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n+{chunk}{SMUGGLED}"),
        ),
        (
            "a chunk size with 0x",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n0x{chunk}{SMUGGLED}"),
        ),
        (
            "a huge chunk size",
            format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{SMUGGLED}"),
        ),
        (
            "a chunk ended by LF",
            format!(
                "{post}Transfer-Encoding: chunked\r\n\r\n{length:x}\n{PING}\r\n0\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "LF in an extension",
            format!(
                "{post}Transfer-Encoding: chunked\r\n\r\n{length:x};a\n{PING}\r\n0\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "a chunk longer than its size",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n2\r\n{PING}\r\n0\r\n\r\n{SMUGGLED}"),
        ),
    ] {
        let codes = statuses(&server, &request).await;
        let refused_or_closed = codes.is_empty() || codes == [400] || codes == [202];
        assert!(refused_or_closed, "{name}: {codes:?}");
    }
}

#[tokio::test]
async fn a_refused_body_is_not_read_as_a_request() {
    let server = Server::with(|limits| {
        limits.header_time = Duration::from_millis(500);
        limits.body = 10;
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
    let server = Server::with(|limits| limits.header_time = Duration::from_millis(500)).await;
    let request = "GET /healthz HTTP/1.1\nHost: localhost\n\n";
    assert_eq!(statuses(&server, request).await, [200]);
    // The guard sees the Host that follows, too.
    let request = "GET /healthz HTTP/1.1\nHost: localhost\nHost: evil.com\n\n";
    assert_eq!(statuses(&server, request).await, [400]);
}
