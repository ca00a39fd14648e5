//! A session's own instances of servers: started on its first use, and nobody else's.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::super::conversation::UNUSED;
use super::servers::Own;
use super::{House, Server, last, result, settle, tool_names, value};
use crate::protocol::mcp::item::Kind;
use crate::protocol::version::Version;
use crate::testing::offer;
use crate::tree::root::RootMsg;
use crate::tree::upstream::UpstreamMsg;

#[tokio::test(start_paused = true)]
async fn a_client_that_is_not_heard_of_loses_its_instances_until_it_uses_them() {
    let second = Duration::from_secs(1);
    let nearly = UNUSED.saturating_sub(second);
    let (mut house, _template) = House::isolating("s", &offer(&["t"], &[])).await;
    let client = house.mcp(Version::LATEST).await;
    let mut call = client.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offer(&["t", "mine"], &[])).await;
    // What it listens to, waits for or says keeps them.
    sleep(2 * UNUSED).await;
    own.server.reply_token().await.answer(result("{}"));
    assert_eq!(value(&last(&mut call).await)["id"], 1);
    let stream = client.listens(None).await.unwrap();
    sleep(2 * UNUSED).await;
    drop(stream);
    sleep(nearly).await;
    last(&mut client.asks(2, "ping")).await;
    sleep(nearly).await;
    assert!(!house.hears_of_no_use());
    sleep(2 * second).await;
    assert!(house.hears_of_no_use());
    sleep(2 * UNUSED).await;
    assert!(!house.hears_of_no_use(), "once");

    let listed = value(&last(&mut client.asks(3, "tools/list")).await);
    assert_eq!(tool_names(&listed), ["s__t"]);
    let mut call = client.calls(4, "s__t");
    let mut own = Own::of(house.owner().await, "s", 3, &offer(&["t"], &[])).await;
    own.server.reply_token().await.answer(result("{}"));
    assert_eq!(value(&last(&mut call).await)["id"], 4);
    sleep(UNUSED + second).await;
    assert!(house.hears_of_no_use());
}

#[tokio::test(start_paused = true)]
async fn over_sse_instances_stay_as_long_as_the_stream() {
    let (mut house, _template) = House::isolating("s", &offer(&["t"], &[])).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offer(&["t"], &[])).await;
    own.server.reply_token().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    sleep(100 * UNUSED).await;
    settle().await;
    assert!(!house.hears_of_no_use());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_too_old_is_asked_for_again_where_it_came_from() {
    let mut aging = (*offer(&["t"], &[])).clone();
    aging.aging.insert(Kind::Tools);
    let aging = Arc::new(aging);
    let (mut house, mut template) = House::isolating("s", &aging).await;
    let mut client = house.client().await;
    client.asks(1, "tools/list", json!({}));
    assert_eq!(client.next().await["id"], 1);
    assert!(is_wanted(&mut template).await);
    client.calls(2, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &aging).await;
    own.server.reply_token().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 2);
    client.asks(3, "tools/list", json!({}));
    assert_eq!(client.next().await["id"], 3);
    assert!(is_wanted(&mut own.server).await);
    assert!(!is_wanted(&mut template).await);
}

/// Whether a client has asked for the tools of `server` since the last time.
async fn is_wanted(server: &mut Server) -> bool {
    settle().await;
    let mut heard = std::iter::from_fn(|| server.heard.try_recv().ok());
    heard.any(|told| matches!(told, UpstreamMsg::Wanted(Kind::Tools)))
}

impl House {
    /// Whether a session has told root so since the last time.
    fn hears_of_no_use(&mut self) -> bool {
        let mut told = std::iter::from_fn(|| self.told.try_recv().ok());
        told.any(|told| matches!(told, RootMsg::InstancesUnused { .. }))
    }
}
