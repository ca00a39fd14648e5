//! An instance of one session, as an actor: what it offers and asks goes to its owner.

use std::time::Duration;

use super::actor::{READY, SOON, Stage};
use super::{Desk, Heard, interest, owner, spec};
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::mcp::logging::Level;
use crate::testing;
use crate::tree::client::SessionEvent;
use crate::tree::root::RootMsg;

/// An instance that behaves like `script` once it is ready, and its owner, who has heard so.
async fn instance(script: &str) -> (Stage, Desk) {
    let mut desk = Desk::of(7, 8);
    let spec = spec(&format!("{READY}{script}"), SOON);
    let stage = Stage::of(spec, Some(owner(&desk, u16::MAX))).await;
    assert_eq!(desk.next().await, Heard::Offers(vec!["t".into()], Some(7)));
    (stage, desk)
}

#[tokio::test]
async fn what_it_offers_is_for_its_owner_and_not_for_the_registry() {
    let script = r#"
        echo '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
        read again
        echo '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"u","inputSchema":{"type":"object"}}]}}'
        cat >/dev/null
    "#;
    let (mut stage, mut desk) = instance(script).await;
    let ready = [
        stage.told.recv().await,
        stage.told.recv().await,
        stage.told.recv().await,
    ];
    assert!(matches!(
        ready,
        [
            Some(RootMsg::Spawned { .. }),
            Some(RootMsg::Initialized { .. }),
            Some(RootMsg::Ready { tools: 1, .. })
        ]
    ));
    let (root, _told) = testing::root().await;
    stage
        .handle
        .hello(testing::registry(&root, vec![testing::wanted("s")]).await);
    assert_eq!(desk.next().await, Heard::Offers(vec!["u".into()], Some(7)));
    stage.handle.stop(Duration::ZERO);
    while let Ok(routes) = stage.tables.try_recv() {
        assert!(routes.servers[&testing::name("s")].generation().is_none());
    }
    stage.ends().await;
    assert!(desk.hear().is_empty());
}

#[tokio::test]
async fn a_question_is_asked_and_its_answer_comes_back_as_it_is() {
    let script = r#"
        echo '{"jsonrpc":"2.0","id":"q","method":"roots/list"}'
        read answer; read told
        case "$answer" in *'"id":"q"'*'"result":{"x":1.10}'*) ;; *) exit 5;; esac
        case "$told" in *roots/list_changed*) ;; *) exit 6;; esac
        echo '{"jsonrpc":"2.0","id":8,"method":"sampling/createMessage","params":{}}'
        read call; read refusal
        case "$refusal" in *'"id":8'*'"error":'*) exit 7;; esac
    "#;
    let (stage, mut desk) = instance(script).await;
    let SessionEvent::ServerRequested(ask) = desk.next_event().await else {
        panic!("it asks");
    };
    assert_eq!((&*ask.request.method, ask.timeout), ("roots/list", SOON));
    assert_eq!(ask.upstream().session(), Some(7));
    ask.answer(Ok(br#"{"x":1.10}"#.as_slice().into()));
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
    stage.handle.notify(changed.into());
    let SessionEvent::ServerRequested(ask) = desk.next_event().await else {
        panic!("it asks again");
    };
    assert_eq!(*ask.id(), RequestId::from_number(8));
    let reply_token = desk.plain();
    stage.handle.call(reply_token);
    drop(ask);
    let heard = desk.next().await;
    assert!(
        matches!(&heard, Heard::Failed(1, text) if text.contains("exited with code 7")),
        "{heard:?}"
    );
    stage.ends().await;
}

#[tokio::test]
async fn a_session_that_wants_to_hear_more_says_so_through_the_handle() {
    let script = r#"
        read level
        case "$level" in *logging/setLevel*'"debug"'*) ;; *) exit 5;; esac
        echo '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"debug"}}'
        cat >/dev/null
    "#;
    let script = READY.replace(r#""tools":{}"#, r#""tools":{},"logging":{}"#) + script;
    let mut desk = Desk::of(7, 8);
    let mut stage = Stage::of(spec(&script, SOON), None).await;
    let ready = async { while !matches!(stage.told.recv().await, Some(RootMsg::Ready { .. })) {} };
    tokio::time::timeout(SOON, ready).await.unwrap();
    let wanted = interest(Some(Level::Debug), &[]);
    stage.handle.interested(7, desk.client(), wanted);
    let params = r#"{"logger":"s","level":"debug"}"#.to_owned();
    let heard = Heard::Logged(Some(Level::Debug), true, params);
    assert_eq!(desk.next().await, heard);
    stage.handle.stop(Duration::ZERO);
    stage.ends().await;
}

#[tokio::test]
async fn a_call_that_stdin_has_no_room_for_is_answered_at_once() {
    // Reads nothing more: the pipe fills up, and then the queue before it.
    let mut stage = Stage::of(spec(&format!("{READY} sleep 600"), SOON), None).await;
    let ready = async { while !matches!(stage.told.recv().await, Some(RootMsg::Ready { .. })) {} };
    tokio::time::timeout(SOON, ready).await.unwrap();
    let mut desk = Desk::new(100_000);
    let params = format!(r#"{{"name":"s__tool","x":"{}"}}"#, "x".repeat(60_000));
    let heard = loop {
        let reply_token = desk.reply_token(&params);
        stage.handle.call(reply_token);
        tokio::task::yield_now().await;
        if let Some(heard) = desk.hear().pop() {
            break heard;
        }
        assert!(desk.last_number < 50_000);
    };
    assert!(
        matches!(&heard, Heard::Failed(_, text) if text.contains("is busy")),
        "{heard:?}"
    );
    stage.handle.stop(Duration::ZERO);
    stage.ends().await;
}
