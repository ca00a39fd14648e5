//! No header of a client reaches a server, over either transport: not its token, not its cookies.

use std::fs;

use serde_json::json;

use super::{SOON, TOKEN, bearer};
use crate::support::client::{SseClient, SseOptions};
use crate::support::gateway::{Gateway, GatewayOptions, fixture_server};
use crate::support::servers::{configuration, text_of};
use crate::support::streamable::{Endpoint, call_tool, initialize};
use crate::support::wait;

const CANARY: &str = "c4n4ry-1n-4-h34d3r";

#[tokio::test]
async fn servers_get_no_header() {
    let home = tempfile::tempdir().expect("a directory");
    let record = home.path().join("stdin");
    let args = json!(["-c", r#"tee "$0" | "$1""#, record, fixture_server()]);
    let config = configuration(&[json!({ "name": "fx", "command": "sh", "args": args })]);
    let options = GatewayOptions::new(config).env("MCPROXY_TOKEN", TOKEN);
    let gateway = Gateway::start(options).await;
    gateway.wait_for_log("Server 'fx' started", SOON).await;

    let (bearer, cookie) = (bearer(TOKEN), format!("session={CANARY}"));
    let odd = [
        ("authorization", &*bearer),
        ("cookie", &cookie),
        ("x-odd", CANARY),
        ("x-forwarded-for", CANARY),
        ("user-agent", CANARY),
        ("traceparent", CANARY),
        ("mcp-name", CANARY),
    ];
    let options = SseOptions {
        headers: &odd,
        ..SseOptions::default()
    };
    let sse = SseClient::connect_with(gateway.addr(), &options).await;
    sse.initialize().await;
    sse.call_tool("fx__echo", r#"{"text":"FIRST"}"#).await;
    let environment = text_of(&sse.call_tool("fx__env", "{}").await);

    let mut mcp = Endpoint::new(gateway.addr());
    let opened = mcp
        .post_with(&odd, &initialize(1, "2025-11-25", "{}"))
        .await;
    mcp.session = opened.head().header("mcp-session-id").map(str::to_owned);
    opened.json();
    let call = call_tool(2, "fx__echo", r#"{"text":"SECOND"}"#);
    mcp.post_with(&odd, &call).await.message().await;

    let received = wait::until("both calls", SOON, async || {
        let text = fs::read_to_string(&record).ok()?;
        (text.contains("FIRST") && text.contains("SECOND")).then_some(text)
    })
    .await;
    let session = mcp.session.expect("it has one");
    for secret in [CANARY, TOKEN, &session] {
        assert!(!received.contains(secret), "{received}");
        assert!(!environment.contains(secret), "{environment}");
    }
}
