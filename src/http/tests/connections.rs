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
    let mut kept = server.connect().await;
    kept.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(kept.reply().await.status, 200);
    // Meanwhile others are served.
    assert_eq!(server.get("/healthz", "").await.status, 200);
    for connection in [&mut idle, &mut half, &mut kept] {
        assert_eq!(connection.read_to_end().await, "");
    }
    let lasted = started.elapsed();
    assert!(
        (Duration::from_millis(250)..PATIENCE / 2).contains(&lasted),
        "{lasted:?}"
    );
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
