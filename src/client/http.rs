//! Requests with a bound: nothing of a server's answer is read that is larger than allowed, and no redirect is
//! followed, which would take headers with keys to somebody else.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::pool::{Pool, without_key};
use super::{ClientError, Place};
use crate::protocol::framing::events::{Event, EventReader};
use crate::protocol::jsonrpc::{self, Message};

/// How many bytes are looked at of what is said beside an error.
const READ: usize = 4096;
/// They have so long to come: the status has come already.
const READ_WITHIN: Duration = Duration::from_secs(2);
/// Shorter values are found in any text.
const SHORTEST_SECRET: usize = 4;
/// How many characters of it are shown.
const EXCERPT: usize = 300;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
pub(crate) const EITHER: HeaderValue =
    HeaderValue::from_static("application/json, text/event-stream");

/// One server, as HTTP knows it.
#[derive(Debug, Clone)]
pub(super) struct Http {
    pool: Pool,
    url: Url,
    /// What each request has.
    headers: HeaderMap,
    /// The bytes of one message.
    most: usize,
}

impl Http {
    pub(super) fn new(place: Place, most: usize) -> Result<Self, ClientError> {
        let Place {
            url,
            headers,
            socket,
        } = place;
        let pool = Pool::new(&url, socket)?;
        Ok(Self {
            pool,
            url,
            headers,
            most,
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Asks for what `accept` names.
    pub(super) fn get(&self, accept: HeaderValue) -> Asked {
        self.asked(Method::GET, Bytes::new()).header(ACCEPT, accept)
    }

    pub(super) fn post(&self, message: Bytes) -> Asked {
        let asked = self.asked(Method::POST, message);
        asked.header(CONTENT_TYPE, JSON).header(ACCEPT, EITHER)
    }

    pub(super) fn delete(&self) -> Asked {
        self.asked(Method::DELETE, Bytes::new())
    }

    fn asked(&self, method: Method, body: Bytes) -> Asked {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        request.headers_mut().clone_from(&self.headers);
        let url = self.url.clone();
        Asked { url, request }
    }

    /// Sends it, and answers with what has status 2xx.
    pub(super) async fn send(&self, asked: Asked) -> Result<Response<Incoming>, ClientError> {
        let sent = self.pool.send(&asked.url, asked.request).await;
        let response = sent.map_err(|failed| failed.error)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
            return Err(ClientError::Refused(status));
        }
        if status.is_redirection() {
            let to = moved_to(response.headers(), &self.url);
            let to = to.as_ref().map(shown);
            return Err(ClientError::Moved { status, to });
        }
        let is_page = media_type(response.headers()) == "text/html";
        let excerpt = if is_page {
            String::new()
        } else {
            let said = excerpt(&beginning(response.into_body()).await);
            let keys = self.pool.keys(&self.url);
            without(&said, keys.iter().map(String::as_str))
        };
        Err(ClientError::Status(status, excerpt))
    }

    /// All of a body.
    pub(super) async fn body(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let (mut source, mut body) = (response.into_body(), Vec::new());
        while let Some(chunk) = chunk(&mut source).await? {
            if body.len() + chunk.len() > self.most {
                return Err(self.too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    /// The events of a body.
    pub(super) fn events(&self, response: Response<Incoming>) -> Events {
        Events {
            source: response.into_body(),
            reader: EventReader::new(self.most),
            ready: Vec::new().into_iter(),
            most: self.most,
        }
    }

    fn too_large(&self) -> ClientError {
        too_large(self.most)
    }
}

/// A request, and where it goes.
#[derive(Debug)]
pub(super) struct Asked {
    url: Url,
    request: Request<Full<Bytes>>,
}

impl Asked {
    /// Somewhere else on the same server.
    pub(super) fn at(mut self, url: Url) -> Self {
        self.url = url;
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request.headers_mut().insert(name, value);
        self
    }
}

/// An event stream that is being read.
#[derive(Debug)]
pub(super) struct Events {
    source: Incoming,
    reader: EventReader,
    ready: std::vec::IntoIter<Event>,
    most: usize,
}

impl Events {
    /// The next event; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(event) = self.ready.next() {
                return Ok(Some(event));
            }
            let Some(chunk) = chunk(&mut self.source).await? else {
                return Ok(None);
            };
            let mut events = Vec::new();
            let read = self.reader.push(&chunk, &mut |event| events.push(event));
            read.map_err(|_| too_large(self.most))?;
            self.ready = events.into_iter();
        }
    }
}

fn too_large(most: usize) -> ClientError {
    ClientError::TooLarge {
        what: "sends a message".to_owned(),
        most: format!("{most} bytes"),
    }
}

/// The next bytes of a body; `None` at its end.
pub(crate) async fn chunk(source: &mut Incoming) -> Result<Option<Bytes>, ClientError> {
    while let Some(frame) = source.frame().await {
        let frame = frame.map_err(|error| ClientError::sorted(&error, false))?;
        if let Ok(chunk) = frame.into_data() {
            return Ok(Some(chunk));
        } // else the trailers
    }
    Ok(None)
}

/// Without parameters, in lower case; empty if there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = value.split(';').next().unwrap_or("").trim();
    media.to_ascii_lowercase()
}

/// Where a redirect leads. A key there is the server's own affair.
pub(crate) fn moved_to(headers: &HeaderMap, from: &Url) -> Option<Url> {
    let to = headers.get(LOCATION)?.to_str().ok()?;
    from.join(to).ok().map(without_key)
}

/// The beginning of what is said beside an error.
pub(crate) async fn beginning(mut body: impl Body<Data = Bytes> + Unpin) -> Bytes {
    let (mut bytes, late) = (Vec::new(), Instant::now() + READ_WITHIN);
    while bytes.len() < READ
        && let Ok(Some(Ok(frame))) = timeout_at(late, body.frame()).await
    {
        let chunk = frame.into_data().unwrap_or_default();
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(READ);
    bytes.into()
}

/// The same on one line: the message of a JSON-RPC error, or the beginning of the text.
pub(crate) fn excerpt(bytes: &Bytes) -> String {
    if let Ok(Message::Response(answer)) = jsonrpc::decode(bytes)
        && let Err(error) = answer.outcome
    {
        return jsonrpc::message_of(&error);
    }
    let text = String::from_utf8_lossy(bytes);
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(EXCERPT).collect()
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What a server said, without the values of the headers that it was sent, and with nothing that a terminal obeys.
#[must_use]
pub fn hidden(text: &str, headers: &HeaderMap) -> String {
    plain(&without(text, secrets_of(headers)))
}

/// What of headers may be a secret.
pub(crate) fn secrets_of(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.values().filter_map(|value| value.to_str().ok());
    // With its scheme, and without.
    let secrets =
        values.flat_map(|value| [value, value.split_whitespace().last().unwrap_or(value)]);
    secrets.filter(|secret| secret.len() >= SHORTEST_SECRET)
}

/// A text without these.
pub(crate) fn without<'s>(text: &str, secrets: impl IntoIterator<Item = &'s str>) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret, "…");
        // The end of what is said may be the beginning of one.
        let cut = (SHORTEST_SECRET..secret.len()).rev();
        let mut cut = cut.filter_map(|length| text.strip_suffix(secret.get(..length)?));
        if let Some(rest) = cut.next() {
            text = format!("{rest}…");
        }
    }
    text
}

/// A text with nothing that a terminal obeys.
pub(crate) fn plain(text: &str) -> String {
    let is_plain = |c: char| "'\"\\".contains(c) || c.escape_debug().len() == 1;
    let shown = text.chars().flat_map(|c| {
        let escaped = (!is_plain(c)).then(|| c.escape_debug());
        let plain = is_plain(c).then_some(c);
        escaped.into_iter().flatten().chain(plain)
    });
    shown.collect()
}

/// A URL without what may be a key.
#[must_use]
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither fails for a URL with a host.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.into()
}
