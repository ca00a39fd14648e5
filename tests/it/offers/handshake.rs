//! The answer to `initialize`: the same capabilities whatever is configured, and the servers' instructions.

use serde_json::{Value, json};

use super::offering;
use crate::support::client::Transport;
use crate::support::gateway::Gateway;
use crate::support::servers::{fixture, gateway};

on_both_transports!(
    capabilities_are_the_same_whatever_is_there,
    instructions_are_joined_under_their_servers_names,
);

async fn handshake<T: Transport>(gateway: &Gateway) -> Value {
    let client = T::client(gateway.addr()).await;
    let answer: Value = serde_json::from_str(&client.initialize().await).expect("JSON");
    answer["result"].clone()
}

async fn capabilities_are_the_same_whatever_is_there<T: Transport>() {
    // What is added tomorrow works for the client of today.
    for servers in [vec![], vec![fixture("a", &[])], vec![offering("a", &[])]] {
        let gateway = gateway(&servers).await;
        let result = handshake::<T>(&gateway).await;
        let wanted = json!({
            "tools": { "listChanged": true },
            "prompts": { "listChanged": true },
            "resources": { "listChanged": true, "subscribe": true },
            "logging": {},
            "completions": {},
        });
        assert_eq!(result["capabilities"], wanted);
    }
}

async fn instructions_are_joined_under_their_servers_names<T: Transport>() {
    let servers = [
        offering("b", &["--instructions=First, read.\nThen write."]),
        offering("silent", &[]),
        offering("a", &["--instructions=Say \"please\"."]),
    ];
    let gateway = gateway(&servers).await;
    let client = T::client(gateway.addr()).await;
    client.initialize().await;
    client.call("tools/list", None, super::SOON).await; // all are ready
    let result = handshake::<T>(&gateway).await;
    let text = result["instructions"].as_str().expect("instructions");
    let at = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("no {part:?}: {text}"))
    };
    let places = ["b", "First, read.\nThen write.", "a", "Say \"please\"."];
    assert!(
        at(places[1]) < at(places[3]),
        "in the order of the configuration: {text}"
    );
    assert!(!text.contains("silent"), "{text}");
    let (first, _) = text.split_once(places[1]).expect("it is there");
    assert!(first.contains('b'), "{text}");
}
