//! An MCP client for tests and the load program, over either transport: many calls in flight, every message
//! kept as the raw text it came in, so that a test can compare byte for byte.
//!
//! What is the same over HTTP+SSE and Streamable HTTP is here, so that one test can be run over both; a file
//! each has what differs. Everything it waits for has a deadline.

mod inbox;
pub mod pool;
mod reader;
mod sse;
mod streamable;

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use self::inbox::Inbox;
pub use self::sse::Sse;
pub use self::streamable::Streamable;
use super::wait;

/// For every step that a healthy gateway does at once.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A client over HTTP+SSE, protocol revision 2024-11-05.
pub type SseClient = Client<Sse>;
/// A client over Streamable HTTP, protocol revisions 2025-03-26 to 2025-11-25.
pub type StreamableClient = Client<Streamable>;

/// How to connect over HTTP+SSE, where it differs from the usual.
pub struct SseOptions<'a> {
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// Keep every byte of the event stream for [`SseClient::recorded`].
    pub record: bool,
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

/// How to talk over Streamable HTTP, where it differs from the usual.
pub struct StreamableOptions<'a> {
    pub path: &'a str,
    /// Open the stream for what belongs to no post.
    pub listen: bool,
}

impl Default for StreamableOptions<'_> {
    fn default() -> Self {
        Self {
            path: "/mcp",
            listen: true,
        }
    }
}

type Answer = oneshot::Receiver<Result<String, String>>;

/// How messages reach the gateway, and its messages the inbox.
pub trait Transport: Sized + Send + Sync {
    /// A client of the gateway at `addr`, not initialized.
    fn client(addr: SocketAddr) -> impl Future<Output = Client<Self>> + Send;

    /// Sends a message that must be taken; what comes back goes to the inbox.
    fn deliver(&self, json: &str) -> impl Future<Output = ()> + Send;

    /// The handshake is done, with this revision.
    fn initialized(&self, version: &str) -> impl Future<Output = ()> + Send;

    /// Ends the session, and closes all connections.
    fn leave(self) -> impl Future<Output = ()> + Send;

    /// Closes all connections now.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// One session. Dropping it closes its connections soon, [`Client::close`] at once.
pub struct Client<T> {
    next_id: AtomicU64,
    inbox: Arc<Inbox>,
    transport: T,
}

impl<T: Transport> Client<T> {
    fn new(inbox: Arc<Inbox>, transport: T) -> Self {
        Self {
            next_id: AtomicU64::new(1),
            inbox,
            transport,
        }
    }

    /// Sends any message, raw. The answer is for [`Client::wait_raw_response`].
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn send(&self, json: &str) {
        self.transport.deliver(json).await;
    }

    /// Sends a request with a fresh id; `params` is raw JSON. The answer is for [`Client::wait_response`].
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn request(&self, method: &str, params: Option<&str>) -> u64 {
        let (id, json, answer) = self.prepare(method, params);
        self.inbox.keep(id, answer);
        self.transport.deliver(&json).await;
        id
    }

    /// The raw answer to [`Client::request`], once.
    ///
    /// # Panics
    /// When it does not come in time, or the stream ends before.
    pub async fn wait_response(&self, id: u64, deadline: Duration) -> String {
        let answer = self
            .inbox
            .kept(id)
            .unwrap_or_else(|| panic!("request {id} was never sent, or its answer was taken"));
        self.answer(id, answer, deadline).await
    }

    /// Sends a request and gives its raw answer; drop the future to wait no longer.
    ///
    /// # Panics
    /// As [`Client::request`] and [`Client::wait_response`].
    pub async fn call(&self, method: &str, params: Option<&str>, deadline: Duration) -> String {
        let (id, json, answer) = self.prepare(method, params);
        self.transport.deliver(&json).await;
        self.answer(id, answer, deadline).await
    }

    /// `tools/call` with raw `arguments`, answered within 10 s; the raw answer.
    pub async fn call_tool(&self, name: &str, arguments: &str) -> String {
        let params = format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
        self.call("tools/call", Some(&params), DEADLINE).await
    }

    /// The handshake as SDKs do it, with 2025-11-25; the raw answer to `initialize`.
    pub async fn initialize(&self) -> String {
        self.initialize_as("2025-11-25").await
    }

    /// As [`Client::initialize`], asking for `version`.
    pub async fn initialize_as(&self, version: &str) -> String {
        self.initialize_with(version, "{}").await
    }

    /// As [`Client::initialize`], asking for `version` and declaring these capabilities, raw JSON.
    pub async fn initialize_with(&self, version: &str, capabilities: &str) -> String {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Agreed {
            protocol_version: String,
        }
        #[derive(Deserialize)]
        struct Response {
            result: Agreed,
        }
        let params = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"test","version":"1"}}}}"#
        );
        let answer = self.call("initialize", Some(&params), DEADLINE).await;
        let agreed = serde_json::from_str::<Response>(&answer)
            .unwrap_or_else(|error| panic!("no handshake ({error}): {answer:.500}"));
        let version = agreed.result.protocol_version;
        self.notify("notifications/initialized", None).await;
        self.transport.initialized(&version).await;
        answer
    }

    /// Sends a notification; `params` is raw JSON.
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn notify(&self, method: &str, params: Option<&str>) {
        let params = params.map_or(String::new(), |raw| format!(r#","params":{raw}"#));
        let json = format!(r#"{{"jsonrpc":"2.0","method":"{method}"{params}}}"#);
        self.transport.deliver(&json).await;
    }

    /// Answers a request of the server, given raw, with `outcome`: `"result":…` or `"error":…`.
    ///
    /// # Panics
    /// When it is no request, or the answer is not taken.
    pub async fn respond(&self, request: &str, outcome: &str) {
        let id = id_of(request);
        let json = format!(r#"{{"jsonrpc":"2.0","id":{id},{outcome}}}"#);
        self.transport.deliver(&json).await;
    }

    /// Takes the oldest message with `method` (notification or request of the server), raw.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn next_notification(&self, method: &str, deadline: Duration) -> String {
        let taken = self.inbox.until(|state| state.take_call(method));
        wait::within(|| method.to_owned(), deadline, taken).await
    }

    /// Takes the answer with this raw id (`7`, `"a"`, `null`) to a message sent raw.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn wait_raw_response(&self, id: &str, deadline: Duration) -> String {
        let taken = self.inbox.until(|state| state.take_unclaimed(id));
        wait::within(|| format!("the answer to {id}"), deadline, taken).await
    }

    /// Answers that nobody waits for: to raw posts, second ones, and those of calls that were given up.
    pub fn unclaimed(&self) -> Vec<String> {
        self.inbox.look(|state| {
            let unclaimed = state.unclaimed.iter();
            unclaimed.map(|(_, raw)| raw.clone()).collect()
        })
    }

    /// Messages with a method that no test has taken yet, raw, in order.
    pub fn notifications(&self) -> Vec<String> {
        self.inbox
            .look(|state| state.calls.iter().map(|(_, raw)| raw.clone()).collect())
    }

    /// Takes them all.
    pub fn take_notifications(&self) -> Vec<String> {
        self.inbox
            .look(|state| state.calls.drain(..).map(|(_, raw)| raw).collect())
    }

    /// Ends the session as a good client does.
    pub async fn leave(self) {
        self.transport.leave().await;
    }

    /// Closes all connections now.
    pub async fn close(self) {
        self.transport.close().await;
    }

    fn prepare(&self, method: &str, params: Option<&str>) -> (u64, String, Answer) {
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

    async fn answer(&self, id: u64, answer: Answer, deadline: Duration) -> String {
        let answer = async { answer.await.unwrap_or_else(|_| Err("nobody".to_owned())) };
        wait::within(|| format!("the answer to {id}"), deadline, answer).await
    }
}

/// The id of a request or an answer, raw.
///
/// # Panics
/// When there is none.
pub fn id_of(message: &str) -> &str {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    match serde_json::from_str::<Envelope<'_>>(message) {
        Ok(envelope) => envelope.id.get(),
        Err(error) => panic!("no id ({error}): {message:.500}"),
    }
}
