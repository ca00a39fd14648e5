//! An event stream of HTTP+SSE that is read by hand, through a small window: slowly, or not at all. What it asks
//! for is answered by the fixture server `fx`.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::http::{self, Body, Connection};
use super::sse::{Item, Parser};
use super::wait;

const MIB: usize = 1 << 20;
/// For what a healthy gateway does at once, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);

/// A stream that is read by hand, through a small window.
pub struct Reader {
    addr: SocketAddr,
    pub endpoint: String,
    pub stream: TcpStream,
    body: Body,
    parser: Parser,
    items: Vec<Item>,
    buffer: Vec<u8>,
}

impl Reader {
    pub async fn open(addr: SocketAddr) -> Self {
        let connection = Connection::open_narrow(addr).await.expect("it listens");
        Self::on(connection, addr).await
    }

    /// A session of which `connection` is the stream; its posts go to `addr`.
    pub async fn on(mut connection: Connection, addr: SocketAddr) -> Self {
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
    pub async fn read(&mut self, most: usize) -> usize {
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
    pub async fn read_slowly(&mut self, rate: usize, time: Duration) -> bool {
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
    pub async fn read_until_full(&mut self, rate: usize) {
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
    pub async fn call(&self, id: usize, params: &str) -> u16 {
        self.post(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#
        ))
        .await
    }

    /// Posts a message; the status.
    pub async fn post(&self, json: &str) -> u16 {
        let kind = ("content-type", "application/json");
        let (addr, endpoint) = (self.addr, &self.endpoint);
        let response = http::request(addr, "POST", endpoint, &[kind], json.as_bytes()).await;
        response.status
    }

    /// Calls `huge`: an answer of so many bytes.
    pub async fn call_huge(&self, id: usize, bytes: usize) -> u16 {
        let params = format!(r#"{{"name":"fx__huge","arguments":{{"bytes":{bytes}}}}}"#);
        self.call(id, &params).await
    }

    /// Reads as fast as it can until there are `count` answers to calls of `huge`; ids, and sizes in MiB.
    pub async fn huge_answers(&mut self, count: usize) -> Vec<(u64, usize)> {
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

    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
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
