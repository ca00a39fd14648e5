//! What a request is answered with, and what becomes of one whose client goes.

use serde_json::{Value, json};

use super::{Asks, SOON, open};
use crate::support::both::ready;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{fixture, text_of};
use crate::support::wait;

/// What its server was told of requests that nobody wants any more.
async fn cancels(gateway: &Gateway) -> Vec<Value> {
    let asked = Asks::call("fx__received_cancels", json!({}));
    let answer = asked.reply(gateway.addr()).await.json();
    serde_json::from_str(&text_of(&answer)).unwrap()
}

#[tokio::test]
async fn an_answer_is_json_and_with_progress_before_it_a_stream() {
    let gateway = open().await;
    let addr = gateway.addr();
    let mut sleep = Asks::call("fx__sleep", json!({"ms": 200, "steps": 2}));
    let quiet = sleep.reply(addr).await;
    assert_eq!(quiet.head().header("mcp-session-id"), None);
    assert!(quiet.json().contains("slept"));

    sleep.params["_meta"]["progressToken"] = json!("p-1");
    let mut stream = sleep.reply(addr).await.stream();
    assert_eq!(stream.head.header("x-accel-buffering"), Some("no"));
    let kept = stream.head.header("cache-control").unwrap_or_default();
    assert!(
        kept.contains("no-cache") && kept.contains("no-transform"),
        "{kept}"
    );
    let mut said = Vec::new();
    while let Some(event) = stream.message().await {
        assert_eq!(event.id, None, "nothing can be asked for again");
        said.push(serde_json::from_str::<Value>(&event.data).unwrap());
    }
    let answer = said.pop().unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "slept", "{answer}");
    assert_eq!(said.len(), 2, "{said:?}");
    let tokens = said.iter().map(|told| &told["params"]["progressToken"]);
    assert!(tokens.eq([&json!("p-1"), &json!("p-1")]), "{said:?}");
}

#[tokio::test]
async fn an_error_of_a_server_has_the_status_of_its_code() {
    let gateway = open().await;
    for (code, status) in [(-32601, 404), (-32021, 400), (-32602, 200), (4711, 200)] {
        let error = json!({"code": code, "message": "no"});
        let fail = Asks::call("fx__fail", json!({"error": error}));
        assert_eq!(fail.refusal(gateway.addr()).await, (status, code));
    }
}

#[tokio::test]
async fn who_goes_takes_back_what_was_asked() {
    let gateway = open().await;
    let begun = json!({"ms": 60_000, "steps": 200, "stderr": "it has begun\n"});
    let mut sleep = Asks::call("fx__sleep", begun);
    // Before anything was said, and in the middle of a stream.
    let asked = sleep.begin(gateway.addr()).await;
    gateway.wait_for_log("it has begun", SOON).await;
    drop(asked);
    sleep.params["_meta"]["progressToken"] = json!(1);
    let mut stream = sleep.reply(gateway.addr()).await.stream();
    stream.message().await.unwrap();
    drop(stream);
    let both = || async {
        let told = cancels(&gateway).await;
        (told.len() == 2).then_some(told)
    };
    let told = wait::until("both are taken back", SOON, both).await;
    assert_ne!(told[0]["requestId"], told[1]["requestId"], "{told:?}");
    // Nobody else is disturbed.
    let echo = Asks::call("fx__echo", json!({"text": "x"}));
    assert_eq!(echo.result(gateway.addr()).await["content"][0]["text"], "x");
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let limits = json!({"max_outgoing_bytes": "64KiB", "slow_client_timeout": 0.5});
    let file = json!({"gateway": limits, "servers": [fixture("fx", &[])]});
    let gateway = Gateway::start(GatewayOptions::new(file.to_string())).await;
    ready(&gateway).await;
    let mut sleep = Asks::call("fx__sleep", json!({"ms": 60_000, "steps": 60_000}));
    sleep.params["_meta"]["progressToken"] = "x".repeat(1000).into();
    let _unread = sleep.begin(gateway.addr()).await;
    let told = "has read nothing for 0.5 s";
    gateway.wait_for_log(told, SOON).await;
    let taken_back =
        || async { Some(cancels(&gateway).await).filter(|cancels| cancels.len() == 1) };
    wait::until("it is taken back", SOON, taken_back).await;
}
