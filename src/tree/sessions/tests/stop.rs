//! The stop, step by step: what servers can still do is done, the rest is answered with words, and
//! streams end last.

use serde_json::json;

use super::{House, is_silent, last, next, result, settle, value};
use crate::protocol::version::Version;
use crate::tree::sessions::Stop;

const STEPS: [Stop; 3] = [Stop::Draining, Stop::NoServers, Stop::Ending];

#[tokio::test(start_paused = true)]
async fn a_house_without_calls_has_none_at_once() {
    let mut house = House::of(&["s"]).await;
    let _client = house.client().await;
    house.sessions.stop(Stop::Draining);
    settle().await;
    assert_eq!(house.are_calling(), Some(false));
}

#[tokio::test(start_paused = true)]
async fn calls_are_served_as_long_as_their_server_lives() {
    let mut house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let (mut client, mut other) = (house.client().await, house.client().await);
    client.calls(1, "s__t");
    let one = server.reply_token().await;
    house.sessions.stop(Stop::Draining);
    settle().await;
    assert_eq!(house.are_calling(), Some(true));
    // Who was idle may call, and who comes now.
    let late = house.client().await;
    other.calls(2, "s__t");
    late.calls(3, "s__t");
    let (two, three) = (server.reply_token().await, server.reply_token().await);
    one.answer(result("{}"));
    assert_eq!(client.next().await["id"], 1);
    settle().await;
    assert_eq!(house.are_calling(), None, "there are others");
    // A cancelled call is nothing to wait for.
    late.tells("notifications/cancelled", &json!({"requestId": 3}));
    two.answer(result("{}"));
    assert_eq!(other.next().await["id"], 2);
    settle().await;
    assert_eq!(house.are_calling(), Some(false));
    drop(three);
}

#[tokio::test(start_paused = true)]
async fn without_servers_calls_are_answered_with_words() {
    for step in [Stop::NoServers, Stop::Ending] {
        let house = House::of(&["s"]).await;
        let _server = house.server("s", 1, &["t"]).await;
        let client = house.mcp(Version::LATEST).await;
        last(&mut client.asks(0, "tools/list")).await;
        house.sessions.stop(step);
        settle().await;
        let answer = value(&last(&mut client.calls(1, "s__t")).await);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("the call was not run"), "{text}");
        for method in ["ping", "tools/list", "initialize"] {
            let answer = value(&last(&mut client.asks(2, method)).await);
            assert!(answer["result"].is_object(), "{method}: {answer}");
        }
        let answer = value(&last(&mut client.calls(3, "nobody__t")).await);
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_during_the_stop_gets_a_session_at_every_step() {
    let house = House::of(&["s"]).await;
    let _server = house.server("s", 1, &["t"]).await;
    for step in STEPS {
        house.sessions.stop(step);
        let client = house.mcp(Version::LATEST).await;
        let answer = value(&last(&mut client.asks(1, "tools/list")).await);
        assert_eq!(answer["result"]["tools"][0]["name"], "s__t", "{step:?}");
        let opened = house.sessions.open_sse().await;
        assert!(opened.is_ok(), "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_is_answered_before_the_stream_ends() {
    let house = House::of(&["s"]).await;
    let mut server = house.server("s", 1, &["t"]).await;
    let (mut client, mut other) = (house.client().await, house.client().await);
    for id in 0..20 {
        client.calls(id, "s__t");
    }
    let mut reply_tokens = Vec::new();
    for _ in 0..20 {
        reply_tokens.push(server.reply_token().await);
    }
    house.sessions.stop(Stop::Draining);
    house.sessions.stop(Stop::NoServers);
    settle().await;
    // Those that have no answer by now will have none.
    let late = reply_tokens.split_off(10);
    for reply_token in reply_tokens {
        reply_token.answer(result("{}"));
    }
    house.sessions.stop(Stop::Ending);
    settle().await;
    // It does not wait for the client to read.
    for id in 0..10 {
        assert_eq!(client.next().await["id"], id);
    }
    for id in 10..20 {
        let text = client.next_failure(id).await;
        assert!(text.contains("may or may not"), "{text}");
    }
    assert_eq!(client.next_or_end().await, None);
    assert_eq!(other.next_or_end().await, None);
    drop(late);
}

#[tokio::test(start_paused = true)]
async fn streams_of_get_are_opened_at_every_step_and_end_at_the_last() {
    let house = House::of(&["s"]).await;
    let client = house.mcp(Version::LATEST).await;
    for step in STEPS {
        house.sessions.stop(step);
        let mut stream = client.listens(None).await.unwrap();
        let priming = next(&mut stream).await.unwrap();
        assert!(priming.message.is_empty() && !priming.is_last);
        if step == Stop::Ending {
            assert_eq!(next(&mut stream).await, None);
        } else {
            assert!(is_silent(&mut stream).await);
        }
    }
}
