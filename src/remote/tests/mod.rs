//! A remote server that answers with what it is told, byte by byte, and notes what it was asked.

mod answers;
mod ends;
mod paces;
mod sse;
mod streamable;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Limits, Output, Place, Remote, connect};
use crate::config::model::Transport;
use crate::protocol::jsonrpc;

const SOON: Duration = Duration::from_secs(20);
const JSON: &str = "content-type: application/json\r\n";
const EVENTS: &str = "content-type: text/event-stream\r\n";

/// A request: its line and headers in lower case, and the message in it.
#[derive(Debug, Clone)]
struct Asked {
    head: String,
    message: Value,
}

impl Asked {
    fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    fn is_get(&self) -> bool {
        self.head.starts_with("get ")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        let line = lines.find(|line| line.starts_with(&format!("{name}: ")))?;
        Some(&line[name.len() + 2..])
    }

    fn result(&self, result: &Value) -> String {
        json!({"jsonrpc": "2.0", "id": self.message["id"], "result": result}).to_string()
    }
}

/// What is written, and whether the connection stays open then.
struct Say(String, bool);

fn whole(status: &str, headers: &str, body: &str) -> Say {
    let length = body.len();
    Say(
        format!(
            "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
        false,
    )
}

/// A stream that ends, or stays open.
fn events(headers: &str, body: &str, stays: bool) -> Say {
    Say(
        format!("HTTP/1.1 200 OK\r\n{EVENTS}{headers}connection: close\r\n\r\n{body}"),
        stays,
    )
}

fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// The usual answers to what begins a life: with session `s1`, in revision 2025-06-18.
fn usual(asked: &Asked) -> Say {
    let session = format!("{JSON}mcp-session-id: s1\r\n");
    let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}});
    match asked.method() {
        "initialize" => whole("200 OK", &session, &asked.result(&result)),
        "" if asked.is_get() => whole("405 Method Not Allowed", "", ""),
        "" => whole("200 OK", "", ""),
        method if method.starts_with("notifications/") => whole("202 Accepted", "", ""),
        _ => whole("200 OK", JSON, &asked.result(&json!({"ok": true}))),
    }
}

/// The server, and what speaks with it.
struct Stage {
    remote: Option<Remote>,
    output: UnboundedReceiver<Output>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Connections that the peer has closed.
    gone: UnboundedReceiver<Asked>,
    _task: JoinSet<()>,
}

impl Stage {
    async fn new(answer: impl Fn(&Asked) -> Say + Send + 'static) -> Self {
        Self::with(Transport::Auto, answer).await
    }

    async fn with(transport: Transport, answer: impl Fn(&Asked) -> Say + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/secret-path/mcp?key=hush-hush",
            listener.local_addr().unwrap()
        );
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let (tell_gone, gone) = unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some(asked) = read(&mut stream).await else {
                    continue;
                };
                let Say(text, stays) = answer(&asked);
                seen.lock().unwrap().push(asked.clone());
                stream.write_all(text.as_bytes()).await.ok();
                let tell_gone = tell_gone.clone();
                open.spawn(async move {
                    let mut rest = Vec::new();
                    if stays {
                        stream.read_to_end(&mut rest).await.ok();
                        tell_gone.send(asked).ok();
                    }
                });
            }
        });
        let key = HeaderValue::from_static("Bearer k3y-of-all-doors");
        let place = Place {
            url: url.parse().unwrap(),
            headers: HeaderMap::from_iter([("authorization".parse().unwrap(), key)]),
            transport,
        };
        let (remote, output) = connected(place).await;
        Self {
            remote: Some(remote),
            output,
            asked,
            gone,
            _task: task,
        }
    }

    fn ask(&self, id: u64, method: &str, params: Option<&[u8]>) {
        self.write(jsonrpc::request(id, method, params));
    }

    fn write(&self, line: Bytes) {
        self.remote.as_ref().unwrap().write(line).unwrap();
    }

    async fn next(&mut self) -> Output {
        let next = timeout(SOON, self.output.recv()).await;
        next.expect("something is said").expect("it is there")
    }

    /// The next message.
    async fn line(&mut self) -> Value {
        let next = self.next().await;
        let Output::Line { bytes, .. } = next else {
            panic!("{next:?}")
        };
        serde_json::from_slice(&bytes).unwrap()
    }

    /// It is begun with as ever.
    async fn begin(&mut self) {
        self.ask(0, "initialize", Some(b"{}"));
        let answer = self.line().await;
        assert_eq!(answer["id"], 0, "{answer}");
        self.write(jsonrpc::notification("notifications/initialized", None));
    }

    /// What it was asked, once so many requests have come for which this is so.
    async fn asked(&self, count: usize, is: impl Fn(&Asked) -> bool) -> Vec<Asked> {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let all = self.asked.lock().unwrap().clone();
            let found: Vec<Asked> = all.into_iter().filter(|asked| is(asked)).collect();
            if found.len() >= count {
                return found;
            }
            assert!(tokio::time::Instant::now() < deadline, "{found:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn connected(place: Place) -> (Remote, UnboundedReceiver<Output>) {
    let (tell, output) = unbounded_channel();
    let limits = Limits {
        message: 1_000_000,
        buffered: 8 << 20,
        requests: 64,
    };
    let sink = move |said| drop(tell.send(said));
    (connect(place, limits, sink).await.unwrap(), output)
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            if body.len() >= length {
                let message = serde_json::from_str(body).unwrap_or_default();
                return Some(Asked { head, message });
            }
        }
    }
}
