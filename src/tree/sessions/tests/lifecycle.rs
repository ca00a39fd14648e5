//! How sessions come and go, whatever ends them.

use ractor::ActorStatus;
use serde_json::Value;
use tokio::time::Instant;

use super::{House, result, settle, tool_names};
use crate::supervise::chaos::Chaos;
use crate::supervise::{Fault, Moment};
use crate::testing::{catalogue, registry_after, wanted};
use crate::tree::call::CallError;
use crate::tree::sessions::Stop;

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_leaves_nothing_behind() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let client = house.client().await;
    client.calls(1, "s__t");
    client.calls(2, "s__t");
    let (one, two) = (server.reply_token().await, server.reply_token().await);
    let id = client.id.clone();
    drop(client);
    let mut withdrawn = [server.cancelled().await, server.cancelled().await];
    withdrawn.sort();
    assert_eq!(
        withdrawn,
        [(one.call().number, None), (two.call().number, None)]
    );
    settle().await;
    assert!(house.sessions.find(&id).await.is_err());
    assert_eq!(house.ended(), 1);
    // A late answer meets nobody, and nothing comes of it.
    one.answer(result("{}"));
    two.close();
    assert_eq!(server.free(), 128);
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_sessions_and_room_again_when_one_has_gone() {
    let house = House::with(&[], crate::supervise::Plain, 2).await;
    let one = house.client().await;
    let two = house.client().await;
    assert_ne!(one.id, two.id);
    let refused = house.sessions.open_sse().await;
    assert!(matches!(refused, Err(CallError::Overloaded(_))));
    drop(one);
    settle().await;
    house.client().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_dies_takes_nobody_along() {
    for how in [Fault::Panic, Fault::Error, Fault::Kill] {
        let chaos = Chaos::default();
        let house = House::with(&["s"], chaos.clone(), 10).await;
        let mut server = house.server("s", 1, &["t"]).await;
        let (mut victim, mut other) = (house.client().await, house.client().await);
        victim.calls(1, "s__t");
        other.calls(1, "s__t");
        settle().await;
        let reply_tokens = [server.reply_token().await, server.reply_token().await];
        chaos.plan("session", Moment::Message, 0, how);
        victim.asks(2, "ping", Value::Null);
        assert_eq!(victim.next_or_end().await, None, "{how:?}: its stream ends");
        let (number, _) = server.cancelled().await;
        assert_eq!(number, 1, "{how:?}: its call is withdrawn");
        assert_eq!(chaos.pending(), 0);
        settle().await;
        assert!(house.sessions.find(&victim.id).await.is_err(), "{how:?}");
        for reply_token in reply_tokens {
            reply_token.answer(result("{}"));
        }
        assert_eq!(other.next().await["id"], 1, "{how:?}");
        assert_eq!(house.supervisor.get_status(), ActorStatus::Running);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_fails_before_it_began_does_not_count() {
    let chaos = Chaos::default();
    let mut house = House::with(&[], chaos.clone(), 1).await;
    for how in [Fault::Panic, Fault::Error] {
        chaos.plan("session", Moment::Start, 0, how);
        let opened = house.sessions.open_sse().await.unwrap();
        settle().await;
        assert_eq!(chaos.pending(), 0);
        drop(opened);
        settle().await;
    }
    let client = house.client().await;
    drop(client);
    chaos.plan("session", Moment::Start, 0, Fault::Error);
    settle().await;
    let _stillborn = house.sessions.open_sse().await.unwrap();
    settle().await;
    house.sessions.stop(Stop::Draining);
    settle().await;
    assert_eq!(house.are_calling(), Some(false), "nobody waits for it");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_supervisor_ends_its_sessions_and_withdraws_their_calls() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let (mut one, mut two) = (house.client().await, house.client().await);
    one.calls(1, "s__t");
    two.calls(1, "s__t");
    let _tickets = [server.reply_token().await, server.reply_token().await];
    house.supervisor.kill();
    assert_eq!(one.next_or_end().await, None);
    assert_eq!(two.next_or_end().await, None);
    server.cancelled().await;
    server.cancelled().await;
    assert_eq!(house.sessions.open_sse().await.err(), Some(CallError::Gone));
    assert_eq!(
        house.sessions.find(&one.id).await.err(),
        Some(CallError::Gone)
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_registry_is_joined_by_all_and_no_call_notices() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let reply_token = server.reply_token().await;
    client.asks(2, "tools/list", Value::Null);
    client.next().await;

    let mut last = None;
    while let Ok(message) = house.told.try_recv() {
        if let crate::tree::root::RootMsg::RoutesChanged(routes) = message {
            last = Some(routes);
        }
    }
    let (root, _told) = crate::testing::listener();
    let successor = registry_after(last, root).await;
    successor.wanted(vec![wanted("s")]);
    house.sessions.hello(successor.clone());
    settle().await;
    reply_token.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    client.calls(3, "s__t");
    server.reply_token().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 3);
    client
        .hears_nothing_for(std::time::Duration::from_secs(1))
        .await;

    // It is the new one that counts, for those who come later as well.
    successor.catalogue(&server.handle, Some(catalogue(&["u"])));
    assert_eq!(client.next().await["method"], super::LIST_CHANGED);
    let start = Instant::now();
    let mut late = house.client().await;
    late.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&late.next().await), ["s__u"]);
    assert!(start.elapsed().as_secs() < 1);
}
