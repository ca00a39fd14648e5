//! Row 17: ids that clients use at the same time, each other's and their own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::stage::{Stage, wait as real_or};
use crate::support::client::{Client, DEADLINE, Sse, Streamable, Transport};
use crate::support::servers::{fixture, text_of};

const AT_ONCE: u64 = 4; // of each client
const SERVERS: [&str; 3] = ["a", "b", "a_b"];

/// As many workers as may be under way, each taking the next number; ids are those of the client, which
/// counts from the same start as every other does.
async fn call_all<T: Transport>(client: &Client<T>, who: &str, calls: u64) {
    let next = AtomicU64::new(0);
    let worker = async || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= calls {
                return;
            }
            let server = SERVERS[usize::try_from(number % 3).expect("small")];
            let result =
                format!(r#"{{"content":[],"who":"{who}","server":"{server}","n":{number}}}"#);
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
    client.call("ping", None, DEADLINE).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new(), "second answers");
}

/// A fifth of the calls in CI.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_duplicate_client_ids() {
    let mut stage = Stage::open(17, &SERVERS.map(|name| fixture(name, &[]))).await;
    let (one, two) = (stage.client::<Sse>().await, stage.client::<Sse>().await);
    let (three, four) = (
        stage.client::<Streamable>().await,
        stage.client::<Streamable>().await,
    );
    used_twice(&one).await;
    used_twice(&three).await;
    stage.struck("an id used twice at the same time over each transport");
    stage.holds("two answers to an id used twice", true);

    let calls: u64 = real_or(5_000, 25_000);
    let start = Instant::now();
    tokio::join!(
        call_all(&one, "one", calls),
        call_all(&two, "two", calls),
        call_all(&three, "three", calls),
        call_all(&four, "four", calls),
    );
    let took = start.elapsed();
    stage.struck(format!(
        "{} calls of four clients with the same ids in {took:.1?}",
        4 * calls
    ));
    stage.holds("every answer is the one of its call, byte for byte", true);
    one.close().await;
    two.close().await;
    three.close().await;
    four.close().await;
    stage.close().await;
}

/// Both get an answer, each its own.
async fn used_twice<T: Transport>(client: &Client<T>) {
    let call = |tool, arguments| {
        format!(
            r#"{{"jsonrpc":"2.0","id":"twice","method":"tools/call","params":{{"name":"a__{tool}","arguments":{arguments}}}}}"#
        )
    };
    client.send(&call("sleep", r#"{"ms":300}"#)).await;
    client.send(&call("echo", r#"{"text":"at once"}"#)).await;
    for text in ["at once", "slept"] {
        let answer = client.wait_raw_response("\"twice\"", DEADLINE).await;
        assert_eq!(text_of(&answer), text);
    }
}
