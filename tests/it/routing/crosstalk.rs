//! 100 000 calls of two clients that use the same ids, at the same time, through the same servers:
//! every answer is compared, byte for byte, with the one that belongs to its call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::support::client::SseClient;
use crate::support::servers::{fixture, join, serve_ready};

const CALLS: u64 = 50_000; // of each client
const AT_ONCE: u64 = 16; // of each client
const SERVERS: [&str; 3] = ["a", "b", "a_b"];

/// As many workers as may be under way, each taking the next number; ids are those of the client, which
/// counts from the same start as the other does.
async fn call_all(client: &SseClient, who: &str) {
    let next = AtomicU64::new(0);
    let worker = async || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= CALLS {
                return;
            }
            let server = SERVERS[usize::try_from(number % 3).expect("small")];
            let result = format!(r#"{{"who":"{who}","server":"{server}","n":{number}}}"#);
            let params = format!(r#"{{"name":"{server}__raw","arguments":{{"result":{result}}}}}"#);
            let deadline = Duration::from_secs(60);
            let answer = client.call("tools/call", Some(&params), deadline).await;
            let (envelope, rest) = answer.split_once(r#","result":"#).expect("a result");
            let id = envelope.strip_prefix(r#"{"jsonrpc":"2.0","id":"#);
            assert!(id.is_some_and(|id| id.parse::<u64>().is_ok()), "{answer}");
            assert_eq!(rest, format!("{result}}}"));
        }
    };
    join_all((0..AT_ONCE).map(|_| worker())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_calls_of_two_clients_with_the_same_ids_do_not_cross() {
    let servers = SERVERS.map(|name| fixture(name, &[]));
    let (gateway, one) = serve_ready(&servers).await;
    let two = join(&gateway).await;
    let start = Instant::now();
    tokio::join!(call_all(&one, "one"), call_all(&two, "two"));
    let took = start.elapsed();
    for client in [&one, &two] {
        client.call("ping", None, super::SOON).await;
        assert_eq!(client.unclaimed(), Vec::<String>::new(), "second answers");
    }
    let rate = f64::from(u32::try_from(2 * CALLS).expect("small")) / took.as_secs_f64();
    eprintln!("{} calls in {took:?}: {rate:.0} a second", 2 * CALLS);
    // Generous: an unoptimised build beside other tests. Far below it something waits that should not.
    assert!(took < Duration::from_secs(300), "{took:?}");
}
