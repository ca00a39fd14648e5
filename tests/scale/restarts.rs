//! Planned restarts: each gateway in turn, under load, and nobody notices.

use std::time::Duration;

use crate::balancer::{Balancer, Kind};
use crate::clients::Clients;
use crate::replicas::Replicas;
use crate::support::wait;

const CLIENTS: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_in_turn_behind_haproxy_and_no_call_fails() {
    let mut replicas = Replicas::start(&[], &[]).await;
    let balancer = Balancer::start(Kind::Haproxy, replicas.addrs()).await;
    let clients = Clients::start(balancer.addr(), CLIENTS).await;
    for index in 0..3 {
        let pid = replicas.nodes[index].pid();
        replicas.restart(index).await;
        // Before the next one goes, this one has its part again.
        wait::until(
            "clients of the new one",
            Duration::from_secs(30),
            async || {
                let serves = |pid| replicas.node_of(pid) == Some(index);
                (clients.of(serves) > 0).then_some(())
            },
        )
        .await;
        assert_ne!(replicas.nodes[index].pid(), pid);
    }
    let seen = clients.stop().await;
    eprintln!("{seen:?}");
    assert_eq!(
        (seen.failed.len(), seen.lost, seen.crossed),
        (0, 0, 0),
        "{seen:?}"
    );
    assert!(seen.answered > 1_000, "{}", seen.answered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_in_turn_behind_nginx_and_no_session_is_lost() {
    let mut replicas = Replicas::start(&[], &[]).await;
    let balancer = Balancer::start(Kind::Nginx, replicas.addrs()).await;
    let clients = Clients::start(balancer.addr(), CLIENTS).await;
    for index in 0..3 {
        replicas.restart(index).await;
        wait::until(
            "clients of the new one",
            Duration::from_secs(30),
            async || {
                let serves = |pid| replicas.node_of(pid) == Some(index);
                (clients.of(serves) > 0).then_some(())
            },
        )
        .await;
    }
    let seen = clients.stop().await;
    eprintln!("{seen:?}");
    assert_eq!((seen.lost, seen.crossed), (0, 0), "{seen:?}");
    // nginx does not look at /readyz: who is sent to a gateway as it closes may have to ask again.
    assert!(seen.failed.len() <= CLIENTS, "{seen:?}");
    assert!(seen.answered > 1_000, "{}", seen.answered);
}
