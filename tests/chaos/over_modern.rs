//! A steady client without a session (MCP 2026-07-28): every request says who asks, and what takes a call
//! back is the end of its connection. Half of them listen all the time.

#![cfg(test)]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time;

use crate::ledger::Outcome;
use crate::over_http::post;
use crate::steady::{Client, Draft, LANES};
use crate::support::http::Connection;
use crate::support::modern::VERSION;
use crate::support::streamable::Endpoint;

/// Between two attempts to listen.
const AGAIN: Duration = Duration::from_millis(20);

/// Calls until no new calls are wanted and all that were sent are settled.
pub(crate) async fn run(client: &Client) {
    let lane = |lane| async move {
        let mut connection = None;
        let send = async |draft: &Draft| {
            let called = exchange(client, &mut connection, draft);
            if draft.cancel.is_none() {
                return client.give_up(draft.id, Outcome::Lost(called.await));
            }
            // Its connection is closed when it was begun, or nothing was heard of it for long.
            let (why, is_begun) = tokio::select! {
                why = called => (why, false),
                is_begun = client.is_begun(draft.id) => ("closed".to_owned(), is_begun),
            };
            if is_begun {
                client.stage.ledger.withdrawn((client.number, draft.id));
            }
            client.give_up(draft.id, Outcome::Lost(why));
        };
        client.lane(lane, send).await;
    };
    let lanes: [_; LANES] = std::array::from_fn(lane);
    let listening = async {
        loop {
            if client.number.is_multiple_of(2) {
                listen(client).await;
            }
            time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        _ = futures_util::future::join_all(lanes) => {}
        () = listening => {}
    }
}

/// Posts a call and takes all that comes back; why no answer is to come any more.
async fn exchange(client: &Client, connection: &mut Option<Connection>, draft: &Draft) -> String {
    let (name, line) = modern(&draft.json);
    let headers = [
        ("mcp-protocol-version", VERSION),
        ("mcp-method", "tools/call"),
        ("mcp-name", &name),
    ];
    let endpoint = Endpoint::new(client.stage.addr);
    let head = endpoint.post_head(&headers);
    let posted = post((&endpoint, &head), connection, &line, |message| {
        client.take(message);
    });
    match posted.await {
        Ok((head, _)) if head.status == 200 => "ended without an answer".to_owned(),
        Ok((head, body)) => {
            let said = body.iter().map(|raw| String::from_utf8_lossy(raw));
            format!("HTTP {}: {:?}", head.status, said.collect::<Vec<_>>())
        }
        Err(why) => why,
    }
}

/// The tool of a call, and the call as who has no session says it.
fn modern(line: &str) -> (String, String) {
    let mut call: Value = serde_json::from_str(line).expect("it is ours");
    let name = call.pointer("/params/name").and_then(Value::as_str);
    let name = name.expect("it has one").to_owned();
    let meta = call.pointer_mut("/params/_meta").expect("it has one");
    let meta = meta.as_object_mut().expect("it is ours");
    let own = |name: &str| format!("io.modelcontextprotocol/{name}");
    meta.insert(own("protocolVersion"), json!(VERSION));
    meta.insert(own("clientCapabilities"), json!({}));
    (name, call.to_string())
}

/// What it is told is nobody's affair: that it is told, is that of other tests.
async fn listen(client: &Client) {
    let method = "subscriptions/listen";
    let headers = [("mcp-protocol-version", VERSION), ("mcp-method", method)];
    let line = json!({
        "jsonrpc": "2.0", "id": client.number, "method": method,
        "params": {
            "notifications": { "toolsListChanged": true },
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": VERSION,
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    });
    let endpoint = Endpoint::new(client.stage.addr);
    let head = endpoint.post_head(&headers);
    drop(post((&endpoint, &head), &mut None, &line.to_string(), |_| ()).await);
}
