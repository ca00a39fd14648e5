//! The port through real sockets on the loopback address: a listener, and a client that writes
//! bytes and reads bytes, so that nothing tidies up what is being tested.

mod bodies;
mod client;
mod connections;
mod doors;
mod endpoint;
mod lifecycle;
mod mcp_batches;
mod mcp_clients;
mod mcp_on_sse;
mod mcp_posts;
mod mcp_streams;
mod metamcp;
mod modern;
mod requests;
mod smuggling;
mod streams;
mod tokens;

use super::*;
use crate::config::model;
use crate::telemetry::metrics::Metrics;
use crate::testing;
use crate::tree::{Frontend, FrontendLinks};
use client::{Connection, Reply};
use ractor::{Actor, ActorRef};
use std::net::SocketAddr;
use std::time::Duration;
use testkit::strangers;
use tokio::task::JoinHandle;

/// A listener on a port of its own, and all it needs.
struct Server {
    frontend: HttpFrontend,
    limits: watch::Sender<Arc<model::Limits>>,
    serving: watch::Sender<model::Serving>,
    profiles: watch::Sender<Option<Arc<model::Profiles>>>,
    sessions: SessionsHandle,
    tokens: watch::Sender<Tokens>,
    readiness: Readiness,
    address: SocketAddr,
    listener: ActorRef<ListenerMsg>,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts with limits that `change` has changed.
    async fn with(change: impl FnOnce(&mut model::Limits)) -> Self {
        Self::before(&[], change).await
    }

    /// Starts before `servers`, which never come up.
    async fn before(servers: &[&str], change: impl FnOnce(&mut model::Limits)) -> Self {
        let mut limits = model::Limits::default();
        change(&mut limits);
        Self::bounded(servers, limits, Times::default()).await
    }

    async fn bounded(servers: &[&str], limits: model::Limits, times: Times) -> Self {
        let readiness = Readiness::new(&["configuration", "servers"]);
        let tokens = watch::Sender::default();
        let options = HttpOptions {
            times,
            rules: rules(),
            tokens: tokens.subscribe(),
            readiness: readiness.clone(),
            metrics: Metrics::default(),
            held: true.into(),
        };
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let frontend = HttpFrontend::new(vec![socket], options).unwrap();
        let sessions = testing::sessions(servers).await;
        let address = frontend.addresses().unwrap()[0];
        let limits = watch::Sender::new(Arc::new(limits));
        let serving = watch::Sender::new(model::Serving {
            modern: true,
            discover: true,
        });
        let profiles = watch::Sender::new(Some(Arc::default()));
        let (listener, ended) = spawn(&frontend, &sessions, &limits, (&serving, &profiles)).await;
        Self {
            frontend,
            limits,
            serving,
            profiles,
            sessions,
            tokens,
            readiness,
            address,
            listener,
            ended,
        }
    }

    /// Puts a fresh listener in the place of one that ended, as root does.
    async fn restart(&mut self) {
        let followed = (&self.serving, &self.profiles);
        let started = spawn(&self.frontend, &self.sessions, &self.limits, followed);
        (self.listener, self.ended) = started.await;
    }

    async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// One request on a connection of its own.
    async fn ask(&self, request: &str) -> Reply {
        let mut connection = self.connect().await;
        connection.send(request).await;
        connection.reply().await
    }

    /// `GET path`, with more header lines.
    async fn get(&self, path: &str, headers: &str) -> Reply {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        ))
        .await
    }

    /// Opens a session: its connection, and the path to POST to.
    async fn open_sse(&self) -> (Connection, String) {
        self.open_sse_at("/sse").await
    }

    async fn open_sse_at(&self, path: &str) -> (Connection, String) {
        let mut stream = self.connect().await;
        stream
            .send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            .await;
        let head = stream.read_until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let first = stream.read_until(": connected\n\n").await;
        let path = first.split("data: ").nth(1).unwrap();
        let path = path.split('\n').next().unwrap().to_owned();
        (stream, path)
    }

    /// POSTs `body` as JSON.
    async fn post(&self, path: &str, body: &str) -> Reply {
        self.ask(&post(path, body)).await
    }
}

async fn spawn(
    frontend: &HttpFrontend,
    sessions: &SessionsHandle,
    limits: &watch::Sender<Arc<model::Limits>>,
    (serving, profiles): (
        &watch::Sender<model::Serving>,
        &watch::Sender<Option<Arc<model::Profiles>>>,
    ),
) -> (ActorRef<ListenerMsg>, JoinHandle<()>) {
    let (listener, args) = frontend.listener(FrontendLinks {
        sessions: sessions.clone(),
        status: testing::status().await,
        steering: testing::steering().await,
        limits: limits.subscribe(),
        serving: serving.subscribe(),
        profiles: profiles.subscribe(),
    });
    Actor::spawn(None, listener, args).await.unwrap()
}

/// A machine called `server2`, and what its operator listed.
fn rules() -> Rules {
    let texts = |list: &[&str]| {
        list.iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let hosts = texts(&strangers::LISTED_HOSTS);
    let origins = texts(&strangers::LISTED_ORIGINS);
    Rules::new(&texts(&["server2"]), &hosts, &origins).unwrap()
}

/// A POST of JSON, as bytes.
fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const PONG: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(10);
