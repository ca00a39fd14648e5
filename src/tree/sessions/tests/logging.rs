//! Log levels and messages: who is told the level, and who hears what.

use serde_json::json;

use super::{House, result, settle};
use crate::protocol::jsonrpc;
use crate::protocol::mcp::logging::Level;
use crate::testing::{name, offer};
use crate::tree::client::SessionEvent;

fn logged(level: Option<Level>, data: &str) -> SessionEvent {
    let params = json!({"data": data}).to_string();
    SessionEvent::Logged {
        server: name("s"),
        level,
        is_amplified: false,
        notification: jsonrpc::notification("notifications/message", Some(params.as_bytes())),
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_misses_messages_and_no_answers() {
    let house = House::of(&["s"]).await;
    let mut server = house.offering("s", 1, &offer(&["t"], &[])).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let reply_token = server.reply_token().await;
    let session = reply_token.client().clone();
    let large = "x".repeat(3 * 1024 * 1024);
    for _ in 0..9 {
        session.tell(logged(None, &large));
    }
    settle().await;
    reply_token.answer(result("{}"));
    settle().await;
    for _ in 0..3 {
        assert_eq!(client.next().await["method"], "notifications/message");
    }
    assert_eq!(client.next().await["id"], 1);
}
