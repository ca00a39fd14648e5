//! Bodies: too large, too slow, too many at once, in pieces.

use super::*;
use crate::config::model::Limits;
use crate::http::body::{BodyError, collect};
use crate::ids::{Holder, Owner};
use crate::tree::Quota;
use bytes::Bytes;
use futures_util::stream;
use std::convert::Infallible;

/// The head of a POST in chunks.
fn chunked(path: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    )
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused_unread() {
    let server = Server::start().await;
    let (_stream, path) = server.open_sse().await;
    let mut connection = server.connect().await;
    let length = (16 << 20) + 1;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.send(&head).await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(reply.body.contains("16777216"), "{}", reply.body);
    assert_eq!(connection.read_to_end().await, "");
}

#[tokio::test]
async fn a_client_that_sends_first_can_still_read_the_refusal() {
    let server = Server::with(|limits| limits.max_body_bytes = 1024).await;
    let (_stream, path) = server.open_sse().await;
    let mut connection = server.connect().await;
    let body = "x".repeat(8 << 20);
    assert!(
        connection.try_send(post(&path, &body).as_bytes()).await,
        "reset"
    );
    assert_eq!(connection.reply().await.status, 413);
}

#[tokio::test]
async fn chunks_are_counted_while_they_come() {
    let server = Server::with(|limits| limits.max_body_bytes = 10_000).await;
    let (mut stream, path) = server.open_sse().await;
    let mut connection = server.connect().await;
    connection.send(&chunked(&path)).await;
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    // Endless: it stops because the server has had enough.
    for _ in 0..9 {
        connection.send(&chunk).await;
    }
    connection.send(&chunk).await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 413);
    assert_eq!(reply.error_code(), -32600);

    // Within the limit and in small pieces it is a message like any other.
    let mut connection = server.connect().await;
    connection.send(&chunked(&path)).await;
    for byte in PING.chars() {
        connection.send(&format!("1\r\n{byte}\r\n")).await;
    }
    connection.send("0\r\n\r\n").await;
    assert_eq!(connection.reply().await.status, 202);
    stream.read_until(PONG).await;
}

#[tokio::test]
async fn a_body_at_the_limit_passes() {
    let server = Server::with(|limits| limits.max_body_bytes = 100_000).await;
    let (mut stream, path) = server.open_sse().await;
    let padded = |length: usize| format!("{PING}{}", " ".repeat(length - PING.len()));
    assert_eq!(server.post(&path, &padded(100_000)).await.status, 202);
    stream.read_until(PONG).await;
    assert_eq!(server.post(&path, &padded(100_001)).await.status, 413);
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let server = Server::with(|limits| limits.body_timeout = Duration::from_millis(50)).await;
    let (_stream, path) = server.open_sse().await;
    let mut connection = server.connect().await;
    connection
        .send(&post(&path, PING)[..post(&path, PING).len() - 1])
        .await;
    let reply = connection.reply().await;
    assert_eq!(reply.status, 408);
    assert_eq!(reply.header("connection"), Some("close"));
}

fn anybody() -> Holder {
    Holder::of(Owner::ANYBODY)
}

#[tokio::test]
async fn a_trickle_is_no_progress() {
    let limits = Limits {
        max_body_bytes: 100_000,
        ..Limits::default()
    };
    tokio::time::pause();
    let every_second = |size: usize| {
        Box::pin(stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>(Bytes::from(vec![b' '; size])), ()))
        }))
    };
    let budget = Quota::new(limits.max_bodies_in_flight_bytes);
    let slow = collect(every_second(1), None, &limits, (&budget, anybody())).await;
    assert_eq!(slow, Err(BodyError::TooSlow(limits.body_timeout)));
    let steady = collect(every_second(100), None, &limits, (&budget, anybody())).await;
    assert_eq!(steady, Err(BodyError::TooLarge(limits.max_body_bytes)));
}

#[tokio::test]
async fn all_bodies_share_a_budget() {
    let limits = Limits::default();
    let budget = Quota::new(10_000);
    let frames = |sizes: &[usize]| {
        let frames: Vec<_> = sizes
            .iter()
            .map(|size| Ok::<_, Infallible>(Bytes::from(vec![b'x'; *size])))
            .collect();
        stream::iter(frames)
    };
    let first = collect(
        frames(&[4000, 2000]),
        Some(6000),
        &limits,
        (&budget, anybody()),
    )
    .await
    .unwrap();
    assert_eq!((first.len(), budget.free()), (6000, 4000));
    let refused = collect(frames(&[4000, 1000]), None, &limits, (&budget, anybody())).await;
    assert_eq!(refused, Err(BodyError::NoRoom));
    assert_eq!(budget.free(), 4000);
    // The share lives as long as the last slice of the body.
    let slice = first.slice(10..20);
    drop(first);
    assert_eq!(budget.free(), 4000);
    drop(slice);
    assert_eq!(budget.free(), 10_000);
}

#[tokio::test]
async fn large_bodies_leave_room_for_small_ones() {
    let limits = Limits {
        max_bodies_in_flight_bytes: 1 << 20,
        ..Limits::default()
    };
    let budget = Quota::new(1 << 20);
    let body = async |size: usize, declared| {
        let frame = Ok::<_, Infallible>(Bytes::from(vec![b'x'; size]));
        collect(
            stream::iter([frame]),
            declared,
            &limits,
            (&budget, anybody()),
        )
        .await
    };
    // What never fits is not told to come again.
    let most = 7 << 17;
    assert_eq!(body(most + 1, None).await, Err(BodyError::TooLarge(most)));
    let _large = body(most, Some(most)).await.unwrap();
    for declared in [None, Some(65_537)] {
        assert_eq!(body(65_537, declared).await, Err(BodyError::NoRoom));
    }
    assert_eq!(body(1, Some(65_537)).await, Err(BodyError::NoRoom));
    let _small = body(65_536, None).await.unwrap();
}

#[tokio::test]
async fn one_frame_is_not_copied() {
    let limits = Limits::default();
    let frame = Bytes::from(vec![b'x'; 5000]);
    let frames = stream::iter([Ok::<_, Infallible>(frame.clone())]);
    let body = collect(
        frames,
        Some(5000),
        &limits,
        (&Quota::new(1 << 20), anybody()),
    )
    .await
    .unwrap();
    assert_eq!(body.as_ptr(), frame.as_ptr());
}

#[tokio::test]
async fn no_room_is_said_with_a_time_to_come_back() {
    let server = Server::with(|limits| limits.max_bodies_in_flight_bytes = PING.len()).await;
    let (_stream, path) = server.open_sse().await;
    let mut first = server.connect().await;
    let request = post(&path, PING);
    first.send(&request[..request.len() - 1]).await;
    let reply = loop {
        let reply = server.post(&path, PING).await;
        if reply.status != 202 {
            break reply;
        }
    };
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("retry-after"), Some("5"));
    assert_ne!(reply.error_code(), -32600);
}
