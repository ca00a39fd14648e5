//! The one MCP client: connects to a server by its URL, over Streamable HTTP or, where that is not served, over
//! HTTP+SSE, and asks it. One request at a time; bodies stay raw JSON, as everywhere here.
//!
//! The HTTP and the TLS are hyper's and rustls's. What is MCP in it is this room's own, on [`crate::protocol`]:
//! a client whose types know every member drops those that it does not know, which are what is to be
//! compared and passed on. A server is trusted with nothing: every answer has a bound in bytes, every list one in
//! pages and entries, and all of it one in time.

mod connector;
mod error;
mod given;
mod http;
mod lists;
mod pool;
mod sse;
mod streamable;
#[cfg(test)]
mod tests;
mod views;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::time::{Instant, timeout_at};
use url::Url;

pub use self::error::ClientError;
pub use self::given::{bearer, bearer_of, parse_url};
use self::http::Http;
pub(crate) use self::http::{
    EITHER, EVENTS, JSON, beginning, chunk, excerpt, is_loopback, media_type, moved_to, plain,
    secrets_of, without,
};
pub use self::http::{hidden, shown};
pub use self::lists::Entry;
pub(crate) use self::pool::{Failed, Pool};
use self::sse::Sse;
use self::streamable::Streamable;
pub(crate) use self::streamable::no_mcp;
pub use self::views::{EventStream, Views};
use crate::protocol::jsonrpc::{self, Message, Notification, Response, code};
use crate::protocol::mcp::lifecycle::{self, ServerInfo};
use crate::protocol::mcp::method;
use crate::protocol::version::Version;

/// A day: a clock has an end.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What a server may take of its client.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For all that is done with it, the handshake included.
    pub time: Duration,
    /// The bytes of one message.
    pub message: usize,
    /// The pages of one list.
    pub pages: usize,
    /// The entries of one list.
    pub entries: usize,
    /// The bytes of one list.
    pub list: usize,
}

impl Bounds {
    /// Those that fit whatever people run, for so long.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self {
            time,
            message: 32 << 20,
            pages: 1000,
            entries: 100_000,
            list: 64 << 20,
        }
    }
}

/// Where a server is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its address.
    pub url: Url,
    /// What it is sent with every request.
    pub headers: HeaderMap,
    /// The Unix socket that it listens on, whatever host the address names.
    pub socket: Option<PathBuf>,
}

/// What is done with what a server tells while it works on an answer.
pub type Told<'t> = dyn FnMut(&Notification) + Send + 't;

/// A connection with a server, after its handshake.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    bounds: Bounds,
    deadline: Instant,
    last_id: u64,
    server: ServerInfo,
}

#[derive(Debug)]
enum Transport {
    Streamable(Box<Streamable>),
    Sse(Box<Sse>),
}

impl Client {
    /// Shakes hands with the server at `url`, which is sent `headers` with every request.
    ///
    /// # Errors
    /// That it cannot be reached, does not let in, is no MCP server, or speaks another revision.
    pub async fn connect(
        url: Url,
        headers: HeaderMap,
        bounds: Bounds,
    ) -> Result<Self, ClientError> {
        let socket = None;
        let place = Place {
            url,
            headers,
            socket,
        };
        Self::connect_at(place, bounds).await
    }

    /// The same by a Unix socket, where `place` names one.
    ///
    /// # Errors
    /// The same.
    pub async fn connect_at(place: Place, bounds: Bounds) -> Result<Self, ClientError> {
        let deadline = Instant::now() + bounds.time.min(LONGEST);
        let http = Http::new(place, bounds.message)?;
        let connecting = timeout_at(deadline, Self::shake(http, bounds, deadline));
        let late = |_| ClientError::Late(method::INITIALIZE.to_owned(), bounds.time);
        connecting.await.map_err(late)?
    }

    async fn shake(http: Http, bounds: Bounds, deadline: Instant) -> Result<Self, ClientError> {
        let mut client = Self {
            transport: Transport::Streamable(Box::new(Streamable::new(http.clone()))),
            bounds,
            deadline,
            last_id: 0,
            server: ServerInfo::default(),
        };
        let asked = Version::LATEST.as_str();
        let answer = match client.initialize(asked).await {
            // 2025-11-25, basic/transports, "Backwards Compatibility".
            Err(refusal) if refusal.is_of_older_server() => {
                let sse = match Sse::open(http).await {
                    // There is nothing at all.
                    Err(ClientError::Status(..)) => return Err(refusal),
                    opened => opened?,
                };
                client.transport = Transport::Sse(Box::new(sse));
                client.initialize(asked).await?
            }
            answer => answer?,
        };
        let answer = match answer {
            Err(error) => match lifecycle::supported(&error, asked) {
                Some(other) => client.initialize(other).await?,
                None => Err(error),
            },
            answer => answer,
        };
        let result = answer.map_err(|error| ClientError::answered(method::INITIALIZE, &error))?;
        client.server = lifecycle::server_info(&result).map_err(ClientError::Protocol)?;
        if let Transport::Streamable(streamable) = &mut client.transport {
            streamable.speak(client.server.version);
        }
        let initialized = jsonrpc::notification(method::INITIALIZED, None);
        client.transport.tell(initialized).await?;
        Ok(client)
    }

    async fn initialize(&mut self, revision: &str) -> Result<Result<Bytes, Bytes>, ClientError> {
        let params = lifecycle::initialize_params(revision, b"{}");
        self.exchange(method::INITIALIZE, Some(&params), &mut |_| {})
            .await
    }

    /// What the server said of itself.
    #[must_use]
    pub fn server(&self) -> &ServerInfo {
        &self.server
    }

    /// Asks the server, and answers with its raw result.
    ///
    /// # Errors
    /// What went wrong on the way, or the server's own error.
    pub async fn request(
        &mut self,
        method: &str,
        params: Option<&[u8]>,
    ) -> Result<Bytes, ClientError> {
        self.request_told(method, params, &mut |_| {}).await
    }

    /// The same; what the server tells meanwhile, its progress say, is `told`.
    ///
    /// # Errors
    /// The same.
    pub async fn request_told(
        &mut self,
        method: &str,
        params: Option<&[u8]>,
        told: &mut Told<'_>,
    ) -> Result<Bytes, ClientError> {
        let (deadline, time) = (self.deadline, self.bounds.time);
        let asked = timeout_at(deadline, self.exchange(method, params, told)).await;
        let outcome = asked.map_err(|_| ClientError::Late(method.to_owned(), time))??;
        outcome.map_err(|error| ClientError::answered(method, &error))
    }

    async fn exchange(
        &mut self,
        method: &str,
        params: Option<&[u8]>,
        told: &mut Told<'_>,
    ) -> Result<Result<Bytes, Bytes>, ClientError> {
        self.last_id += 1;
        let (id, request) = (self.last_id, jsonrpc::request(self.last_id, method, params));
        match &mut self.transport {
            Transport::Streamable(streamable) => streamable.ask(id, request, told).await,
            Transport::Sse(sse) => sse.ask(id, request, told).await,
        }
    }

    /// Says that the answer to the last request is not waited for any more.
    pub async fn cancel(&mut self) {
        let params = format!(r#"{{"requestId":{}}}"#, self.last_id);
        let cancelled = jsonrpc::notification(method::CANCELLED, Some(params.as_bytes()));
        // Whether it was heard makes no difference.
        self.transport.tell(cancelled).await.ok();
    }

    /// Ends the session, if the server has one; one that does not answer is left alone.
    pub async fn close(self) {
        if let Transport::Streamable(streamable) = self.transport {
            streamable.close().await;
        }
    }
}

impl Transport {
    async fn tell(&mut self, message: Bytes) -> Result<(), ClientError> {
        match self {
            Self::Streamable(streamable) => streamable.tell(message).await,
            Self::Sse(sse) => sse.tell(message).await,
        }
    }
}

/// What a message is to someone who waits for the answer to one request.
enum Heard {
    Answer(Result<Bytes, Bytes>),
    /// To be told to the server: it asked something.
    Reply(Bytes),
    Told(Notification),
    Nothing,
}

/// A message while the answer to request `id` is waited for. This client can do nothing for servers, and has
/// declared so.
fn hear(bytes: &Bytes, id: u64) -> Result<Heard, ClientError> {
    let unusable = |error: jsonrpc::DecodeError| ClientError::Protocol(error.to_string());
    Ok(match jsonrpc::decode(bytes).map_err(unusable)? {
        Message::Response(Response {
            id: answered,
            outcome,
        }) => {
            let is_ours = answered.is_none_or(|answered| answered.as_number() == Some(id));
            is_ours
                .then_some(outcome)
                .map_or(Heard::Nothing, Heard::Answer)
        }
        Message::Request(request) if &*request.method == method::PING => {
            Heard::Reply(jsonrpc::result(&request.id, b"{}"))
        }
        Message::Request(request) => {
            let error = jsonrpc::error_object(code::METHOD_NOT_FOUND, "this client offers nothing");
            Heard::Reply(jsonrpc::error(Some(&request.id), &error))
        }
        Message::Notification(told) => Heard::Told(told),
    })
}
