//! What all requests of one life share: where the server is, the session, the revision. How a request is sent, with
//! redirects to the same server followed and nothing sent to another one; and how what is said gets to the owner.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use url::Url;

use super::described::Repeated;
use super::refusal::{self, Trouble};
use super::secrets::Secrets;
use super::server::{Limits, Place};
use super::{End, Output, via};
use crate::client::{self, EITHER, EVENTS, JSON, Pool, moved_to};
use crate::config::model::Transport;
use crate::process::Budget;
use crate::protocol::jsonrpc::{self, Message};
use crate::protocol::mcp::{lifecycle, method};
use crate::protocol::version::MODERN;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// So often a request is sent on to another address of the same server.
const REDIRECTS: usize = 3;
/// After so many refusals with 5xx in a row, and nothing else, there is no server.
const REFUSALS: u32 = 5;
/// A ring is found when it is closed, or a moment later if several close it at once. A number that comes later ends
/// no life in which calls are on their way: it is hearsay, which any server down there could have made up.
const CLOSES_WITHIN: Duration = Duration::from_secs(10);
/// So much of what is not UTF-8 is shown.
const SHOWN: usize = 256;
/// A shorter session is found in any text.
const SHORTEST_SESSION: usize = 8;

/// One life's way to its server.
pub(super) struct Link {
    pool: Pool,
    pub(super) transport: Transport,
    /// What each request has, beside what it is about.
    headers: HeaderMap,
    pub(super) limits: Limits,
    known: Mutex<Known>,
    sink: Box<dyn Fn(Output) + Send + Sync>,
    budget: Budget,
    /// For a body or an event that is large: one of a server at a time.
    pub(super) large: Semaphore,
    refusals: AtomicU32,
    end: Mutex<Option<End>>,
    pub(super) ended: Notify,
    /// What is known to be behind the server.
    behind: via::Behind,
    repeated: Repeated,
    secrets: Secrets,
}

/// What was learnt of it.
#[derive(Debug)]
struct Known {
    begun: Instant,
    url: Url,
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    is_modern: bool,
    /// Where messages go, by HTTP+SSE.
    endpoint: Option<Url>,
}

/// What is asked of the server.
pub(super) enum Asked<'a> {
    /// A message is posted.
    Post(&'a Bytes),
    /// A stream is opened, or the one with that event resumed.
    Stream(Option<&'a [u8]>),
    /// The session is over.
    Goodbye,
}

impl Link {
    pub(super) fn new(
        pool: Pool,
        place: Place,
        limits: Limits,
        sink: Box<dyn Fn(Output) + Send + Sync>,
    ) -> Self {
        let Place {
            url,
            mut headers,
            transport,
        } = place;
        let secrets = Secrets::of(&headers, &url, pool.keys(&url));
        headers.insert(via::VIA, via::new_sign());
        let known = Known {
            begun: Instant::now(),
            url,
            session: None,
            version: None,
            is_modern: false,
            endpoint: None,
        };
        Self {
            pool,
            transport,
            headers,
            limits,
            known: Mutex::new(known),
            sink,
            budget: Budget::new(limits.buffered),
            large: Semaphore::new(1),
            refusals: AtomicU32::new(0),
            end: Mutex::new(None),
            ended: Notify::new(),
            behind: via::Behind::default(),
            repeated: Repeated::default(),
            secrets,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends it, and answers with what has status 2xx.
    pub(super) async fn send(&self, asked: &Asked<'_>) -> Result<Response<Incoming>, Trouble> {
        for _ in 0..REDIRECTS {
            let (url, request) = self.request(asked);
            let response = self.pool.send(&url, request).await?;
            let chain = via::names_us(response.headers());
            if let Some(chain) = chain.filter(|_| self.is_new()) {
                return Err(Trouble::Loop(chain));
            }
            self.behind.learn(response.headers());
            let status = response.status();
            if status.is_success() {
                self.refusals.store(0, Ordering::Relaxed);
                return Ok(response);
            }
            let keeps_method = [
                StatusCode::TEMPORARY_REDIRECT,
                StatusCode::PERMANENT_REDIRECT,
            ];
            let to = moved_to(response.headers(), &url).filter(|to| to.origin() == url.origin());
            let Some(to) = to.filter(|_| keeps_method.contains(&status)) else {
                return Err(Box::pin(refusal::read(self, response, &url)).await);
            };
            self.move_to(&url, to);
        }
        Err(Trouble::Astray)
    }

    /// The next requests go there at once.
    fn move_to(&self, from: &Url, to: Url) {
        self.secrets.learn(&to);
        let mut known = self.known();
        if known.endpoint.as_ref() == Some(from) {
            known.endpoint = Some(to);
        } else {
            known.url = to;
        }
    }

    /// What is sent, and where to.
    fn request(&self, asked: &Asked<'_>) -> (Url, Request<Full<Bytes>>) {
        let known = self.known();
        let mut headers = self.headers.clone();
        let (method, url, body) = match asked {
            Asked::Post(line) => {
                headers.insert(CONTENT_TYPE, JSON);
                headers.insert(ACCEPT, EITHER);
                if known.is_modern {
                    self.repeated.describe(line, &mut headers);
                }
                let url = known.endpoint.as_ref().unwrap_or(&known.url);
                (Method::POST, url.clone(), Some(Bytes::clone(line)))
            }
            Asked::Stream(last) => {
                headers.insert(ACCEPT, EVENTS);
                let last = last.and_then(|last| HeaderValue::from_bytes(last).ok());
                last.map(|last| headers.insert(LAST_EVENT, last));
                (Method::GET, known.url.clone(), None)
            }
            Asked::Goodbye => (Method::DELETE, known.url.clone(), None),
        };
        if let Some(session) = &known.session {
            headers.insert(SESSION, session.clone());
        }
        if let Some(version) = &known.version {
            headers.insert(VERSION, version.clone());
        }
        drop(known);
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        (url, request)
    }

    /// It is about to be begun with, in the era of `method`.
    pub(super) fn begin(&self, method: &str) {
        let mut known = self.known();
        known.begun = Instant::now();
        known.is_modern = method == method::DISCOVER;
        known.session = None;
        let modern = HeaderValue::from_static(MODERN);
        known.version = known.is_modern.then_some(modern);
    }

    /// The answer to what it was begun with: its session, and the revision that was agreed on.
    pub(super) fn learn_session(&self, headers: &HeaderMap) {
        let mut known = self.known();
        if !known.is_modern {
            known.session = headers.get(SESSION).cloned();
            let session = known.session.as_ref().and_then(|id| id.to_str().ok());
            if let Some(session) = session.filter(|id| id.len() >= SHORTEST_SESSION) {
                self.secrets.learn_one(session.to_owned());
            }
        }
    }

    /// The same for the revision, which is said with every message from now on.
    pub(super) fn learn_version(&self, answer: &Bytes) {
        let mut known = self.known();
        if known.is_modern || known.version.is_some() {
            return;
        }
        let Ok(Message::Response(answer)) = jsonrpc::decode(answer) else {
            return;
        };
        let info = answer
            .outcome
            .ok()
            .map(|result| lifecycle::server_info(&result));
        let version = info.and_then(Result::ok).and_then(|info| info.version);
        known.version = version.map(|version| HeaderValue::from_static(version.as_str()));
    }

    fn is_new(&self) -> bool {
        self.known().begun.elapsed() < CLOSES_WITHIN
    }

    pub(super) fn is_modern(&self) -> bool {
        self.known().is_modern
    }

    pub(super) fn has_session(&self) -> bool {
        self.known().session.is_some()
    }

    /// Whether answers come on the stream of HTTP+SSE.
    pub(super) fn is_sse(&self) -> bool {
        self.known().endpoint.is_some()
    }

    /// Messages go there, which is the server itself, whatever it says: keys go with them.
    pub(super) fn post_to(&self, said: &[u8]) -> Result<(), Trouble> {
        let mut known = self.known();
        let text = str::from_utf8(said).ok();
        let endpoint = text.and_then(|said| known.url.join(said).ok());
        let own = endpoint.filter(|endpoint| endpoint.origin() == known.url.origin());
        let own = own.ok_or(Trouble::Elsewhere)?;
        self.secrets.learn(&own);
        known.endpoint = Some(own);
        Ok(())
    }

    /// Passes a message on, once there is room for it.
    pub(super) async fn deliver(&self, bytes: Bytes) {
        let bytes = bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .map_or_else(|| bytes.clone(), |rest| bytes.slice_ref(rest));
        if bytes.trim_ascii().is_empty() {
            return;
        }
        if self.is_modern() {
            self.repeated.learn(&bytes);
        }
        let Some(permit) = self.budget.take(bytes.len()).await else {
            return;
        };
        (self.sink)(if str::from_utf8(&bytes).is_ok() {
            Output::Line { bytes, permit }
        } else {
            Output::Unusable {
                head: bytes.slice(..bytes.len().min(SHOWN)),
                length: bytes.len(),
                permit,
            }
        });
    }

    /// Tells what needs no room.
    pub(super) fn tell(&self, output: Output) {
        (self.sink)(output);
    }

    /// A request was refused with 5xx. Says whether that is the end.
    pub(super) fn is_one_too_many(&self) -> bool {
        self.refusals.fetch_add(1, Ordering::Relaxed) + 1 >= REFUSALS
    }

    /// There is no server any more. The first reason counts.
    pub(super) fn end(&self, end: End) {
        let mut ours = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        ours.get_or_insert(end);
        self.ended.notify_one();
    }

    /// Why it has ended.
    pub(super) fn take_end(&self) -> Option<End> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.take()
    }

    /// Says goodbye, where there is somebody to hear it.
    pub(super) async fn close(&self) {
        if self.has_session() && !self.is_sse() {
            // Whether it was heard makes no difference.
            self.send(&Asked::Goodbye).await.ok();
        }
    }

    pub(super) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    /// What the server said, without what it was sent as a secret.
    pub(super) fn hide(&self, text: &str) -> String {
        client::plain(&self.secrets.hide(text))
    }
}
