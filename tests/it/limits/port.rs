//! The limits of requests, bodies and connections.

use serde_json::json;

use super::{SOON, gateway};
use crate::support::client::SseClient;
use crate::support::http::{self, Connection};
use crate::support::servers::error_code;
use crate::support::streamable::Endpoint;
use crate::support::wait;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn too_much_in_one_request_is_refused_with_its_status() {
    let limits = json!({
        "max_header_bytes": 2048, "max_body_bytes": "4KiB", "max_nesting_depth": 8, "max_batch_length": 2
    });
    let gateway = gateway(&limits, &[]).await;
    let headers = [("x-much", &*"x".repeat(3000))];
    let refused = http::request(gateway.addr(), "GET", "/healthz", &headers, b"").await;
    assert_eq!(refused.status, 431);

    let client = Endpoint::initialized(gateway.addr(), "2025-03-26").await;
    let long = format!("{PING}{}", " ".repeat(4096));
    let refused = client.post(&long).await.whole();
    assert_eq!((refused.status, error_code(&refused.text())), (413, -32600));
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}{}}}}}"#,
        "[".repeat(8),
        "]".repeat(8)
    );
    let refused = client.post(&deep).await.whole();
    assert_eq!(error_code(&refused.text()), -32600, "{}", refused.text());
    let refused = client
        .post(&format!("[{PING},{PING},{PING}]"))
        .await
        .whole();
    assert_eq!(error_code(&refused.text()), -32600, "{}", refused.text());

    let two = PING.replace(":1,", ":2,");
    let answers = client
        .post(&format!("[{PING},{two}]"))
        .await
        .message()
        .await;
    assert!(answers.contains("result"), "{answers}");
}

#[tokio::test]
async fn a_client_that_is_too_slow_is_not_waited_for() {
    let limits = json!({ "header_timeout": 0.3, "body_timeout": 0.3 });
    let gateway = gateway(&limits, &[]).await;
    let client = SseClient::connect(gateway.addr()).await;

    let mut silent = Connection::open(gateway.addr()).await.unwrap();
    silent.send(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    let closed = wait::within(|| "the end of it".to_owned(), SOON, async {
        Ok::<_, std::io::Error>(silent.head().await.map_or(408, |head| head.status))
    });
    assert_eq!(closed.await, 408);

    let json = ("content-type", "application/json");
    let head = http::request_head(gateway.addr(), "POST", client.endpoint(), &[json]);
    let mut stalled = Connection::open(gateway.addr()).await.unwrap();
    let start = format!("{head}content-length: 100\r\n\r\n{{");
    stalled.send(start.as_bytes()).await.unwrap();
    let reply = wait::within(|| "a reply".to_owned(), SOON, stalled.response()).await;
    assert_eq!(reply.status, 408);
    client.call("ping", None, SOON).await;
}

#[tokio::test]
async fn silent_streams_are_kept_alive_as_often_as_is_set() {
    let gateway = gateway(&json!({ "keepalive_interval": 0.1 }), &[]).await;
    let client = SseClient::connect(gateway.addr()).await;
    client.wait_comments(4, SOON).await;
}
