//! Row 301: ids and progress tokens that clients of both eras use at the same time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::metrics;
use super::stage::{Stage, wait as real_or};
use crate::support::client::{Client, DEADLINE, Sse, Streamable, Transport};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::fixture;

const SERVERS: [&str; 3] = ["a", "b", "a_b"];
/// What one client has under way at the same time.
const AT_ONCE: u64 = 4;

/// As many at once as one client may have, each taking the next number for its id; all clients count alike.
async fn call_all(call: impl AsyncFn(u64, &str) -> String, who: &str, calls: u64) {
    let next = AtomicU64::new(0);
    let worker = async || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= calls {
                return;
            }
            let server = SERVERS[usize::try_from(number % 3).expect("small")];
            let marks = format!(r#""who":"{who}","server":"{server}","n":{number}"#);
            let result = format!(r#"{{"content":[],{marks}}}"#);
            let params = format!(
                r#"{{"name":"{server}__raw","arguments":{{"result":{result}}},"_meta":{{"progressToken":{number}}}}}"#
            );
            let answer = call(number, &params).await;
            assert!(answer.contains(&marks), "{marks}: {answer}");
        }
    };
    join_all((0..AT_ONCE).map(|_| worker())).await;
}

/// A client with a session.
async fn old<T: Transport>(client: &Client<T>, who: &str, calls: u64) {
    let call = async |_, params: &str| {
        let deadline = Duration::from_secs(60);
        client.call("tools/call", Some(params), deadline).await
    };
    call_all(call, who, calls).await;
    client.call("ping", None, DEADLINE).await;
    assert_eq!(client.unclaimed(), Vec::<String>::new(), "second answers");
}

/// A client without one.
async fn new(client: &ModernClient, who: &str, calls: u64) {
    let call = async |number: u64, params: &str| {
        // Its own `_meta` goes into the one that every request has.
        let (params, _) = params.split_once(r#","_meta""#).expect("it has one");
        let ask = Ask::new("tools/call", &format!("{params}}}")).id(&number.to_string());
        let ask = ask.meta("progressToken", &number.to_string());
        let (status, answer) = client.answer(&ask).await;
        let id = format!(r#""id":{number},"#);
        assert!(status == 200 && answer.contains(&id), "{status}: {answer}");
        answer
    };
    call_all(call, who, calls).await;
}

/// A fifth of the calls in CI.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f301_equal_ids_in_both_eras() {
    let mut stage = Stage::open(301, &SERVERS.map(|name| fixture(name, &[]))).await;
    let (one, two) = (stage.client::<Sse>().await, stage.client::<Sse>().await);
    let three = stage.client::<Streamable>().await;
    let four = stage.client::<Streamable>().await;
    let modern = ModernClient::new(stage.gateway.addr());
    let calls: u64 = real_or(1_000, 12_500);
    let start = Instant::now();
    tokio::join!(
        old(&one, "one", calls),
        old(&two, "two", calls),
        old(&three, "three", calls),
        old(&four, "four", calls),
        new(&modern, "five", calls),
        new(&modern, "six", calls),
        new(&modern, "seven", calls),
        new(&modern, "eight", calls),
    );
    let took = start.elapsed();
    let all = 8 * calls;
    stage.struck(format!(
        "{all} calls of eight clients with the same ids and tokens in {took:.1?}"
    ));
    stage.holds("every answer is the one of its call", true);
    for server in SERVERS {
        let labels = [("server", server)];
        let calls = metrics::sum(&stage.gateway, "mcproxy_calls_in_flight", &labels).await;
        stage.at_most("calls in flight at the end", &calls, &0.0);
    }
    one.close().await;
    two.close().await;
    three.close().await;
    four.close().await;
    stage.close().await;
}
