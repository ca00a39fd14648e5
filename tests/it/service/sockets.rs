//! Socket activation: the port is the manager's, so it stays open while gateways come and go.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::SOON;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Connection};
use crate::support::wait;

const SERVERS: &str = "[]";

fn listen() -> (TcpListener, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

fn options(sockets: &[&TcpListener], home: &TempDir) -> GatewayOptions {
    let mut options = GatewayOptions::new(SERVERS).home(home.path());
    for socket in sockets {
        let socket = socket.try_clone().expect("a descriptor");
        options.passed.push(socket.into());
    }
    options
}

/// What came of the connections of clients that never rest.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) is_over: AtomicBool,
    pub(crate) answered: AtomicUsize,
    /// Accepted, and lost with the gateway that was killed.
    pub(crate) cut: AtomicUsize,
    pub(crate) refused: AtomicUsize,
}

pub(crate) async fn come_and_go(address: SocketAddr, tally: Arc<Tally>) {
    let head = http::request_head(address, "GET", "/healthz", &[]);
    while !tally.is_over.load(Ordering::Relaxed) {
        let what = match Connection::open(address).await {
            Ok(mut connection) => match connection.exchange(&head, b"").await {
                Ok(response) if response.status == 200 => &tally.answered,
                Ok(_) | Err(_) => &tally.cut,
            },
            Err(_) => &tally.refused,
        };
        what.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_refused_between_two_gateways() {
    const CLIENTS: usize = 8;
    let (socket, address) = listen();
    let home = TempDir::new().expect("a temporary directory");
    let mut first = Gateway::start(options(&[&socket], &home)).await;
    assert_eq!(first.addr(), address, "not what --listen says");
    first.wait_for_log("--listen is not used", SOON).await;

    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(come_and_go(address, tally.clone()));
    }
    for turn in 0..3 {
        let answered = tally.answered.load(Ordering::Relaxed);
        wait::until("clients to be served", SOON, async || {
            (tally.answered.load(Ordering::Relaxed) > answered + 100).then_some(())
        })
        .await;
        first.signal(Signal::SIGKILL);
        first.wait_exit(SOON).await;
        // Those come while nobody is there, and say what they want.
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let mut early = Connection::open(address).await.expect("the port is open");
            let head = http::request_head(address, "GET", "/healthz", &[]);
            early.post(&head, b"").await.expect("the kernel takes it");
            waiting.push(early);
        }
        first = Gateway::start(options(&[&socket], &home)).await;
        for mut early in waiting {
            let served = timeout(SOON, early.response()).await.expect("in time");
            assert_eq!(served.expect("an answer").status, 200, "turn {turn}");
        }
    }
    tally.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.expect("no panic");
    }
    assert_eq!(tally.refused.load(Ordering::Relaxed), 0);
    let cut = tally.cut.load(Ordering::Relaxed);
    assert!(cut <= 3 * CLIENTS, "{cut}: only what was being served");
    assert_eq!(first.terminate().await.code(), Some(0));
    let late = Connection::open(address).await;
    assert!(late.is_ok(), "the port is not the gateway's to close");
}

#[tokio::test]
async fn every_socket_is_served() {
    let (four, four_at) = listen();
    let six = TcpListener::bind("[::1]:0").unwrap_or_else(|error| {
        eprintln!("no IPv6 here ({error}): a second socket of IPv4 stands in");
        listen().0
    });
    let six_at = six.local_addr().expect("it is bound");
    let home = TempDir::new().expect("a temporary directory");
    let gateway = Gateway::start(options(&[&four, &six], &home)).await;
    for address in [four_at, six_at, four_at, six_at] {
        let line = format!("Listening on http://{address}");
        gateway.wait_for_log(&line, SOON).await;
        assert_eq!(http::get(address, "/healthz").await.status, 200);
    }
}

#[tokio::test]
async fn servers_do_not_get_it() {
    let (socket, _) = listen();
    let home = TempDir::new().expect("a temporary directory");
    let plain =
        json!([{ "name": "s", "command": "sleep", "args": ["100072"], "inherit_env": true }]);
    let mut options = options(&[&socket], &home);
    options.config = Some(plain.to_string());
    let gateway = Gateway::start(options).await;
    let child = wait::until("the server", SOON, async || gateway.child("sleep 100072")).await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", child.pid)).expect("it runs");
    assert_eq!(open.count(), 3);
    let environment = std::fs::read(format!("/proc/{}/environ", child.pid)).expect("it runs");
    let environment = String::from_utf8_lossy(&environment);
    assert!(!environment.contains("LISTEN_"), "{environment}");
}

#[tokio::test]
async fn what_cannot_be_served_is_named_and_the_port_is_bound() {
    let home = TempDir::new().expect("a temporary directory");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut options = options(&[], &home);
    options.passed.push(datagrams.into());
    let gateway = Gateway::start(options).await;
    let said = gateway.wait_for_log("can't be served", SOON).await;
    assert!(
        said.contains("[WARN]") && said.contains("socket 1"),
        "{said}"
    );
    assert_eq!(http::get(gateway.addr(), "/healthz").await.status, 200);
}

#[tokio::test]
async fn sockets_of_another_process_are_left_alone() {
    let options = GatewayOptions::new(SERVERS).env("LISTEN_FDS", "1");
    let gateway = Gateway::start(options.env("LISTEN_PID", "1")).await;
    assert_eq!(http::get(gateway.addr(), "/healthz").await.status, 200);
    let logs = gateway.logs();
    assert!(
        !logs.iter().any(|line| line.contains("manager")),
        "{logs:?}"
    );
}
