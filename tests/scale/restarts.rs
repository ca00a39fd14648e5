//! Planned restarts: each gateway in turn, under load, and nobody notices.

use std::time::Duration;

use crate::balancer::{Balancer, Kind};
use crate::clients::Clients;
use crate::replicas::Replicas;
use crate::support::wait;

const CLIENTS: usize = 24;

/// Each gateway in turn, and not the next before this one has its part of the clients again.
async fn restart_each(kind: Kind) {
    let mut replicas = Replicas::start(&[], &[]).await;
    let balancer = Balancer::start(kind, replicas.addrs()).await;
    let clients = Clients::start(balancer.addr(), CLIENTS).await;
    for index in 0..3 {
        let pid = replicas.nodes[index].pid();
        replicas.restart(index).await;
        let what = "clients of the new one";
        wait::until(what, Duration::from_secs(30), async || {
            let serves = |pid| replicas.node_of(pid) == Some(index);
            (clients.of(serves) > 0).then_some(())
        })
        .await;
        assert_ne!(replicas.nodes[index].pid(), pid);
    }
    let seen = clients.stop().await;
    eprintln!("{seen:?}");
    let (failed, lost, crossed) = (seen.failed.len(), seen.lost, seen.crossed);
    assert_eq!((failed, lost, crossed), (0, 0, 0), "{seen:?}");
    assert!(seen.answered > 1_000, "{}", seen.answered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_haproxy_no_call_fails() {
    restart_each(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_no_call_fails() {
    restart_each(Kind::Nginx).await;
}
