//! Streamable HTTP: each message is a POST, whose answer is the JSON of one message or a stream of several.

use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::time::timeout;

use super::http::{Asked, EVENTS, Http, JSON, media_type};
use super::{ClientError, Heard, Told, hear};
use crate::protocol::version::Version;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// For a goodbye that changes nothing for us.
const GOODBYE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Streamable {
    http: Http,
    session: Option<HeaderValue>,
    version: Option<Version>,
}

impl Streamable {
    pub(super) fn new(http: Http) -> Self {
        Self {
            http,
            session: None,
            version: None,
        }
    }

    /// The revision that was agreed on, said with every message from now on.
    pub(super) fn speak(&mut self, version: Option<Version>) {
        self.version = version;
    }

    /// The outcome of request `id`.
    pub(super) async fn ask(
        &mut self,
        id: u64,
        request: Bytes,
        told: &mut Told<'_>,
    ) -> Result<Result<Bytes, Bytes>, ClientError> {
        let response = self.post(request).await?;
        if let Some(session) = response.headers().get(&SESSION) {
            self.session.get_or_insert_with(|| session.clone());
        }
        let media = media_type(response.headers());
        if media.as_bytes() == JSON.as_bytes() {
            let body = self.http.body(response).await?;
            return match hear(&body, id)? {
                Heard::Answer(outcome) => Ok(outcome),
                Heard::Reply(_) | Heard::Told(_) | Heard::Nothing => Err(ClientError::Protocol(
                    "the answer is to another request".to_owned(),
                )),
            };
        }
        if media.as_bytes() != EVENTS.as_bytes() {
            return Err(no_mcp(response.status(), &media));
        }
        let mut events = self.http.events(response);
        while let Some(event) = events.next().await? {
            match hear(&event.data.into(), id)? {
                Heard::Answer(outcome) => return Ok(outcome),
                Heard::Reply(message) => self.tell(message).await?,
                Heard::Told(told_of) => told(&told_of),
                Heard::Nothing => {}
            }
        }
        let early = "the stream of an answer ended before the answer";
        Err(ClientError::Protocol(early.to_owned()))
    }

    /// Sends what is not answered.
    pub(super) async fn tell(&self, message: Bytes) -> Result<(), ClientError> {
        self.post(message).await.map(drop)
    }

    async fn post(&self, message: Bytes) -> Result<Response<Incoming>, ClientError> {
        self.http.send(self.known(self.http.post(message))).await
    }

    fn known(&self, mut asked: Asked) -> Asked {
        if let Some(session) = &self.session {
            asked = asked.header(SESSION, session.clone());
        }
        if let Some(version) = self.version {
            let version = HeaderValue::from_static(version.as_str());
            asked = asked.header(VERSION, version);
        }
        asked
    }

    pub(super) async fn close(self) {
        if self.session.is_some() {
            let goodbye = self.http.send(self.known(self.http.delete()));
            // Whether it was heard makes no difference.
            timeout(GOODBYE, goodbye).await.ok();
        }
    }
}

/// An answer of another kind than the two that there are.
pub(crate) fn no_mcp(status: StatusCode, media: &str) -> ClientError {
    ClientError::NotMcp(match media {
        "text/html" => "a web page (text/html)".to_owned(),
        "" => format!("status {status} and no content"),
        media => media.chars().take(60).filter(|c| !c.is_control()).collect(),
    })
}
