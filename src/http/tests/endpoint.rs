//! Behind a proxy that takes a path off: whatever a client makes of the endpoint, it is served.

use super::*;

/// A way to make an address of a base path and a reference, as programs have it.
type Rule = fn(&str, &str) -> String;

/// The path of RFC 3986 §5.2, which the WHATWG rule, Python's `urljoin` and Go's `ResolveReference` give
/// too: what would climb above the root stays there.
fn resolved(base: &str, reference: &str) -> String {
    normalized(base, reference, false)
}

/// Java's `URI.resolve` (RFC 2396 §5.2): what would climb above the root is left as it is.
fn resolved_by_java(base: &str, reference: &str) -> String {
    normalized(base, reference, true)
}

/// Not resolved at all, for whom the path is sent as it was joined.
fn joined(base: &str, reference: &str) -> String {
    if reference.starts_with('/') {
        return reference.to_owned();
    }
    let (directory, _) = base.rsplit_once('/').unwrap();
    format!("{directory}/{reference}")
}

/// Put behind the address of the stream, as Kotlin's SDK does.
fn appended(base: &str, reference: &str) -> String {
    let (base, reference) = (
        base.trim_end_matches('/'),
        reference.trim_start_matches('/'),
    );
    format!("{base}/{reference}")
}

fn normalized(base: &str, reference: &str, keeps_climbing: bool) -> String {
    let joined = joined(base, reference);
    let (path, query) = joined.split_once('?').unwrap();
    let mut parts: Vec<&str> = vec![];
    for part in path[1..].split('/') {
        match part {
            "." => {}
            ".." if keeps_climbing && parts.last().is_none_or(|last| *last == "..") => {
                parts.push(part);
            }
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}?{query}", parts.join("/"))
}

#[test]
fn rules_differ_above_the_root_only() {
    for (base, reference, usual, java) in [
        ("/sse", "messages?1", "/messages?1", "/messages?1"),
        ("/a/sse/", "../messages?1", "/a/messages?1", "/a/messages?1"),
        ("/a/sse", "/messages?1", "/messages?1", "/messages?1"),
        ("/sse", "../messages?1", "/messages?1", "/../messages?1"),
        ("/a//sse//", "../m?1", "/a//sse/m?1", "/a//sse/m?1"),
    ] {
        assert_eq!(resolved(base, reference), usual);
        assert_eq!(resolved_by_java(base, reference), java);
    }
}

/// The address of the client, below a proxy's path, and that which the proxy makes of it.
const ADDRESSES: [(&str, &str, &str); 12] = [
    ("", "/sse", "/sse"),
    ("", "/sse/", "/sse/"),
    ("", "//sse", "//sse"),
    ("/gw", "/gw/sse", "/sse"),
    ("/gw", "/gw/sse/", "/sse/"),
    ("/gw", "/gw//sse", "//sse"),
    ("/gw", "/gw/sse//", "/sse//"),
    ("/a/b", "/a/b/sse", "/sse"),
    ("/gw", "/gw/metamcp/x/sse", "/metamcp/x/sse"),
    ("/gw", "/gw/metamcp/x/sse/", "/metamcp/x/sse/"),
    // It takes the slash off, too.
    ("/gw", "/gw/sse/", "/sse"),
    ("/gw", "/gw/metamcp/x/sse/", "/metamcp/x/sse"),
];

#[tokio::test]
async fn every_address_that_a_client_makes_of_it_is_served() {
    let server = Server::start().await;
    let rules: [Rule; 4] = [resolved, resolved_by_java, joined, appended];
    for (prefix, client, came) in ADDRESSES {
        for head in ["HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1", "HTTP/1.0"] {
            let mut stream = server.connect().await;
            let request = format!("GET {came} {head}\r\nHost: localhost\r\n\r\n");
            stream.send(&request).await;
            let told = stream.read_until(": connected\n\n").await;
            let told = told.split("data: ").nth(1).unwrap().lines().next().unwrap();
            for rule in rules {
                let address = rule(client, told);
                let path = address.strip_prefix(prefix);
                let path = path.unwrap_or_else(|| panic!("{told} at {client}: {address}"));
                let accepted = server.post(path, PING).await;
                assert_eq!(accepted.status, 202, "{told} at {client}: {path}");
                stream.read_until(PONG).await;
            }
        }
    }
}

#[tokio::test]
async fn whoever_comes_directly_gets_a_path() {
    let server = Server::start().await;
    for (path, base) in [
        ("/sse", ""),
        ("/sse/", ""),
        ("/metamcp/x/sse/", "/metamcp/x"),
    ] {
        let (_stream, told) = server.open_sse_at(path).await;
        assert!(told.starts_with(&format!("{base}/message")), "{told}");
        for client in ["/sse", "/sse/", "/metamcp/x/sse", "/"] {
            assert_eq!(resolved(client, &told), told);
            assert_eq!(resolved_by_java(client, &told), told);
        }
        for address in [appended(path, &told), told] {
            assert_eq!(server.post(&address, PING).await.status, 202, "{address}");
        }
    }
}

#[tokio::test]
async fn dots_lead_to_messages_only() {
    let server = Server::start().await;
    for path in [
        "/mcp/../status",
        "/sse/../healthz",
        "/messages/../mcp",
        "/x/../sse",
    ] {
        assert_eq!(server.get(path, "").await.status, 404, "{path}");
    }
}
