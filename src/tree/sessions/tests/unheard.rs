//! What a client of Streamable HTTP is told of changed lists that has no stream for it, or not any
//! more: on the stream of its next POST.

use serde_json::json;

use super::{House, LIST_CHANGED, Mcp, Server, is_silent, last, next, settle, value};
use crate::protocol::version::Version;
use crate::testing::catalogue;
use crate::tree::sessions::Signer;

async fn house() -> (House, Server, Mcp) {
    let house = House::of(&["s"]).await;
    let server = house.server("s", 1, &["t"]).await;
    let client = house.mcp(Version::LATEST).await;
    last(&mut client.asks(0, "tools/list")).await;
    (house, server, client)
}

async fn change(house: &House, server: &Server, tool: &str) {
    house
        .registry
        .catalogue(&server.handle, Some(catalogue(&[tool])));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
}

/// Told of its tools on the stream of a POST, before the answer.
async fn is_told(client: &Mcp) {
    let mut stream = client.asks(5, "ping");
    assert!(next(&mut stream).await.unwrap().message.is_empty());
    let news = value(&next(&mut stream).await.unwrap());
    assert_eq!(news["method"], LIST_CHANGED);
    assert_eq!(value(&last(&mut stream).await)["id"], json!(5));
}

/// One answer and no more.
async fn is_not_told(client: &Mcp) {
    let answer = last(&mut client.asks(6, "ping")).await;
    assert_eq!(value(&answer)["id"], json!(6));
}

#[tokio::test(start_paused = true)]
async fn who_takes_no_stream_or_never_listened_or_asks_anyway_is_not_told() {
    let (house, server, client) = house().await;
    change(&house, &server, "u").await;
    is_not_told(&client).await;
    drop(client.listens(None).await.unwrap());
    settle().await;
    change(&house, &server, "v").await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let ping = crate::protocol::jsonrpc::decode(&ping.to_string().into()).unwrap();
    last(&mut client.session.exchange(vec![ping], false).unwrap()).await;
    last(&mut client.asks(2, "tools/list")).await;
    is_not_told(&client).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_of_an_earlier_life_is_told_what_has_changed_since_then() {
    let signer = Signer::load(None);
    let id = {
        let before = House::signed(&["s"], crate::supervise::Plain, 10, signer.clone()).await;
        before.mcp(Version::LATEST).await.id
    };
    let house = House::signed(&["s"], crate::supervise::Plain, 10, signer).await;
    // What the registry starts with is what was offered last.
    let server = house.server("s", 1, &["t"]).await;
    let take_up = async || {
        let session = house.sessions.find_streamable(&id).await.unwrap();
        settle().await;
        let id = id.clone();
        Mcp { id, session }
    };
    let client = take_up().await;
    is_not_told(&client).await;
    client.session.end("the test says so");
    settle().await;

    change(&house, &server, "u").await;
    let client = take_up().await;
    is_told(&client).await;
    is_not_told(&client).await;
    let stream = client.listens(None).await;
    assert!(next(&mut stream.unwrap()).await.unwrap().message.is_empty());
    client.session.end("the test says so");
    settle().await;

    let client = take_up().await;
    let mut stream = client.listens(None).await.unwrap();
    next(&mut stream).await;
    assert_eq!(
        value(&next(&mut stream).await.unwrap())["method"],
        LIST_CHANGED
    );
    assert!(is_silent(&mut stream).await);
}

#[tokio::test(start_paused = true)]
async fn who_listens_again_after_a_long_sleep_is_told_what_is_kept_no_more() {
    let (house, server, client) = house().await;
    drop(client.listens(None).await.unwrap());
    settle().await;
    change(&house, &server, "u").await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    let mut stream = client.listens(None).await.unwrap();
    next(&mut stream).await;
    assert_eq!(
        value(&next(&mut stream).await.unwrap())["method"],
        LIST_CHANGED
    );
    assert!(is_silent(&mut stream).await, "once");
    is_not_told(&client).await;
}
