//! The limits that are too large to be reached through the binary: a tree in this process, with
//! smaller ones, behind the real port.

use std::net::SocketAddr;

use mcproxy::http::{HttpFrontend, HttpOptions, Rules, Times};
use mcproxy::supervise::Plain;
use mcproxy::tree::{self, Exit, Settings, Tree};
use tempfile::TempDir;

use super::SOON;
use crate::support::client::SseClient;
use crate::support::servers::error_code;
use crate::support::{http, wait};

struct InProcess {
    tree: Tree,
    addr: SocketAddr,
    _home: TempDir,
}

async fn start(session_limit: usize) -> InProcess {
    let home = TempDir::new().expect("a temporary directory");
    let path = home.path().join("mcp-servers.json");
    std::fs::write(&path, "[]").expect("the directory is ours");
    let mut settings = Settings::new(path);
    settings.limits.max_sessions = session_limit;
    let options = HttpOptions {
        times: Times::default(),
        rules: Rules::new(&[], &[], &[]).expect("no rules"),
        tokens: tokio::sync::watch::Sender::default().subscribe(),
        readiness: settings.readiness.clone(),
        metrics: settings.metrics.clone(),
        held: false.into(),
    };
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let edge = HttpFrontend::new(vec![socket], options).expect("a socket");
    let addr = edge.addresses().expect("it is bound")[0];
    let tree = tree::start(settings, Plain, edge).await.expect("it starts");
    InProcess {
        tree,
        addr,
        _home: home,
    }
}

#[tokio::test]
async fn a_session_too_many_is_refused_until_another_has_gone() {
    let mut running = start(3).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(SseClient::connect(running.addr).await);
    }
    let refused = http::get(running.addr, "/sse").await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    assert_eq!(error_code(&refused.text()), -32003);
    for client in &clients {
        client.call("ping", None, SOON).await;
    }
    clients.pop().expect("three").close().await;
    let next = wait::until("room for another session", SOON, async || {
        let probe = http::request_head(running.addr, "GET", "/sse", &[]);
        let mut connection = http::Connection::open(running.addr).await.ok()?;
        connection
            .send(format!("{probe}\r\n").as_bytes())
            .await
            .ok()?;
        let head = connection.head().await.ok()?;
        (head.status == 200).then_some(connection)
    })
    .await;
    drop(next);
    running.tree.stop();
    assert_eq!(running.tree.wait().await, Exit::Stopped);
}
