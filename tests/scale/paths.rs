//! What belongs to a session finds its gateway: calls, streams that broke, processes of its own, its end, keys that
//! change; and what a balancer without the session's id would lose.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::balancer::{Balancer, Kind};
use crate::clients::Clients;
use crate::replicas::Replicas;
use crate::support::client::SseClient;
use crate::support::servers::text_of;
use crate::support::sse::Item;
use crate::support::streamable::{Endpoint, Reply, call_tool};
use crate::support::wait;

const VERSION: &str = "2025-11-25";
const BOTH: [Kind; 2] = [Kind::Haproxy, Kind::Nginx];
const SOON: Duration = Duration::from_secs(30);

async fn open(kind: Kind, replicas: &Replicas) -> Balancer {
    Balancer::start(kind, replicas.addrs()).await
}

/// The process that answers, asked on a connection of its own.
async fn pid(endpoint: &Endpoint) -> u64 {
    let said: Value = serde_json::from_str(&text_of(&endpoint.call_tool("fx__pid", "{}").await))
        .expect("the tool gives JSON");
    said["pid"].as_u64().expect("a number")
}

/// A call that tells of its progress, and is answered by a stream therefore.
fn sleep(id: u32) -> Value {
    let params = json!({
        "name": "fx__sleep",
        "arguments": { "ms": 1_000, "steps": 4 },
        "_meta": { "progressToken": 5 },
    });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

#[tokio::test]
async fn a_session_stays_where_it_is_and_so_does_its_process() {
    let replicas = Replicas::start(&[], &[("isolation", json!("session"))]).await;
    for kind in BOTH {
        let balancer = open(kind, &replicas).await;
        let mut all = BTreeSet::new();
        for _ in 0..12 {
            let client = Endpoint::initialized(balancer.addr(), VERSION).await;
            let mut own = BTreeSet::new();
            for _ in 0..5 {
                own.insert(pid(&client).await);
            }
            assert_eq!(own.len(), 1, "{kind:?}: one process per session");
            assert!(all.is_disjoint(&own), "{kind:?}: and nobody else's");
            all.extend(own);
        }
        let nodes = all
            .iter()
            .map(|pid| replicas.node_of(u32::try_from(*pid).expect("a pid")));
        let nodes: BTreeSet<_> = nodes.collect();
        assert!(nodes.len() > 1, "{kind:?}: all sessions at one gateway");
    }
}

#[tokio::test]
async fn a_stream_that_broke_is_resumed_and_a_deleted_session_is_gone() {
    let replicas = Replicas::start(&[], &[]).await;
    for kind in BOTH {
        let balancer = open(kind, &replicas).await;
        for _ in 0..6 {
            let client = Endpoint::initialized(balancer.addr(), VERSION).await;
            let call = sleep(7).to_string();
            let Reply::Stream(mut stream) = client.begin(&call).await.reply().await else {
                panic!("{kind:?}: an answer as JSON");
            };
            let mut id = None;
            while id.is_none() {
                match stream.next().await.expect("the stream goes on") {
                    Item::Event { id: named, .. } => id = named,
                    Item::Comment(_) => {}
                }
            }
            drop(stream);
            let mut resumed = client.resume(&id.expect("it has one")).await;
            let mut answer = resumed.expect().await.data;
            while !answer.contains("\"result\"") {
                answer = resumed.expect().await.data;
            }
            assert_eq!(text_of(&answer), "slept", "{kind:?}");
            drop(resumed);
            assert!(
                matches!(client.delete().await.status, 200 | 204),
                "{kind:?}"
            );
            let after = client.post(&call_tool(8, "fx__pid", "{}")).await;
            assert_eq!(after.status(), 404, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn posts_of_http_sse_find_their_streams() {
    let replicas = Replicas::start(&[], &[]).await;
    for kind in BOTH {
        let balancer = open(kind, &replicas).await;
        for _ in 0..9 {
            let client = SseClient::connect(balancer.addr()).await;
            client.initialize().await;
            let answer = client.call_tool("fx__echo", r#"{"text":"there"}"#).await;
            assert_eq!(text_of(&answer), "there", "{kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_and_no_session_is_lost_until_the_last_step() {
    let replicas = Replicas::start(&[], &[]).await;
    let balancer = open(Kind::Haproxy, &replicas).await;
    let old = Endpoint::initialized(balancer.addr(), VERSION).await;
    let clients = Clients::start(balancer.addr(), 12).await;
    replicas.give_keys(&["a", "b"]).await;
    replicas.give_keys(&["b", "a"]).await;
    pid(&old).await;
    let seen = clients.stop().await;
    assert_eq!(
        (seen.failed.len(), seen.lost, seen.crossed),
        (0, 0, 0),
        "{seen:?}"
    );
    let new = Endpoint::initialized(balancer.addr(), VERSION).await;
    replicas.give_keys(&["b"]).await;
    pid(&new).await;
    let gone = wait::until("the end of the old session", SOON, async || {
        let reply = old.post(&call_tool(9, "fx__pid", "{}")).await;
        (reply.status() != 200).then(|| reply.status())
    });
    assert_eq!(gone.await, 404);
}

/// Every gateway takes up every session: plain calls work with any balancer, at the price of more of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_id_plain_calls_work_and_sessions_are_taken_up_again_and_again() {
    let replicas = Replicas::start(&[], &[]).await;
    let by_turns = [("balance hdr(Mcp-Session-Id)", "balance roundrobin")];
    let balancer = Balancer::start_with(Kind::Haproxy, replicas.addrs(), &by_turns).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(Endpoint::initialized(balancer.addr(), VERSION).await);
    }
    for client in &clients {
        let nodes: Vec<u64> = [pid(client).await, pid(client).await, pid(client).await].into();
        let nodes: BTreeSet<u64> = nodes.into_iter().collect();
        assert!(nodes.len() > 1, "it is sent to any");
    }
    let adopted = replicas.sum("mcproxy_sessions_adopted_total").await;
    assert!(adopted >= 10.0, "{adopted}");
}
