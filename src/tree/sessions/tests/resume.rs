//! GET over Streamable HTTP: the standalone stream, and streams that go on where they broke.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::servers::Own;
use super::{Event, House, Mcp, Outbound, Server, is_silent, last, next, result, settle, value};
use crate::protocol::version::Version;
use crate::tree::call::{Answer, CallError, Ticket};
use crate::tree::sessions::Signer;
use crate::tree::testing::{catalogue, offer};

async fn house() -> (House, Server, Mcp) {
    let house = House::of(&["s"]).await;
    let server = house.server("s", 1, &["t"]).await;
    let client = house.mcp(Version::LATEST).await;
    last(&mut client.asks(0, "tools/list")).await;
    (house, server, client)
}

/// The list of tools changes once more.
async fn change(house: &House, server: &Server, tool: &str) {
    house
        .registry
        .catalogue(&server.handle, Some(catalogue(&[tool])));
    sleep(Duration::from_secs(1)).await;
}

fn progress(ticket: &Ticket, number: u32) {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": number});
    ticket.progress(Bytes::from(message.to_string()));
}

async fn params(stream: &mut Outbound) -> (Event, Value) {
    let event = next(stream).await.unwrap();
    let params = value(&event)["params"].clone();
    (event, params)
}

/// A call whose stream has begun, and the event that began it.
async fn begun(client: &Mcp, server: &mut Server) -> (Outbound, Ticket, Event) {
    let mut stream = client.calls(7, "s__t");
    let ticket = server.ticket().await;
    progress(&ticket, 1);
    let priming = next(&mut stream).await.unwrap();
    (stream, ticket, priming)
}

/// What a model reads of a call that failed.
fn failure(answer: &Value) -> &str {
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_newest_stream_gets_what_is_said_and_the_others_stay() {
    let (house, server, client) = house().await;
    let mut old = client.listens(None).await.unwrap();
    assert!(next(&mut old).await.unwrap().message.is_empty());
    change(&house, &server, "u").await;
    assert_eq!(
        value(&next(&mut old).await.unwrap())["method"],
        super::LIST_CHANGED
    );
    // What the old one has not read is said on the new one, and there only.
    change(&house, &server, "v").await;
    change(&house, &server, "w").await;
    let mut new = client.listens(None).await.unwrap();
    assert!(next(&mut new).await.unwrap().message.is_empty());
    let unread = [next(&mut new).await.unwrap(), next(&mut new).await.unwrap()];
    assert!(unread[0].id != unread[1].id);
    change(&house, &server, "x").await;
    let said = next(&mut new).await.unwrap();
    assert_eq!(value(&said)["method"], super::LIST_CHANGED);
    assert!(is_silent(&mut old).await && is_silent(&mut new).await);
    // It gets what is said again when there is no newer one, and what that has not read.
    change(&house, &server, "y").await;
    drop(new);
    change(&house, &server, "z").await;
    for _ in 0..2 {
        let said = next(&mut old).await.unwrap();
        assert_eq!(value(&said)["method"], super::LIST_CHANGED);
    }
    assert!(is_silent(&mut old).await, "nothing is said twice");
    drop(old);
    settle().await;
    let mut last = client.listens(None).await.unwrap();
    assert!(next(&mut last).await.unwrap().message.is_empty());
    assert!(is_silent(&mut last).await, "nothing is said twice");
}

#[tokio::test(start_paused = true)]
async fn there_are_four_streams_at_most() {
    let (house, server, client) = house().await;
    let mut streams = Vec::new();
    for _ in 0..1000 {
        streams.push(client.listens(None).await.unwrap());
        change(
            &house,
            &server,
            if streams.len() % 2 == 0 { "a" } else { "b" },
        )
        .await;
    }
    let mut newest = streams.split_off(streams.len() - 4);
    for mut stream in streams {
        while let Some(event) = next(&mut stream).await {
            assert!(event.message.is_empty(), "it is the newest stream's");
        }
    }
    for stream in newest.iter_mut().take(3) {
        assert!(is_silent(stream).await);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_nobody_listens_or_reads_is_said_to_the_next() {
    let (house, server, client) = house().await;
    change(&house, &server, "a").await;
    let mut stream = client.listens(None).await.unwrap();
    change(&house, &server, "b").await;
    let priming = next(&mut stream).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    // The second is unread when the connection breaks, the third is said afterwards.
    drop(stream);
    change(&house, &server, "c").await;
    let mut stream = client.listens(None).await.unwrap();
    assert!(next(&mut stream).await.unwrap().message.is_empty());
    let second = next(&mut stream).await.unwrap();
    let third = next(&mut stream).await.unwrap();
    assert!(second.id != third.id && second.id != first.id);
    assert!(is_silent(&mut stream).await);
    // Who says what it saw takes the stream over, though the old connection seems to live.
    for (seen, missed) in [(&priming, 3), (&first, 2), (&third, 0)] {
        let mut again = client.listens(Some(seen)).await.unwrap();
        assert!(is_silent(&mut stream).await, "the old one stays");
        for wanted in [&first, &second, &third].into_iter().skip(3 - missed) {
            assert_eq!(next(&mut again).await.as_ref(), Some(wanted));
        }
        assert!(is_silent(&mut again).await);
        stream = again;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_read_is_said_to_a_client_that_listens_before_it_is_known_to_have_left() {
    let (house, server, client) = house().await;
    let old = client.listens(None).await.unwrap();
    change(&house, &server, "a").await;
    let mut listening = Box::pin(client.listens(None));
    assert!(futures_util::poll!(listening.as_mut()).is_pending());
    drop(old);
    let mut new = listening.await.unwrap();
    assert!(next(&mut new).await.unwrap().message.is_empty());
    let said = value(&next(&mut new).await.unwrap());
    assert_eq!(said["method"], super::LIST_CHANGED);
    assert!(is_silent(&mut new).await, "once");
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_where_its_stream_broke() {
    let (_house, mut server, client) = house().await;
    let (mut stream, ticket, _) = begun(&client, &mut server).await;
    let (seen, _) = params(&mut stream).await;
    progress(&ticket, 2);
    settle().await;
    drop(stream);
    progress(&ticket, 3);
    let mut stream = client.listens(Some(&seen)).await.unwrap();
    progress(&ticket, 4);
    for number in 2..=4 {
        assert_eq!(params(&mut stream).await.1, number);
    }
    drop(stream);
    ticket.answer(result("{}"));
    settle().await;
    // The answer is there as often as it is asked for.
    for _ in 0..2 {
        let mut stream = client.listens(Some(&seen)).await.unwrap();
        for number in 2..=4 {
            assert_eq!(params(&mut stream).await.1, number);
        }
        let answer = last(&mut stream).await;
        assert_eq!(value(&answer)["id"], 7);
        let mut stream = client.listens(Some(&answer)).await.unwrap();
        assert_eq!(next(&mut stream).await, None, "it has seen all");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_kept_is_not_waited_for() {
    let (_house, mut server, client) = house().await;
    let (stream, ticket, seen) = begun(&client, &mut server).await;
    drop(stream);
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    ticket.answer(Answer::Result(Bytes::from(large)));
    settle().await;
    let (mut stream, ticket, late) = begun(&client, &mut server).await;
    ticket.answer(result("{}"));
    params(&mut stream).await;
    last(&mut stream).await;
    sleep(Duration::from_secs(301)).await;
    for seen in [seen, late] {
        let mut stream = client.listens(Some(&seen)).await.unwrap();
        let answer = value(&last(&mut stream).await);
        assert_eq!(answer["id"], 7);
        assert!(failure(&answer).contains("not kept"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_life_says_what_became_of_the_calls_of_an_earlier_one() {
    let signer = Signer::load(None);
    let (plain, limit) = (crate::supervise::Plain, 10);
    let house = House::signed(&["s"], plain, limit, signer.clone()).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let client = house.mcp(Version::LATEST).await;
    let (_stream, _ticket, seen) = begun(&client, &mut server).await;
    let mut general = client.listens(None).await.unwrap();
    let heard = next(&mut general).await.unwrap();

    let house = House::signed(&["s"], plain, limit, signer).await;
    let server = house.server("s", 1, &["t"]).await;
    let session = house.sessions.find_streamable(&client.id).await.unwrap();
    let client = Mcp { session, ..client };
    let mut stream = client.listens(Some(&seen)).await.unwrap();
    let answer = value(&last(&mut stream).await);
    assert_eq!(answer["id"], 7);
    assert!(failure(&answer).contains("restarted"), "{answer}");
    // Of anything but a call.
    let mut id = seen;
    id.id = id.id.map(|id| id.trim_end_matches("-c").into());
    let mut stream = client.listens(Some(&id)).await.unwrap();
    let answer = value(&last(&mut stream).await);
    assert_eq!(answer["error"]["code"], -32000, "{answer}");
    let mut stream = client.listens(Some(&heard)).await.unwrap();
    change(&house, &server, "u").await;
    assert_eq!(
        value(&next(&mut stream).await.unwrap())["method"],
        super::LIST_CHANGED
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_of_the_session_is_refused() {
    let (house, _server, client) = house().await;
    for id in ["", "7", "00000000-5-1", "x-0-0", "00000000-1-1-7b7d"] {
        let refused = client.session.listen(Some(id)).await;
        assert_eq!(refused.err(), Some(CallError::UnknownEvent), "{id}");
    }
    let sse = house.client().await;
    let refused = sse.session.listen(None).await;
    assert_eq!(refused.err(), Some(CallError::UnknownSession));
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_session_says_nothing_of_this_one() {
    let (house, mut server, client) = house().await;
    let (_stream, _ticket, priming) = begun(&client, &mut server).await;
    let other = house.mcp(Version::LATEST).await;
    let general = next(&mut client.listens(None).await.unwrap()).await;
    for event in [&priming, &general.unwrap()] {
        let refused = other.listens(Some(event)).await;
        assert_eq!(refused.err(), Some(CallError::UnknownEvent));
    }
}

/// A client that says what it saw is asked nothing twice; one that does not is asked again what it
/// has not answered.
#[tokio::test(start_paused = true)]
async fn what_a_server_asks_is_asked_again_where_the_client_comes_back() {
    let offered = offer(&["t"], &[]);
    let (mut house, _template) = House::isolating("s", &offered).await;
    let client = house.mcp_that(&json!({"roots": {}})).await;
    let mut old = client.listens(None).await.unwrap();
    let call = client.calls(1, "s__t");
    let own = Own::of(house.owner().await, "s", 2, &offered).await;
    drop(call);
    own.asks("answered", "roots/list", "{}").await;
    own.asks("open", "roots/list", "{}").await;
    assert!(next(&mut old).await.unwrap().message.is_empty());
    let answered = next(&mut old).await.unwrap();
    let open = next(&mut old).await.unwrap();
    client.answers(&value(&answered)["id"], &json!({"roots": []}));
    own.asks("unread", "roots/list", "{}").await;
    let mut new = client.listens(None).await.unwrap();
    assert!(next(&mut new).await.unwrap().message.is_empty());
    assert_eq!(next(&mut new).await, Some(open.clone()));
    let unread = next(&mut new).await.unwrap();
    assert!(is_silent(&mut old).await && is_silent(&mut new).await);
    let mut again = client.listens(Some(&open)).await.unwrap();
    assert_eq!(next(&mut again).await, Some(unread.clone()));
    assert!(is_silent(&mut again).await, "it has seen the other");
    // And on the one that is left, when the newest breaks.
    drop(again);
    settle().await;
    assert_eq!(next(&mut new).await, Some(open));
    assert_eq!(next(&mut new).await, Some(unread));
    assert!(is_silent(&mut new).await);
}
