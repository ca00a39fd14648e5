//! Gateways that are killed under load: what was in flight there fails, and no session is lost.

use std::time::Duration;

use crate::balancer::{Balancer, Kind};
use crate::clients::Clients;
use crate::replicas::Replicas;
use crate::support::wait;

const CLIENTS: usize = 24;
/// What a balancer takes to turn to another, at most, on a machine that is shared.
const SILENCE: Duration = Duration::from_millis(1_500);

/// So many by default; `MCPROXY_SCALE_KILLS` says otherwise.
fn kills() -> usize {
    let wanted = std::env::var("MCPROXY_SCALE_KILLS");
    wanted.ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

async fn kill_under_load(kind: Kind) {
    let chosen: u64 = std::env::var("MCPROXY_SCALE_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_261_130);
    eprintln!("MCPROXY_SCALE_SEED={chosen}");
    let mut random = fastrand::Rng::with_seed(chosen);
    let mut replicas = Replicas::start(&[], &[]).await;
    let balancer = Balancer::start(kind, replicas.addrs()).await;
    let clients = Clients::start(balancer.addr(), CLIENTS).await;
    let mut in_flight = 0;
    for _ in 0..kills() {
        let index = random.usize(0..3);
        wait::until("work for it", Duration::from_secs(30), async || {
            let serves = |pid| replicas.node_of(pid) == Some(index);
            (clients.of(serves) > 0).then_some(())
        })
        .await;
        // A client has one call at a time. Those of others may be on their way to it too, when it comes back.
        in_flight += clients.of(|pid| replicas.node_of(pid) == Some(index));
        replicas.kill(index).await;
        replicas.begin(index).await;
    }
    let seen = clients.stop().await;
    eprintln!("{seen:?}; in flight: {in_flight}");
    assert_eq!((seen.lost, seen.crossed), (0, 0), "{seen:?}");
    assert!(seen.failed.len() <= in_flight, "{in_flight}: {seen:?}");
    assert!(seen.silence <= SILENCE, "{seen:?}");
    assert!(seen.answered > 1_000, "{}", seen.answered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_haproxy() {
    kill_under_load(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx() {
    kill_under_load(Kind::Nginx).await;
}
