//! Bodies and events of a server: never larger than allowed, and of those that are large one at a time, so that a
//! server that begins many and ends none takes the room of one.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use tokio::sync::SemaphorePermit;
use tokio::time::sleep;

use super::link::Link;
use crate::client::{ClientError, chunk};
use crate::protocol::framing::events::{Event, EventReader};

/// More than this is large.
const SMALL: usize = 256 * 1024;

/// All of a body.
pub(super) async fn body(link: &Link, mut source: Incoming) -> Result<Bytes, ClientError> {
    let Some(first) = chunk(&mut source).await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = chunk(&mut source).await? else {
        return Ok(first); // nothing is copied
    };
    let (mut body, mut turn) = (BytesMut::from(first), None);
    body.extend_from_slice(&second);
    drop(second);
    loop {
        if body.len() > link.limits.message {
            return Err(too_large(link));
        }
        if body.len() > SMALL && turn.is_none() {
            turn = link.large.acquire().await.ok();
        }
        match chunk(&mut source).await? {
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok(body.freeze()),
        }
    }
}

/// So many bytes of a stream are made events at a time: short ones take more room than they had as bytes.
const SLICE: usize = 4096;

/// After so many bytes that belong to no event a stream rests: reading comments must not keep a core busy.
const IDLE: usize = 256 * 1024;
const REST: Duration = Duration::from_millis(250);

/// The events of one stream, over its connections.
pub(super) struct Events<'l> {
    link: &'l Link,
    source: Incoming,
    /// What came and was not read yet.
    chunk: Bytes,
    reader: EventReader,
    ready: VecDeque<Event>,
    /// Bytes that came since the last event.
    read: usize,
    turn: Option<SemaphorePermit<'l>>,
}

impl<'l> Events<'l> {
    pub(super) fn new(link: &'l Link, source: Incoming) -> Self {
        Self {
            link,
            source,
            chunk: Bytes::new(),
            reader: EventReader::new(link.limits.message),
            ready: VecDeque::new(),
            read: 0,
            turn: None,
        }
    }

    /// The next event; `None` at the end of the connection.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.read = 0;
                return Ok(Some(event));
            }
            if self.read.saturating_sub(self.reader.held()) > IDLE {
                self.read = self.reader.held();
                sleep(REST).await;
            }
            if self.reader.held() <= SMALL {
                self.turn = None;
            } else if self.turn.is_none() {
                self.turn = self.link.large.acquire().await.ok();
            }
            if self.chunk.is_empty() {
                let Some(chunk) = chunk(&mut self.source).await? else {
                    return Ok(None);
                };
                self.chunk = chunk;
            }
            let slice = self.chunk.split_to(self.chunk.len().min(SLICE));
            self.read += slice.len();
            let ready = &mut self.ready;
            let read = self
                .reader
                .push(&slice, &mut |event| ready.push_back(event));
            read.map_err(|_| too_large(self.link))?;
        }
    }

    /// Where to go on.
    pub(super) fn reader(&self) -> &EventReader {
        &self.reader
    }

    /// It goes on with another connection.
    pub(super) fn resume(&mut self, source: Incoming) {
        self.source = source;
        self.chunk = Bytes::new();
        (self.turn, self.read) = (None, 0);
        self.reader.resume();
    }
}

fn too_large(link: &Link) -> ClientError {
    ClientError::TooLarge {
        what: "sends a message".to_owned(),
        most: format!("{} bytes (max_line_bytes)", link.limits.message),
    }
}
