//! What servers ask of clients: passed on under other ids, and answered whatever happens.

use bytes::Bytes;
use serde_json::json;

use super::servers::{Own, said};
use super::{House, is_silent, result};
use crate::tree::client::SessionEvent;
use crate::tree::testing::{name, offer};

#[tokio::test(start_paused = true)]
async fn a_question_comes_where_its_server_was_last_called_from() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let client = house.mcp_that(&json!({"roots": {}})).await;
    let (mut one, mut two) = (client.calls(1, "s__t"), client.calls(2, "s__t"));
    let owner = house.owner().await;
    let mut own = Own::starting(owner, "s", 2).await;
    // Before it is ready: the calls wait for it, and it for the answer.
    own.asks("early", "roots/list", "{}").await;
    let question = said(&mut two).await;
    assert_eq!(question["method"], "roots/list");
    client.answers(&question["id"], &json!({"roots": []}));
    assert_eq!(own.answer().await.0, "\"early\"");
    own.offers(&offered).await;
    let (first, second) = (own.server.ticket().await, own.server.ticket().await);
    own.asks("late", "roots/list", "{}").await;
    let question = said(&mut two).await["id"].clone();
    second.answer(result("2"));
    assert_eq!(said(&mut two).await["result"], 2);
    // What was asked there is withdrawn on the stream for everything.
    let (server, params) = (name("s"), Bytes::from_static(br#"{"requestId":"late"}"#));
    let mut general = client.session.listen(None).await.unwrap();
    own.tells(SessionEvent::ServerRequestCancelled { server, params })
        .await;
    let cancelled = said(&mut general).await;
    assert_eq!(cancelled["params"]["requestId"], question);
    own.asks("again", "roots/list", "{}").await;
    assert_eq!(said(&mut one).await["method"], "roots/list");
    first.answer(result("1"));
    assert_eq!(said(&mut one).await["result"], 1);
}

/// A client has to be asked where it listens: on the stream for everything, if the connection of
/// its call broke before anything was said there.
#[tokio::test(start_paused = true)]
async fn a_question_does_not_get_lost_with_the_connection_of_its_call() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let client = house.mcp_that(&json!({"roots": {}})).await;
    let mut general = client.session.listen(None).await.unwrap();
    let lost = client.calls(1, "s__t");
    let mut own = Own::of(house.owner().await, "s", 2, &offered).await;
    let ticket = own.server.ticket().await;
    drop(lost);
    own.asks("q", "roots/list", "{}").await;
    let question = said(&mut general).await;
    assert_eq!(question["method"], "roots/list");
    let (server, params) = (name("s"), Bytes::from_static(br#"{"requestId":"q"}"#));
    own.tells(SessionEvent::ServerRequestCancelled { server, params })
        .await;
    let cancelled = said(&mut general).await;
    assert_eq!(cancelled["params"]["requestId"], question["id"]);
    // The answer itself belongs to nobody: it must not come on a stream that was not asked.
    ticket.answer(result("1"));
    assert!(is_silent(&mut general).await);
}
