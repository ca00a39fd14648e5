//! What all clients together may take, whatever each of them may.

use serde_json::json;

use super::{BUSY, MIB, Memory};
use crate::stage::Stage;
use crate::support::client::{DEADLINE, Sse};
use crate::support::servers::{error_code, fixture};
use crate::support::wait;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l32_max_subscriptions_bytes() {
    const EACH: usize = 100;
    let settings = json!({ "max_subscriptions_bytes": "64KiB" });
    let entries = [fixture("bad", &["--offers", "--resources", "200"])];
    let name = "max_subscriptions_bytes";
    let mut stage = Stage::with(name, &entries, &settings, |options| options).await;
    let memory = Memory::watch(&stage);
    let (mut granted, mut clients) = (0, Vec::new());
    for _ in 0..3 {
        let client = stage.client::<Sse>().await;
        for number in 0..EACH {
            let params = json!({ "uri": format!("fx://{number}") }).to_string();
            let asked = client.call("resources/subscribe", Some(&params), DEADLINE);
            let answer = asked.await;
            if answer.contains("error") {
                assert_eq!(error_code(&answer), BUSY, "{answer}");
            } else {
                granted += 1;
            }
        }
        clients.push(client);
    }
    stage.struck(format!(
        "{} subscriptions of 3 clients, {granted} granted",
        3 * EACH
    ));
    stage.holds("more than one client has some", granted > EACH);
    stage.at_most("subscriptions of all", &granted, &128);
    memory.at_most(&mut stage, 2 * MIB);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l33_max_instances() {
    let mut own = fixture("own", &["--offers"]);
    own["isolation"] = json!("session");
    let settings = json!({ "max_instances": 3 });
    let mut stage = Stage::with("max_instances", &[own], &settings, |options| options).await;
    let mut clients = Vec::new();
    let mut refused = 0;
    for number in 0..10 {
        let client = stage.client::<Sse>().await;
        let answer = client.call_tool("own__state", "{}").await;
        let is_refused = answer.contains("busy");
        assert_eq!(is_refused, number >= 3, "{answer}");
        refused += usize::from(is_refused);
        clients.push(client);
    }
    stage.struck(format!("10 sessions, {refused} are told \"busy\""));
    let last = clients.pop().expect("ten");
    clients.remove(0).close().await;
    wait::until("room for another", DEADLINE, async || {
        let answer = last.call_tool("own__state", "{}").await;
        (!answer.contains("busy")).then_some(())
    })
    .await;
    stage.holds("one that ends makes room", true);
    stage.close().await;
}
