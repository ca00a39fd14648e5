//! The listener as an actor: how it ends, and what its successor finds.

use super::*;
use crate::tree::{Beat, Part};
use ractor::ActorStatus;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn a_stop_ends_open_streams_within_a_second() {
    let mut server = Server::start().await;
    let (mut stream, _) = server.open_sse().await;
    let (mut other, _) = server.open_sse().await;
    let mut idle = server.connect().await;
    assert_eq!(server.get("/healthz", "").await.status, 200);
    let started = Instant::now();
    server.listener.stop(None);
    timeout(PATIENCE, &mut server.ended).await.unwrap().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    for connection in [&mut stream, &mut other, &mut idle] {
        connection.read_to_end().await;
    }
}

#[tokio::test]
async fn who_had_come_before_a_stop_is_served() {
    let mut server = Server::start().await;
    let mut idle = server.connect().await;
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    idle.send(request).await;
    assert_eq!(idle.reply().await.status, 200);
    let mut late = server.connect().await;
    server.listener.stop(None);
    // One that is open already, and one that was not accepted yet.
    idle.send(request).await;
    late.send(request).await;
    for connection in [&mut idle, &mut late] {
        let reply = connection.reply().await;
        assert_eq!(
            (reply.status, reply.header("connection")),
            (200, Some("close"))
        );
        connection.read_to_end().await;
    }
    timeout(PATIENCE, &mut server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn sockets_of_others_are_let_go_and_connections_served() {
    let server = Server::start().await;
    let held = server
        .frontend
        .sockets()
        .first()
        .unwrap()
        .try_clone()
        .unwrap();
    let mut open = server.connect().await;
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    open.send(request).await;
    assert_eq!(open.reply().await.status, 200);
    server.frontend.let_go(Some(&server.listener));
    // The loop has heard of it once it answers.
    let (answers, mut heard) = mpsc::unbounded_channel();
    HttpFrontend::beat(&server.listener, Beat::new(answers));
    while heard.recv().await != Some(Part::AcceptLoop) {}
    let mut newcomer = server.connect().await;
    newcomer.send(request).await;
    open.send(request).await;
    assert_eq!(open.reply().await.status, 200);
    // The newcomer is whose the socket is now.
    held.set_nonblocking(false).unwrap();
    let taken = tokio::task::spawn_blocking(move || held.accept());
    timeout(PATIENCE, taken).await.unwrap().unwrap().unwrap();
}

/// Root does not answer here: it is being ended, or is stuck.
#[tokio::test]
async fn the_status_of_a_tree_that_does_not_answer_is_503_and_the_counters_are_there() {
    let server = Server::start().await;
    let status = server.get("/status", "").await;
    assert_eq!(status.status, 503, "{}", status.body);
    assert_eq!(status.header("retry-after"), Some("5"));
    let metrics = server.get("/metrics", "").await;
    assert_eq!(metrics.status, 200);
    let refused = "mcproxy_requests_refused_total{reason=\"unavailable\"} 1";
    assert!(metrics.body.contains(refused), "{}", metrics.body);
}

#[tokio::test]
async fn a_stop_lets_a_request_finish() {
    let times = Times {
        drain: PATIENCE,
        ..Times::default()
    };
    let mut server = Server::bounded(&[], model::Limits::default(), times).await;
    let (stream, path) = server.open_sse().await;
    let mut connection = server.connect().await;
    let request = post(&path, PING);
    let (most, last) = request.split_at(request.len() - 1);
    connection.send(most).await;
    // On its own connection, so that the accept loop has certainly taken the first one.
    assert_eq!(server.get("/healthz", "").await.status, 200);
    server.listener.stop(None);
    connection.send(last).await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 202);
    drop(stream);
    timeout(PATIENCE, &mut server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_kill_ends_connections_and_the_next_listener_serves() {
    let mut server = Server::start().await;
    let (mut stream, path) = server.open_sse().await;
    server.listener.kill();
    timeout(PATIENCE, &mut server.ended).await.unwrap().unwrap();
    stream.read_to_end().await;

    // A client that comes between two listeners waits in the kernel's queue.
    let mut between = server.connect().await;
    between
        .send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    server.restart().await;
    assert_eq!(between.reply().await.status, 200);
    assert_eq!(server.post(&path, PING).await.status, 404);
    let (mut stream, path) = server.open_sse().await;
    assert_eq!(server.post(&path, PING).await.status, 202);
    stream.read_until(PONG).await;
}

#[tokio::test]
async fn a_listener_without_its_loop_fails() {
    let mut server = Server::start().await;
    let why = "the test said so".to_owned();
    server
        .listener
        .cast(ListenerMsg::AcceptLoopEnded { why })
        .unwrap();
    timeout(PATIENCE, &mut server.ended).await.unwrap().unwrap();
    assert_eq!(server.listener.get_status(), ActorStatus::Stopped);
    server.restart().await;
    assert_eq!(server.get("/healthz", "").await.status, 200);
}

/// Connections that this process holds at the server's end. Counted by port, because other tests
/// may run in this process.
fn held(address: SocketAddr) -> usize {
    let port = format!(":{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let rows = table.lines().filter(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let is_ours = fields.next().is_some_and(|local| local.ends_with(&port));
        // ESTABLISHED and CLOSE_WAIT.
        is_ours && matches!(fields.nth(1), Some("01" | "08"))
    });
    rows.count()
}

#[tokio::test]
async fn ten_thousand_requests_leave_nothing() {
    let server = Server::start().await;
    for _ in 0..500 {
        let mut connection = server.connect().await;
        let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        connection.send(&request.repeat(20)).await;
        for _ in 0..20 {
            assert_eq!(connection.reply().await.status, 200);
        }
        assert!(held(server.address) > 0);
    }
    let deadline = Instant::now() + PATIENCE;
    while held(server.address) > 0 {
        assert!(Instant::now() < deadline, "{} held", held(server.address));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_beat_is_answered_by_the_listener_and_its_loop_though_all_slots_are_in_use() {
    let server = Server::with(|limits| limits.max_connections = 1).await;
    let _stream = server.open_sse().await;
    let (answers, mut heard) = mpsc::unbounded_channel();
    HttpFrontend::beat(&server.listener, Beat::new(answers));
    for part in [Part::Listener, Part::AcceptLoop] {
        assert_eq!(timeout(PATIENCE, heard.recv()).await.unwrap(), Some(part));
    }
}

#[tokio::test]
async fn a_listener_does_not_answer_for_a_loop_that_is_stuck() {
    let server = Server::start().await;
    let (answers, mut heard) = mpsc::unbounded_channel();
    let (mut state, _unread) = ListenerState::stuck();
    let beat = ListenerMsg::Beat(Beat::new(answers));
    let handled = Listener.handle(server.listener.clone(), beat, &mut state);
    handled.await.unwrap();
    assert_eq!(heard.recv().await, Some(Part::Listener));
    assert!(heard.try_recv().is_err());
}
