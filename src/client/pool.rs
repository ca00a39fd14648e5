//! Connections that are kept for the next requests, and one request on one of them. hyper's client, with its pool.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::{Request, Response, Uri, ext};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
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
/// So many answers of status 1xx may come before one that counts, and so many bytes of headers in them.
const INTERIM: usize = 1000;
const INTERIM_BYTES: usize = 256 * 1024;
/// Reading so many is a step, after which others may have their turn.
const STEP: usize = 4096;

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
        let by_proxy = socket.is_none() && !is_loopback(url);
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
        let uri = uri_of(url)?;
        let (own_key, proxy_key) = (key_of(url), self.connector.key_for_requests(&uri));
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert(OWN_NAME);
        if let Some(key) = own_key {
            headers.entry(AUTHORIZATION).or_insert(key);
        }
        if let Some(key) = proxy_key {
            headers.entry(PROXY_AUTHORIZATION).or_insert(key);
        }
        let interim = Arc::new(Interim::default());
        let heard = Arc::clone(&interim);
        ext::on_informational(&mut request, move |answer| heard.count(answer.headers()));
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

    /// What is sent beside the headers of a request to `url`, and is nobody else's: the key in it, and that of a proxy.
    pub(crate) fn keys(&self, url: &Url) -> Vec<String> {
        let uri = uri_of(url).ok();
        let proxy_key = uri.and_then(|uri| self.connector.proxy_key(&uri));
        let keys = [key_of(url), proxy_key].into_iter().flatten();
        let texts = keys.filter_map(|key| Some(key.to_str().ok()?.rsplit(' ').next()?.to_owned()));
        texts.collect()
    }
}

/// What is asked for, which proxies read: no name and no password is in it.
fn uri_of(url: &Url) -> Result<Uri, Failed> {
    let uri = if key_of(url).is_some() {
        Uri::try_from(without_key(url.clone()).as_str())
    } else {
        Uri::try_from(url.as_str())
    };
    uri.map_err(|why| Failed {
        error: ClientError::of_address(&why),
        is_unsent: true,
    })
}

/// An address without the name and the password in it.
pub(crate) fn without_key(mut url: Url) -> Url {
    // It has a host, or there would be nothing to take away.
    url.set_username("").ok();
    url.set_password(None).ok();
    url
}

/// The name and the password of an address, as the server wants them (RFC 7617).
fn key_of(url: &Url) -> Option<HeaderValue> {
    let (name, password) = (url.username(), url.password());
    if name.is_empty() && password.is_none() {
        return None;
    }
    let mut key: Vec<u8> = percent_decode_str(name).collect();
    key.push(b':');
    key.extend(percent_decode_str(password.unwrap_or_default()));
    let key = format!("Basic {}", STANDARD.encode(key));
    let mut key = HeaderValue::from_str(&key).ok()?;
    key.set_sensitive(true);
    Some(key)
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
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
    count: AtomicUsize,
    bytes: AtomicUsize,
    too_many: Notify,
}

impl Interim {
    fn count(&self, headers: &HeaderMap) {
        let bytes = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len());
        let bytes: usize = bytes.sum();
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if count >= INTERIM || all > INTERIM_BYTES {
            self.too_many.notify_one();
        }
        // As if each step had been waited for: then the task leaves its worker to others in time.
        let mut nobody = Context::from_waker(Waker::noop());
        for _ in 0..=bytes / STEP {
            if let Poll::Ready(budget) = coop::poll_proceed(&mut nobody) {
                budget.made_progress();
            }
        }
    }
}
