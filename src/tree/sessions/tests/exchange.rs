//! POST over Streamable HTTP: what comes on its stream, and in what shape.

use bytes::Bytes;
use serde_json::json;

use super::{House, Server, call, is_silent, last, next, result, settle, value};
use crate::protocol::version::Version;
use crate::tree::call::{CallError, Ticket};

fn progress(ticket: &Ticket, number: u32) {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": number});
    ticket.progress(Bytes::from(message.to_string()));
}

async fn house() -> (House, Server) {
    let house = House::of(&["s"]).await;
    let server = house.server("s", 1, &["t"]).await;
    (house, server)
}

#[tokio::test(start_paused = true)]
async fn one_answer_is_all_there_is_and_needs_no_number() {
    let (house, mut server) = house().await;
    let client = house.mcp(Version::LATEST).await;
    assert_eq!(client.session.version(), Version::LATEST);
    let (mut one, mut two) = (client.calls(1, "s__t"), client.calls(1, "s__t"));
    let (first, second) = (server.ticket().await, server.ticket().await);
    second.answer(result("2"));
    first.answer(result("1"));
    for (stream, wanted) in [(&mut one, 1), (&mut two, 2)] {
        let event = last(stream).await;
        assert_eq!(
            (event.id.as_deref(), &value(&event)["result"]),
            (None, &json!(wanted))
        );
    }
    let mut ping = client.asks("p", "ping");
    assert_eq!(value(&last(&mut ping).await)["id"], "p");
}

#[tokio::test(start_paused = true)]
async fn what_precedes_the_answer_makes_a_stream_that_can_be_resumed() {
    let (house, mut server) = house().await;
    for (version, has_priming) in [(Version::LATEST, true), (Version::V2025_06_18, false)] {
        let client = house.mcp(version).await;
        let mut stream = client.calls(1, "s__t");
        let ticket = server.ticket().await;
        assert!(is_silent(&mut stream).await);
        progress(&ticket, 5);
        if has_priming {
            let priming = next(&mut stream).await.unwrap();
            assert!(priming.message.is_empty() && priming.id.is_some() && !priming.is_last);
        }
        let said = next(&mut stream).await.unwrap();
        assert_eq!(value(&said)["params"], 5);
        ticket.answer(result("{}"));
        let answer = last(&mut stream).await;
        assert!(said.id.is_some() && answer.id.is_some() && said.id != answer.id);
        assert_eq!(value(&answer)["id"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_begins_before_there_is_anything_to_say() {
    let (house, mut server) = house().await;
    let client = house.mcp(Version::LATEST).await;
    let mut stream = client.calls(1, "s__t");
    stream.begin_stream();
    stream.begin_stream();
    let priming = next(&mut stream).await.unwrap();
    assert!(priming.message.is_empty() && priming.id.is_some());
    assert!(is_silent(&mut stream).await);
    server.ticket().await.answer(result("{}"));
    assert!(last(&mut stream).await.id.is_some());
    // Too late is no harm, and an old client gets no empty event.
    stream.begin_stream();
    let client = house.mcp(Version::V2025_03_26).await;
    let mut stream = client.calls(2, "s__t");
    stream.begin_stream();
    assert!(is_silent(&mut stream).await);
    server.ticket().await.answer(result("{}"));
    let answer = last(&mut stream).await;
    assert!(answer.id.is_some() && value(&answer)["id"] == 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_ends_with_the_last_of_its_answers() {
    let (house, mut server) = house().await;
    let client = house.mcp(Version::V2025_03_26).await;
    let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
    let mut stream = client.posts(&[call(1, "s__t"), told, ping, call(2, "s__t")]);
    let (one, two) = (server.ticket().await, server.ticket().await);
    two.answer(result("{}"));
    for id in [json!("p"), json!(2)] {
        let event = next(&mut stream).await.unwrap();
        assert_eq!((&value(&event)["id"], event.is_last), (&id, false));
    }
    one.answer(result("{}"));
    assert_eq!(value(&last(&mut stream).await)["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_cancels_nothing_and_keeps_nothing() {
    let (mut house, mut server) = house().await;
    let client = house.mcp(Version::LATEST).await;
    let unheard = client.calls(1, "s__t");
    let mut begun = client.calls(2, "s__t");
    let (one, two) = (server.ticket().await, server.ticket().await);
    progress(&two, 1);
    next(&mut begun).await.unwrap();
    drop((unheard, begun));
    settle().await;
    server.hears_nothing();
    one.answer(result("{}"));
    two.answer(result("{}"));
    settle().await;
    assert_eq!(server.free(), 128);
    assert_eq!(house.ended(), 0);
    assert!(client.session.idle_for().is_some(), "nothing is left of it");
    assert_eq!(value(&last(&mut client.asks(3, "ping")).await)["id"], 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_exchanged_with_a_session_that_has_ended() {
    let (house, mut server) = house().await;
    let client = house.mcp(Version::LATEST).await;
    let mut stream = client.calls(1, "s__t");
    let ticket = server.ticket().await;
    client.session.cell().kill();
    assert_eq!(next(&mut stream).await, None, "its stream ends");
    assert_eq!(server.cancelled().await.0, ticket.call().number);
    settle().await;
    let refused = client.session.exchange(Vec::new(), true);
    assert_eq!(refused.err(), Some(CallError::UnknownSession));
    let refused = client.session.listen(None).await;
    assert_eq!(refused.err(), Some(CallError::UnknownSession));
}
