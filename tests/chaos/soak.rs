//! Ten thousand clients come and go, in every way that they do, and the gateway holds what it held before: no
//! descriptor, no session and no memory more. (A thousand lives of servers: `supervision::flat` of `it`.)

#![cfg(test)]

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::support::client::{DEADLINE, SseClient};
use crate::support::fleet::{config, fixture};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::streamable::Endpoint;
use crate::support::{both, http, proc};

/// At once.
const LANES: usize = 16;
/// Before the measuring begins: allocators and pools grow to their size.
const WARM_UP: usize = 2_000;
const CLIENTS: usize = 10_000;
/// What a closed connection still holds is given back in less.
const QUIET: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_millis(50);
/// Memory more than before, in bytes.
const GROWTH: u64 = 2 << 20;

#[derive(Clone, Copy, Debug)]
struct Size {
    files: usize,
    memory: u64,
}

impl Size {
    fn of(gateway: &Gateway) -> Self {
        Self {
            files: proc::open_files(gateway.pid()).expect("it runs"),
            memory: proc::rss(gateway.pid()).expect("it runs"),
        }
    }
}

async fn come_and_go(addr: SocketAddr, clients: usize) {
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        lanes.spawn(async move {
            for number in (lane..clients).step_by(LANES) {
                visit(addr, number).await;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane.expect("no client fails");
    }
}

/// One over each transport in turn, with a handshake and without the end of one.
async fn visit(addr: SocketAddr, number: usize) {
    match number % 4 {
        0 => SseClient::connect(addr).await.close().await,
        1 => {
            let client = SseClient::connect(addr).await;
            client.initialize().await;
            client.call("ping", None, DEADLINE).await;
            client.close().await;
        }
        2 => {
            // Nobody says that the handshake is done.
            let mut endpoint = Endpoint::new(addr);
            let hello = support::streamable::initialize(1, "2025-06-18", "{}");
            let reply = endpoint.post(&hello).await;
            endpoint.session = reply.head().header("mcp-session-id").map(str::to_owned);
            assert_eq!(endpoint.delete().await.status, 200);
        }
        _ => {
            let endpoint = Endpoint::initialized(addr, "2025-11-25").await;
            drop(endpoint.listen().await);
            assert_eq!(endpoint.delete().await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_clients_leave_nothing() {
    let options = GatewayOptions::new(config([fixture("one", &[])]));
    let gateway = Gateway::start(options).await;
    both::ready(&gateway).await;
    let quiet = settled(&gateway).await;
    come_and_go(gateway.addr(), WARM_UP).await;
    let before = settled(&gateway).await;
    assert_eq!(before.files, quiet.files, "after {WARM_UP} clients");
    come_and_go(gateway.addr(), CLIENTS).await;
    let after = settled(&gateway).await;
    eprintln!("soak: before {before:?}, after {after:?}");
    assert_eq!(after.files, before.files, "{before:?} {after:?}");
    assert!(
        after.memory < before.memory + GROWTH,
        "{before:?} {after:?}"
    );
    assert_eq!(http::get(gateway.addr(), "/readyz").await.status, 200);
}

/// The size when nothing has been closed for a while.
async fn settled(gateway: &Gateway) -> Size {
    let mut size = Size::of(gateway);
    let mut since = Instant::now();
    while since.elapsed() < QUIET {
        time::sleep(AGAIN).await;
        let now = Size::of(gateway);
        if now.files != size.files {
            since = Instant::now();
        }
        size = now;
    }
    size
}
