//! `subscriptions/listen`: acknowledged first, under its own id, with what was wished and is there; it lives through
//! the death of the server, and is ended with a result.

use nix::sys::signal::Signal;
use serde_json::json;

use super::{SOON, member, open};
use crate::support::gateway::Gateway;
use crate::support::modern::ModernClient;
use crate::support::proc;
use crate::support::streamable::EventStream;
use crate::support::wait;

const ID: &str = "/params/_meta/io.modelcontextprotocol~1subscriptionId";

async fn next(stream: &mut EventStream) -> String {
    stream.expect().await.data
}

async fn update(client: &ModernClient) -> String {
    client
        .call_tool("fx__update", r#"{"uri":"fx://text/0"}"#)
        .await
}

/// Waits until the server has somebody to tell of the resource, and has told.
async fn is_told(client: &ModernClient) {
    wait::until("a subscription at the server", SOON, async || {
        update(client).await.contains("sent").then_some(())
    })
    .await;
}

#[tokio::test]
async fn each_hears_what_it_wished_under_its_own_id() {
    for flags in [&[][..], &["--era=modern"]] {
        let (_gateway, client) = open(flags, &json!({})).await;
        let tools = r#"{"toolsListChanged":true}"#;
        let text = r#"{"promptsListChanged":true,"resourceSubscriptions":["fx://text/0"]}"#;
        let mut first = client.listen(r#""1""#, tools).await;
        let mut second = client.listen("1", text).await;
        for (stream, id, granted) in [
            (&mut first, json!("1"), tools),
            (&mut second, json!(1), text),
        ] {
            let said = next(stream).await;
            assert_eq!(
                member(&said, "/method"),
                "notifications/subscriptions/acknowledged"
            );
            assert_eq!(member(&said, ID), id);
            let granted: serde_json::Value = serde_json::from_str(granted).expect("JSON");
            assert_eq!(member(&said, "/params/notifications"), granted);
        }
        client
            .call_tool("fx__set_tools", r#"{"names":["new"]}"#)
            .await;
        let said = next(&mut first).await;
        assert_eq!(member(&said, "/method"), "notifications/tools/list_changed");
        assert_eq!(member(&said, ID), "1");
        // Had the second been told of the tools, it would have been before this.
        is_told(&client).await;
        let said = next(&mut second).await;
        assert_eq!(member(&said, "/method"), "notifications/resources/updated");
        assert_eq!(member(&said, "/params/uri"), "fx://text/0");
        assert_eq!(member(&said, ID), 1);
    }
}

#[tokio::test]
async fn a_subscription_lives_through_the_death_of_its_server() {
    for flags in [&[][..], &["--era=modern"]] {
        let (gateway, client) = open(flags, &json!({})).await;
        let wish = r#"{"resourceSubscriptions":["fx://text/0"]}"#;
        let mut stream = client.listen("7", wish).await;
        next(&mut stream).await;
        let mark = gateway.log_mark();
        let server = gateway.child("fixture-server").expect("it runs");
        assert!(proc::send(server.pid, Signal::SIGKILL), "it runs");
        gateway
            .wait_for_log_after(mark, "Server 'fx' started", SOON)
            .await;
        // One that nobody made: something may have changed meanwhile.
        let said = next(&mut stream).await;
        assert_eq!(member(&said, "/method"), "notifications/resources/updated");
        is_told(&client).await;
        let said = next(&mut stream).await;
        assert_eq!(member(&said, "/params/uri"), "fx://text/0");
    }
}

#[tokio::test]
async fn a_stop_ends_it_with_a_result() {
    let (gateway, client) = open(&[], &json!({})).await;
    let mut stream = client
        .listen(r#""l""#, r#"{"toolsListChanged":true}"#)
        .await;
    next(&mut stream).await;
    gateway.signal(Signal::SIGTERM);
    let said = next(&mut stream).await;
    assert_eq!(
        (member(&said, "/id"), member(&said, "/result/resultType")),
        (json!("l"), json!("complete"))
    );
    let id = member(
        &said,
        "/result/_meta/io.modelcontextprotocol~1subscriptionId",
    );
    assert_eq!(id, "l");
    assert!(stream.message().await.is_none());
    ended(gateway).await;
}

async fn ended(mut gateway: Gateway) {
    let status = gateway.wait_exit(SOON).await;
    assert!(status.success(), "{status}");
}
