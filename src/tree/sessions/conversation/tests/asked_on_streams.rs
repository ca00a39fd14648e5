//! What servers ask of clients of Streamable HTTP: on which of their streams they are asked.

use bytes::Bytes;
use serde_json::json;

use super::servers::Own;
use super::streamable::{is_silent, said};
use super::{House, result};
use crate::protocol::version::Version;
use crate::testing::{name, offer};
use crate::tree::client::SessionEvent;

#[test]
fn a_question_comes_where_its_server_was_last_called_from() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let client = house.mcp_that(Version::LATEST, &json!({"roots": {}}));
    let (mut one, mut two) = (client.calls(1, "s__t"), client.calls(2, "s__t"));
    let owner = house.owner();
    let mut own = Own {
        server: house.starts("s", 2, 128),
        owner,
    };
    // Before it is ready: the calls wait for it, and it for the answer.
    own.asks("early", "roots/list", "{}");
    let question = said(&mut two);
    assert_eq!(question["method"], "roots/list");
    client.answers(&question["id"], &json!({"roots": []}));
    assert_eq!(own.answer().0, "\"early\"");
    own.offers(&offered);
    let (first, second) = (own.server.reply_token(), own.server.reply_token());
    own.asks("late", "roots/list", "{}");
    let question = said(&mut two)["id"].clone();
    second.answer(result("2"));
    assert_eq!(said(&mut two)["result"], 2);
    // What was asked there is withdrawn on the stream for everything.
    let (server, params) = (name("s"), Bytes::from_static(br#"{"requestId":"late"}"#));
    let mut general = client.listens(None).unwrap();
    own.tells(SessionEvent::ServerRequestCancelled { server, params });
    let cancelled = said(&mut general);
    assert_eq!(cancelled["params"]["requestId"], question);
    own.asks("again", "roots/list", "{}");
    assert_eq!(said(&mut one)["method"], "roots/list");
    first.answer(result("1"));
    assert_eq!(said(&mut one)["result"], 1);
}

/// A client has to be asked where it listens: on the stream for everything, if the connection of
/// its call broke before anything was said there.
#[test]
fn a_question_does_not_get_lost_with_the_connection_of_its_call() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let client = house.mcp_that(Version::LATEST, &json!({"roots": {}}));
    let mut general = client.listens(None).unwrap();
    let lost = client.calls(1, "s__t");
    let mut own = Own::of(&house, house.owner(), ("s", 2), &offered);
    let reply_token = own.server.reply_token();
    drop(lost);
    own.asks("q", "roots/list", "{}");
    let question = said(&mut general);
    assert_eq!(question["method"], "roots/list");
    let (server, params) = (name("s"), Bytes::from_static(br#"{"requestId":"q"}"#));
    own.tells(SessionEvent::ServerRequestCancelled { server, params });
    let cancelled = said(&mut general);
    assert_eq!(cancelled["params"]["requestId"], question["id"]);
    // The answer itself belongs to nobody: it must not come on a stream that was not asked.
    reply_token.answer(result("1"));
    assert!(is_silent(&mut general));
}
