//! All that goes through a gateway goes through one that asks another.

use serde_json::json;

use super::*;
use crate::support::servers::{fixture, text_of, tool_names};

/// A gateway with the fixture server, and one that asks it over this transport.
async fn two(path: &str, flags: &[&str], isolation: &str) -> (Gateway, Gateway) {
    let mut entry = fixture("fx", flags);
    entry["isolation"] = json!(isolation);
    let inner = servers::gateway(&[entry]).await;
    ready(&inner).await;
    let url = format!("http://{}{path}", inner.addr());
    let mut entry = json!({ "name": "far", "url": url, "isolation": isolation, "prefix": "" });
    if path == "/sse" {
        entry["type"] = json!("sse");
    }
    let outer = servers::gateway(&[entry]).await;
    ready(&outer).await;
    (inner, outer)
}

#[tokio::test]
async fn a_gateway_offers_what_another_one_does_over_both_transports() {
    for path in ["/mcp", "/sse"] {
        let (inner, outer) = two(path, &[], "shared").await;
        let (near, far) = (
            both::join::<Streamable>(&inner).await,
            both::join::<Streamable>(&outer).await,
        );
        let list = |client: Client<Streamable>| async move {
            let names = tool_names(&client.call("tools/list", None, SOON).await);
            (names, client)
        };
        let ((wanted, _near), (seen, far)) = (list(near).await, list(far).await);
        assert_eq!(seen, wanted, "{path}");
        let answer = far.call_tool("fx__echo", r#"{"text":"é \" there"}"#).await;
        assert_eq!(text_of(&answer), "é \" there", "{path}");
        let status = status(&outer, "far").await;
        assert_eq!(
            (&status["state"], &status["pid"]),
            (&json!("ready"), &Value::Null)
        );
        assert_eq!(outer.children().len(), 0, "nothing runs for it");
    }
}

#[tokio::test]
async fn a_large_answer_and_many_at_once_come_through() {
    let (_inner, outer) = two("/mcp", &[], "shared").await;
    let client = both::join::<Streamable>(&outer).await;
    let large = "x".repeat(900_000);
    let answer = client
        .call_tool("fx__echo", &json!({ "text": large }).to_string())
        .await;
    assert_eq!(text_of(&answer), large);
    let calls = (0..40).map(|n| {
        let client = &client;
        async move {
            let arguments = json!({ "text": n.to_string() }).to_string();
            assert_eq!(
                text_of(&client.call_tool("fx__echo", &arguments).await),
                n.to_string()
            );
        }
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn a_server_that_has_gone_is_waited_for_and_its_next_one_serves() {
    let (mut server, gateway, client) = far().await;
    assert_eq!(text_of(&call(&client, "one").await), "one");
    server.close().await;
    let (answer, ()) = tokio::join!(call(&client, "two"), async {
        gateway.wait_for_log("cannot be reached", SOON).await;
        server.open().await;
    });
    assert_eq!(text_of(&answer), "two", "it was parked, not lost");
    let calls = server.asked("tools/call");
    assert_eq!(calls.len(), 2);
}

const PROGRESS: &str = "notifications/progress";
const CHANGED: &str = "notifications/tools/list_changed";
const SAMPLING: &str = "sampling/createMessage";

#[tokio::test]
async fn progress_and_changed_lists_come_through() {
    for path in ["/mcp", "/sse"] {
        let (_inner, outer) = two(path, &[], "shared").await;
        let client = both::join::<Streamable>(&outer).await;
        let params = r#"{"_meta":{"progressToken":"p"},"name":"fx__sleep","arguments":{"ms":200,"steps":2}}"#;
        let id = client.request("tools/call", Some(params)).await;
        for step in ["step 1", "step 2"] {
            let told = client.next_notification(PROGRESS, SOON).await;
            assert!(
                told.contains(step) && told.contains(r#""progressToken":"p""#),
                "{told}"
            );
        }
        client.wait_response(id, SOON).await;
        client
            .call_tool("fx__set_tools", r#"{"names":["another"]}"#)
            .await;
        client.next_notification(CHANGED, SOON).await;
        wait::until("the new tool", SOON, async || {
            let names = tool_names(&client.call("tools/list", None, SOON).await);
            names.contains(&"fx__another".to_owned()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_question_reaches_the_client_and_its_answer_the_server() {
    for path in ["/mcp", "/sse"] {
        let (_inner, outer) = two(path, &["--offers"], "session").await;
        let client = both::join_with::<Streamable>(&outer, r#"{"sampling":{}}"#).await;
        let ask = format!(r#"{{"method":"{SAMPLING}","params":{{"x":1.0}}}}"#);
        let params = format!(r#"{{"name":"fx__ask","arguments":{ask}}}"#);
        let call = client.request("tools/call", Some(&params)).await;
        let request = client.next_notification(SAMPLING, SOON).await;
        assert!(request.contains(r#"{"x":1.0}"#), "{request}");
        client.respond(&request, r#""result":{"n":1.10}"#).await;
        let got = text_of(&client.wait_response(call, SOON).await);
        assert!(got.contains(r#""result":{"n":1.10}"#), "{got}");
    }
}

#[tokio::test]
async fn what_a_client_cancels_is_cancelled_at_the_other_gateway() {
    for protocol in ["legacy", "modern"] {
        let inner = servers::gateway(&[fixture("fx", &[])]).await;
        ready(&inner).await;
        let url = format!("http://{}/mcp", inner.addr());
        let entry = json!({ "name": "far", "url": url, "prefix": "", "protocol": protocol });
        let (outer, client) = gateway(entry).await;
        let params = r#"{"name":"fx__sleep","arguments":{"ms":60000}}"#;
        let id = client.request("tools/call", Some(params)).await;
        let in_flight = async |count: i64| {
            wait::until("the inner call", SOON, async || {
                let status = status(&inner, "fx").await;
                (status["calls_in_flight"] == count).then_some(())
            })
            .await;
        };
        in_flight(1).await;
        let cancelled = format!(r#"{{"requestId":{id}}}"#);
        client
            .notify("notifications/cancelled", Some(&cancelled))
            .await;
        in_flight(0).await;
        assert_eq!(
            text_of(&client.call_tool("fx__echo", r#"{"text":"on"}"#).await),
            "on"
        );
        drop(outer);
    }
}

#[tokio::test]
async fn a_server_that_sleeps_has_no_session_and_a_call_begins_another() {
    let server = RemoteServer::start().await;
    let mut entry = server.entry("far");
    entry["start"] = json!("on-demand");
    entry["idle_timeout"] = json!(0.3);
    let (gateway, client) = gateway(entry).await;
    for lives in 1..=2 {
        is(&gateway, "far", "asleep").await;
        let goodbyes = server.asked("").into_iter();
        let goodbyes = goodbyes.filter(|asked| asked.head.starts_with("DELETE"));
        assert_eq!(goodbyes.count(), lives);
        assert_eq!(server.asked("initialize").len(), lives);
        assert!(call(&client, "woken").await.contains("woken"));
    }
}
