//! What all that is offered costs a model: instructions have shares of a budget, and the log and the status say
//! what the tools are.

use serde_json::{Value, json};

use super::SOON;
use crate::support::both::ready;
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::fixture;
use crate::support::{http, wait};

/// A server that says this of itself.
fn wordy(name: &str, words: usize) -> Value {
    let text = format!("{name}. ").repeat(words);
    fixture(name, &["--instructions", &text])
}

async fn instructions(gateway: &Gateway) -> String {
    let client = SseClient::connect(gateway.addr()).await;
    let answer: Value = serde_json::from_str(&client.initialize().await).expect("JSON");
    let told = answer["result"]["instructions"].as_str();
    told.unwrap_or_default().to_owned()
}

fn file(gateway: &Value, entries: &[Value]) -> String {
    json!({ "gateway": gateway, "servers": entries }).to_string()
}

#[tokio::test]
async fn instructions_share_a_budget_and_an_entry_says_its_own() {
    let mut own = wordy("own", 1000);
    own["instructions"] = json!("Mine.");
    let mut silent = wordy("silent", 1000);
    silent["instructions"] = json!(false);
    let entries = [
        wordy("short", 3),
        wordy("long", 1000),
        wordy("longer", 2000),
        own,
        silent,
    ];
    let gateway = Gateway::start(GatewayOptions::new(file(&json!({}), &entries))).await;
    ready(&gateway).await;
    let told = instructions(&gateway).await;
    assert!(
        told.len() <= 2048 && told.len() > 1900,
        "{}: {told}",
        told.len()
    );
    assert!(
        told.starts_with("[short]\nshort. short. short.\n\n[long]\nlong. "),
        "{told}"
    );
    assert!(
        told.contains("…\n\n[longer]\nlonger. ") && told.ends_with("\n\n[own]\nMine."),
        "{told}"
    );
    assert!(!told.contains("silent"));
    for server in ["long", "longer"] {
        let part = format!("Server '{server}' has instructions of");
        let line = gateway.wait_for_log(&part, SOON).await;
        assert!(
            line.contains("(instructions_budget)") && line.contains("WARN"),
            "{line}"
        );
    }
    let lines = gateway.logs();
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("'short' has instructions of"))
    );
    the_budget_is_changed(&gateway, &entries).await;
}

async fn the_budget_is_changed(gateway: &Gateway, entries: &[Value]) {
    let mark = gateway.log_mark();
    gateway.write_config(&file(&json!({ "instructions_budget": "64KiB" }), entries));
    gateway
        .wait_for_log_after(mark, "instructions_budget 2048 -> 65536", SOON)
        .await;
    wait::until("all of them", SOON, async || {
        (instructions(gateway).await.len() > 20_000).then_some(())
    })
    .await;
    let line = gateway
        .wait_for_log_after(mark, "bytes of instructions", SOON)
        .await;
    assert!(line.contains("more than 2048"), "{line}");
    // What can't be used changes nothing.
    let mark = gateway.log_mark();
    gateway.write_config(&file(&json!({ "instructions_budget": "much" }), entries));
    gateway
        .wait_for_log_after(mark, "'instructions_budget'", SOON)
        .await;
    assert!(instructions(gateway).await.len() > 20_000);
}

#[tokio::test]
async fn the_log_and_the_status_say_what_tools_cost() {
    let mut filtered = fixture("filtered", &["--tools=150"]);
    filtered["tools"] = json!({ "allow": ["echo"] });
    let entries = [fixture("many", &["--tools=150"]), filtered];
    let gateway = Gateway::start(GatewayOptions::new(file(&json!({}), &entries))).await;
    ready(&gateway).await;
    // Who is ready first may have been said alone.
    let line = gateway
        .wait_for_log("), filtered (1 tool, about", SOON)
        .await;
    assert!(
        line.contains("Clients are offered") && line.contains(": many ("),
        "{line}"
    );
    let line = gateway.wait_for_log("more than 128 tools", SOON).await;
    assert!(line.contains("WARN"), "{line}");
    let status = http::get(gateway.addr(), "/status").await;
    let status: Value = serde_json::from_slice(&status.body).expect("JSON");
    let server =
        |at: usize, member: &str| status["servers"][at][member].as_u64().expect("a number");
    assert!(server(0, "tools") > 150);
    assert_eq!(server(1, "tools"), 1);
    for at in [0, 1] {
        let (bytes, tokens) = (server(at, "tools_bytes"), server(at, "tools_tokens"));
        assert!(bytes > 50 && tokens == bytes / 4, "{status}");
    }
    let mark = gateway.log_mark();
    gateway.write_config(&file(&json!({}), &entries[1..]));
    gateway
        .wait_for_log_after(mark, "Clients are offered 1 tool, about", SOON)
        .await;
}
