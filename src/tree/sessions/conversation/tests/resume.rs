//! GET over Streamable HTTP: the standalone stream, and streams that go on where they broke.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::super::delivery::queue::Event;
use super::servers::Own;
use super::streamable::{ClientStream, Mcp, is_silent, last, next, value};
use super::{House, Server, result};
use crate::protocol::version::Version;
use crate::testing::{catalogue, offer};
use crate::tree::call::{CallError, ReplyToken};

fn house() -> (House, Server, Mcp) {
    let house = House::of(&["s"]);
    let server = house.server("s", 1, &["t"]);
    let client = house.mcp(Version::LATEST);
    last(&mut client.asks(0, "tools/list"));
    (house, server, client)
}

/// The list of tools changes once more.
fn change(house: &House, server: &Server, tool: &str) {
    house.catalogue(&server.handle, Some(catalogue(&[tool])));
    house.sleep(Duration::from_secs(1));
}

fn progress(reply_token: &ReplyToken, number: u32) {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": number});
    reply_token.progress(Bytes::from(message.to_string()));
}

fn params(stream: &mut ClientStream) -> (Event, Value) {
    let event = next(stream).unwrap();
    let params = value(&event)["params"].clone();
    (event, params)
}

/// A call whose stream has begun, and the event that began it.
fn begun(client: &Mcp, server: &mut Server) -> (ClientStream, ReplyToken, Event) {
    let mut stream = client.calls(7, "s__t");
    let reply_token = server.reply_token();
    progress(&reply_token, 1);
    let priming = next(&mut stream).unwrap();
    (stream, reply_token, priming)
}

#[test]
fn the_newest_stream_gets_what_is_said_and_the_others_stay() {
    let (house, server, client) = house();
    let mut old = client.listens(None).unwrap();
    assert!(next(&mut old).unwrap().message.is_empty());
    change(&house, &server, "u");
    assert_eq!(
        value(&next(&mut old).unwrap())["method"],
        super::LIST_CHANGED
    );
    // What the old one has not read is said on the new one, and there only.
    change(&house, &server, "v");
    change(&house, &server, "w");
    let mut new = client.listens(None).unwrap();
    assert!(next(&mut new).unwrap().message.is_empty());
    let unread = [next(&mut new).unwrap(), next(&mut new).unwrap()];
    assert!(unread[0].id != unread[1].id);
    change(&house, &server, "x");
    let said = next(&mut new).unwrap();
    assert_eq!(value(&said)["method"], super::LIST_CHANGED);
    assert!(is_silent(&mut old) && is_silent(&mut new));
    // It gets what is said again when there is no newer one, and what that has not read.
    change(&house, &server, "y");
    drop(new);
    change(&house, &server, "z");
    for _ in 0..2 {
        let said = next(&mut old).unwrap();
        assert_eq!(value(&said)["method"], super::LIST_CHANGED);
    }
    assert!(is_silent(&mut old), "nothing is said twice");
    drop(old);
    house.settle();
    let mut last = client.listens(None).unwrap();
    assert!(next(&mut last).unwrap().message.is_empty());
    assert!(is_silent(&mut last), "nothing is said twice");
}

#[test]
fn there_are_four_streams_at_most() {
    let (house, server, client) = house();
    let mut streams = Vec::new();
    for _ in 0..1000 {
        streams.push(client.listens(None).unwrap());
        change(
            &house,
            &server,
            if streams.len() % 2 == 0 { "a" } else { "b" },
        );
    }
    let mut newest = streams.split_off(streams.len() - 4);
    for mut stream in streams {
        while let Some(event) = next(&mut stream) {
            assert!(event.message.is_empty(), "it is the newest stream's");
        }
    }
    for stream in newest.iter_mut().take(3) {
        assert!(is_silent(stream));
    }
}

#[test]
fn what_is_said_while_nobody_listens_or_reads_is_said_to_the_next() {
    let (house, server, client) = house();
    change(&house, &server, "a");
    let mut stream = client.listens(None).unwrap();
    change(&house, &server, "b");
    let priming = next(&mut stream).unwrap();
    let first = next(&mut stream).unwrap();
    // The second is unread when the connection breaks, the third is said afterwards.
    drop(stream);
    change(&house, &server, "c");
    let mut stream = client.listens(None).unwrap();
    assert!(next(&mut stream).unwrap().message.is_empty());
    let second = next(&mut stream).unwrap();
    let third = next(&mut stream).unwrap();
    assert!(second.id != third.id && second.id != first.id);
    assert!(is_silent(&mut stream));
    // Who says what it saw takes the stream over, though the old connection seems to live.
    for (seen, missed) in [(&priming, 3), (&first, 2), (&third, 0)] {
        let mut again = client.listens(Some(seen)).unwrap();
        assert!(is_silent(&mut stream), "the old one stays");
        for wanted in [&first, &second, &third].into_iter().skip(3 - missed) {
            assert_eq!(next(&mut again).as_ref(), Some(wanted));
        }
        assert!(is_silent(&mut again));
        stream = again;
    }
}

#[test]
fn a_call_goes_on_where_its_stream_broke() {
    let (house, mut server, client) = house();
    let (mut stream, reply_token, _) = begun(&client, &mut server);
    let (seen, _) = params(&mut stream);
    progress(&reply_token, 2);
    house.settle();
    drop(stream);
    progress(&reply_token, 3);
    let mut stream = client.listens(Some(&seen)).unwrap();
    progress(&reply_token, 4);
    for number in 2..=4 {
        assert_eq!(params(&mut stream).1, number);
    }
    drop(stream);
    reply_token.answer(result("{}"));
    house.settle();
    // The answer is there as often as it is asked for.
    for _ in 0..2 {
        let mut stream = client.listens(Some(&seen)).unwrap();
        for number in 2..=4 {
            assert_eq!(params(&mut stream).1, number);
        }
        let answer = last(&mut stream);
        assert_eq!(value(&answer)["id"], 7);
        let mut stream = client.listens(Some(&answer)).unwrap();
        assert_eq!(next(&mut stream), None, "it has seen all");
    }
}

#[test]
fn an_event_of_another_session_says_nothing_of_this_one() {
    let (house, mut server, client) = house();
    let (_stream, _ticket, priming) = begun(&client, &mut server);
    let other = house.mcp(Version::LATEST);
    let general = next(&mut client.listens(None).unwrap());
    for event in [&priming, &general.unwrap()] {
        let refused = other.listens(Some(event));
        assert_eq!(refused.err(), Some(CallError::UnknownEvent));
    }
}

/// A client that says what it saw is asked nothing twice; one that does not is asked again what it
/// has not answered.
#[test]
fn what_a_server_asks_is_asked_again_where_the_client_comes_back() {
    let offered = offer(&["t"], &[]);
    let (house, _template) = House::isolating("s", &offered);
    let client = house.mcp_that(Version::LATEST, &json!({"roots": {}}));
    let mut old = client.listens(None).unwrap();
    let call = client.calls(1, "s__t");
    let own = Own::of(&house, house.owner(), ("s", 2), &offered);
    drop(call);
    own.asks("answered", "roots/list", "{}");
    own.asks("open", "roots/list", "{}");
    assert!(next(&mut old).unwrap().message.is_empty());
    let answered = next(&mut old).unwrap();
    let open = next(&mut old).unwrap();
    client.answers(&value(&answered)["id"], &json!({"roots": []}));
    own.asks("unread", "roots/list", "{}");
    let mut new = client.listens(None).unwrap();
    assert!(next(&mut new).unwrap().message.is_empty());
    assert_eq!(next(&mut new), Some(open.clone()));
    let unread = next(&mut new).unwrap();
    assert!(is_silent(&mut old) && is_silent(&mut new));
    let mut again = client.listens(Some(&open)).unwrap();
    assert_eq!(next(&mut again), Some(unread.clone()));
    assert!(is_silent(&mut again), "it has seen the other");
    // And on the one that is left, when the newest breaks.
    drop(again);
    house.settle();
    assert_eq!(next(&mut new), Some(open));
    assert_eq!(next(&mut new), Some(unread));
    assert!(is_silent(&mut new));
}
