//! Clients that go: without a word, in the middle of calls, two hundred at once. What they held must
//! be given back.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::{SOON, gateway};
use crate::support::client::SseClient;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http::{self, Connection};
use crate::support::servers::{fixtures, text_of};
use crate::support::{proc, wait};

/// Starts a call that takes a minute and waits until its server works on it.
async fn start_long_call(client: &SseClient) -> u64 {
    let params = r#"{"name":"fx__sleep","arguments":{"ms":60000,"steps":1200},"_meta":{"progressToken":"t"}}"#;
    let id = client.request("tools/call", Some(params)).await;
    client
        .next_notification("notifications/progress", SOON)
        .await;
    id
}

/// The upstream ids of the calls whose cancellation the server has received.
async fn received_cancels(client: &SseClient) -> Vec<String> {
    let text = text_of(&client.call_tool("fx__received_cancels", "{}").await);
    let cancels: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    cancels
        .iter()
        .map(|cancel| cancel["requestId"].to_string())
        .collect()
}

async fn wait_for_cancels(client: &SseClient, count: usize) -> Vec<String> {
    wait::until("the cancellations", SOON, async || {
        let cancels = received_cancels(client).await;
        (cancels.len() >= count).then_some(cancels)
    })
    .await
}

#[tokio::test]
async fn calls_of_a_client_that_left_are_cancelled_upstream() {
    let gateway = gateway().await;
    let witness = SseClient::connect(gateway.addr()).await;
    let stays = start_long_call(&witness).await;
    let leaver = SseClient::connect(gateway.addr()).await;
    for _ in 0..3 {
        start_long_call(&leaver).await;
    }
    assert_eq!(received_cancels(&witness).await, Vec::<String>::new());
    let endpoint = leaver.endpoint().to_owned();
    leaver.close().await;
    let cancels = wait_for_cancels(&witness, 3).await;
    let different: HashSet<&String> = cancels.iter().collect();
    assert_eq!((cancels.len(), different.len()), (3, 3), "{cancels:?}");
    let json = ("content-type", "application/json");
    let late = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let refused = http::request(gateway.addr(), "POST", &endpoint, &[json], late).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
    // The call of the one who stayed is none of them: it can still be cancelled, by its own id.
    let params = format!(r#"{{"requestId":{stays}}}"#);
    witness
        .notify("notifications/cancelled", Some(&params))
        .await;
    let cancels = wait_for_cancels(&witness, 4).await;
    let different: HashSet<&String> = cancels.iter().collect();
    assert_eq!(different.len(), 4, "{cancels:?}");
}

#[tokio::test]
async fn permits_of_clients_that_left_are_free_again() {
    let gateway = gateway().await;
    // What a server still works on keeps its permit, so these calls end by themselves.
    let params = r#"{"name":"fx__sleep","arguments":{"ms":4000,"ignore_cancel":true}}"#;
    let leavers = [
        SseClient::connect(gateway.addr()).await,
        SseClient::connect(gateway.addr()).await,
        SseClient::connect(gateway.addr()).await,
    ];
    for leaver in &leavers {
        for _ in 0..64 {
            leaver.request("tools/call", Some(params)).await;
        }
    }
    let witness = SseClient::connect(gateway.addr()).await;
    let busy = witness.call_tool("fx__echo", "{}").await;
    assert!(text_of(&busy).contains("'fx' is busy"), "{busy}");
    for leaver in leavers {
        leaver.close().await;
    }
    wait::until("a free permit", Duration::from_secs(20), async || {
        let answer = witness.call_tool("fx__echo", r#"{"text":"free"}"#).await;
        (text_of(&answer) == "free").then_some(())
    })
    .await;
}

/// Opens a stream and closes it in the rudest way: a reset, with data unread.
fn vanish(stream: &TcpStream) {
    let linger = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    linger.expect("an open socket");
}

async fn open_raw(gateway: &Gateway) -> TcpStream {
    let mut connection = Connection::open(gateway.addr()).await.expect("it listens");
    let head = http::request_head(
        gateway.addr(),
        "GET",
        "/sse",
        &[("accept", "text/event-stream")],
    );
    connection
        .send(format!("{head}\r\n").as_bytes())
        .await
        .expect("it is read");
    let head = wait::within(|| "a stream".to_owned(), SOON, connection.head()).await;
    assert_eq!(head.status, 200);
    connection.into_parts().0
}

#[tokio::test]
async fn two_hundred_clients_that_vanish_leave_nothing() {
    let options = GatewayOptions::new(fixtures(&[("fx", &[])])).arg("--log-level=debug");
    let gateway = Gateway::start(options).await;
    let witness = SseClient::connect(gateway.addr()).await;
    witness.call_tool("fx__echo", "{}").await;
    witness.close_posts();
    let files = proc::open_files(gateway.pid()).expect("it runs");
    let processes = gateway.children().len();

    let mut callers = Vec::new();
    let mut silent = Vec::new();
    for number in 0..200 {
        if number % 4 == 0 {
            let caller = SseClient::connect(gateway.addr()).await;
            start_long_call(&caller).await;
            callers.push(caller);
        } else {
            silent.push(open_raw(&gateway).await);
        }
    }
    assert!(proc::open_files(gateway.pid()).expect("it runs") >= files + 200);
    assert_eq!(gateway.children().len(), processes, "no process per client");
    for stream in silent.iter().step_by(2) {
        vanish(stream);
    }
    drop(silent);
    drop(callers);

    gateway.wait_for_log("ended; 1 left", SOON).await;
    assert_eq!(wait_for_cancels(&witness, 50).await.len(), 50);
    witness.close_posts();
    wait::until("all connections to be closed", SOON, async || {
        (proc::open_files(gateway.pid())? <= files).then_some(())
    })
    .await;
    assert_eq!(gateway.children().len(), processes);
    let answer = witness.call_tool("fx__echo", r#"{"text":"still"}"#).await;
    assert_eq!(text_of(&answer), "still");
}
