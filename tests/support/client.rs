//! An MCP client over HTTP+SSE for tests and the load program: many calls in flight, every message kept
//! as the raw text it came in, so that a test can compare byte for byte.
//!
//! One task reads the stream; posts go over at most 16 connections, which are used again as the pools of
//! real SDKs do. Everything it waits for has a deadline.

mod inbox;
mod reader;

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use self::inbox::Inbox;
use super::http::{self, Connection, Response};
use super::wait;

/// For every step that a healthy gateway does at once.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// Parallel connections for posts of one client.
const CONNECTIONS: usize = 16;

/// How to connect, where it differs from the usual.
pub(crate) struct SseOptions<'a> {
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// Keep every byte of the event stream for [`SseClient::recorded`].
    pub(crate) record: bool,
}

impl Default for SseOptions<'_> {
    fn default() -> Self {
        Self {
            path: "/sse",
            headers: &[],
            record: false,
        }
    }
}

/// One SSE session. Dropping it closes the stream soon, [`SseClient::close`] at once.
pub(crate) struct SseClient {
    addr: SocketAddr,
    endpoint: String,
    head: http::Head,
    post_head: String,
    next_id: AtomicU64,
    inbox: Arc<Inbox>,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    reading: watch::Sender<bool>,
    reader: JoinSet<()>,
}

impl SseClient {
    /// Opens `/sse` and waits for the `endpoint` event.
    ///
    /// # Panics
    /// When the stream is refused, or the event does not come within 10 s.
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, &SseOptions::default()).await
    }

    /// As [`SseClient::connect`].
    pub(crate) async fn connect_with(addr: SocketAddr, options: &SseOptions<'_>) -> Self {
        let what = || format!("an event stream from {addr}{}", options.path);
        wait::within(what, DEADLINE, Self::try_connect(addr, options)).await
    }

    /// One attempt, for a gateway that may refuse it at this moment. It waits as long as it takes.
    ///
    /// # Errors
    /// When the stream is refused or breaks.
    pub(crate) async fn try_connect(
        addr: SocketAddr,
        options: &SseOptions<'_>,
    ) -> io::Result<Self> {
        let mut get = http::request_head(addr, "GET", options.path, options.headers);
        get.push_str("accept: text/event-stream\r\n\r\n");
        let mut connection = Connection::open(addr).await?;
        connection.send(get.as_bytes()).await?;
        let head = connection.head().await?;
        if head.status != 200 {
            return Err(io::Error::other(format!("refused: {head:?}")));
        }
        let body = head.body()?;
        let inbox = Arc::new(Inbox::new(options.record));
        let (reading, may_read) = watch::channel(true);
        let mut reader = JoinSet::new();
        reader.spawn(reader::run(connection, body, Arc::clone(&inbox), may_read));
        let endpoint = inbox
            .until(|state| state.endpoint.clone())
            .await
            .map_err(io::Error::other)?;
        let mut post_head = http::request_head(addr, "POST", &endpoint, options.headers);
        post_head.push_str("content-type: application/json\r\naccept: */*\r\n");
        Ok(Self {
            addr,
            endpoint,
            head,
            post_head,
            next_id: AtomicU64::new(1),
            inbox,
            idle: Mutex::default(),
            permits: Semaphore::new(CONNECTIONS),
            reading,
            reader,
        })
    }

    /// What the `endpoint` event said, as sent.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Status and headers of the event stream.
    pub(crate) fn head(&self) -> &http::Head {
        &self.head
    }

    /// Posts `json` as it is to the endpoint and gives the HTTP answer.
    ///
    /// # Panics
    /// When there is no HTTP answer within 10 s.
    pub(crate) async fn post(&self, json: &str) -> Response {
        let what = || format!("the HTTP answer to POST {}", self.endpoint);
        wait::within(what, DEADLINE, self.try_post(json)).await
    }

    async fn try_post(&self, json: &str) -> io::Result<Response> {
        let _permit = self.permits.acquire().await.map_err(io::Error::other)?;
        let mut connection = match self.pooled() {
            Some(connection) => connection,
            None => Connection::open(self.addr).await?,
        };
        let response = connection
            .exchange(&self.post_head, json.as_bytes())
            .await?;
        if response.header("connection") != Some("close") {
            self.idle.lock().expect("no panic inside").push(connection);
        }
        Ok(response)
    }

    fn pooled(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().expect("no panic inside");
        while let Some(connection) = idle.pop() {
            if connection.is_idle() {
                return Some(connection);
            }
        }
        None
    }

    /// Posts a message that must be accepted.
    async fn post_accepted(&self, json: &str) {
        let response = self.post(json).await;
        assert_eq!(
            response.status,
            202,
            "POST of {json:.200} was answered {}",
            response.text()
        );
    }

    /// Sends a request with a fresh id; `params` is raw JSON. The answer is for [`SseClient::wait_response`].
    ///
    /// # Panics
    /// When it is not accepted with 202.
    pub(crate) async fn request(&self, method: &str, params: Option<&str>) -> u64 {
        let (id, json, answer) = self.prepare(method, params);
        self.inbox.keep(id, answer);
        self.post_accepted(&json).await;
        id
    }

    /// The raw answer to [`SseClient::request`], once.
    ///
    /// # Panics
    /// When it does not come in time, or the stream ends before.
    pub(crate) async fn wait_response(&self, id: u64, deadline: Duration) -> String {
        let answer = self
            .inbox
            .kept(id)
            .unwrap_or_else(|| panic!("request {id} was never sent, or its answer was taken"));
        self.answer(id, answer, deadline).await
    }

    /// Sends a request and gives its raw answer; drop the future to wait no longer.
    ///
    /// # Panics
    /// As [`SseClient::request`] and [`SseClient::wait_response`].
    pub(crate) async fn call(
        &self,
        method: &str,
        params: Option<&str>,
        deadline: Duration,
    ) -> String {
        let (id, json, answer) = self.prepare(method, params);
        self.post_accepted(&json).await;
        self.answer(id, answer, deadline).await
    }

    /// `tools/call` with raw `arguments`, answered within 10 s; the raw answer.
    pub(crate) async fn call_tool(&self, name: &str, arguments: &str) -> String {
        let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
        self.call("tools/call", Some(&params), DEADLINE).await
    }

    /// The handshake as SDKs do it, with 2025-11-25; the raw answer to `initialize`.
    pub(crate) async fn initialize(&self) -> String {
        self.initialize_as("2025-11-25").await
    }

    /// As [`SseClient::initialize`], asking for `version`.
    pub(crate) async fn initialize_as(&self, version: &str) -> String {
        let params = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"test","version":"1"}}}}"#
        );
        let answer = self.call("initialize", Some(&params), DEADLINE).await;
        self.notify("notifications/initialized", None).await;
        answer
    }

    /// Sends a notification; `params` is raw JSON.
    ///
    /// # Panics
    /// When it is not accepted with 202.
    pub(crate) async fn notify(&self, method: &str, params: Option<&str>) {
        let params = params.map_or(String::new(), |raw| format!(r#","params":{raw}"#));
        self.post_accepted(&format!(
            r#"{{"jsonrpc":"2.0","method":"{method}"{params}}}"#
        ))
        .await;
    }

    /// Takes the oldest message with `method` (notification or request of the server), raw.
    ///
    /// # Panics
    /// When none comes in time.
    pub(crate) async fn next_notification(&self, method: &str, deadline: Duration) -> String {
        let taken = self.inbox.until(|state| state.take_call(method));
        wait::within(|| method.to_owned(), deadline, taken).await
    }

    /// Takes the answer with this raw id (`7`, `"a"`, `null`) to a message sent with [`SseClient::post`].
    ///
    /// # Panics
    /// When none comes in time.
    pub(crate) async fn wait_raw_response(&self, id: &str, deadline: Duration) -> String {
        let taken = self.inbox.until(|state| state.take_unclaimed(id));
        wait::within(|| format!("the answer to {id}"), deadline, taken).await
    }

    /// Answers that nobody waits for: to raw posts, second ones, and those of calls that were given up.
    pub(crate) fn unclaimed(&self) -> Vec<String> {
        self.inbox.look(|state| {
            let unclaimed = state.unclaimed.iter();
            unclaimed.map(|(_, raw)| raw.clone()).collect()
        })
    }

    /// Messages with a method that no test has taken yet, raw, in order.
    pub(crate) fn notifications(&self) -> Vec<String> {
        self.inbox
            .look(|state| state.calls.iter().map(|(_, raw)| raw.clone()).collect())
    }

    /// How many comments the stream has carried.
    pub(crate) fn comments(&self) -> usize {
        self.inbox.look(|state| state.comments)
    }

    /// Every byte of the event stream so far; empty unless [`SseOptions::record`] was set.
    pub(crate) fn recorded(&self) -> Vec<u8> {
        self.inbox
            .look(|state| state.recorded.clone().unwrap_or_default())
    }

    /// Waits for `count` comments.
    ///
    /// # Panics
    /// When they do not come in time.
    pub(crate) async fn wait_comments(&self, count: usize, deadline: Duration) {
        let counted = self
            .inbox
            .until(|state| (state.comments >= count).then_some(()));
        wait::within(|| format!("{count} comments"), deadline, counted).await;
    }

    /// Why the stream has ended; `None` while it is open.
    pub(crate) fn ended(&self) -> Option<String> {
        self.inbox.look(|state| state.ended.clone())
    }

    /// Waits until the server has ended the stream; gives why.
    ///
    /// # Panics
    /// When it is still open after `deadline`.
    pub(crate) async fn wait_end(&self, deadline: Duration) -> String {
        let ended = async { Ok::<_, String>(self.inbox.ended().await) };
        wait::within(|| "the end of the stream".to_owned(), deadline, ended).await
    }

    /// Stops reading the stream (after the read under way), as a client does that hangs; or goes on.
    pub(crate) fn set_reading(&self, reading: bool) {
        self.reading.send_replace(reading);
    }

    /// Closes the connections for posts that are not in use.
    pub(crate) fn close_posts(&self) {
        self.idle.lock().expect("no panic inside").clear();
    }

    /// Closes the stream and all connections now.
    pub(crate) async fn close(mut self) {
        self.reader.shutdown().await;
    }

    fn prepare(
        &self,
        method: &str,
        params: Option<&str>,
    ) -> (u64, String, oneshot::Receiver<String>) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut json = String::with_capacity(params.map_or(0, str::len) + 80);
        write!(json, r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}""#)
            .expect("a string takes all");
        if let Some(params) = params {
            json.push_str(r#","params":"#);
            json.push_str(params);
        }
        json.push('}');
        (id, json, self.inbox.expect(id))
    }

    async fn answer(
        &self,
        id: u64,
        answer: oneshot::Receiver<String>,
        deadline: Duration,
    ) -> String {
        let answer = async { answer.await.map_err(|_| self.ended().unwrap_or_default()) };
        wait::within(|| format!("the answer to {id}"), deadline, answer).await
    }
}
