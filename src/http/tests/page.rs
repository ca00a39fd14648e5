//! The page: what of it anybody may load, and the stream that it reads.

use super::tokens::tokens;
use super::*;

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";

#[tokio::test]
async fn a_browser_gets_the_page_and_its_files_without_a_token() {
    let server = Server::start().await;
    for is_guarded in [false, true] {
        if is_guarded {
            server.tokens.send_replace(tokens());
        }
        for (path, media) in [
            ("/", "text/html; charset=utf-8"),
            ("/page/page.css", "text/css; charset=utf-8"),
            ("/page/page.js", "text/javascript; charset=utf-8"),
        ] {
            let file = server.get(path, BROWSER).await;
            assert_eq!(file.status, 200, "{path}");
            assert_eq!(file.header("content-type"), Some(media));
            let policy = file.header("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
            assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(file.header("referrer-policy"), Some("no-referrer"));
            let tag = file.header("etag").unwrap();
            let held = format!("{BROWSER}If-None-Match: {tag}\r\n");
            let again = server.get(path, &held).await;
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        }
        let none = if is_guarded { 401 } else { 404 };
        assert_eq!(server.get("/page/none.js", BROWSER).await.status, none);
        let data = if is_guarded { 401 } else { 200 };
        assert_eq!(server.get("/", "Accept: */*\r\n").await.status, data);
    }
    for path in ["/status", "/status/stream", "/status/tools", "/metrics"] {
        assert_eq!(server.get(path, BROWSER).await.status, 401, "{path}");
    }
}

/// The other site is shown nothing of it. Whatever else it asks for is refused.
#[tokio::test]
async fn a_link_on_another_site_leads_to_the_page() {
    let server = Server::start().await;
    let ask = async |path: &str, mode: &str, dest: &str| {
        let fetch = format!("Sec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n");
        let headers = format!("{BROWSER}Sec-Fetch-Site: cross-site\r\n{fetch}");
        server.get(path, &headers).await.status
    };
    assert_eq!(ask("/", "navigate", "document").await, 200);
    for (path, mode, dest) in [
        ("/status", "navigate", "document"),
        ("/page/page.js", "no-cors", "script"),
        ("/", "navigate", "iframe"),
        ("/", "no-cors", "document"),
    ] {
        assert_eq!(ask(path, mode, dest).await, 403, "{path} {mode} {dest}");
    }
}

#[tokio::test]
async fn before_the_configuration_is_read_there_is_the_page() {
    let server = Server::start().await;
    server.profiles.send_replace(None);
    assert_eq!(server.get("/", BROWSER).await.status, 200);
    assert_eq!(server.get("/page/page.js", "").await.status, 200);
}

/// Opens the stream; it, after its head.
async fn open(server: &Server) -> Connection {
    let mut stream = server.connect().await;
    let request = format!("GET /status/stream HTTP/1.1\r\nHost: localhost\r\n{EVENTS}\r\n");
    stream.send(&request).await;
    let head = stream.read_until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    stream
}

const EVENTS: &str = "Accept: text/event-stream\r\n";

#[tokio::test]
async fn its_stream_ends_with_other_tokens_and_with_the_listener() {
    let server = Server::start().await;
    let mut stream = open(&server).await;
    let mut other = open(&server).await;
    let json = "Accept: application/json\r\n";
    assert_eq!(server.get("/status/stream", json).await.status, 406);
    server.tokens.send_replace(Tokens::default());
    for ended in [&mut stream, &mut other] {
        ended.read_until("0\r\n\r\n").await;
    }
    let mut last = open(&server).await;
    let began = tokio::time::Instant::now();
    server.listener.stop(None);
    last.read_to_end().await;
    assert!(began.elapsed() < Times::default().drain, "nobody cut it");
}

#[tokio::test]
async fn so_many_pages_and_no_more() {
    let server = Server::start().await;
    let mut streams = Vec::new();
    let refused = loop {
        let mut stream = server.connect().await;
        let request = format!("GET /status/stream HTTP/1.1\r\nHost: localhost\r\n{EVENTS}\r\n");
        stream.send(&request).await;
        let head = stream.read_until("\r\n\r\n").await;
        if head.starts_with("HTTP/1.1 503") {
            break head;
        }
        streams.push(stream);
        assert!(streams.len() <= 64);
    };
    assert!(streams.len() > 32, "{refused}");
}
