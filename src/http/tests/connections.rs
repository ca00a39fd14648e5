//! Connections: idle ones, slow ones, too many of them.

use super::*;
use tokio::time::Instant;

#[tokio::test]
async fn silent_and_slow_clients_are_cut_off() {
    let server = Server::with(|limits| limits.header_timeout = Duration::from_millis(300)).await;
    let started = Instant::now();
    let mut idle = server.connect().await;
    let mut half = server.connect().await;
    half.send("GET /healthz HTTP/1.1\r\nHost: local").await;
    // Meanwhile others are served.
    assert_eq!(server.get("/healthz", "").await.status, 200);
    for connection in [&mut idle, &mut half] {
        assert_eq!(connection.read_to_end().await, "");
    }
    let lasted = started.elapsed();
    assert!(
        (Duration::from_millis(250)..PATIENCE / 2).contains(&lasted),
        "{lasted:?}"
    );
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A connection on which `request` was answered with 200.
async fn answered(server: &Server, request: &str) -> Connection {
    let mut connection = server.connect().await;
    connection.send(request).await;
    assert_eq!(connection.reply().await.status, 200);
    connection
}

/// Before one that closes idle connections after `idle`, and slow headers after 200 ms.
async fn patient(idle: Duration) -> Server {
    Server::with(|limits| {
        limits.header_timeout = Duration::from_millis(200);
        limits.connection_idle_timeout = idle;
    })
    .await
}

#[tokio::test]
async fn between_requests_is_more_time_than_inside_one() {
    let server = patient(PATIENCE).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let length = body.len();
    let post = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let mut idle = [
        answered(&server, HEALTH).await,
        answered(&server, &post).await,
    ];
    let mut slow = answered(&server, HEALTH).await;
    // What came with the end of a request is the beginning of the next one's headers.
    let mut eager = answered(&server, &format!("{HEALTH}GET /he")).await;
    let mut posted = answered(&server, &format!("{post}P")).await;
    let started = Instant::now();
    while slow.try_send(b"G").await {
        assert!(started.elapsed() < PATIENCE / 2, "still open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for connection in [&mut eager, &mut posted] {
        assert_eq!(connection.read_to_end().await, "");
    }
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    for connection in &mut idle {
        connection.send(&format!("{HEALTH}{HEALTH}")).await;
        assert_eq!(connection.reply().await.status, 200);
        assert_eq!(connection.reply().await.status, 200);
    }
}

#[tokio::test]
async fn what_is_idle_for_too_long_is_closed() {
    let server = patient(Duration::from_millis(500)).await;
    let started = Instant::now();
    let mut idle = answered(&server, HEALTH).await;
    assert_eq!(idle.read_to_end().await, "");
    let lasted = started.elapsed();
    let allowed = Duration::from_millis(450)..PATIENCE / 2;
    assert!(allowed.contains(&lasted), "{lasted:?}");
}

#[tokio::test]
async fn idle_connections_make_room() {
    let server = Server::with(|limits| {
        limits.max_connections = 3;
        limits.keepalive_interval = Duration::from_millis(100);
    })
    .await;
    let (mut stream, _) = server.open_sse().await;
    let mut first = answered(&server, HEALTH).await;
    let mut second = answered(&server, HEALTH).await;
    let started = Instant::now();
    let _next = answered(&server, HEALTH).await;
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    assert_eq!(first.read_to_end().await, "");
    second.send(HEALTH).await;
    assert_eq!(second.reply().await.status, 200);
    stream.read_until(": keepalive\n\n").await;
}

#[tokio::test]
async fn a_trickle_of_header_bytes_buys_no_time() {
    let server = Server::with(|limits| limits.header_timeout = Duration::from_millis(300)).await;
    let mut slow = server.connect().await;
    let deadline = Instant::now() + PATIENCE;
    while slow.try_send(b"G").await {
        assert!(Instant::now() < deadline, "still open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_open_stream_outlives_the_header_time() {
    let server = Server::with(|limits| {
        limits.header_timeout = Duration::from_millis(50);
        limits.keepalive_interval = Duration::from_millis(100);
    })
    .await;
    let (mut stream, path) = server.open_sse().await;
    for _ in 0..3 {
        stream.read_until(": keepalive\n\n").await;
    }
    assert_eq!(server.post(&path, PING).await.status, 202);
    stream.read_until(PONG).await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_a_slot() {
    let server = Server::with(|limits| limits.max_connections = 3).await;
    let (one, _) = server.open_sse().await;
    let (_two, _) = server.open_sse().await;
    let (_three, _) = server.open_sse().await;
    let mut fourth = server.connect().await;
    fourth
        .send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let early =
        tokio::time::timeout(Duration::from_millis(100), fourth.read_until("\r\n\r\n")).await;
    assert!(early.is_err(), "served without a slot: {early:?}");
    drop(one);
    assert_eq!(fourth.reply().await.status, 200);
}

#[tokio::test]
async fn requests_follow_one_another_on_a_connection() {
    let server = Server::start().await;
    let (mut stream, path) = server.open_sse().await;
    let mut connection = server.connect().await;
    let pipelined = post(&path, PING).repeat(20);
    connection.send(&pipelined).await;
    for _ in 0..20 {
        assert_eq!(connection.reply().await.status, 202);
        stream.read_until(PONG).await;
    }
}

#[tokio::test]
async fn headers_have_a_limit() {
    let server = Server::start().await;
    let mut connection = server.connect().await;
    let huge = format!(
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(70_000)
    );
    connection.try_send(huge.as_bytes()).await;
    let reply = connection.read_to_end().await;
    assert!(
        reply.starts_with("HTTP/1.1 431") || reply.is_empty(),
        "{reply}"
    );
}
