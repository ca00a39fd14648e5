//! What a session answers by itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::{House, settle, tool_names};
use crate::tree::call::CallError;
use crate::tree::sessions::session::LIMIT;

#[tokio::test(start_paused = true)]
async fn initialize_answers_in_the_clients_revision_and_promises_list_changed() {
    let house = House::of(&[]).await;
    let mut client = house.client().await;
    for (asked, answered) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
    ] {
        client.asks(asked, "initialize", json!({"protocolVersion": asked}));
        let answer = client.next().await;
        assert_eq!(answer["id"], asked);
        assert_eq!(answer["result"]["protocolVersion"], answered);
        assert_eq!(
            answer["result"]["capabilities"]["tools"]["listChanged"],
            true
        );
    }
}

#[tokio::test(start_paused = true)]
async fn ping_is_answered_and_what_is_unknown_is_not_offered_and_the_session_lives_on() {
    let house = House::of(&["s"]).await;
    let mut client = house.client().await;
    client.asks(1, "server/discover", Value::Null);
    let answer = client.next().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(1), &json!(-32601))
    );
    client.asks("p", "ping", Value::Null);
    assert_eq!(
        client.next().await,
        json!({"jsonrpc": "2.0", "id": "p", "result": {}})
    );
}

#[tokio::test(start_paused = true)]
async fn a_reconnected_client_that_never_initialises_is_served() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&client.next().await), ["s__t"]);
    client.calls(2, "s__t");
    server.ticket().await.answer(super::result("{}"));
    assert_eq!(client.next().await["id"], 2);
}

#[tokio::test(start_paused = true)]
async fn lists_and_unknown_names_wait_for_the_boot_latch_and_no_longer() {
    let house = House::of(&["a", "b"]).await;
    let mut client = house.client().await;
    let _a = house.server("a", 1, &["t"]).await;
    client.asks(1, "tools/list", json!({}));
    client.calls(2, "b__t");
    client.calls(3, "nobody__t");
    client.hears_nothing_for(Duration::from_secs(5)).await;

    let mut b = house.server("b", 2, &["t"]).await;
    assert_eq!(tool_names(&client.next().await), ["a__t", "b__t"]);
    let unknown = client.next().await;
    assert_eq!(
        (&unknown["id"], &unknown["error"]["code"]),
        (&json!(3), &json!(-32602))
    );
    assert_eq!(unknown["error"]["message"], "Unknown tool: nobody__t");
    b.ticket().await.answer(super::result("{}"));
    assert_eq!(client.next().await["id"], 2);

    client.calls(4, "nobody__t");
    assert_eq!(client.next().await["error"]["code"], -32602);
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
async fn what_is_malformed_is_refused() {
    let house = House::of(&[]).await;
    let mut client = house.client().await;
    settle().await;
    client.asks(1, "tools/list", json!({"cursor": "x"}));
    client.asks(2, "tools/call", Value::Null);
    client.asks(3, "tools/call", json!({"nam": "x"}));
    client.asks(
        4,
        "tools/call",
        json!({"name": "x", "_meta": {"progressToken": {}}}),
    );
    for id in 1..=4 {
        let answer = client.next().await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(id), &json!(-32602))
        );
        let text = answer["error"]["message"].as_str().unwrap();
        assert!(id != 2 || text.ends_with("no 'name'"), "{text}");
    }
    // These get no answer, whatever they say.
    client.tells("notifications/initialized", &json!({}));
    client.tells("notifications/cancelled", &json!({"requestId": 99}));
    client.tells("notifications/cancelled", &json!([]));
    client.tells("notifications/unknown", &json!({}));
    client
        .posts(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}))
        .unwrap();
    client.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_has_so_many_requests_without_an_answer_and_pings_beside() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    settle().await;
    for id in 0..LIMIT {
        client.calls(id, "s__t");
    }
    client.calls("one more", "s__t");
    client.asks("list", "tools/list", Value::Null);
    for id in ["one more", "list"] {
        let answer = client.next().await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(id), &json!(-32003))
        );
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with("busy")
        );
    }
    client.asks("ping", "ping", Value::Null);
    assert_eq!(client.next().await["id"], "ping");

    server.ticket().await.answer(super::result("{}"));
    assert_eq!(client.next().await["id"], 0);
    client.calls("again", "s__t");
    for _ in 1..LIMIT {
        server.ticket().await.answer(super::result("{}"));
        client.next().await;
    }
    server.ticket().await.answer(super::result("{}"));
    assert_eq!(client.next().await["id"], "again");
    assert_eq!(server.free(), 128);
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
