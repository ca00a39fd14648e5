//! The life of a session: its id is signed, outlives the gateway, and ends only by DELETE.

use super::{LATEST, SOON, UNPRIMED, begin_sleep, cancelled, kept, open, start_again};
use crate::support::client::StreamableClient;
use crate::support::gateway::Gateway;
use crate::support::servers::{text_of, tool_names};
use crate::support::streamable::Endpoint;
use crate::support::wait;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

#[tokio::test]
async fn a_deleted_session_is_unknown() {
    let (gateway, endpoint) = open(LATEST).await;
    let other = Endpoint::initialized(gateway.addr(), LATEST).await;
    assert_ne!(endpoint.session, other.session);
    assert_eq!(endpoint.delete().await.status, 200);
    assert_eq!(endpoint.post(PING).await.status(), 404);
    for method in ["GET", "DELETE"] {
        assert_eq!(
            endpoint.request(method, &[]).await.status(),
            404,
            "{method}"
        );
    }
    other.post(PING).await.json();
}

#[tokio::test]
async fn a_deleted_session_cancels_what_it_had_asked_for() {
    let (gateway, endpoint) = open(LATEST).await;
    let other = Endpoint::initialized(gateway.addr(), LATEST).await;
    let mut stream = begin_sleep(&endpoint, 1, 60_000, 600)
        .await
        .reply()
        .await
        .stream();
    stream.expect().await;
    assert_eq!(endpoint.delete().await.status, 200);
    cancelled(&other, 1).await;
    while stream.message().await.is_some() {}
}

#[tokio::test]
async fn a_forged_id_is_unknown() {
    let (_gateway, endpoint) = open(LATEST).await;
    let id = endpoint.session.clone().expect("a session");
    let last = id.len() - 1;
    let mut changed: Vec<String> = [0, 1, id.len() / 3, id.len() / 2, last]
        .into_iter()
        .map(|place| {
            let mut bytes = id.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'z' } else { b'A' };
            String::from_utf8(bytes).expect("ASCII")
        })
        .collect();
    changed.extend([id[..last].to_owned(), format!("{id}A"), format!("{id}{id}")]);
    for forged in changed {
        let other = Endpoint {
            session: Some(forged.clone()),
            ..endpoint.clone()
        };
        assert_eq!(other.post(PING).await.status(), 404, "{forged}");
    }
    endpoint.post(PING).await.json();
}

#[tokio::test]
async fn a_session_goes_on_after_the_gateway_was_killed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(kept(home.path())).await;
    let mut endpoint = Endpoint::initialized(gateway.addr(), UNPRIMED).await;
    let before = endpoint.post(LIST).await.json();
    let gateway = start_again(gateway, home.path()).await;
    endpoint.addr = gateway.addr();
    // No handshake: as if nothing had been.
    let after = endpoint.post(LIST).await.json();
    assert_eq!(tool_names(&after), tool_names(&before));
    let answer = endpoint.call_tool("fx__echo", r#"{"text":"again"}"#).await;
    assert_eq!(text_of(&answer), "again");
    // The revision is the one that was agreed on: no priming, no batches.
    let mut stream = begin_sleep(&endpoint, 1, 50, 1)
        .await
        .reply()
        .await
        .stream();
    stream.expect().await;
    assert_eq!(endpoint.post("[]").await.status(), 400);
    let mut general = endpoint.listen().await;
    endpoint
        .call_tool("fx__set_tools", r#"{"names":["new"]}"#)
        .await;
    general.expect().await;
    assert_eq!(endpoint.delete().await.status, 200);
    assert_eq!(endpoint.post(PING).await.status(), 404);
}

#[tokio::test]
async fn a_client_in_the_middle_of_its_work_goes_on_after_the_gateway_was_killed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(kept(home.path())).await;
    let mut client = StreamableClient::of(
        gateway.addr(),
        &support::client::StreamableOptions::default(),
    );
    client.initialize().await;
    for round in 0..2 {
        let text = format!(r#"{{"text":"round {round}"}}"#);
        let answer = client.call_tool("fx__echo", &text).await;
        assert_eq!(text_of(&answer), format!("round {round}"));
    }
    let gateway = start_again(gateway, home.path()).await;
    client.move_to(gateway.addr()).await;
    let calls = (0..20).map(|_| client.call_tool("fx__echo", r#"{"text":"on"}"#));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(text_of(&answer), "on");
    }
    client
        .call_tool("fx__set_tools", r#"{"names":["new"]}"#)
        .await;
    client
        .next_notification("notifications/tools/list_changed", SOON)
        .await;
}

#[tokio::test]
async fn an_id_of_another_gateway_is_unknown() {
    let (_gateway, endpoint) = open(LATEST).await;
    let (stranger, _) = open(LATEST).await;
    let foreign = Endpoint {
        addr: stranger.addr(),
        ..endpoint
    };
    assert_eq!(foreign.post(PING).await.status(), 404);
}

#[tokio::test]
async fn what_signs_the_ids_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let (gateway, endpoint) = open(LATEST).await;
    let key = gateway.state_dir().join("session.key");
    let mode = wait::until("the key", SOON, async || {
        Some(std::fs::metadata(&key).ok()?.permissions().mode())
    })
    .await;
    assert_eq!(mode & 0o777, 0o600);
    let id = endpoint.session.expect("a session");
    let said = gateway.logs().join("\n");
    assert!(
        !said.contains(&id),
        "an id in the log is as good as its session"
    );
}
