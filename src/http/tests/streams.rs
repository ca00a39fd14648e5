//! The bytes of an event stream, at the socket and piece by piece.

use super::*;
use crate::http::sse::{EventStream, Messages};
use crate::protocol::framing::sse as framing;
use crate::tree::Event;
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

impl Messages for stream::Pending<Event> {}

impl<I: Iterator<Item = Event> + Unpin> Messages for stream::Iter<I> {}

/// A message that cannot be resumed after, as they are on /sse.
fn plain(message: &Bytes) -> Event {
    Event {
        id: None,
        message: message.clone(),
        is_last: false,
    }
}

/// A message with an id.
fn numbered(id: &str, message: &'static str, is_last: bool) -> Event {
    Event {
        id: Some(id.into()),
        message: message.into(),
        is_last,
    }
}

/// Ready messages, and how many pieces were taken.
struct Counted(Vec<Event>, Rc<Cell<usize>>);

impl Stream for Counted {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Event>> {
        Poll::Ready(self.0.pop())
    }
}

impl Messages for Counted {
    fn taken(&self) {
        self.1.set(self.1.get() + 1);
    }
}

#[tokio::test]
async fn a_stream_begins_as_clients_expect() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream
        .send("GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        .await;
    let head = stream.read_until("\r\n\r\n").await.to_ascii_lowercase();
    for line in [
        "http/1.1 200 ok\r\n",
        "\r\ncontent-type: text/event-stream\r\n",
        "\r\ncache-control: no-cache, no-store, no-transform\r\n",
        "\r\nx-accel-buffering: no\r\n",
        "\r\nconnection: keep-alive\r\n",
        "\r\ntransfer-encoding: chunked\r\n",
    ] {
        assert!(head.contains(line), "{line:?} is missing in {head}");
    }
    let size = stream.read_until("\r\n").await;
    let size = usize::from_str_radix(size.trim(), 16).unwrap();
    let chunk = stream.read_until("\r\n").await;
    let id = chunk
        .strip_prefix("event: endpoint\ndata: /messages?session_id=")
        .unwrap();
    let (id, rest) = id.split_at(32);
    assert!(id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!(rest, "\n\n: connected\n\n\r\n");
    assert_eq!(chunk.len(), size + 2);
}

#[tokio::test]
async fn the_endpoint_is_below_the_proxys_prefix() {
    let server = Server::start().await;
    for (prefix, expected) in [
        ("/mcp/", "data: /mcp/messages?session_id="),
        ("//evil.com", "data: messages?session_id="),
    ] {
        let mut stream = server.connect().await;
        let request =
            format!("GET /sse HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Prefix: {prefix}\r\n\r\n");
        stream.send(&request).await;
        let start = stream.read_until(": connected\n\n").await;
        assert!(start.contains(expected), "{start}");
    }
}

#[tokio::test]
async fn a_client_that_wants_no_events_is_told() {
    let server = Server::start().await;
    let refused = server.get("/sse", "Accept: application/json\r\n").await;
    assert_eq!(refused.status, 406);
    assert_eq!(refused.error_code(), -32600);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    let server = Server::with(|limits| limits.keepalive_interval = Duration::from_millis(20)).await;
    let (mut stream, path) = server.open_sse().await;
    for _ in 0..3 {
        stream.read_until(": keepalive\n\n").await;
    }
    assert_eq!(server.post(&path, PING).await.status, 202);
    stream.read_until(PONG).await;
    stream.read_until(": keepalive\n\n").await;
}

#[tokio::test(start_paused = true)]
async fn comments_come_every_thirty_seconds() {
    let period = model::Limits::default().keepalive_interval;
    let events = EventStream::new(stream::pending::<Event>(), period);
    let mut events = events.after(framing::event("endpoint", b"/m"));
    assert_eq!(piece(&mut events), "event: endpoint\ndata: /m\n\n");
    for _ in 0..20 {
        let before = tokio::time::Instant::now();
        assert_eq!(events.next().await.unwrap().unwrap(), ": keepalive\n\n");
        let waited = before.elapsed();
        assert!((29..=31).contains(&waited.as_secs()), "{waited:?}");
    }
}

/// The next piece, which must be there at once.
fn piece<M: Messages>(events: &mut EventStream<M>) -> String {
    let piece = Pin::new(events)
        .next()
        .now_or_never()
        .expect("nothing is ready");
    let piece = piece.expect("the stream has ended").unwrap();
    String::from_utf8(piece.to_vec()).unwrap()
}

#[tokio::test]
async fn ready_messages_share_a_piece_and_large_ones_are_not_copied() {
    let large = Bytes::from("x".repeat(20_000));
    let messages = stream::iter([
        plain(&Bytes::from_static(b"1")),
        plain(&Bytes::from_static(b"2")),
        plain(&large),
        plain(&Bytes::from_static(b"3")),
    ]);
    let mut events = EventStream::new(messages, PATIENCE);
    let both = "event: message\ndata: 1\n\nevent: message\ndata: 2\n\nevent: message\ndata: ";
    assert_eq!(piece(&mut events), both);
    let middle = events.next().await.unwrap().unwrap();
    assert_eq!(middle.as_ptr(), large.as_ptr());
    assert_eq!(piece(&mut events), "\n\n");
    assert_eq!(piece(&mut events), "event: message\ndata: 3\n\n");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn every_slice_of_a_large_message_counts_as_read() {
    let large = Bytes::from("x".repeat(20 << 20));
    let taken = Rc::new(Cell::new(0));
    let messages = Counted(vec![plain(&large)], Rc::clone(&taken));
    let mut events = EventStream::new(messages, PATIENCE);
    assert!(piece(&mut events).starts_with("event: message\n"));
    let mut sent = 0;
    while sent < large.len() {
        let before = taken.get();
        let slice = events.next().await.unwrap().unwrap();
        assert!(slice.len() <= 128 << 10, "{}", slice.len());
        assert_eq!(slice.as_ptr(), large.slice(sent..).as_ptr(), "a copy");
        assert_eq!(taken.get(), before + 1);
        sent += slice.len();
    }
    assert_eq!(piece(&mut events), "\n\n");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn the_bytes_are_those_of_the_protocol() {
    for length in [
        0,
        1,
        16 << 10,
        (16 << 10) + 1,
        64 << 10,
        (64 << 10) + 1,
        200_000,
    ] {
        let message = Bytes::from("y".repeat(length));
        let numbered = Event {
            id: Some("s1_7".into()),
            ..plain(&message)
        };
        let messages = stream::iter([plain(&message), plain(&message)]);
        let events = EventStream::new(messages, PATIENCE).after(framing::event("endpoint", b"/m"));
        let events = events.beginning(numbered);
        let pieces: Vec<Bytes> = events.map(Result::unwrap).collect().await;
        let event = framing::event("message", &message);
        let start = framing::event("endpoint", b"/m");
        // An empty one with an id is no message.
        let first = match length {
            0 => framing::priming("s1_7", Duration::from_secs(2)),
            _ => [
                framing::head(Some("s1_7")),
                message.clone(),
                Bytes::from_static(framing::TAIL),
            ]
            .concat()
            .into(),
        };
        let expected = [start, first, event.clone(), event].concat();
        assert_eq!(pieces.concat(), expected, "{length}");
    }
}

#[tokio::test]
async fn events_can_be_resumed_after_and_end_with_the_last() {
    let messages = stream::iter([
        numbered("1-0", "", false),
        numbered("1-1", "{}", false),
        numbered("1-2", "[]", true),
        numbered("1-3", "never", false),
    ]);
    let mut events = EventStream::new(messages, PATIENCE);
    assert_eq!(
        piece(&mut events),
        "id: 1-0\nretry: 2000\ndata: \n\n\
         id: 1-1\nevent: message\ndata: {}\n\n\
         id: 1-2\nevent: message\ndata: []\n\n"
    );
    assert!(events.next().await.is_none());
}
