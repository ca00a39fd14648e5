//! The addresses that MetaMCP's clients already have reach the same gateway.

use super::{LATEST, SOON};
use crate::support::client::{SseClient, SseOptions};
use crate::support::http;
use crate::support::servers::{fixture, gateway, text_of};
use crate::support::streamable::Endpoint;

const HI: &str = r#"{"text":"hi"}"#;

#[tokio::test]
async fn streamable_http_is_served_under_any_namespace() {
    let gateway = gateway(&[fixture("fx", &[])]).await;
    for path in [
        "/metamcp/x/mcp",
        "/metamcp/my-tools_2/mcp",
        "/mcp?api_key=1",
        "/sse",
        "/metamcp/x/sse",
    ] {
        let mut endpoint = Endpoint::at(gateway.addr(), path);
        endpoint.initialize(LATEST, "{}").await;
        let answer = endpoint.call_tool("fx__echo", HI).await;
        assert_eq!(text_of(&answer), "hi", "{path}");
        // It is one session, wherever it is asked for.
        endpoint.path = "/mcp".to_owned();
        let answer = endpoint.call_tool("fx__echo", HI).await;
        assert_eq!(text_of(&answer), "hi", "{path}");
        assert_eq!(endpoint.delete().await.status, 200);
    }
}

#[tokio::test]
async fn sse_is_served_under_any_namespace() {
    let gateway = gateway(&[fixture("fx", &[])]).await;
    let options = SseOptions {
        path: "/metamcp/x/sse",
        ..SseOptions::default()
    };
    let client = SseClient::connect_with(gateway.addr(), &options).await;
    client.initialize().await;
    let answer = client.call_tool("fx__echo", HI).await;
    assert_eq!(text_of(&answer), "hi");
    let (_, query) = client.endpoint().split_once('?').expect("a session");
    for path in ["/messages", "/metamcp/x/message", "/metamcp/x/messages"] {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":"{path}","method":"ping"}}"#);
        let headers = [("content-type", "application/json")];
        let target = format!("{path}?{query}");
        let response =
            http::request(gateway.addr(), "POST", &target, &headers, ping.as_bytes()).await;
        assert_eq!(response.status, 202, "{path}: {}", response.text());
        client.wait_raw_response(&format!("\"{path}\""), SOON).await;
    }
}

#[tokio::test]
async fn nothing_else_is_below() {
    let gateway = gateway(&[fixture("fx", &[])]).await;
    for path in [
        "/metamcp",
        "/metamcp/x",
        "/metamcp/x/y/mcp",
        "/metamcp//mcp",
    ] {
        let response = http::get(gateway.addr(), path).await;
        assert_eq!(response.status, 404, "{path}");
    }
}
