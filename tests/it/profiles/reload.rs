//! Profiles are edited while the gateway runs: no server is restarted for it, and those are told whose
//! lists have changed.

use super::*;
use crate::support::client::{SseClient, SseOptions};
use crate::support::modern::ModernClient;
use crate::support::wait;

async fn join(gateway: &Gateway, path: &str) -> SseClient {
    let options = SseOptions {
        path,
        ..SseOptions::default()
    };
    let client = SseClient::connect_with(gateway.addr(), &options).await;
    client.initialize().await;
    client.call("tools/list", None, SOON).await;
    client
}

async fn reload(gateway: &Gateway, profiles: &Value, more: &Value, said: &str) {
    let mark = gateway.log_mark();
    gateway.write_config(&file(profiles, more));
    gateway.wait_for_log_after(mark, said, SOON).await;
}

/// How often `tools/list_changed` was said.
fn told(client: &SseClient) -> usize {
    let said = client.notifications().into_iter();
    let is_it = |message: &String| message.contains("notifications/tools/list_changed");
    said.filter(is_it).count()
}

#[tokio::test]
async fn those_are_told_whose_lists_change_and_no_server_is_restarted() {
    let gateway = open(file(&two(), &json!({}))).await;
    let before: Vec<u32> = gateway.children().iter().map(|child| child.pid).collect();
    let (kids, office, all) = (
        join(&gateway, "/p/kids/sse").await,
        join(&gateway, "/metamcp/office/sse").await,
        join(&gateway, "/sse").await,
    );
    let modern = ModernClient::new(gateway.addr()).at("/p/kids/mcp");
    let mut listening = modern.listen("1", r#"{"toolsListChanged":true}"#).await;
    listening.expect().await;
    let mut profiles = two();
    profiles["kids"]["tools"]["deny"] = json!(["*__abort", "*__huge"]);
    reload(&gateway, &profiles, &json!({}), "reload: profiles: ").await;
    wait::until("the profile's client to be told", SOON, async || {
        (told(&kids) == 1).then_some(())
    })
    .await;
    assert!(listening.expect().await.data.contains("tools/list_changed"));
    let list = kids.call("tools/list", None, SOON).await;
    assert!(
        !tool_names(&list)
            .iter()
            .any(|name| name.ends_with("__huge"))
    );
    for other in [&office, &all] {
        other.call("ping", None, SOON).await;
        assert_eq!(told(other), 0);
    }
    let after: Vec<u32> = gateway.children().iter().map(|child| child.pid).collect();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_profile_that_is_gone_ends_its_sessions_and_one_that_is_wrong_stays() {
    let gateway = open(file(&two(), &json!({}))).await;
    let (kids, office) = (
        join(&gateway, "/p/kids/sse").await,
        join(&gateway, "/p/office/sse").await,
    );
    let mut streamable = Endpoint::at(gateway.addr(), "/p/kids/mcp");
    streamable.initialize("2025-11-25", "{}").await;

    let mut wrong = two();
    wrong["kids"]["servers"] = json!("play");
    reload(
        &gateway,
        &wrong,
        &json!({}),
        "Profile 'kids' can't be used and stays as it was",
    )
    .await;
    let list = kids.call("tools/list", None, SOON).await;
    assert_eq!(shown(&list), (vec!["play"], false));
    assert_eq!(streamable.post(&list_tools()).await.status(), 200);

    reload(
        &gateway,
        &json!({ "office": {} }),
        &json!({}),
        "reload: profiles: office",
    )
    .await;
    wait::until("its stream to end", SOON, async || kids.ended()).await;
    assert_eq!(streamable.post(&list_tools()).await.status(), 404);
    let list = office.call("tools/list", None, SOON).await;
    assert_eq!(shown(&list).0, ["office", "play"], "the other's grew");

    // A default profile is shown where everything was.
    let all = join(&gateway, "/sse").await;
    let more = json!({ "default_profile": "kids" });
    reload(&gateway, &two(), &more, "/mcp and /sse show profile 'kids'").await;
    wait::until("the stream of everything to end", SOON, async || {
        all.ended()
    })
    .await;
    let kids = join(&gateway, "/sse").await;
    let list = kids.call("tools/list", None, SOON).await;
    assert_eq!(shown(&list), (vec!["play"], false));
}

fn list_tools() -> String {
    r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#.to_owned()
}

#[tokio::test]
async fn a_start_with_a_wrong_profile_hides_it() {
    let mut wrong = two();
    wrong["kids"]["tols"] = json!({ "deny": ["*"] });
    let gateway = open(file(&wrong, &json!({ "default_profile": "kids" }))).await;
    let line = gateway.wait_for_log("[ERROR]", SOON).await;
    assert!(
        line.contains("'tols'") && line.contains("did you mean 'tools'"),
        "{line}"
    );
    gateway
        .wait_for_log(
            "Profile 'kids' can't be used: its addresses answer 404",
            SOON,
        )
        .await;
    for (path, expected) in [("/p/kids/mcp", 404), ("/mcp", 404), ("/p/office/mcp", 200)] {
        let hello = initialize(1, "2025-11-25", "{}");
        let reply = Endpoint::at(gateway.addr(), path).post(&hello).await;
        assert_eq!(reply.status(), expected, "{path}");
    }
    let mark = gateway.log_mark();
    gateway.write_config(&file(&two(), &json!({ "default_profile": "kids" })));
    gateway
        .wait_for_log_after(mark, "reload: profiles: kids, office", SOON)
        .await;
    let hello = initialize(1, "2025-11-25", "{}");
    let reply = Endpoint::new(gateway.addr()).post(&hello).await;
    assert_eq!(reply.status(), 200);
}
