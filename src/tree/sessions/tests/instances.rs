//! A session's own instances of servers: started on its first use, and nobody else's.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::session::UNUSED;
use super::servers::{Own, offer};
use super::{House, LIST_CHANGED, last, result, settle, tool_names, value};
use crate::config::model::Isolation;
use crate::protocol::version::Version;
use crate::tree::registry::RouteState;
use crate::tree::root::RootMsg;

fn down() -> RouteState {
    RouteState::Down {
        why: "exited with code 3".into(),
        next_try: Instant::now() + Duration::from_secs(4),
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_use_starts_one_and_later_ones_find_it() {
    let offered = offer(&["t"], &[]);
    let (mut house, mut template) = House::isolating("s", &offered).await;
    let (mut one, mut two) = (house.client().await, house.client().await);
    one.initialises(json!({"sampling": {}})).await;
    one.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&one.next().await), ["s__t"]);
    assert!(house.owners().await.is_empty(), "a list is no use");

    one.calls(2, "s__t");
    one.calls(3, "s__t");
    let owner = house.owner().await;
    assert_eq!(owner.capabilities.to_json(), r#"{"sampling":{}}"#);
    two.calls(2, "s__t");
    let other = house.owner().await;
    assert_ne!(owner.session, other.session);
    assert_eq!(other.capabilities.to_json(), "{}");

    one.hears_nothing().await;
    let mut own = Own::of(owner, "s", 2, &offered).await;
    for id in [2, 3] {
        let ticket = own.server.ticket().await;
        assert_eq!(&*ticket.errand().unwrap().key, "t");
        ticket.answer(result("{}"));
        assert_eq!(one.next().await["id"], id);
    }
    own.server.hears_nothing();
    template.hears_nothing();
    two.hears_nothing().await;
    let mut other = Own::of(other, "s", 3, &offered).await;
    other.server.ticket().await.answer(result("{}"));
    assert_eq!(two.next().await["id"], 2);
    assert!(house.owners().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_is_down_is_said_to_be_and_the_next_life_takes_what_came_back() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offered).await;
    let ticket = own.server.ticket().await;
    // News of its start that it has overtaken.
    own.is_now(Some(RouteState::Starting)).await;
    client.calls(2, "s__t");
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 2);

    own.is_now(Some(down())).await;
    drop(ticket);
    let text = client.next_failure(1).await;
    assert!(text.contains("'s' is down: exited with code 3"), "{text}");
    own.is_now(Some(RouteState::Starting)).await;
    client.calls(3, "s__t");
    client.hears_nothing().await;
    let mut next = Own::of(own.owner.clone(), "s", 3, &offered).await;
    next.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 3);
    // Late words of the life before.
    own.offers(&offer(&["u"], &[])).await;
    client.calls(4, "s__t");
    next.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 4);
    assert!(house.owners().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_never_comes_is_waited_for_as_for_any_server() {
    let (mut house, _template) = House::isolating("s", &offer(&["t"], &[])).await;
    let mut client = house.client().await;
    let start = Instant::now();
    client.calls(1, "s__t");
    house.owner().await;
    let text = client.next_failure(1).await;
    assert!(text.contains("still starting after 30 s"), "{text}");
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn what_it_offers_is_its_sessions_alone() {
    let (mut house, template) = House::isolating("s", &offer(&["t"], &[])).await;
    let (mut one, mut two) = (house.client().await, house.client().await);
    one.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offer(&["t", "mine"], &[])).await;
    assert_eq!(one.next().await["method"], LIST_CHANGED);
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(one.next().await["id"], 1);
    one.asks(2, "tools/list", Value::Null);
    assert_eq!(tool_names(&one.next().await), ["s__t", "s__mine"]);
    one.calls(3, "s__mine");
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(one.next().await["id"], 3);

    two.asks(1, "tools/list", Value::Null);
    assert_eq!(tool_names(&two.next().await), ["s__t"]);
    two.calls(2, "s__mine");
    assert_eq!(two.next().await["error"]["code"], -32602);
    // The template changes: only who has nothing of its own sees it.
    let changed = Some(offer(&["t", "new"], &[]));
    house.registry.catalogue(&template.handle, changed);
    assert_eq!(two.next().await["method"], LIST_CHANGED);
    one.hears_nothing_for(Duration::from_secs(1)).await;
    own.offers(&offer(&["t", "new"], &[])).await;
    assert_eq!(one.next().await["method"], LIST_CHANGED);
    one.asks(4, "tools/list", Value::Null);
    assert_eq!(tool_names(&one.next().await), ["s__t", "s__new"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_could_not_say_what_it_offers_has_what_the_template_has() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let owner = house.owner().await;
    let mut own = Own::of(owner, "s", 2, &offered).await;
    let handle = own.server.handle.clone();
    let catalogue = None;
    own.tells(crate::tree::client::SessionEvent::Offers { handle, catalogue })
        .await;
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_becomes_shared_serves_the_session_as_all_others() {
    let (mut house, _template) = House::isolating("s", &offer(&["t"], &[])).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offer(&["mine"], &[])).await;
    assert_eq!(client.next().await["method"], LIST_CHANGED);
    assert_eq!(client.next().await["error"]["code"], -32602);
    client.calls(2, "s__mine");
    drop(own.server.ticket().await);
    // Root is quicker than the table: nobody is asked for another one.
    own.is_now(None).await;
    client.calls(3, "s__t");
    assert_eq!(client.next().await["error"]["code"], -32602);
    assert!(house.owners().await.is_empty());

    house.isolates("s", Isolation::Shared);
    assert_eq!(client.next().await["id"], 2, "unknown again");
    assert_eq!(client.next().await["method"], LIST_CHANGED);
    let mut shared = house.offering("s", 3, &offer(&["t"], &[])).await;
    client.calls(4, "s__t");
    shared.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 4);
    own.server.hears_nothing();
}

#[tokio::test(start_paused = true)]
async fn one_that_root_had_no_use_for_is_asked_for_again_by_the_next_table() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let own = Own::of(house.owner().await, "s", 2, &offered).await;
    own.is_now(None).await;
    client.calls(2, "s__t");
    assert!(house.owners().await.is_empty());
    // The entry went and came, and the table of between was never sent.
    house.isolates("s", Isolation::Session);
    let mut own = Own::of(house.owner().await, "s", 3, &offered).await;
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_after_all_is_kept() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let mut client = house.client().await;
    client.calls(1, "s__t");
    let owner = house.owner().await;
    // Late words of one that was removed, before the first of its successor.
    let mut own = Own::of(owner, "s", 2, &offered).await;
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    own.is_now(None).await;
    own.offers(&offered).await;
    house.isolates("s", Isolation::Session);
    client.hears_nothing().await;
    client.calls(2, "s__t");
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 2);
    assert!(house.owners().await.is_empty());
}

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
    own.server.ticket().await.answer(result("{}"));
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
    own.server.ticket().await.answer(result("{}"));
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
    own.server.ticket().await.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    sleep(100 * UNUSED).await;
    settle().await;
    assert!(!house.hears_of_no_use());
}

impl House {
    /// Whether a session has told root so since the last time.
    fn hears_of_no_use(&mut self) -> bool {
        let mut told = std::iter::from_fn(|| self.told.try_recv().ok());
        told.any(|told| matches!(told, RootMsg::InstancesUnused { .. }))
    }
}
