//! A client of Streamable HTTP: a conversation whose answers go to real streams, and the client's end
//! of these. No actor, no runtime, and no clock of its own: what is kept grows no older.

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::poll_fn;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::super::super::delivery::load::SessionLoad;
use super::super::super::delivery::queue::{Event, FirstReply, Reader};
use super::super::super::delivery::streams::Streams;
use super::House;
use super::world::World;
use crate::config::model::Limits;
use crate::ids::SessionId;
use crate::protocol::jsonrpc::{self, Message};
use crate::protocol::version::Version;
use crate::telemetry::metrics::Gauge;
use crate::tree::call::CallError;

/// The client.
pub(super) struct Mcp {
    world: World,
    number: usize,
    load: Arc<SessionLoad>,
}

impl House {
    pub(super) fn mcp(&self, version: Version) -> Mcp {
        self.mcp_that(version, &json!({}))
    }

    /// One with these capabilities.
    pub(super) fn mcp_that(&self, version: Version, capabilities: &Value) -> Mcp {
        let load = Arc::new(SessionLoad::new(&Limits::default(), &Gauge::default()));
        let id = SessionId::random().unwrap();
        let streams = Streams::streamable(Arc::clone(&load), &id, version);
        let params = json!({"protocolVersion": version.as_str(), "capabilities": capabilities});
        let number = self
            .0
            .enter(Some(&Bytes::from(params.to_string())), Some(streams));
        Mcp {
            world: self.0.clone(),
            number,
            load,
        }
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        self.world.leave(self.number);
    }
}

impl Mcp {
    fn with_streams<T>(&self, act: impl FnOnce(&mut Streams) -> T) -> T {
        self.world.with(self.number, |session| {
            act(session.fx.wire.as_mut().unwrap())
        })
    }

    /// What one POST holds.
    pub(super) fn posts(&self, messages: &[Value]) -> ClientStream {
        let decode = |message: &Value| jsonrpc::decode(&Bytes::from(message.to_string())).unwrap();
        let messages: Vec<Message> = messages.iter().map(decode).collect();
        let number = self.load.number_stream();
        let (answer, first_reply) = oneshot::channel();
        let stream = self.with_streams(|streams| streams.open_post(number, &messages, answer));
        self.world.with(self.number, |session| {
            let (conversation, fx) = (&mut session.conversation, &mut session.fx);
            conversation.tell_unheard(fx, stream, &messages);
            for message in messages {
                conversation.on_message(fx, message, stream);
            }
        });
        self.stream(number, Source::FirstReply(first_reply))
    }

    pub(super) fn asks(&self, id: impl Into<Value>, method: &str) -> ClientStream {
        self.posts(&[json!({"jsonrpc": "2.0", "id": id.into(), "method": method})])
    }

    pub(super) fn calls(&self, id: impl Into<Value>, tool: &str) -> ClientStream {
        self.posts(&[call(id, tool)])
    }

    pub(super) fn answers(&self, id: &Value, result: &Value) {
        drop(self.posts(&[json!({"jsonrpc": "2.0", "id": id, "result": result})]));
    }

    /// GET, after the last event that the client saw, if it says so.
    pub(super) fn listens(&self, last_event: Option<&Event>) -> Result<ClientStream, CallError> {
        self.listens_after(last_event.map(|event| event.id.as_deref().unwrap()))
    }

    pub(super) fn listens_after(
        &self,
        last_event: Option<&str>,
    ) -> Result<ClientStream, CallError> {
        let opened = self.world.with(self.number, |session| {
            let (conversation, fx) = (&mut session.conversation, &mut session.fx);
            let asked = conversation.asked_events();
            let opened = fx.wire.as_mut().unwrap().listen(last_event, &asked);
            conversation.tell_what_is_kept_no_more(fx);
            opened
        });
        opened.map(|it| self.stream(it.number, Source::Reader(it.reader)))
    }

    fn stream(&self, number: u64, source: Source) -> ClientStream {
        ClientStream {
            world: self.world.clone(),
            client: self.number,
            number,
            load: Arc::clone(&self.load),
            source,
        }
    }
}

pub(super) fn call(id: impl Into<Value>, tool: &str) -> Value {
    let params = json!({"name": tool});
    json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": params})
}

enum Source {
    FirstReply(oneshot::Receiver<FirstReply>),
    Reader(Arc<Reader>),
    Over,
}

/// The client's end of a stream. Its connection breaks when it is dropped.
pub(super) struct ClientStream {
    world: World,
    client: usize,
    number: u64,
    load: Arc<SessionLoad>,
    source: Source,
}

impl ClientStream {
    /// The next event that is there; `None` when the stream has ended.
    fn poll(&mut self) -> Poll<Option<Event>> {
        self.world.settle();
        if let Source::FirstReply(first_reply) = &mut self.source {
            let Some(said) = first_reply.now_or_never() else {
                return Poll::Pending;
            };
            let Ok(FirstReply { first, rest }) = said else {
                self.source = Source::Over;
                return Poll::Ready(None);
            };
            self.source = rest.map_or(Source::Over, |rest| {
                Source::Reader(Reader::new(rest, &self.load))
            });
            if first.is_some() {
                return self.taken(first);
            }
        }
        let Source::Reader(reader) = &self.source else {
            return Poll::Ready(None);
        };
        let next = poll_fn(|context| reader.poll_next(context)).now_or_never();
        match next {
            Some(event) => self.taken(event.map(|event| *event)),
            None => Poll::Pending,
        }
    }

    fn taken(&self, event: Option<Event>) -> Poll<Option<Event>> {
        if let Some(event) = &event {
            self.load.take(event.message.len());
        }
        Poll::Ready(event)
    }

    pub(super) fn begins(&self) {
        let stream = super::StreamId(self.number);
        self.world.with(self.client, |session| {
            session.fx.wire.as_mut().unwrap().begin(stream);
        });
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        if let Source::Reader(reader) = &self.source {
            reader.close();
        }
        self.source = Source::Over;
        let number = self.number;
        self.world.with_if_there(self.client, |session| {
            let asked = session.conversation.asked_events();
            let streams = session.fx.wire.as_mut().unwrap();
            if streams.gone(number) {
                streams.fall_back(&asked);
            }
        });
    }
}

/// The next event of a stream; `None` when it has ended.
pub(super) fn next(stream: &mut ClientStream) -> Option<Event> {
    match stream.poll() {
        Poll::Ready(event) => event,
        Poll::Pending => panic!("the client waits for ever"),
    }
}

/// The next event, which is the last.
pub(super) fn last(stream: &mut ClientStream) -> Event {
    let event = next(stream).expect("the stream has ended");
    assert!(event.is_last, "{event:?}");
    assert_eq!(next(stream), None);
    event
}

pub(super) fn is_silent(stream: &mut ClientStream) -> bool {
    stream.poll().is_pending()
}

pub(super) fn value(event: &Event) -> Value {
    serde_json::from_slice(&event.message).unwrap()
}

/// The next message on a stream that may begin with an event without one.
pub(super) fn said(stream: &mut ClientStream) -> Value {
    loop {
        let event = next(stream).unwrap();
        if !event.message.is_empty() {
            return value(&event);
        }
    }
}
