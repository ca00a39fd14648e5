//! HTTP+SSE: one event stream for everything that the server says, opened first, and posts to the address
//! that it names, answered 202.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::http::{self, Connection, Response};
use super::super::sse::Pieces;
use super::super::wait;
use super::inbox::Inbox;
use super::pool::Pool;
use super::{Client, DEADLINE, SseClient, SseOptions, Transport, reader};

/// The transport of an [`SseClient`].
pub struct Sse {
    endpoint: String,
    head: http::Head,
    post_head: String,
    pool: Pool,
    reading: watch::Sender<bool>,
    reader: JoinSet<()>,
}

impl Transport for Sse {
    async fn client(addr: SocketAddr) -> SseClient {
        SseClient::connect(addr).await
    }

    async fn deliver(&self, json: &str) {
        let response = self.post(json).await;
        assert_eq!(
            response.status,
            202,
            "POST of {json:.200} was answered {}",
            response.text()
        );
    }

    async fn initialized(&self, _version: &str) {}

    async fn leave(self) {
        self.close().await;
    }

    async fn close(mut self) {
        self.reader.shutdown().await;
    }
}

impl Sse {
    async fn post(&self, json: &str) -> Response {
        let what = || format!("the HTTP answer to POST {}", self.endpoint);
        let exchange = self.pool.exchange(&self.post_head, json.as_bytes());
        wait::within(what, DEADLINE, exchange).await
    }
}

/// What `endpoint` means to who asked for `path`: one that is no path is beside that.
fn beside(path: &str, endpoint: &str) -> String {
    match path.rsplit_once('/') {
        Some((directory, _)) if !endpoint.starts_with('/') => format!("{directory}/{endpoint}"),
        _ => endpoint.to_owned(),
    }
}

impl SseClient {
    /// Opens `/sse` and waits for the `endpoint` event.
    ///
    /// # Panics
    /// When the stream is refused, or the event does not come within 10 s.
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, &SseOptions::default()).await
    }

    /// As [`SseClient::connect`].
    pub async fn connect_with(addr: SocketAddr, options: &SseOptions<'_>) -> Self {
        let what = || format!("an event stream from {addr}{}", options.path);
        wait::within(what, DEADLINE, Self::try_connect(addr, options)).await
    }

    /// One attempt, for a gateway that may refuse it at this moment. It waits as long as it takes.
    ///
    /// # Errors
    /// When the stream is refused or breaks.
    pub async fn try_connect(addr: SocketAddr, options: &SseOptions<'_>) -> io::Result<Self> {
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
        reader.spawn(reader::run(
            Pieces::of(connection, body),
            Arc::clone(&inbox),
            may_read,
        ));
        let endpoint = inbox
            .until(|state| state.endpoint.clone())
            .await
            .map_err(io::Error::other)?;
        let target = beside(options.path, &endpoint);
        let mut post_head = http::request_head(addr, "POST", &target, options.headers);
        post_head.push_str("content-type: application/json\r\naccept: */*\r\n");
        let sse = Sse {
            endpoint,
            head,
            post_head,
            pool: Pool::new(addr),
            reading,
            reader,
        };
        Ok(Client::new(inbox, sse))
    }

    /// What the `endpoint` event said, as sent.
    pub fn endpoint(&self) -> &str {
        &self.transport.endpoint
    }

    pub fn addr(&self) -> SocketAddr {
        self.transport.pool.addr
    }

    /// Status and headers of the event stream.
    pub fn head(&self) -> &http::Head {
        &self.transport.head
    }

    /// Posts `json` as it is to the endpoint and gives the HTTP answer.
    ///
    /// # Panics
    /// When there is no HTTP answer within 10 s.
    pub async fn post(&self, json: &str) -> Response {
        self.transport.post(json).await
    }

    /// How many comments the stream has carried.
    pub fn comments(&self) -> usize {
        self.inbox.look(|state| state.comments)
    }

    /// Every byte of the event stream so far; empty unless [`SseOptions::record`] was set.
    pub fn recorded(&self) -> Vec<u8> {
        self.inbox
            .look(|state| state.recorded.clone().unwrap_or_default())
    }

    /// Waits for `count` comments.
    ///
    /// # Panics
    /// When they do not come in time.
    pub async fn wait_comments(&self, count: usize, deadline: Duration) {
        let counted = self
            .inbox
            .until(|state| (state.comments >= count).then_some(()));
        wait::within(|| format!("{count} comments"), deadline, counted).await;
    }

    /// Why the stream has ended; `None` while it is open.
    pub fn ended(&self) -> Option<String> {
        self.inbox.look(|state| state.ended.clone())
    }

    /// Waits until the server has ended the stream; gives why.
    ///
    /// # Panics
    /// When it is still open after `deadline`.
    pub async fn wait_end(&self, deadline: Duration) -> String {
        let ended = async { Ok::<_, String>(self.inbox.ended().await) };
        wait::within(|| "the end of the stream".to_owned(), deadline, ended).await
    }

    /// Stops reading the stream (after the read under way), as a client does that hangs; or goes on.
    pub fn set_reading(&self, reading: bool) {
        self.transport.reading.send_replace(reading);
    }

    /// Closes the connections for posts that are not in use.
    pub fn close_posts(&self) {
        self.transport.pool.clear();
    }
}
