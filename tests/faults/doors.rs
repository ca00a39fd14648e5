//! Rows 230 to 234: clients at the wrong address, proxies, probers, other protocols, and who is refused.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, timeout};

use super::stage::Stage;
use crate::support::client::DEADLINE;
use crate::support::http;
use crate::support::servers::{fixture, text_of};
use crate::support::streamable::Endpoint;
use crate::support::wait;

const HI: &str = r#"{"text":"hi"}"#;
const JSON: (&str, &str) = ("content-type", "application/json");
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// What comes to `bytes` until the gateway closes; the connection stays open on our side.
async fn told(addr: SocketAddr, bytes: &[u8]) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(bytes).await?;
        let mut said = Vec::new();
        // A reset is an end too.
        stream.read_to_end(&mut said).await.ok();
        std::io::Result::Ok(String::from_utf8_lossy(&said).into_owned())
    };
    wait::within(|| "the end of a connection".to_owned(), DEADLINE, exchange).await
}

#[tokio::test]
async fn f230_newer_client_at_the_older_address() {
    let mut stage = Stage::open(230, &[fixture("x", &[])]).await;
    let addr = stage.gateway.addr();
    for path in ["/sse", "/metamcp/x/sse"] {
        let mut client = Endpoint::at(addr, path);
        client.initialize("2025-11-25", "{}").await;
        stage.struck(format!("POST {path} opened a session"));
        assert_eq!(text_of(&client.call_tool("x__echo", HI).await), "hi");
        let listening = client.listen().await;
        assert_eq!(listening.head.status, 200);
        assert_eq!(client.delete().await.status, 200);
        assert_eq!(client.post(PING).await.status(), 404);
    }
    stage.holds("it calls, listens and ends its session on both", true);
    let accept = [("accept", "text/event-stream")];
    let older = http::request(addr, "GET", "/mcp", &accept, b"").await;
    stage.holds(
        "the older one at /mcp is told /sse",
        older.status == 405 && older.text().contains("/sse"),
    );
    stage.close().await;
}

/// A proxy that serves the gateway below `/gw` and tells it nothing but that it is one.
async fn strip(listener: TcpListener, gateway: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        connections.spawn(async move {
            let mut head = Vec::new();
            while memchr::memmem::find(&head, b"\r\n").is_none() {
                client.read_buf(&mut head).await?;
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let (line, rest) = head.split_once("\r\n").expect("it is there");
            let line = line.replacen(" /gw/", " /", 1);
            let mut upstream = TcpStream::connect(gateway).await?;
            let head = format!("{line}\r\nX-Forwarded-For: 192.0.2.1\r\n{rest}");
            upstream.write_all(head.as_bytes()).await?;
            copy_bidirectional(&mut client, &mut upstream).await
        });
    }
}

#[tokio::test]
async fn f231_path_stripped_by_a_proxy() {
    let mut stage = Stage::open(231, &[fixture("x", &[])]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = listener.local_addr().expect("it is bound");
    let mut tasks = JoinSet::new();
    tasks.spawn(strip(listener, stage.gateway.addr()));
    for (path, told) in [("/gw/sse", "messages?"), ("/gw/sse/", "../messages?")] {
        let head = http::request_head(proxy, "GET", path, &[]) + "\r\n";
        let mut stream = TcpStream::connect(proxy).await.expect("it listens");
        stream.write_all(head.as_bytes()).await.expect("it reads");
        let mut said = Vec::new();
        let mut until = async |stream: &mut TcpStream, end: &str| {
            while memchr::memmem::find(&said, end.as_bytes()).is_none() {
                let read = timeout(DEADLINE, stream.read_buf(&mut said)).await;
                assert_ne!(read.expect(end).expect(end), 0, "no {end}");
            }
            String::from_utf8_lossy(&said).into_owned()
        };
        let text = until(&mut stream, ": connected\n\n").await;
        let line = text.lines().find_map(|line| line.strip_prefix("data: "));
        let endpoint = line.expect("an endpoint");
        stage.struck(format!("at {path} told {told}"));
        assert!(endpoint.starts_with(told), "{endpoint}");
        let query = endpoint.split_once('?').expect("a session").1;
        let path = format!("/gw/messages?{query}");
        let accepted = http::request(proxy, "POST", &path, &[JSON], PING.as_bytes()).await;
        assert_eq!(accepted.status, 202, "{path}");
        until(&mut stream, r#""result":{}"#).await;
    }
    stage.holds("a message is answered below the proxy's path", true);
    stage.close().await;
}

#[tokio::test]
async fn f232_prober_without_a_name() {
    let mut stage = Stage::open(232, &[]).await;
    let addr = stage.gateway.addr();
    for path in ["/healthz", "/readyz", "/health"] {
        for head in [
            "HTTP/1.0\r\n",
            "HTTP/1.1\r\nConnection: close\r\n",
            "HTTP/1.1\r\nConnection: close\r\nHost: mcp.example.com\r\n",
            "HTTP/1.0\r\nHost: *\r\n",
        ] {
            let said = told(addr, format!("GET {path} {head}\r\n").as_bytes()).await;
            assert!(said.contains(" 200 "), "{path} {head:?}: {said}");
        }
        stage.struck(format!("{path}: no Host, and foreign ones"));
    }
    let said = told(
        addr,
        b"GET /status HTTP/1.0\r\nHost: mcp.example.com\r\n\r\n",
    )
    .await;
    stage.holds(
        "200; others are refused where there is something to see",
        said.contains(" 421 "),
    );
    stage.close().await;
}

/// The beginning of what a client of TLS says.
const HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

#[tokio::test]
async fn f233_tls_on_the_plain_port() {
    const TIMES: usize = 100;
    let mut stage = Stage::open(233, &[]).await;
    let addr = stage.gateway.addr();
    let mark = stage.gateway.log_mark();
    let first = Instant::now();
    told(addr, HELLO).await;
    stage.within("closed after", first.elapsed(), Duration::from_secs(3));
    for _ in 1..TIMES {
        told(addr, HELLO).await;
    }
    stage.struck(format!(
        "{} refused",
        stage.metric("mcproxy_requests_refused_total").await
    ));
    let line = stage
        .gateway
        .wait_for_log_after(mark, "TLS", DEADLINE)
        .await;
    stage.holds(
        "named in a warning",
        line.contains("[WARN]") && line.contains("http://"),
    );
    let logs = stage.gateway.logs();
    let lines = logs
        .iter()
        .skip(mark)
        .filter(|line| line.contains("TLS"))
        .count();
    stage.at_most("log lines", &lines, &2);
    stage.close().await;
}

/// Bytes that are refused, and what the log says then.
const REFUSED: [(&str, &str); 13] = [
    (
        "GET / HTTP/1.1\r\nHost: mcp.example.com\r\n\r\n",
        "--allowed-host mcp.example.com",
    ),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nOrigin: app://mine\r\n\r\n",
        "--allowed-origin app://mine",
    ),
    (
        "GET / HTTP/1.1\r\nHost: x\r\nOrigin: null\r\n\r\n",
        "'null'",
    ),
    (
        "POST /v1/mcp HTTP/1.1\r\nHost: x\r\n\r\n",
        "connects to /mcp",
    ),
    (
        "GET /mcp/sse HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
        "connects to /mcp",
    ),
    (
        "GET /mcp HTTP/1.1\r\nHost: x\r\n\r\n",
        "belongs to a session",
    ),
    ("PUT /sse HTTP/1.1\r\nHost: x\r\n\r\n", "GET, POST, DELETE"),
    (
        "POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\n",
        "application/json",
    ),
    (
        "POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n",
        "compressed",
    ),
    (
        "POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n",
        "max_body_bytes",
    ),
    (
        "POST /messages?session_id=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "session",
    ),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
    ("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n\r\n", "send-proxy"),
];

#[tokio::test]
async fn f234_refused_again_and_again() {
    const TIMES: usize = 30;
    let mut stage = Stage::open(234, &[]).await;
    let addr = stage.gateway.addr();
    let mark = stage.gateway.log_mark();
    for (request, words) in REFUSED {
        for _ in 0..TIMES {
            let closing = request.replacen("\r\nHost: x", "\r\nHost: x\r\nConnection: close", 1);
            let closing = closing.replacen("com\r\n", "com\r\nConnection: close\r\n", 1);
            told(addr, closing.as_bytes()).await;
        }
        stage
            .gateway
            .wait_for_log_after(mark, words, DEADLINE)
            .await;
    }
    // What is no request is counted when its connection has ended.
    let counted = wait::until("all to be counted", DEADLINE, async || {
        let counted = stage.metric("mcproxy_requests_refused_total").await;
        (counted >= TIMES * REFUSED.len()).then_some(counted)
    });
    let counted = counted.await;
    stage.struck(format!("{counted} refused"));
    stage.holds("each reason is in the log, with what to do", true);
    let logs = stage.gateway.logs();
    let lines = logs
        .iter()
        .skip(mark)
        .filter(|line| line.contains("was refused"))
        .count();
    stage.at_most("log lines", &lines, &(REFUSED.len() + 2));
    stage.close().await;
}
