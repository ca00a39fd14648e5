//! A server that answers each request with what it is told, and closes the connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

/// A request.
pub(super) struct Asked {
    pub(super) head: String,
    /// Of the JSON-RPC message in it; empty if there is none.
    pub(super) method: String,
    id: Value,
}

pub(super) struct StandIn {
    addr: SocketAddr,
    asked: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub(super) fn start(answer: impl Fn(&Asked) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (asked, is_over) = (Arc::default(), Arc::default());
        let (count, over): (Arc<AtomicUsize>, Arc<AtomicBool>) =
            (Arc::clone(&asked), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // Who has read enough goes.
                if let Some(asked) = read(&stream) {
                    count.fetch_add(1, Ordering::SeqCst);
                    (&stream).write_all(answer(&asked).as_bytes()).ok();
                }
            }
        });
        Self {
            addr,
            asked,
            is_over,
            thread: Some(thread),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// How many requests came.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        TcpStream::connect(self.addr).ok();
        self.thread.take().map(JoinHandle::join);
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked {
        head,
        method: message["method"].as_str().unwrap_or_default().to_owned(),
        id: message["id"].clone(),
    })
}

/// A page for people.
pub(super) fn html(status: &str) -> String {
    let body = "<html>hello</html>";
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// The response with this raw result.
pub(super) fn reply(asked: &Asked, result: &str) -> String {
    let body = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, asked.id);
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// The result of `initialize`.
pub(super) fn answer() -> String {
    let server = json!({"name": "stand-in", "version": "1"});
    json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": server})
        .to_string()
}

/// The result of `tools/list`.
pub(super) fn page(tools: &Value, cursor: Option<&str>) -> String {
    json!({ "tools": tools, "nextCursor": cursor }).to_string()
}
