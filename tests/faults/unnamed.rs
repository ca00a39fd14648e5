//! Rows 164 and 165: a server that can't say which call it could not read, and clients that take all of its calls.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::stage::Stage;
use crate::support::client::{DEADLINE, Sse, SseClient, Streamable};
use crate::support::fleet::echo;
use crate::support::servers::fixture;

/// What a common parser refuses.
fn deep() -> String {
    let (open, close) = ("[".repeat(130), "]".repeat(130));
    format!(r#"{{"name":"strict__raw","arguments":{{"x":{open}{close}}}}}"#)
}

fn is_refused(answer: &str) -> bool {
    answer.contains("-32700")
}

#[tokio::test]
async fn f164_unreadable_request() {
    let servers = [
        fixture("strict", &["--common-parser"]),
        fixture("brief", &["--common-parser"]),
    ];
    let gateway = json!({ "max_nesting_depth": 512 });
    let mut stage = Stage::with(164, &servers, &gateway, |options| options).await;
    let first = stage.client::<Sse>().await;
    let second = stage.client::<Streamable>().await;
    let deep = deep();

    let asked = Instant::now();
    let answer = first.call("tools/call", Some(&deep), DEADLINE).await;
    assert!(is_refused(&answer), "{answer}");
    stage.struck(format!("alone: {answer}"));
    let at_once = Duration::from_secs(1);
    stage.within("alone: answered after", asked.elapsed(), at_once);

    let sleep = r#"{"name":"strict__sleep","arguments":{"ms":3000}}"#;
    let long = second.request("tools/call", Some(sleep)).await;
    assert_eq!(echo(&second, "strict", "x").await.text, "x");
    let asked = Instant::now();
    let answer = first.call("tools/call", Some(&deep), DEADLINE).await;
    assert!(is_refused(&answer), "{answer}");
    stage.within("beside a long call: after", asked.elapsed(), at_once);

    // Nothing says which of the two is meant, nor that the long one is not.
    let mark = stage.gateway.log_mark();
    let two = [
        first.request("tools/call", Some(&number())).await,
        first.request("tools/call", Some(&number())).await,
    ];
    let line = "Server 'strict' refused a message without saying which";
    let said = stage.gateway.wait_for_log_after(mark, line, DEADLINE).await;
    stage.struck(
        said.split_once("] ")
            .map_or("", |(_, text)| text)
            .to_owned(),
    );
    let answer = second.wait_response(long, DEADLINE).await;
    stage.holds("the long call has its own answer", answer.contains("slept"));
    for id in two {
        let cancel = json!({ "requestId": id }).to_string();
        first.notify("notifications/cancelled", Some(&cancel)).await;
    }
    assert_eq!(echo(&second, "strict", "y").await.text, "y");
    first.close().await;
    second.close().await;
    stage.close().await;
}

/// What a common parser refuses too, and what does not look like it.
fn number() -> String {
    r#"{"name":"strict__raw","arguments":{"x":1e999}}"#.to_owned()
}

/// Takes as many calls as it gets, none of which is answered; how many.
async fn take_all(client: &SseClient) -> usize {
    let params = r#"{"name":"bad__raw","arguments":{"silent":true}}"#;
    let mut taken = Vec::new();
    for _ in 0..64 {
        taken.push(client.request("tools/call", Some(params)).await);
    }
    taken.len()
}

#[tokio::test]
async fn f165_greedy_clients() {
    let gateway = json!({ "max_calls_per_session": 200 });
    let servers = [fixture("bad", &[])];
    let mut stage = Stage::with(165, &servers, &gateway, |options| options).await;
    let greedy = [stage.client::<Sse>().await, stage.client::<Sse>().await];
    let mut taken = 0;
    for _ in 0..3 {
        for client in &greedy {
            taken += take_all(client).await;
        }
    }
    let held = stage.metric("mcproxy_calls_in_flight").await;
    stage.struck(format!(
        "{taken} calls that are never answered, {held} in flight"
    ));
    assert!(held > 100, "{held}");
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let client = stage.client::<Streamable>().await;
        let (text, asked) = (number.to_string(), Instant::now());
        let answer = echo(&client, "bad", &text).await;
        assert_eq!(answer.text, text);
        slowest = slowest.max(asked.elapsed());
        client.close().await;
    }
    stage.within(
        "another client's slowest call",
        slowest,
        Duration::from_secs(1),
    );
    for client in greedy {
        client.close().await;
    }
    stage.close().await;
}
