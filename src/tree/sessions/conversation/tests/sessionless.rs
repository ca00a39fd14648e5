//! Requests that belong to no session: of whoever makes the call there is a caller, and no more. A
//! stream is only where the answer goes.

use bytes::Bytes;
use serde_json::json;

use super::super::super::delivery::StreamId;
use super::super::ReplyTo;
use super::{Client, House, result};
use crate::protocol::Era;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::mcp::request::ClientRequest;

const STREAM: StreamId = StreamId(7);

fn id() -> RequestId {
    RequestId::from_raw("1").unwrap()
}

/// Nothing was negotiated before.
fn calls(client: &Client, tool: &str) {
    let params = Bytes::from(json!({"name": tool}).to_string());
    let request = ClientRequest::parse(Era::Legacy, "tools/call", &params).unwrap();
    let (id, stream) = (id(), STREAM);
    client.world.with(client.number, |it| {
        it.conversation
            .call(&mut it.fx, ReplyTo { id, stream }, request);
    });
}

fn is_calling(client: &Client) -> bool {
    client
        .world
        .with(client.number, |it| it.conversation.is_calling())
}

#[test]
fn a_request_of_no_session_is_routed_and_answered_on_its_own_stream() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    calls(&client, "s__t");
    let reply_token = server.reply_token();
    assert_eq!(&*reply_token.routed().unwrap().key, "t");
    reply_token.progress(Bytes::from_static(b"1"));
    reply_token.answer(result(r#"{"x":1}"#));
    assert_eq!(client.next(), 1);
    assert_eq!(client.next()["result"], json!({"x": 1}));
    assert_eq!(client.world.streams(client.number), [STREAM, STREAM]);
    assert!(!is_calling(&client));
    calls(&client, "nobody__t");
    assert_eq!(client.next()["error"]["code"], -32602);
}

#[test]
fn a_request_of_no_session_waits_for_its_server_and_is_bounced_to_the_next_life() {
    let house = House::of(&["s"]);
    let mut first = house.server("s", 1, &["t"]);
    let mut client = house.client();
    calls(&client, "s__t");
    drop(first.reply_token());
    client.hears_nothing();
    let mut second = house.server("s", 2, &["t"]);
    second.reply_token().answer(result("{}"));
    assert_eq!(client.next()["result"], json!({}));
}

#[test]
fn a_request_of_no_session_is_taken_back_without_a_word_of_its_client() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let mut client = house.client();
    calls(&client, "s__t");
    let reply_token = server.reply_token();
    client.world.with(client.number, |it| {
        it.conversation.cancel(&mut it.fx, &id(), None);
    });
    assert_eq!(server.cancelled(), (reply_token.call().number, None));
    reply_token.answer(result("{}"));
    client.hears_nothing();
    assert!(!is_calling(&client));
    assert_eq!(server.free(), 128);
}

#[test]
fn who_goes_without_a_word_takes_its_request_back() {
    let house = House::of(&["s"]);
    let mut server = house.server("s", 1, &["t"]);
    let client = house.client();
    calls(&client, "s__t");
    let reply_token = server.reply_token();
    drop(client);
    assert_eq!(server.cancelled(), (reply_token.call().number, None));
}
