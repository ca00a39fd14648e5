//! Which process serves which session, and since when.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::Value;

use super::{ALL, SOON, isolated, pid, processes, shared, state};
use crate::support::both::{join, join_with, serve};
use crate::support::client::{SseClient, StreamableClient, Transport};
use crate::support::wait;

on_both_transports!(
    each_session_has_a_process_of_its_own,
    a_process_is_started_at_the_first_use,
    a_process_is_told_what_its_client_can_do,
    many_sessions_start_at_once,
);

async fn each_session_has_a_process_of_its_own<T: Transport>() {
    let (gateway, one) = serve::<T>(&[isolated("own", &[]), shared("all", &[])]).await;
    let two = join::<T>(&gateway).await;
    let first = [pid(&one, "own").await, pid(&two, "own").await];
    assert_ne!(first[0], first[1]);
    assert_eq!(pid(&one, "all").await, pid(&two, "all").await);
    // And keeps it.
    let again = [pid(&one, "own").await, pid(&two, "own").await];
    assert_eq!(again, first);
    let all: Vec<u32> = processes(&gateway, "own").iter().map(|p| p.pid).collect();
    assert_eq!(all.len(), 3, "one for each, and the template: {all:?}");
    assert!(first.iter().all(|pid| all.contains(pid)));
    assert_eq!(processes(&gateway, "all").len(), 1);
}

async fn a_process_is_started_at_the_first_use<T: Transport>() {
    let (gateway, client) = serve::<T>(&[isolated("own", &[])]).await;
    // Lists are the template's; nothing has been used.
    for method in ["prompts/list", "resources/list", "ping"] {
        client.call(method, None, SOON).await;
    }
    assert_eq!(processes(&gateway, "own").len(), 1);
    let read = r#"{"uri":"fx://text/0"}"#;
    let answer = client.call("resources/read", Some(read), SOON).await;
    assert!(answer.contains("(own) fx://text/0"), "{answer}");
    assert_eq!(processes(&gateway, "own").len(), 2);
}

async fn a_process_is_told_what_its_client_can_do<T: Transport>() {
    let (gateway, plain) = serve::<T>(&[isolated("own", &[]), shared("all", &[])]).await;
    let able = join_with::<T>(&gateway, ALL).await;
    let declared =
        async |client, server| state(client, server).await["initialize"]["capabilities"].clone();
    let told = declared(&able, "own").await;
    assert!(told["sampling"].is_object(), "{told}");
    assert_eq!(
        told["elicitation"],
        serde_json::json!({ "form": {}, "url": {} })
    );
    assert_eq!(told["roots"]["listChanged"], true);
    for (client, server) in [(&plain, "own"), (&plain, "all"), (&able, "all")] {
        let told = declared(client, server).await;
        for capability in ["sampling", "elicitation", "roots"] {
            assert_eq!(told.get(capability), None, "{server}: {told}");
        }
    }
}

async fn many_sessions_start_at_once<T: Transport>() {
    let (gateway, first) = serve::<T>(&[isolated("own", &[])]).await;
    let clients = join_all((0..8).map(|_| join::<T>(&gateway))).await;
    // Several calls each, before anything runs.
    let pids = clients.iter().map(async |client| {
        let calls = (0..4).map(|_| pid(client, "own"));
        let pids: HashSet<u32> = join_all(calls).await.into_iter().collect();
        assert_eq!(pids.len(), 1, "{pids:?}");
        pids.into_iter().next().expect("one")
    });
    let pids: HashSet<u32> = join_all(pids).await.into_iter().collect();
    assert_eq!(pids.len(), 8);
    for client in clients {
        client.leave().await;
    }
    wait::until("their ends", SOON, async || {
        (processes(&gateway, "own").len() == 1).then_some(())
    })
    .await;
    assert!(!pids.contains(&pid(&first, "own").await));
}

#[tokio::test]
async fn both_transports_at_the_same_time_are_kept_apart() {
    let (gateway, sse) = serve::<support::client::Sse>(&[isolated("own", &[])]).await;
    let http: StreamableClient = join_with(&gateway, ALL).await;
    let other: SseClient = join(&gateway).await;
    let mut pids = [
        pid(&sse, "own").await,
        pid(&http, "own").await,
        pid(&other, "own").await,
    ];
    pids.sort_unstable();
    assert!(pids.windows(2).all(|two| two[0] != two[1]), "{pids:?}");
    let told: Value = state(&sse, "own").await;
    assert_eq!(told["initialize"]["capabilities"].get("sampling"), None);
}
