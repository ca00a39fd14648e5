//! Clients that do not read: one that has hung is ended, one that is slow is served, and neither is
//! anybody else's trouble.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::{SOON, gateway};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Body, Connection};
use crate::support::servers::{fixtures, text_of};
use crate::support::sse::{Item, Parser};
use crate::support::{proc, wait};

const MIB: usize = 1 << 20;

/// A stream that is read by hand, through a small window.
struct Reader {
    addr: std::net::SocketAddr,
    endpoint: String,
    stream: TcpStream,
    body: Body,
    parser: Parser,
    items: Vec<Item>,
    buffer: Vec<u8>,
}

impl Reader {
    async fn open(gateway: &Gateway) -> Self {
        let addr = gateway.addr();
        let mut connection = Connection::open_narrow(addr).await.expect("it listens");
        let get = format!("{}\r\n", http::request_head(addr, "GET", "/sse", &[]));
        connection.send(get.as_bytes()).await.expect("it is read");
        let head = wait::within(|| "a stream".to_owned(), SOON, connection.head()).await;
        let body = head.body().expect("a body");
        let (stream, buffer) = connection.into_parts();
        let mut reader = Self {
            addr,
            endpoint: String::new(),
            stream,
            body,
            parser: Parser::default(),
            items: Vec::new(),
            buffer,
        };
        reader.decode();
        while reader.items.is_empty() {
            assert!(reader.read(4096).await > 0, "no endpoint");
        }
        let first = reader.items.remove(0);
        let Item::Event { name, data, .. } = first else {
            panic!("{first:?}");
        };
        assert_eq!(name, "endpoint");
        reader.endpoint = String::from_utf8(data).expect("UTF-8");
        reader
    }

    /// Reads at most so many bytes and gives how many; 0 is the end.
    async fn read(&mut self, most: usize) -> usize {
        self.buffer.reserve(64 << 10);
        let mut limited = (&mut self.stream).take(most as u64);
        let read = timeout(SOON, limited.read_buf(&mut self.buffer)).await;
        self.decode();
        read.expect("something to read").unwrap_or(0)
    }

    fn decode(&mut self) {
        let mut payload = Vec::new();
        self.body
            .decode(&self.buffer, &mut payload)
            .expect("chunks");
        self.buffer.clear();
        self.parser
            .push(&payload, &mut |item| self.items.push(item));
    }

    /// Reads with `rate` bytes a second for so long; `false` when the stream ended meanwhile.
    async fn read_slowly(&mut self, rate: usize, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut next = Instant::now();
        while next < end {
            next += Duration::from_millis(100);
            let mut missing = rate / 10;
            while missing > 0 {
                match self.read(missing).await {
                    0 => return false,
                    read => missing -= read,
                }
            }
            sleep_until(next).await;
        }
        true
    }

    /// Reads with `rate` bytes a second until so much waits that no request is taken any more.
    async fn read_until_full(&mut self, rate: usize) {
        let full = async {
            let mut probe = 1000;
            while self.call(probe, r#"{"name":"fx__nothing"}"#).await == 202 {
                probe += 1;
                if !self.read_slowly(rate, Duration::from_millis(200)).await {
                    return Err("it is ended");
                }
            }
            Ok(())
        };
        wait::within(|| "a full queue".to_owned(), SOON, full).await;
    }

    /// Posts a call; its answer comes on the stream.
    async fn call(&self, id: usize, params: &str) -> u16 {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
        let json = ("content-type", "application/json");
        http::request(self.addr, "POST", &self.endpoint, &[json], body.as_bytes())
            .await
            .status
    }

    /// Calls `huge`: an answer of so many bytes.
    async fn call_huge(&self, id: usize, bytes: usize) -> u16 {
        let params = format!(r#"{{"name":"fx__huge","arguments":{{"bytes":{bytes}}}}}"#);
        self.call(id, &params).await
    }

    /// Reads as fast as it can until there are `count` answers to calls of `huge`; ids, and sizes in MiB.
    async fn huge_answers(&mut self, count: usize) -> Vec<(u64, usize)> {
        loop {
            let answers = self.messages().filter_map(answer);
            let sizes = answers.map(|(id, length)| (id, length / MIB));
            let huge: Vec<(u64, usize)> = sizes.filter(|(_, size)| *size > 0).collect();
            if huge.len() >= count {
                return huge;
            }
            assert!(self.read(MIB).await > 0, "ended after {huge:?}");
        }
    }

    fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.items.iter().filter_map(|item| match item {
            Item::Event { data, .. } => Some(data.as_slice()),
            Item::Comment(_) => None,
        })
    }
}

/// Id and length of a message that is an answer. Its head says it: parsing all of it takes long.
fn answer(message: &[u8]) -> Option<(u64, usize)> {
    let head = String::from_utf8_lossy(message.get(..64).unwrap_or(message)).into_owned();
    let (_, id) = head.split_once("\"id\":")?;
    let id = id.split(',').next()?.parse().ok()?;
    Some((id, message.len()))
}

/// Calls on another session, one after the other, and how long the slowest took.
async fn calls_of_others(gateway: &Gateway, time: Duration) -> Duration {
    let other = SseClient::connect(gateway.addr()).await;
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    while start.elapsed() < time {
        let asked = Instant::now();
        let answer = other.call_tool("other__echo", r#"{"text":"x"}"#).await;
        assert_eq!(text_of(&answer), "x");
        slowest = slowest.max(asked.elapsed());
    }
    slowest
}

#[tokio::test]
async fn a_client_that_never_reads_is_ended_and_others_are_served() {
    let config = fixtures(&[("fx", &[]), ("other", &[])]);
    let gateway = Gateway::start(GatewayOptions::new(config)).await;
    let witness = SseClient::connect(gateway.addr()).await;
    witness.call_tool("other__echo", "{}").await;
    witness.close_posts();
    let files = proc::open_files(gateway.pid()).expect("it runs");
    let stuck = Reader::open(&gateway).await;
    for id in 0..10 {
        // Once its queue is full it may be refused more.
        let status = stuck.call_huge(id, 3 * MIB).await;
        assert!(
            matches!((id, status), (_, 202) | (4.., 503)),
            "{id}: {status}"
        );
    }
    let mark = Instant::now();
    let (line, slowest) = tokio::join!(
        gateway.wait_for_log(
            "its client has read nothing for 5 s",
            Duration::from_secs(30)
        ),
        calls_of_others(&gateway, Duration::from_secs(4)),
    );
    assert!(
        line.contains("[WARN") && line.contains("session "),
        "{line}"
    );
    let id = stuck.endpoint.rsplit('=').next().expect("an id");
    assert!(!line.contains(id), "the id is a secret: {line}");
    assert!(
        mark.elapsed() >= Duration::from_secs(3),
        "{:?}",
        mark.elapsed()
    );
    assert!(slowest < Duration::from_secs(4), "{slowest:?}");
    wait::until("its session to be forgotten", SOON, async || {
        (stuck.call(11, "{}").await == 404).then_some(())
    })
    .await;
    // Its connection is cut too: what was queued for it is worth nothing any more.
    witness.close_posts();
    wait::until(
        "the connection of the client that hangs to be cut",
        SOON,
        async || (proc::open_files(gateway.pid())? <= files).then_some(()),
    )
    .await;
    drop(stuck);
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_served() {
    let gateway = gateway().await;
    let slow = async |rate: usize| {
        let mut reader = Reader::open(&gateway).await;
        // Two that are more than the queue may hold, behind one that takes long to read.
        assert_eq!(reader.call_huge(1, 12 * MIB).await, 202);
        assert!(reader.read_slowly(rate, Duration::from_millis(500)).await);
        for id in 2..=3 {
            assert_eq!(reader.call_huge(id, 5 * MIB).await, 202);
        }
        reader.read_until_full(rate).await;
        let still = reader.read_slowly(rate, Duration::from_secs(7)).await;
        assert!(still, "ended at {rate} B/s");
        let sizes = reader.huge_answers(3).await;
        assert_eq!(sizes, [(1, 12), (2, 5), (3, 5)]);
    };
    tokio::join!(slow(MIB), slow(100 << 10));
    let logs = gateway.logs();
    assert!(
        !logs.iter().any(|line| line.contains("is ended")),
        "{logs:?}"
    );
}

/// The number in a progress notification.
fn progress(message: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(message.get(..120)?).ok()?;
    let (_, number) = text.split_once("\"progress\":")?;
    number.split(',').next()?.parse().ok()
}

#[tokio::test]
async fn progress_is_dropped_for_a_client_whose_queue_is_full() {
    let gateway = gateway().await;
    let mut reader = Reader::open(&gateway).await;
    // A hundred notifications a second.
    let call =
        r#"{"name":"fx__sleep","arguments":{"ms":60000,"steps":6000},"_meta":{"progressToken":1}}"#;
    assert_eq!(reader.call(0, call).await, 202);
    // The first of them is being written while the other is queued: that is over the limit.
    for id in 1..=2 {
        assert_eq!(reader.call_huge(id, 10 * MIB).await, 202);
    }
    reader.read_until_full(MIB / 4).await;
    assert!(reader.read_slowly(MIB / 4, Duration::from_secs(2)).await);

    // Once it is read they come again, but not those of the meantime.
    let is_gap = |numbers: &[u64]| numbers.windows(2).any(|pair| pair[1] > pair[0] + 50);
    let until_again = async {
        loop {
            let numbers: Vec<u64> = reader.messages().filter_map(progress).collect();
            assert!(numbers.is_sorted(), "{numbers:?}");
            if is_gap(&numbers) {
                return Ok::<_, String>(numbers);
            }
            assert!(reader.read(MIB).await > 0, "it is ended");
        }
    };
    let numbers = wait::within(|| "a gap".to_owned(), SOON, until_again).await;
    assert_eq!(numbers.first(), Some(&1));
    assert_eq!(reader.huge_answers(2).await, [(1, 10), (2, 10)]);
}
