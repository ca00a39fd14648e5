//! The suite knows no HTTP+SSE. This is what its scenario `dns-rebinding-protection` asks of `/mcp`,
//! asked of the event stream and of the address for messages: a page whose name was pointed at this
//! machine is refused with a 4xx, and who names this machine is served.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::client::{DEADLINE, SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Response};

/// The name that the suite uses.
const FOREIGN: &str = "evil.example.com";

/// Host and Origin as a browser sends them for a page of this name.
fn from_page(name: &str) -> [(&'static str, String); 2] {
    [
        ("host", name.to_owned()),
        ("origin", format!("http://{name}")),
    ]
}

async fn ask(addr: SocketAddr, request: (&str, &str), page: &str, body: &str) -> Response {
    let (method, path) = request;
    let page = from_page(page);
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    headers.extend(page.iter().map(|(name, value)| (*name, value.as_str())));
    http::request(addr, method, path, &headers, body.as_bytes()).await
}

fn initialize(id: u32) -> String {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "rebinding", "version": "1.0.0" },
    });
    json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": params }).to_string()
}

async fn start() -> Gateway {
    Gateway::start(GatewayOptions::new("[]")).await
}

#[tokio::test]
async fn a_rebound_name_gets_no_event_stream() {
    let gateway = start().await;
    let addr = gateway.addr();
    let refused = ask(addr, ("GET", "/sse"), FOREIGN, "").await;
    assert!((400..500).contains(&refused.status), "{refused:?}");
    let own = from_page(&addr.to_string());
    let headers = own.each_ref().map(|(name, value)| (*name, value.as_str()));
    let options = SseOptions {
        headers: &headers,
        ..SseOptions::default()
    };
    let client = SseClient::connect_with(addr, &options).await;
    assert_eq!(client.head().status, 200);
}

#[tokio::test]
async fn a_message_from_a_rebound_name_is_not_read() {
    let gateway = start().await;
    let addr = gateway.addr();
    let client = SseClient::connect(addr).await;
    let request = ("POST", client.endpoint());
    let refused = ask(addr, request, FOREIGN, &initialize(1)).await;
    assert!((400..500).contains(&refused.status), "{refused:?}");
    let own = addr.to_string();
    assert_eq!(ask(addr, request, &own, &initialize(2)).await.status, 202);
    let answer = client.wait_raw_response("2", DEADLINE).await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert!(answer["result"]["protocolVersion"].is_string(), "{answer}");
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(ask(addr, request, &own, initialized).await.status, 202);
    // Of the refused message nothing has come, and it would have come first.
    assert_eq!(client.unclaimed(), [""; 0]);
}
