//! An SSE client that keeps every byte: the SDKs hand out parsed models, this one the text of
//! the messages as they came over the wire.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::rpc::{self, Outcome};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One session.
pub(crate) struct Session {
    address: String,
    endpoint: String,
    stream: BufReader<TcpStream>,
    chunked: bool,
    /// Bytes of the body that are not yet a whole event.
    pending: String,
    next_id: u64,
}

impl Session {
    /// Connects, and reads up to the `endpoint` event.
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        let get =
            format!("GET /sse HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
        stream.write_all(get.as_bytes()).await?;
        let mut stream = BufReader::new(stream);
        let head = head(&mut stream).await?;
        ensure!(head.starts_with("http/1.1 200 "), "GET /sse: {head}");
        ensure!(
            head.contains("\r\ncontent-type: text/event-stream"),
            "{head}"
        );
        let mut session = Self {
            address: address.to_owned(),
            endpoint: String::new(),
            stream,
            chunked: head.contains("\r\ntransfer-encoding: chunked"),
            pending: String::new(),
            next_id: 1,
        };
        let (name, data) = session.event().await?;
        ensure!(name == "endpoint", "the first event is {name:?}: {data}");
        session.endpoint = data;
        Ok(session)
    }

    /// The same, with the handshake behind it.
    pub(crate) async fn begin(address: &str) -> Result<Self> {
        let mut session = Self::open(address).await?;
        session
            .request("initialize", &rpc::initialize_params())
            .await?
            .result()?;
        session
            .post(&rpc::notification("notifications/initialized"))
            .await?;
        Ok(session)
    }

    /// Sends a request and waits for its answer, passing over notifications.
    pub(crate) async fn request(&mut self, method: &str, params: &Value) -> Result<Outcome> {
        let id = self.next_id;
        self.next_id += 1;
        self.post(&rpc::request(id, method, params)).await?;
        timeout(PATIENCE, self.answer(id))
            .await
            .with_context(|| format!("no answer to {method} {params} within {PATIENCE:?}"))?
    }

    /// Posts one message; it must be accepted.
    pub(crate) async fn post(&self, message: &str) -> Result<()> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.endpoint,
            self.address,
            message.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(message.as_bytes()).await?;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
        ensure!(answer.starts_with("HTTP/1.1 202 "), "POST: {answer}");
        Ok(())
    }

    async fn answer(&mut self, id: u64) -> Result<Outcome> {
        loop {
            let (name, data) = self.event().await?;
            ensure!(name == "message", "an event {name:?}: {data}");
            if let Some(outcome) = rpc::answer(&data, id)? {
                return Ok(outcome);
            }
        }
    }

    /// The next event's name and data; comments are passed over.
    async fn event(&mut self) -> Result<(String, String)> {
        loop {
            let (mut name, mut data) = (None, None);
            for line in self.block().await?.trim_end().lines() {
                match line.split_once(": ") {
                    Some(("event", value)) => name = Some(value.to_owned()),
                    Some(("data", value)) => data = Some(value.to_owned()),
                    Some(("", _comment)) => {}
                    _ => bail!("not a line of an event stream: {line:?}"),
                }
            }
            if let (Some(name), Some(data)) = (name, data) {
                return Ok((name, data));
            }
        }
    }

    /// The bytes up to the next blank line.
    async fn block(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.pending.find("\n\n") {
                let rest = self.pending.split_off(end + 2);
                return Ok(std::mem::replace(&mut self.pending, rest));
            }
            let more = timeout(PATIENCE, self.body()).await??;
            self.pending.push_str(&more);
        }
    }

    /// The next piece of the body, without its chunked coding. The gateway sends whole events, so
    /// a piece that ends inside a character is a fault as well.
    async fn body(&mut self) -> Result<String> {
        if !self.chunked {
            let mut line = String::new();
            ensure!(
                self.stream.read_line(&mut line).await? > 0,
                "the stream ended"
            );
            return Ok(line);
        }
        let mut size = String::new();
        self.stream.read_line(&mut size).await?;
        let size = usize::from_str_radix(size.trim(), 16).context("a chunk's size")?;
        ensure!(size > 0, "the stream ended");
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).await?;
        chunk.truncate(size);
        Ok(String::from_utf8(chunk)?)
    }
}

/// The head of a response, in lower case.
async fn head(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = timeout(PATIENCE, stream.read_line(&mut head)).await??;
        ensure!(read > 0, "the connection ended in the head: {head}");
    }
    Ok(head.to_lowercase())
}
