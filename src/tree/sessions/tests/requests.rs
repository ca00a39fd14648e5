//! What a session answers by itself.

use std::time::Duration;

use ractor::Actor;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{House, settle, testing, tool_names};
use crate::tree::call::CallError;
use crate::tree::registry::{Catalogue, Registry, RegistryArgs, RegistryHandle, Store};

#[tokio::test(start_paused = true)]
async fn initialize_waits_for_the_first_table_and_tells_what_servers_advise() {
    let house = House::of(&["s", "slow"]).await;
    let advice = Catalogue {
        instructions: Some("be kind".to_owned()),
        ..Catalogue::default()
    };
    let _server = house.offering("s", 1, &std::sync::Arc::new(advice)).await;
    let mut client = house.client().await;
    client.asks(1, "initialize", json!({"protocolVersion": "2025-06-18"}));
    client.tells("notifications/cancelled", &json!({"requestId": 1}));
    let answer = client.next().await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(answer["result"]["instructions"], "[s]\nbe kind");
    // A session that could not join a registry yet.
    let args = RegistryArgs {
        last: None,
        store: Store::nowhere(),
        root: testing::listener().0,
        latch_opens: Instant::now(),
    };
    let (dead, _) = Actor::spawn(None, Registry, args).await.unwrap();
    dead.stop_and_wait(None, None).await.unwrap();
    house.sessions.hello(RegistryHandle::new(dead));
    let mut client = house.client().await;
    client.asks(2, "initialize", json!({}));
    client.hears_nothing().await;
    house.sessions.hello(house.registry.clone());
    let answer = client.next().await;
    assert_eq!(answer["result"]["instructions"], "[s]\nbe kind");
}

#[tokio::test(start_paused = true)]
async fn the_boot_latch_opens_by_time() {
    let house = House::of(&["never"]).await;
    let mut client = house.client().await;
    client.asks(1, "tools/list", Value::Null);
    client.hears_nothing_for(Duration::from_secs(9)).await;
    assert!(tool_names(&client.next().await).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_is_unknown() {
    let house = House::of(&[]).await;
    let client = house.client().await;
    let (id, session) = (client.id.clone(), client.session.clone());
    drop(client);
    settle().await;
    let ping = jsonrpc_ping();
    assert_eq!(session.deliver(ping), Err(CallError::UnknownSession));
    let found = house.sessions.find(&id).await;
    assert_eq!(found.err(), Some(CallError::UnknownSession));
}

fn jsonrpc_ping() -> crate::protocol::jsonrpc::Message {
    let text = bytes::Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    crate::protocol::jsonrpc::decode(&text).unwrap()
}
