//! Connections that are kept for the next requests, and one request on one of them. hyper's client, with its pool.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::{Request, Response, Uri, ext};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Notify;
use tokio::task::coop;
use url::Url;

use super::connector::Connector;
use super::{ClientError, is_loopback};

/// Many servers close a connection that has had nothing to do for five seconds (Node, Uvicorn). A request that
/// meets this end could have been read: so it is never sent on a connection that is nearly that old.
const IDLE: Duration = Duration::from_secs(4);
/// So many connections to one place are kept.
const KEPT: usize = 64;
/// So many answers of status 1xx come before one that counts.
const INTERIM: u32 = 1000;

const OWN_NAME: HeaderValue =
    HeaderValue::from_static(concat!("mcproxy/", env!("CARGO_PKG_VERSION")));

/// A pool of connections.
#[derive(Clone)]
pub(crate) struct Pool {
    client: legacy::Client<Connector, Full<Bytes>>,
    connector: Connector,
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: ClientError,
    /// Nothing was sent.
    pub(crate) is_unsent: bool,
}

impl Pool {
    /// For servers at the scheme and the kind of host of `url`, or whoever listens on `socket`. No proxy reaches what
    /// is here, and none should see what is sent to it. Certificates are read where they are needed: call it beside
    /// the workers.
    pub(crate) fn new(url: &Url, socket: Option<PathBuf>) -> Result<Self, ClientError> {
        let by_proxy = !is_loopback(url);
        let connector = Connector::new(url.scheme() == "https", by_proxy, socket);
        let connector =
            connector.map_err(|error| ClientError::Certificates(ClientError::last(&error)))?;
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(KEPT)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Ok(Self { client, connector })
    }

    /// Sends `request` to `url`, and answers with what it is answered with, whatever its status. No redirect is
    /// followed, which would take headers with keys to somebody else.
    pub(crate) async fn send(
        &self,
        url: &Url,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failed> {
        let uri = Uri::try_from(url.as_str());
        let uri = uri.map_err(|why| Failed::unsent(ClientError::of_address(&why)))?;
        let key = self.connector.proxy_key(&uri);
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert(OWN_NAME);
        if let Some(key) = key {
            headers.entry(PROXY_AUTHORIZATION).or_insert(key);
        }
        let interim = Arc::new(Interim::default());
        let heard = Arc::clone(&interim);
        ext::on_informational(&mut request, move |_| heard.count());
        tokio::select! {
            biased;
            response = self.client.request(request) => response.map_err(Failed::from),
            () = interim.too_many.notified() => {
                let text = "it goes on answering with status 1xx".to_owned();
                let (error, is_unsent) = (ClientError::Broken(text), false);
                Err(Failed { error, is_unsent })
            }
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Failed {
    fn unsent(error: ClientError) -> Self {
        let is_unsent = true;
        Self { error, is_unsent }
    }
}

impl From<legacy::Error> for Failed {
    fn from(error: legacy::Error) -> Self {
        let is_unsent = error.is_connect();
        let error = ClientError::sorted(&error, is_unsent);
        Self { error, is_unsent }
    }
}

/// The answers of status 1xx to one request. The connection's task reads them for as long as they come, without a
/// pause.
#[derive(Debug, Default)]
struct Interim {
    count: AtomicU32,
    too_many: Notify,
}

impl Interim {
    fn count(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) >= INTERIM {
            self.too_many.notify_one();
        }
        // As if each had been waited for: then the task leaves its worker to others in time.
        let mut nobody = Context::from_waker(Waker::noop());
        if let Poll::Ready(budget) = coop::poll_proceed(&mut nobody) {
            budget.made_progress();
        }
    }
}
