//! HTTP+SSE, the transport of 2024-11-05: a stream that stays open, and an address that it names, to which each
//! message is posted.

use bytes::Bytes;
use url::Url;

use super::http::{EVENTS, Events, Http, media_type};
use super::streamable::no_mcp;
use super::{ClientError, Heard, Told, hear};

#[derive(Debug)]
pub(super) struct Sse {
    http: Http,
    events: Events,
    endpoint: Url,
}

impl Sse {
    /// Opens the stream, and waits for the address.
    pub(super) async fn open(http: Http) -> Result<Self, ClientError> {
        let response = http.send(http.get(EVENTS)).await?;
        let media = media_type(response.headers());
        if media.as_bytes() != EVENTS.as_bytes() {
            return Err(no_mcp(response.status(), &media));
        }
        let mut events = http.events(response);
        while let Some(event) = events.next().await? {
            if event.name == "endpoint" {
                let endpoint = endpoint(http.url(), &event.data)?;
                return Ok(Self {
                    http,
                    events,
                    endpoint,
                });
            }
        }
        Err(ended())
    }

    /// The outcome of request `id`.
    pub(super) async fn ask(
        &mut self,
        id: u64,
        request: Bytes,
        told: &mut Told<'_>,
    ) -> Result<Result<Bytes, Bytes>, ClientError> {
        self.tell(request).await?;
        while let Some(event) = self.events.next().await? {
            match hear(&event.data.into(), id)? {
                Heard::Answer(outcome) => return Ok(outcome),
                Heard::Reply(message) => self.tell(message).await?,
                Heard::Told(told_of) => told(&told_of),
                Heard::Nothing => {}
            }
        }
        Err(ended())
    }

    /// Sends a message; what is answered is answered on the stream.
    pub(super) async fn tell(&self, message: Bytes) -> Result<(), ClientError> {
        let request = self.http.post(message).at(self.endpoint.clone());
        self.http.send(request).await.map(drop)
    }
}

/// Where messages go: to the server itself, whatever it says, for keys go with them.
fn endpoint(url: &Url, said: &[u8]) -> Result<Url, ClientError> {
    let joined = str::from_utf8(said)
        .ok()
        .and_then(|said| url.join(said).ok());
    let own = joined.filter(|joined| joined.origin() == url.origin());
    own.ok_or_else(|| {
        ClientError::Protocol("messages are to be sent to another server than its own".to_owned())
    })
}

fn ended() -> ClientError {
    ClientError::Protocol("the event stream ended".to_owned())
}
