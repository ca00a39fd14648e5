//! What belongs to one client: progress and the end of its calls, processes of its own, what they ask of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{SOON, Worker, client, fronts, offering};
use crate::support::client::{Streamable, Transport as _};
use crate::support::servers::text_of;
use crate::support::wait;

const PID: &str = "own__pid";

async fn isolated() -> Worker {
    let mut own = offering("own");
    own["isolation"] = json!("session");
    Worker::start(json!([own])).await
}

#[tokio::test]
async fn progress_comes_and_a_call_can_be_taken_back() {
    let worker = Worker::start(json!([offering("fx")])).await;
    for front in fronts(&[&worker], &[]).await {
        let client = client(&front).await;
        let call = |ms: u64| {
            let params = json!({
                "name": "fx__sleep", "arguments": { "ms": ms, "steps": ms / 100 }, "_meta": { "progressToken": "mine" },
            });
            params.to_string()
        };
        let short = client.request("tools/call", Some(&call(400))).await;
        for _ in 0..4 {
            let told = client
                .next_notification("notifications/progress", SOON)
                .await;
            assert!(told.contains(r#""progressToken":"mine""#), "{told}");
        }
        assert_eq!(text_of(&client.wait_response(short, SOON).await), "slept");
        let long = client.request("tools/call", Some(&call(60_000))).await;
        client
            .next_notification("notifications/progress", SOON)
            .await;
        let params = json!({ "requestId": long, "reason": "enough" }).to_string();
        client
            .notify("notifications/cancelled", Some(&params))
            .await;
        wait::until("its server to hear of it", SOON, async || {
            let heard = client.call_tool("fx__received_cancels", "{}").await;
            text_of(&heard).contains("requestId").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn each_session_has_a_process_of_its_own_which_ends_with_it() {
    let worker = isolated().await;
    let fronts = fronts(&[&worker], &[("isolation", json!("session"))]).await;
    let mut all = BTreeSet::new();
    let mut clients = Vec::new();
    for front in &fronts {
        for _ in 0..3 {
            let client = client(front).await;
            let mut own = BTreeSet::new();
            for _ in 0..3 {
                let said = text_of(&client.call_tool(PID, "{}").await);
                let said: Value = serde_json::from_str(&said).expect("JSON");
                own.insert(said["pid"].as_u64().expect("a number"));
            }
            assert_eq!(own.len(), 1, "one for all its calls");
            assert!(all.is_disjoint(&own), "and nobody else's");
            all.extend(own);
            clients.push(client);
        }
    }
    for client in clients {
        client.leave().await;
    }
    let is_there = |pid: &u64| {
        worker
            .gateway
            .children()
            .iter()
            .any(|it| u64::from(it.pid) == *pid)
    };
    wait::until("their ends", SOON, async || {
        (!all.iter().any(is_there)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_server_asks_reaches_the_client_whose_call_it_is() {
    const SAMPLING: &str = "sampling/createMessage";
    let worker = isolated().await;
    for front in fronts(&[&worker], &[("isolation", json!("session"))]).await {
        let clients = [
            Streamable::client(front.addr()).await,
            Streamable::client(front.addr()).await,
        ];
        for client in &clients {
            client
                .initialize_with("2025-11-25", r#"{"sampling":{}}"#)
                .await;
        }
        for (at, client) in clients.iter().enumerate() {
            let ask = format!(
                r#"{{"name":"own__ask","arguments":{{"method":"{SAMPLING}","params":{{"messages":[],"maxTokens":{at}}},"id":7}}}}"#
            );
            let call = client.request("tools/call", Some(&ask)).await;
            let asked = client.next_notification(SAMPLING, SOON).await;
            assert!(asked.contains(&format!(r#""maxTokens":{at}"#)), "{asked}");
            client
                .respond(&asked, r#""result":{"role":"assistant","n":1.10}"#)
                .await;
            let got = text_of(&client.wait_response(call, SOON).await);
            assert!(got.contains(r#""n":1.10"#), "{got}");
        }
    }
}
