//! What a client of Streamable HTTP is told of changed lists that has no stream for it, or not any
//! more: on the stream of its next POST.

use serde_json::json;

use super::streamable::{Mcp, last, next, value};
use super::{House, LIST_CHANGED, Server};
use crate::protocol::version::Version;
use crate::testing::catalogue;

fn house() -> (House, Server, Mcp) {
    let house = House::of(&["s"]);
    let server = house.server("s", 1, &["t"]);
    let client = house.mcp(Version::LATEST);
    last(&mut client.asks(0, "tools/list"));
    (house, server, client)
}

fn change(house: &House, server: &Server, tool: &str) {
    house.catalogue(&server.handle, Some(catalogue(&[tool])));
    house.sleep(std::time::Duration::from_secs(1));
}

/// Told of its tools on the stream of a POST, before the answer.
fn is_told(client: &Mcp) {
    let mut stream = client.asks(5, "ping");
    assert!(next(&mut stream).unwrap().message.is_empty());
    let news = value(&next(&mut stream).unwrap());
    assert_eq!(news["method"], LIST_CHANGED);
    assert_eq!(value(&last(&mut stream))["id"], json!(5));
}

/// One answer and no more.
fn is_not_told(client: &Mcp) {
    let answer = last(&mut client.asks(6, "ping"));
    assert_eq!(value(&answer)["id"], json!(6));
}

#[test]
fn who_lost_its_stream_is_told_once() {
    let (house, server, client) = house();
    let stream = client.listens(None).unwrap();
    drop(stream);
    house.settle();
    is_not_told(&client);
    change(&house, &server, "u");
    change(&house, &server, "v");
    is_told(&client);
    is_not_told(&client);
}

#[test]
fn who_listens_again_is_told_there() {
    let (house, server, client) = house();
    drop(client.listens(None).unwrap());
    house.settle();
    change(&house, &server, "u");
    let mut stream = client.listens(None).unwrap();
    next(&mut stream);
    assert_eq!(value(&next(&mut stream).unwrap())["method"], LIST_CHANGED);
    is_not_told(&client);
}
