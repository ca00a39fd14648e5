//! Crashes as a client of Streamable HTTP meets them: each request is answered once, and the client goes on with
//! its session id and nothing else, whichever actor died.

use serde_json::Value;

use super::{House, servers};
use crate::support::chaos::How;
use crate::support::servers::{error_code, text_of};
use crate::support::streamable::{Endpoint, Post, call_tool};

/// With and without the event that a stream begins with.
const VERSIONS: [&str; 2] = ["2025-11-25", "2025-06-18"];

/// Calls a tool that takes so long, with progress if it is `loud`.
async fn begin_sleep(endpoint: &Endpoint, id: u32, ms: u32, is_loud: bool) -> Post {
    let meta = if is_loud {
        r#""_meta":{"progressToken":5},"#
    } else {
        ""
    };
    endpoint
        .begin(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{{meta}"name":"one__sleep","arguments":{{"ms":{ms},"steps":2}}}}}}"#
        ))
        .await
}

fn id_of(answer: &str) -> Value {
    let answer: Value = serde_json::from_str(answer).expect("an answer is JSON");
    answer["id"].clone()
}

async fn serves(endpoint: &Endpoint) {
    for server in ["one", "two"] {
        let call = call_tool(9, &format!("{server}__echo"), r#"{"text":"still here"}"#);
        let answer = endpoint.post(&call).await.message().await;
        assert_eq!(text_of(&answer), "still here");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_dies_answers_what_it_owes_and_is_taken_up_again() {
    for (how, version) in How::ALL.into_iter().zip(VERSIONS.into_iter().cycle()) {
        let house = House::open(servers()).await;
        let endpoint = house.endpoint(version).await;
        serves(&endpoint).await;
        let quiet = begin_sleep(&endpoint, 1, 600_000, false).await;
        let loud = begin_sleep(&endpoint, 2, 3_000, true).await.reply().await;
        let mut loud = loud.stream();
        assert!(loud.expect().await.data.contains("notifications/progress"));
        house.chaos.strike("session", how).await;
        let quiet = quiet.reply().await.message().await;
        assert_eq!((id_of(&quiet), error_code(&quiet)), (1.into(), -32000));
        let mut answers = Vec::new();
        while let Some(event) = loud.message().await {
            answers.extend((id_of(&event.data) == 2).then_some(event.data));
        }
        assert_eq!(answers.len(), 1, "{how:?}, {version}: {answers:?}");
        assert_eq!(error_code(&answers[0]), -32000);
        serves(&endpoint).await;
        endpoint.listen().await;
        assert_eq!(house.groups(), 2, "one process per server");
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_outlive_their_supervisor() {
    for how in How::ALL {
        let house = House::open(servers()).await;
        let endpoints = [
            house.endpoint(VERSIONS[0]).await,
            house.endpoint(VERSIONS[1]).await,
        ];
        house.chaos.strike("sessions", how).await;
        house.restarted("sessions", 2).await;
        house.restarted("listener", 2).await;
        for endpoint in &endpoints {
            serves(endpoint).await;
        }
        house.close().await;
    }
}

/// Only connections are lost with the listener. What its session said meanwhile is there for who resumes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_outlives_the_listener_it_came_through() {
    for (how, version) in How::ALL.into_iter().zip(VERSIONS.into_iter().cycle()) {
        let house = House::open(servers()).await;
        let endpoint = house.endpoint(version).await;
        serves(&endpoint).await;
        let call = begin_sleep(&endpoint, 3, 1_500, true).await.reply().await;
        let mut call = call.stream();
        let seen = call.expect().await.id.expect("an id");
        house.chaos.strike("listener", how).await;
        house.restarted("listener", 2).await;
        let mut rest = endpoint.resume(&seen).await;
        let mut answers = Vec::new();
        while let Some(event) = rest.message().await {
            answers.extend((id_of(&event.data) == 3).then_some(event.data));
        }
        assert_eq!(answers.len(), 1, "{how:?}, {version}: {answers:?}");
        assert_eq!(text_of(&answers[0]), "slept");
        serves(&endpoint).await;
        drop(call);
        house.close().await;
    }
}
