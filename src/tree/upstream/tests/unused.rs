//! A server that is started on demand, when nobody uses it: it says so once, and takes nothing from then on.

use std::time::Duration;

use tokio::time::timeout;

use super::actor::{READY, SOON, Stage};
use super::{Heard, interest, owner, spec};
use crate::config::model::ServerSpec;
use crate::tree::root::RootMsg;

/// Longer than it takes to say something to it.
const IDLE: Duration = Duration::from_millis(400);

fn sleeper(script: &str) -> ServerSpec {
    ServerSpec {
        idle_timeout: Some(IDLE),
        ..spec(&format!("{READY}{script}"), SOON)
    }
}

async fn stage(script: &str) -> Stage {
    let mut stage = Stage::of(sleeper(script), None).await;
    while !matches!(stage.told.recv().await, Some(RootMsg::Ready { .. })) {}
    stage
}

impl Stage {
    async fn is_unused(&mut self) {
        let told = timeout(SOON, self.told.recv()).await.unwrap();
        assert!(matches!(told, Some(RootMsg::Unused { .. })));
    }

    /// Nobody says that it is of no use for three times as long as it would be.
    async fn is_held(&mut self) {
        assert!(timeout(3 * IDLE, self.told.recv()).await.is_err());
    }
}

#[tokio::test]
async fn it_says_so_and_gives_back_what_comes_then() {
    let mut stage = stage("cat >/dev/null").await;
    stage.is_unused().await;
    stage.handle.call(stage.desk.plain());
    assert_eq!(stage.desk.next().await, Heard::Undelivered(1));
    stage.is_held().await;
    stage.handle.stop(SOON);
    stage.ends().await;
}

#[tokio::test]
async fn a_call_holds_it_and_what_comes_before_is_sent() {
    let script = r#"
        read call
        sleep 1.5
        echo '{"jsonrpc":"2.0","id":2,"result":{}}'
        cat >/dev/null
    "#;
    let mut stage = stage(script).await;
    stage.handle.call(stage.desk.plain());
    stage.is_held().await;
    assert!(matches!(stage.desk.next().await, Heard::Result(1, _)));
    stage.is_unused().await;
    stage.handle.stop(SOON);
    stage.ends().await;
}

#[tokio::test]
async fn who_wants_to_hear_of_a_resource_holds_it_and_a_level_does_not() {
    let mut stage = stage("cat >/dev/null").await;
    let client = stage.desk.client();
    let both = interest(Some(crate::protocol::mcp::logging::Level::Debug), &["a:1"]);
    stage.handle.interested(1, client.clone(), both);
    stage.is_held().await;
    let level = interest(Some(crate::protocol::mcp::logging::Level::Debug), &[]);
    stage.handle.interested(1, client, level);
    stage.is_unused().await;
    stage.handle.stop(SOON);
    stage.ends().await;
}

#[tokio::test]
async fn whoever_has_left_does_not_hold_it() {
    let mut stage = stage("cat >/dev/null").await;
    let client = stage.desk.client();
    let uri = interest(None, &["a:1"]);
    stage.handle.interested(1, client.clone(), uri.clone());
    stage.is_held().await;
    let left = crate::tree::client::Interest {
        has_left: true,
        ..uri
    };
    stage.handle.interested(1, client, left);
    stage.is_unused().await;
    stage.handle.stop(SOON);
    stage.ends().await;
}

#[tokio::test]
async fn levels_that_come_and_go_are_no_use() {
    use crate::protocol::mcp::logging::Level;
    let mut stage = stage("cat >/dev/null").await;
    let client = stage.desk.client();
    let unused = async {
        for level in [Level::Debug, Level::Info].into_iter().cycle() {
            let level = interest(Some(level), &[]);
            stage.handle.interested(1, client.clone(), level);
            if let Ok(told) = timeout(IDLE / 4, stage.told.recv()).await {
                return assert!(matches!(told, Some(RootMsg::Unused { .. })));
            }
        }
    };
    timeout(SOON, unused).await.unwrap();
    stage.handle.stop(SOON);
    stage.ends().await;
}

#[tokio::test]
async fn a_question_holds_it_until_somebody_answers() {
    use crate::tree::client::SessionEvent;
    let mut desk = super::Desk::of(7, 8);
    let script = r#"
        echo '{"jsonrpc":"2.0","id":"q","method":"roots/list"}'
        cat >/dev/null
    "#;
    let mut stage = Stage::of(sleeper(script), Some(owner(&desk, u16::MAX))).await;
    while !matches!(stage.told.recv().await, Some(RootMsg::Ready { .. })) {}
    let ask = loop {
        if let SessionEvent::ServerRequested(ask) = desk.next_event().await {
            break ask;
        }
    };
    stage.is_held().await;
    drop(ask);
    stage.is_unused().await;
    stage.handle.stop(SOON);
    stage.ends().await;
}

#[tokio::test]
async fn one_that_always_runs_is_never_of_no_use() {
    let always = ServerSpec {
        idle_timeout: None,
        ..sleeper("cat >/dev/null")
    };
    let mut stage = Stage::of(always, None).await;
    while !matches!(stage.told.recv().await, Some(RootMsg::Ready { .. })) {}
    stage.is_held().await;
    stage.handle.stop(SOON);
    stage.ends().await;
}
