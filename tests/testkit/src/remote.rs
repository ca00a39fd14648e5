//! A remote MCP server on loopback, over Streamable HTTP, that misbehaves on command. It has one tool, `echo`, and
//! notes what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it does with what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// Answers with JSON.
    Well,
    /// Answers with a stream of two events, one of them the answer.
    Streams,
    /// Answers with this status, headers, each with its line end, and body.
    Status(String, String, String),
    /// Begins a stream, and closes the connection.
    Cuts,
    /// Begins an answer that has no end.
    Endless,
    /// Reads, and says nothing.
    Silent,
    /// Says something for ever, as fast as it is read.
    Floods,
    /// Announces an answer for ever, with status 103, as fast as it is read.
    Announces,
    /// Sends a stream's events together, when all of them are there, as proxies do.
    Buffers,
}

/// A request that it was sent.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its line and headers.
    pub head: String,
    /// The message in it.
    pub message: Value,
}

impl Asked {
    /// What it asks for.
    pub fn method(&self) -> &str {
        self.message
            .get("method")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

#[derive(Debug)]
struct State {
    /// With all that it is asked, and with calls of its tool.
    all: Manner,
    calls: Manner,
    session: u32,
    asked: Vec<Asked>,
    flooded: usize,
}

/// The server.
#[derive(Debug)]
pub struct RemoteServer {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    task: Option<JoinSet<()>>,
}

impl RemoteServer {
    /// One that behaves.
    pub async fn start() -> Self {
        let state = State {
            all: Manner::Well,
            calls: Manner::Well,
            session: 1,
            asked: Vec::new(),
            flooded: 0,
        };
        let mut server = Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            state: Arc::new(Mutex::new(state)),
            task: None,
        };
        server.open().await;
        server
    }

    /// Listens, again at the address that it had.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind(self.addr).await.expect("a free port");
        self.addr = listener.local_addr().expect("its address");
        let state = Arc::clone(&self.state);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                open.spawn(async move { serve(stream, &state).await.unwrap_or_default() });
            }
        });
        self.task = Some(task);
    }

    /// Closes its port and all connections.
    pub async fn close(&mut self) {
        if let Some(mut task) = self.task.take() {
            task.shutdown().await;
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.addr)
    }

    /// An entry with its address.
    pub fn entry(&self, name: &str) -> Value {
        json!({ "name": name, "url": self.url(), "headers": { "Authorization": "Bearer hush-hush-hush" } })
    }

    /// From now on it does this with all that it is asked.
    pub fn behave(&self, manner: Manner) {
        self.state().all = manner;
    }

    /// The same with calls alone.
    pub fn behave_at_calls(&self, manner: Manner) {
        self.state().calls = manner;
    }

    /// It forgets its session: who names it is answered with 404.
    pub fn forget(&self) {
        self.state().session += 1;
    }

    /// How many bytes were read of its flood.
    pub fn flooded(&self) -> usize {
        self.state().flooded
    }

    /// What it was asked with this method so far.
    pub fn asked(&self, method: &str) -> Vec<Asked> {
        let asked = self.state().asked.clone().into_iter();
        asked.filter(|asked| asked.method() == method).collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    loop {
        let asked = loop {
            if let Some(asked) = take(&mut bytes) {
                break asked;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            // A handshake of TLS is no request.
            if bytes.first() == Some(&0x16) {
                return write(&mut stream, "400 Bad Request", "", "").await;
            }
        };
        let manner = {
            let mut state = lock(state);
            state.asked.push(asked.clone());
            let is_call = asked.method() == "tools/call";
            if is_call && state.all == Manner::Well {
                state.calls.clone()
            } else {
                state.all.clone()
            }
        };
        if !answer(&mut stream, &asked, manner, state).await? {
            return Ok(());
        }
    }
}

/// A whole request at the beginning of the bytes.
fn take(bytes: &mut Vec<u8>) -> Option<Asked> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    let small = head.to_ascii_lowercase();
    let length = small.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let whole = end + length.unwrap_or(0);
    let message = serde_json::from_slice(bytes.get(end..whole)?).unwrap_or_default();
    bytes.drain(..whole);
    Some(Asked { head, message })
}

/// Says whether the connection goes on.
async fn answer(
    stream: &mut TcpStream,
    asked: &Asked,
    manner: Manner,
    state: &Mutex<State>,
) -> std::io::Result<bool> {
    let is_message = !asked.message.is_null();
    match (manner, result(asked, state)) {
        (Manner::Status(status, headers, body), _) => {
            write(stream, &status, &headers, &body).await?;
        }
        (Manner::Silent, _) => std::future::pending().await,
        (_, None) => {
            let status = if is_message {
                "202 Accepted"
            } else {
                "405 Method Not Allowed"
            };
            write(stream, status, "", "").await?;
        }
        (Manner::Well, Some((headers, body))) => {
            let status = if body.is_empty() {
                "404 Not Found"
            } else {
                "200 OK"
            };
            let headers = format!("content-type: application/json\r\n{headers}");
            write(stream, status, &headers, &body).await?;
        }
        (manner, Some((_, body))) => {
            misbehave(stream, &manner, &body, state).await?;
            stream.shutdown().await?;
            return Ok(false);
        }
    }
    Ok(true)
}

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const NOTE: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;

/// Answers with a stream, or what is none.
async fn misbehave(
    stream: &mut TcpStream,
    manner: &Manner,
    body: &str,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    match manner {
        Manner::Cuts => {
            let text = format!("{EVENTS}data: {{\"jsonrpc\":\"2.0\",");
            stream.write_all(text.as_bytes()).await
        }
        Manner::Floods => {
            stream.write_all(EVENTS.as_bytes()).await?;
            let many = format!("data: {NOTE}\n\n").repeat(500);
            loop {
                stream.write_all(many.as_bytes()).await?;
                lock(state).flooded += many.len();
            }
        }
        Manner::Announces => {
            let many = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2500);
            loop {
                stream.write_all(many.as_bytes()).await?;
                lock(state).flooded += many.len();
            }
        }
        Manner::Endless => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"";
            stream.write_all(head).await?;
            let piece = vec![b'x'; 65_536];
            loop {
                stream.write_all(&piece).await?;
            }
        }
        Manner::Well | Manner::Streams | Manner::Buffers | Manner::Silent | Manner::Status(..) => {
            let padding = if *manner == Manner::Buffers { 4096 } else { 0 };
            let padding = ":".repeat(padding);
            let text = format!("{EVENTS}{padding}\n\ndata: {NOTE}\n\ndata: {body}\n\n");
            stream.write_all(text.as_bytes()).await
        }
    }
}

async fn write(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await
}

/// The headers and the body of an answer; none for what is not answered, an empty body for an unknown session.
fn result(asked: &Asked, state: &Mutex<State>) -> Option<(String, String)> {
    let id = asked
        .message
        .get("id")
        .filter(|_| asked.message.get("method").is_some())?;
    let session = format!("mcp-session-id: s{}\r\n", lock(state).session);
    let mut headers = String::new();
    let result = match asked.method() {
        "initialize" => {
            headers = session;
            let version = asked.message.pointer("/params/protocolVersion");
            json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "r", "version": "1"}})
        }
        _ if !asked.head.to_ascii_lowercase().contains(&session) => {
            return Some((headers, String::new()));
        }
        "tools/list" => {
            json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})
        }
        "tools/call" => {
            let text = asked.message.pointer("/params/arguments/text");
            json!({"content": [{"type": "text", "text": text}]})
        }
        _ => json!({}),
    };
    let body = json!({"jsonrpc": "2.0", "id": id, "result": result});
    Some((headers, body.to_string()))
}
