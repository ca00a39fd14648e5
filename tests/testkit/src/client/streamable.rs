//! Streamable HTTP: a post for every message, whose answer comes back on it, as JSON or as a stream of its
//! own, and one more stream for what belongs to no post. As the SDKs do it: the stream is opened once the
//! handshake is done.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::http::Connection;
use super::super::sse::Pieces;
use super::super::streamable::Endpoint;
use super::super::wait;
use super::inbox::Inbox;
use super::pool::Pool;
use super::{Client, DEADLINE, StreamableClient, StreamableOptions, Transport, reader};

/// The transport of a [`StreamableClient`].
pub struct Streamable {
    listen: bool,
    shared: Arc<Shared>,
    reading: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

/// What the tasks of one client need.
struct Shared {
    pool: Pool,
    inbox: Arc<Inbox>,
    endpoint: Mutex<Endpoint>,
}

/// The part of a message that says what comes back.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
}

impl Transport for Streamable {
    async fn client(addr: SocketAddr) -> StreamableClient {
        StreamableClient::of(addr, &StreamableOptions::default())
    }

    async fn deliver(&self, json: &str) {
        let id = match serde_json::from_str(json) {
            Ok(Envelope {
                id,
                method: Some(_),
            }) => id.map(|id| id.get().to_owned()),
            Ok(_) => None,
            Err(_) => Some(String::new()), // a batch
        };
        let head = self.shared.endpoint().post_head(&[]);
        let what = || format!("POST of {json:.200}");
        let Some(id) = id else {
            let exchange = self.shared.pool.exchange(&head, json.as_bytes());
            let response = wait::within(what, DEADLINE, exchange).await;
            let got = (response.status, response.text());
            return assert_eq!(got, (202, String::new()), "{json:.200}");
        };
        let post = async {
            let mut connection = self.shared.pool.take().await?;
            connection.post(&head, json.as_bytes()).await?;
            io::Result::Ok(connection)
        };
        let connection = wait::within(what, DEADLINE, post).await;
        let (shared, may_read) = (Arc::clone(&self.shared), self.reading.subscribe());
        self.spawn(async move {
            let answered = shared.reply(connection, may_read).await;
            let reason = answered.err();
            let reason = reason.unwrap_or_else(|| "the server ended the stream".to_owned());
            shared.inbox.fail(&id, reason);
        });
    }

    async fn initialized(&self, version: &str) {
        let mut endpoint = self.shared.endpoint();
        endpoint.version = Some(version.to_owned());
        self.shared.set(endpoint);
        if self.listen {
            self.listen().await;
        }
    }

    async fn leave(self) {
        let response = self.shared.endpoint().delete().await;
        assert_eq!(response.status, 200, "{}", response.text());
        self.close().await;
    }

    async fn close(self) {
        let mut tasks = self.tasks.into_inner().expect("no panic inside");
        tasks.shutdown().await;
    }
}

impl Shared {
    fn endpoint(&self) -> Endpoint {
        self.endpoint.lock().expect("no panic inside").clone()
    }

    fn set(&self, endpoint: Endpoint) {
        *self.endpoint.lock().expect("no panic inside") = endpoint;
    }

    /// Reads what comes back to a request, in whatever form.
    async fn reply(
        &self,
        mut connection: Connection,
        mut may_read: watch::Receiver<bool>,
    ) -> Result<(), String> {
        let head = connection.head().await.map_err(|error| error.to_string())?;
        if let Some(session) = head.header("mcp-session-id") {
            let mut endpoint = self.endpoint();
            endpoint.session = Some(session.to_owned());
            self.set(endpoint);
        }
        if head.header("content-type") == Some("text/event-stream") {
            let body = head.body().map_err(|error| error.to_string())?;
            let mut pieces = Pieces::of(connection, body);
            return reader::read(&mut pieces, &self.inbox, &mut may_read).await;
        }
        let response = connection
            .body(head)
            .await
            .map_err(|error| error.to_string())?;
        if response.status != 200 {
            return Err(format!("{}: {}", response.status, response.text()));
        }
        if response.header("connection") != Some("close") {
            self.pool.give(connection);
        }
        self.inbox.put_messages(response.text())
    }
}

impl Streamable {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().expect("no panic inside");
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    async fn listen(&self) {
        let stream = self.shared.endpoint().listen().await;
        let (inbox, mut may_read) = (Arc::clone(&self.shared.inbox), self.reading.subscribe());
        self.spawn(async move {
            let mut pieces = stream.into_pieces();
            let read = reader::read(&mut pieces, &inbox, &mut may_read).await;
            // A broken connection is a gateway's right: the client comes back.
            drop(read);
        });
    }
}

impl StreamableClient {
    /// A client that has not said anything yet.
    pub fn of(addr: SocketAddr, options: &StreamableOptions<'_>) -> Self {
        let inbox = Arc::new(Inbox::new(false));
        let endpoint = Endpoint::at(addr, options.path);
        let shared = Shared {
            pool: Pool::new(addr),
            inbox: Arc::clone(&inbox),
            endpoint: Mutex::new(endpoint),
        };
        let streamable = Streamable {
            listen: options.listen,
            shared: Arc::new(shared),
            reading: watch::Sender::new(true),
            tasks: Mutex::default(),
        };
        Client::new(inbox, streamable)
    }

    /// The same session for requests of which a test wants to see everything.
    pub fn endpoint(&self) -> Endpoint {
        self.transport.shared.endpoint()
    }

    /// Opens the stream for what belongs to no post, again or for the first time.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn listen(&self) {
        self.transport.listen().await;
    }

    /// Goes on with the same session at another address, as a client of a gateway that was started again.
    pub async fn move_to(&mut self, addr: SocketAddr) {
        let mut endpoint = self.endpoint();
        endpoint.addr = addr;
        let shared = Shared {
            pool: Pool::new(addr),
            inbox: Arc::clone(&self.inbox),
            endpoint: Mutex::new(endpoint),
        };
        self.transport.shared = Arc::new(shared);
        self.listen().await;
    }

    /// Closes the connections for posts that are not in use.
    pub fn close_posts(&self) {
        self.transport.shared.pool.clear();
    }

    /// Stops reading all streams, as a client does that hangs; or goes on.
    pub fn set_reading(&self, reading: bool) {
        self.transport.reading.send_replace(reading);
    }
}
