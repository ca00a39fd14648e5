//! The pools of connections. All remote servers share them, and who has no remote server has none: no
//! certificates are read, and nothing is kept.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::PROXY_AUTHORIZATION;
use hyper::{Request, Response, ext};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::Url;
use tokio::sync::Notify;
use tokio::task::coop;

use super::connector::Connector;
use super::refusal::Trouble;
use crate::client::{ClientError, install_provider, is_loopback};

/// Many servers close a connection that has had nothing to do for five seconds (Node, Uvicorn). A request that
/// meets this end could have been read: so it is never sent on a connection that is nearly that old.
const IDLE: Duration = Duration::from_secs(4);
/// So many connections to one place are kept for the next requests.
const KEPT: usize = 64;
/// So many answers of status 1xx come before one that counts.
const INTERIM: u32 = 1000;

/// With encryption or without, by a proxy or past every one.
static CLIENTS: [OnceLock<Client>; 4] = [const { OnceLock::new() }; 4];

/// The pool for a server at `url`. The first one reads the machine's certificates: call it beside the workers.
pub(super) fn client(url: &Url) -> Result<Client, ClientError> {
    // No proxy reaches what is here, and none should see what is sent to it.
    let (https, by_proxy) = (url.scheme() == "https", !is_loopback(url));
    let at = usize::from(https) + 2 * usize::from(by_proxy);
    let build = || Client::new(https, by_proxy);
    let Some(place) = CLIENTS.get(at) else {
        return build();
    };
    if let Some(client) = place.get() {
        return Ok(client.clone());
    }
    let client = build()?;
    Ok(place.get_or_init(|| client).clone())
}

/// One of them.
#[derive(Clone)]
pub(super) struct Client {
    pool: legacy::Client<Connector, Full<Bytes>>,
    connector: Connector,
}

impl Client {
    fn new(https: bool, by_proxy: bool) -> Result<Self, ClientError> {
        install_provider();
        let connector = Connector::new(https, by_proxy)
            .map_err(|error| ClientError::Certificates(error.to_string()))?;
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(KEPT)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Ok(Self { pool, connector })
    }

    /// Sends a request, and answers with what it is answered with, whatever its status.
    pub(super) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Trouble> {
        if let Some(key) = self.connector.proxy_key(request.uri()) {
            request
                .headers_mut()
                .entry(PROXY_AUTHORIZATION)
                .or_insert(key);
        }
        let interim = Arc::new(Interim::default());
        let heard = Arc::clone(&interim);
        ext::on_informational(&mut request, move |_| heard.count());
        tokio::select! {
            biased;
            response = self.pool.request(request) => Ok(response?),
            () = interim.too_many.notified() => {
                let text = "it goes on answering with status 1xx".to_owned();
                Err(Trouble::Broken(ClientError::Broken(text)))
            }
        }
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
