//! Tests of the sessions through their handles: a real registry and real sessions, upstreams and
//! a root that only listen. Time is paused: what waits, waits in no time, and "nothing comes" is
//! certain.

mod exchange;
mod held;
mod idle;
mod instances;
mod lifecycle;
mod logging;
mod model;
mod model_instances;
mod outbox;
mod requests;
mod resume;
mod resume_model;
mod servers;
mod signed;
mod stop;
mod unheard;
mod without;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use ractor::{Actor, ActorRef};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use super::message::SessionsMsg;
use super::{
    Event, OpenedSse, Outbound, Replies, SessionHandle, Sessions, SessionsArgs, SessionsHandle,
    Signer, Workers,
};
use crate::config::model::Limits;
use crate::ids::SessionId;
use crate::protocol::jsonrpc;
use crate::protocol::mcp::lifecycle::client_info;
use crate::protocol::version::Version;
use crate::supervise::{Plain, Spawn};
use crate::telemetry::metrics::Metrics;
use crate::testing::{self, catalogue, wanted};
use crate::tree::call::{Answer, CallError, ReplyToken};
use crate::tree::registry::RegistryHandle;
use crate::tree::root::RootMsg;
use crate::tree::upstream::{UpstreamHandle, UpstreamMsg};

/// Lets everything that is under way happen.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

/// Sessions, their registry, and what root is told of them.
struct House {
    told: UnboundedReceiver<RootMsg>,
    registry: RegistryHandle,
    sessions: SessionsHandle,
    supervisor: ActorRef<SessionsMsg>,
}

impl House {
    async fn of(servers: &[&str]) -> Self {
        Self::with(servers, Plain, 1_000).await
    }

    async fn with(servers: &[&str], spawn: impl Spawn, limit: usize) -> Self {
        Self::signed(servers, spawn, limit, Signer::load(None)).await
    }

    /// Another life of a gateway, if the signer is its.
    async fn signed(servers: &[&str], spawn: impl Spawn, limit: usize, signer: Signer) -> Self {
        let (root, told) = testing::root().await;
        let servers = servers.iter().map(|server| wanted(server)).collect();
        let registry = testing::registry(&root, servers).await;
        let limits = Arc::new(Limits {
            max_sessions: limit,
            ..Limits::default()
        });
        let workers = Workers::new(Arc::clone(&limits), Metrics::default());
        let args = SessionsArgs {
            workers: workers.clone(),
            registry: registry.clone(),
            root: Arc::new(root),
            limits,
            signer,
            state_dir: None,
            metrics: Metrics::default(),
        };
        let (supervisor, _) = Actor::spawn(None, Sessions { spawn }, args).await.unwrap();
        Self {
            told,
            registry,
            sessions: SessionsHandle::new(supervisor.clone(), workers),
            supervisor,
        }
    }

    async fn client(&self) -> Client {
        let OpenedSse { id, stream } = self.sessions.open_sse().await.unwrap();
        let session = self.sessions.find(&id).await.unwrap();
        Client {
            id,
            session,
            stream,
        }
    }

    /// A client of Streamable HTTP that speaks this revision.
    async fn mcp(&self, version: Version) -> Mcp {
        let params = Bytes::from(json!({"protocolVersion": version.as_str()}).to_string());
        let client = client_info(Some(&params));
        let (id, session) = self.sessions.open_streamable(client).await.unwrap();
        Mcp { id, session }
    }

    /// A generation of a server that is ready and offers these tools.
    async fn server(&self, server: &str, generation: u64, tools: &[&str]) -> Server {
        self.server_with(server, generation, tools, 128).await
    }

    async fn server_with(&self, server: &str, number: u64, tools: &[&str], room: usize) -> Server {
        let (handle, actor, heard) = testing::upstream(server, number, room).await;
        self.registry.catalogue(&handle, Some(catalogue(tools)));
        settle().await;
        Server {
            handle,
            actor,
            heard,
        }
    }

    /// What root has heard last, since it was last asked, of whether a call has no answer.
    fn are_calling(&mut self) -> Option<bool> {
        let told = std::iter::from_fn(|| self.told.try_recv().ok());
        let told = told.filter_map(|message| {
            let RootMsg::SessionsCalling { are_they, .. } = message else {
                return None;
            };
            Some(are_they)
        });
        told.last()
    }

    /// How many sessions root has heard the end of, since it was last asked.
    fn ended(&mut self) -> usize {
        std::iter::from_fn(|| self.told.try_recv().ok())
            .filter(|message| matches!(message, RootMsg::SessionEnded { .. }))
            .count()
    }
}

/// One connected client.
struct Client {
    id: SessionId,
    session: SessionHandle,
    stream: Outbound,
}

impl Client {
    fn posts(&self, message: &Value) -> Result<(), CallError> {
        let text = Bytes::from(message.to_string());
        self.session.deliver(jsonrpc::decode(&text).unwrap())
    }

    fn asks(&self, id: impl Into<Value>, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "id": id.into(), "method": method});
        if !params.is_null() {
            message["params"] = params;
        }
        self.posts(&message).unwrap();
    }

    fn calls(&self, id: impl Into<Value>, tool: &str) {
        self.asks(id, "tools/call", json!({"name": tool}));
    }

    fn tells(&self, method: &str, params: &Value) {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.posts(&message).unwrap();
    }

    /// The next message, in whatever time; `None` when the stream has ended.
    async fn next_or_end(&mut self) -> Option<Value> {
        let within = Duration::from_secs(3_600);
        let message = timeout(within, self.stream.next()).await;
        let event = message.expect("the client waits for ever")?;
        Some(value(&event))
    }

    async fn next(&mut self) -> Value {
        self.next_or_end().await.expect("the stream has ended")
    }

    /// The text of the next message, which is a failed call's result.
    async fn next_failure(&mut self, id: impl Into<Value>) -> String {
        let message = self.next().await;
        assert_eq!(message["id"], id.into(), "{message}");
        assert_eq!(message["result"]["isError"], true, "{message}");
        let text = &message["result"]["content"][0]["text"];
        text.as_str().unwrap().to_owned()
    }

    /// Nothing comes for so long.
    async fn hears_nothing_for(&mut self, time: Duration) {
        let heard = timeout(time, self.stream.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    async fn hears_nothing(&mut self) {
        self.hears_nothing_for(Duration::from_millis(10)).await;
    }
}

/// One client of Streamable HTTP.
struct Mcp {
    id: String,
    session: SessionHandle,
}

impl Mcp {
    fn posts(&self, messages: &[Value]) -> Outbound {
        let decode = |message: &Value| jsonrpc::decode(&Bytes::from(message.to_string())).unwrap();
        let messages = messages.iter().map(decode).collect();
        self.session.exchange(messages, true).unwrap()
    }

    fn asks(&self, id: impl Into<Value>, method: &str) -> Outbound {
        self.posts(&[json!({"jsonrpc": "2.0", "id": id.into(), "method": method})])
    }

    fn calls(&self, id: impl Into<Value>, tool: &str) -> Outbound {
        self.posts(&[call(id, tool)])
    }

    async fn listens(&self, last_event: Option<&Event>) -> Result<Outbound, CallError> {
        let id = last_event.map(|event| event.id.as_deref().unwrap());
        self.session.listen(id).await
    }
}

fn call(id: impl Into<Value>, tool: &str) -> Value {
    let params = json!({"name": tool});
    json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": params})
}

/// The next event of a stream, in whatever time; `None` when it has ended.
async fn next(stream: &mut Outbound) -> Option<Event> {
    let within = Duration::from_secs(3_600);
    let event = timeout(within, stream.next()).await;
    event.expect("the client waits for ever")
}

/// The next event, which is the last.
async fn last(stream: &mut Outbound) -> Event {
    let event = next(stream).await.expect("the stream has ended");
    assert!(event.is_last, "{event:?}");
    assert_eq!(next(stream).await, None);
    event
}

async fn is_silent(stream: &mut Outbound) -> bool {
    timeout(Duration::from_millis(10), stream.next())
        .await
        .is_err()
}

fn value(event: &Event) -> Value {
    serde_json::from_slice(&event.message).unwrap()
}

/// One generation of a server, in the test's hands.
struct Server {
    handle: UpstreamHandle,
    actor: ActorRef<UpstreamMsg>,
    heard: UnboundedReceiver<UpstreamMsg>,
}

impl Server {
    async fn next(&mut self) -> UpstreamMsg {
        let within = Duration::from_secs(3_600);
        timeout(within, self.heard.recv()).await.unwrap().unwrap()
    }

    async fn reply_token(&mut self) -> ReplyToken {
        let UpstreamMsg::Call(reply_token) = self.next().await else {
            panic!("not a call");
        };
        reply_token
    }

    /// The call that is withdrawn, and the client's own words about it.
    async fn cancelled(&mut self) -> (u64, Option<Bytes>) {
        let UpstreamMsg::Cancel { call, params } = self.next().await else {
            panic!("not a cancellation");
        };
        (call.number, params)
    }

    fn hears_nothing(&mut self) {
        assert!(self.heard.try_recv().is_err());
    }

    fn free(&self) -> usize {
        self.handle.free()
    }
}

fn result(text: &'static str) -> Answer {
    Answer::Result(Bytes::from_static(text.as_bytes()))
}

fn tool_names(list: &Value) -> Vec<&str> {
    let tools = list["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

const LIST_CHANGED: &str = "notifications/tools/list_changed";
