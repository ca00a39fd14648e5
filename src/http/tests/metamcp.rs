//! The addresses that clients of MetaMCP have reach the same gateway.

use super::mcp_clients::{TAKES, initialize, request};
use super::*;

#[tokio::test]
async fn sse_goes_on_below_metamcp() {
    let server = Server::start().await;
    for path in ["/metamcp/team/sse", "/metamcp/my%20team/sse/"] {
        let (mut stream, endpoint) = server.open_sse_at(path).await;
        let (place, id) = endpoint.split_once("/message?sessionId=").unwrap();
        assert_eq!(format!("{place}/sse"), path.trim_end_matches('/'));
        // However it spells the address, the session is the same.
        for path in [
            endpoint.clone(),
            endpoint.replace("/message?", "/messages?"),
            format!("/metamcp/other/message?session_id={id}"),
            format!("/messages?session_id={id}"),
        ] {
            let accepted = server.post(&path, PING).await;
            assert_eq!((accepted.status, accepted.body.as_str()), (202, "Accepted"));
            stream.read_until(PONG).await;
        }
    }
}

#[tokio::test]
async fn a_proxys_prefix_comes_first() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let request =
        "GET /metamcp/team/sse HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Prefix: /p\r\n\r\n";
    stream.send(request).await;
    stream
        .read_until("data: /p/metamcp/team/message?sessionId=")
        .await;
}

#[tokio::test]
async fn streamable_http_is_below_metamcp_too() {
    let server = Server::start().await;
    let there = |text: String| text.replace(" /mcp ", " /metamcp/team/mcp ");
    let opened = request("POST", TAKES, &initialize("2025-11-25"));
    let opened = server.ask(&there(opened)).await;
    assert_eq!(opened.status, 200);
    let id = opened.header("mcp-session-id").unwrap();
    let headers = format!("{TAKES}Mcp-Session-Id: {id}\r\n");
    let ping = request("POST", &headers, PING);
    for ping in [ping.clone(), there(ping)] {
        assert_eq!(server.ask(&ping).await.body, PONG);
    }
}
