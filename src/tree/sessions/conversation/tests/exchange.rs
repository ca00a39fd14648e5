//! POST over Streamable HTTP: what comes on its stream, and in what shape.

use bytes::Bytes;
use serde_json::json;

use super::streamable::{call, is_silent, last, next, value};
use super::{House, Server, result};
use crate::protocol::version::Version;
use crate::tree::call::ReplyToken;

fn progress(reply_token: &ReplyToken, number: u32) {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": number});
    reply_token.progress(Bytes::from(message.to_string()));
}

fn house() -> (House, Server) {
    let house = House::of(&["s"]);
    let server = house.server("s", 1, &["t"]);
    (house, server)
}

#[test]
fn one_answer_is_all_there_is_and_needs_no_number() {
    let (house, mut server) = house();
    let client = house.mcp(Version::LATEST);
    let (mut one, mut two) = (client.calls(1, "s__t"), client.calls(1, "s__t"));
    let (first, second) = (server.reply_token(), server.reply_token());
    second.answer(result("2"));
    first.answer(result("1"));
    for (stream, wanted) in [(&mut one, 1), (&mut two, 2)] {
        let event = last(stream);
        assert_eq!(
            (event.id.as_deref(), &value(&event)["result"]),
            (None, &json!(wanted))
        );
    }
    let mut ping = client.asks("p", "ping");
    assert_eq!(value(&last(&mut ping))["id"], "p");
}

#[test]
fn what_precedes_the_answer_makes_a_stream_that_can_be_resumed() {
    let (house, mut server) = house();
    for (version, has_priming) in [(Version::LATEST, true), (Version::V2025_06_18, false)] {
        let client = house.mcp(version);
        let mut stream = client.calls(1, "s__t");
        let reply_token = server.reply_token();
        assert!(is_silent(&mut stream));
        progress(&reply_token, 5);
        if has_priming {
            let priming = next(&mut stream).unwrap();
            assert!(priming.message.is_empty() && priming.id.is_some() && !priming.is_last);
        }
        let said = next(&mut stream).unwrap();
        assert_eq!(value(&said)["params"], 5);
        reply_token.answer(result("{}"));
        let answer = last(&mut stream);
        assert!(said.id.is_some() && answer.id.is_some() && said.id != answer.id);
        assert_eq!(value(&answer)["id"], 1);
    }
}

#[test]
fn a_stream_that_begins_before_there_is_anything_to_say() {
    let (house, mut server) = house();
    let client = house.mcp(Version::LATEST);
    let mut stream = client.calls(1, "s__t");
    stream.begins();
    stream.begins();
    let priming = next(&mut stream).unwrap();
    assert!(priming.message.is_empty() && priming.id.is_some());
    assert!(is_silent(&mut stream));
    server.reply_token().answer(result("{}"));
    assert!(last(&mut stream).id.is_some());
    // Too late is no harm, and an old client gets no empty event.
    stream.begins();
    let client = house.mcp(Version::V2025_03_26);
    let mut stream = client.calls(2, "s__t");
    stream.begins();
    assert!(is_silent(&mut stream));
    server.reply_token().answer(result("{}"));
    let answer = last(&mut stream);
    assert!(answer.id.is_some() && value(&answer)["id"] == 2);
}

#[test]
fn a_batch_ends_with_the_last_of_its_answers() {
    let (house, mut server) = house();
    let client = house.mcp(Version::V2025_03_26);
    let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
    let mut stream = client.posts(&[call(1, "s__t"), told, ping, call(2, "s__t")]);
    let (one, two) = (server.reply_token(), server.reply_token());
    two.answer(result("{}"));
    for id in [json!("p"), json!(2)] {
        let event = next(&mut stream).unwrap();
        assert_eq!((&value(&event)["id"], event.is_last), (&id, false));
    }
    one.answer(result("{}"));
    assert_eq!(value(&last(&mut stream))["id"], 1);
}
