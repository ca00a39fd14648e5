//! POST over Streamable HTTP: what comes on its stream, and in what shape.

use bytes::Bytes;
use serde_json::json;

use super::{House, Server, last, next, result, settle, value};
use crate::protocol::version::Version;
use crate::tree::call::{CallError, ReplyToken};

fn progress(reply_token: &ReplyToken, number: u32) {
    let message = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": number});
    reply_token.progress(Bytes::from(message.to_string()));
}

async fn house() -> (House, Server) {
    let house = House::of(&["s"]).await;
    let server = house.server("s", 1, &["t"]).await;
    (house, server)
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_cancels_nothing_and_keeps_nothing() {
    let (mut house, mut server) = house().await;
    let client = house.mcp(Version::LATEST).await;
    let unheard = client.calls(1, "s__t");
    let mut begun = client.calls(2, "s__t");
    let (one, two) = (server.reply_token().await, server.reply_token().await);
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
    let reply_token = server.reply_token().await;
    client.session.cell().kill();
    assert_eq!(next(&mut stream).await, None, "its stream ends");
    assert_eq!(server.cancelled().await.0, reply_token.call().number);
    settle().await;
    let refused = client.session.exchange(Vec::new(), true);
    assert_eq!(refused.err(), Some(CallError::UnknownSession));
    let refused = client.session.listen(None).await;
    assert_eq!(refused.err(), Some(CallError::UnknownSession));
}
