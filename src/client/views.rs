//! What a gateway serves beside MCP: its status and its kin, and what its operator may have done.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use url::Url;

use super::http::{EVENTS, Events, Http, JSON, media_type};
use super::streamable::no_mcp;
use super::{ClientError, Place};

/// The bytes of one answer.
const LARGEST: usize = 64 << 20;

/// The addresses of one gateway, below its root.
#[derive(Debug, Clone)]
pub struct Views {
    http: Http,
}

impl Views {
    /// Of the gateway whose root is at `place`.
    ///
    /// # Errors
    /// That no client can be made.
    pub fn of(place: Place) -> Result<Self, ClientError> {
        let http = Http::new(place, LARGEST)?;
        Ok(Self { http })
    }

    /// What is there.
    ///
    /// # Errors
    /// What went wrong on the way, or another status than 2xx.
    pub async fn get(&self, path: &str, within: Duration) -> Result<Bytes, ClientError> {
        let request = self.http.get(JSON).at(self.at(path)?);
        let answer = async { self.http.body(self.http.send(request).await?).await };
        let late = |_| ClientError::Late(format!("GET {path}"), within);
        timeout(within, answer).await.map_err(late)?
    }

    /// Has it done.
    ///
    /// # Errors
    /// The same.
    pub async fn post(&self, path: &str, within: Duration) -> Result<Bytes, ClientError> {
        let request = self.http.post(Bytes::new()).at(self.at(path)?);
        let answer = async { self.http.body(self.http.send(request).await?).await };
        let late = |_| ClientError::Late(format!("POST {path}"), within);
        timeout(within, answer).await.map_err(late)?
    }

    /// Opens an event stream.
    ///
    /// # Errors
    /// The same, or that it is none.
    pub async fn events(&self, path: &str) -> Result<EventStream, ClientError> {
        let request = self.http.get(EVENTS).at(self.at(path)?);
        let response = self.http.send(request).await?;
        let media = media_type(response.headers());
        if media.as_bytes() != EVENTS.as_bytes() {
            return Err(no_mcp(response.status(), &media));
        }
        Ok(EventStream(self.http.events(response)))
    }

    fn at(&self, path: &str) -> Result<Url, ClientError> {
        let unusable = |error| ClientError::Unreachable(format!("{path}: {error}"));
        self.http
            .url()
            .join(path.trim_start_matches('/'))
            .map_err(unusable)
    }
}

/// An event stream that is being read.
#[derive(Debug)]
pub struct EventStream(Events);

impl EventStream {
    /// The name and the data of the next event; `None` at the end.
    ///
    /// # Errors
    /// That the connection broke, or an event is too large.
    pub async fn next(&mut self) -> Result<Option<(String, Vec<u8>)>, ClientError> {
        let event = self.0.next().await?;
        Ok(event.map(|event| (event.name, event.data)))
    }
}
