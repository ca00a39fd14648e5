//! GET over Streamable HTTP: the standalone stream, and streams that go on where they broke.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Event, House, Mcp, Outbound, Server, is_silent, last, next, result, settle, value};
use crate::protocol::version::Version;
use crate::testing::catalogue;
use crate::tree::call::{Answer, CallError, ReplyToken};
use crate::tree::sessions::Signer;

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

fn progress(reply_token: &ReplyToken, number: u32) {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": number});
    reply_token.progress(Bytes::from(message.to_string()));
}

async fn params(stream: &mut Outbound) -> (Event, Value) {
    let event = next(stream).await.unwrap();
    let params = value(&event)["params"].clone();
    (event, params)
}

/// A call whose stream has begun, and the event that began it.
async fn begun(client: &Mcp, server: &mut Server) -> (Outbound, ReplyToken, Event) {
    let mut stream = client.calls(7, "s__t");
    let reply_token = server.reply_token().await;
    progress(&reply_token, 1);
    let priming = next(&mut stream).await.unwrap();
    (stream, reply_token, priming)
}

/// What a model reads of a call that failed.
fn failure(answer: &Value) -> &str {
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_default()
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
async fn an_answer_that_is_not_kept_is_not_waited_for() {
    let (_house, mut server, client) = house().await;
    let (stream, reply_token, seen) = begun(&client, &mut server).await;
    drop(stream);
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    reply_token.answer(Answer::Result(Bytes::from(large)));
    settle().await;
    let (mut stream, reply_token, late) = begun(&client, &mut server).await;
    reply_token.answer(result("{}"));
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
