//! A client that knows just enough HTTP to read a reply, with a deadline on every step.

use super::PATIENCE;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// A connection, and what was read and not yet used.
pub(super) struct Connection {
    socket: TcpStream,
    unused: Vec<u8>,
}

/// One reply with a Content-Length.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The code of a JSON-RPC error with a message, which every error is.
    pub(super) fn error_code(&self) -> i64 {
        assert_eq!(self.header("content-type"), Some("application/json"));
        let error: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(error["jsonrpc"], "2.0", "{error}");
        assert!(error["id"].is_null() || error["id"].is_number(), "{error}");
        assert!(!error["error"]["message"].as_str().unwrap().is_empty());
        error["error"]["code"].as_i64().unwrap()
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
    let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Self {
        Self {
            socket: TcpStream::connect(address).await.unwrap(),
            unused: vec![],
        }
    }

    pub(super) async fn send(&mut self, text: &str) {
        let written = timeout(PATIENCE, self.socket.write_all(text.as_bytes())).await;
        written.expect("the server takes no bytes").unwrap();
    }

    /// Like `send`, where the server may close meanwhile; says whether it took all.
    pub(super) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        let written = timeout(PATIENCE, self.socket.write_all(bytes)).await;
        written.expect("the server takes no bytes").is_ok()
    }

    /// Reads more; false at the end, a reset included.
    async fn read(&mut self) -> bool {
        let read = timeout(PATIENCE, self.socket.read_buf(&mut self.unused)).await;
        matches!(read.expect("the server says nothing"), Ok(1..))
    }

    /// Everything up to and with `end`.
    pub(super) async fn read_until(&mut self, end: &str) -> String {
        // A stream is never silent: its comments go on without what is waited for.
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "no {end:?}");
            let found = self
                .unused
                .windows(end.len())
                .position(|w| w == end.as_bytes());
            if let Some(at) = found {
                let taken = self.unused.drain(..at + end.len()).collect();
                return String::from_utf8(taken).unwrap();
            }
            let so_far = String::from_utf8_lossy(&self.unused).into_owned();
            assert!(self.read().await, "ended before {end:?}: {so_far:?}");
        }
    }

    pub(super) async fn reply(&mut self) -> Reply {
        let head = self.read_until("\r\n\r\n").await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = header(&head, "content-length").map_or(0, |l| l.parse().unwrap());
        while self.unused.len() < length {
            assert!(self.read().await, "ended in the middle of a body");
        }
        let body = self.unused.drain(..length).collect();
        Reply {
            status,
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// What comes until the server closes.
    pub(super) async fn read_to_end(&mut self) -> String {
        while self.read().await {}
        String::from_utf8(std::mem::take(&mut self.unused)).unwrap()
    }
}
