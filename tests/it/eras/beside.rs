//! Eight sessions and eight clients without one, all with the same ids and progress tokens, at one server.

use serde_json::json;
use tokio::task::JoinSet;

use super::{SOON, member, open};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{configuration, fixture, text_of};
use crate::support::streamable::{Endpoint, Reply};
use crate::support::wait;

/// All that came, the answer last.
async fn all(reply: Reply) -> Vec<String> {
    match reply {
        Reply::Whole(response) => vec![response.text()],
        Reply::Stream(mut stream) => {
            let mut all = Vec::new();
            while let Some(event) = stream.message().await {
                all.push(event.data);
            }
            all
        }
    }
}

/// Progress of this call's own number of steps, and the answer.
fn assert_own(number: usize, said: &[String]) {
    let (answer, told) = said.split_last().expect("an answer");
    assert_eq!(text_of(answer), "slept");
    assert_eq!(member(answer, "/id"), 0);
    let steps: Vec<_> = told
        .iter()
        .map(|told| member(told, "/params/total"))
        .collect();
    assert_eq!(steps, vec![json!(number); number], "{number}");
}

fn line(number: usize) -> String {
    let arguments = format!(r#"{{"ms":200,"steps":{number}}}"#);
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{{"name":"fx__sleep","arguments":{arguments},"_meta":{{"progressToken":0}}}}}}"#
    )
}

#[tokio::test]
async fn equal_ids_and_tokens_of_both_eras_do_not_cross() {
    for flags in [&[][..], &["--era=modern"]] {
        let (gateway, client) = open(flags, &json!({})).await;
        let mut calls = JoinSet::new();
        for number in 1..=8 {
            let client = client.clone();
            let session = Endpoint::initialized(gateway.addr(), "2025-11-25").await;
            calls.spawn(async move {
                for _ in 0..5 {
                    assert_own(number, &all(session.post(&line(number)).await).await);
                }
            });
            let arguments = format!(r#"{{"ms":200,"steps":{}}}"#, number + 8);
            let ask = Ask::tool("fx__sleep", &arguments)
                .id("0")
                .meta("progressToken", "0");
            calls.spawn(async move {
                for _ in 0..5 {
                    assert_own(number + 8, &all(client.post(&ask).await).await);
                }
            });
        }
        while let Some(done) = calls.join_next().await {
            done.expect("nothing crosses");
        }
    }
}

#[tokio::test]
async fn both_are_told_of_a_reload() {
    let (gateway, client) = open(&[], &json!({})).await;
    let session = Endpoint::initialized(gateway.addr(), "2025-11-25").await;
    let mut stream = session.listen().await;
    let mut listen = client.listen("0", r#"{"toolsListChanged":true}"#).await;
    listen.expect().await;
    let late = [fixture("fx", &["--offers"]), fixture("late", &[])];
    gateway.write_config(&configuration(&late));
    for told in [stream.expect().await, listen.expect().await] {
        assert_eq!(
            member(&told.data, "/method"),
            "notifications/tools/list_changed"
        );
    }
    wait::until("the new tools", SOON, async || {
        let list = Ask::new("tools/list", "{}");
        client
            .answer(&list)
            .await
            .1
            .contains("late__echo")
            .then_some(())
    })
    .await;
}

/// Two tokens never share a process of a server that has one for each.
#[tokio::test]
async fn a_session_server_is_not_shared_and_not_offered() {
    let own = json!({ "isolation": "session" });
    let (gateway, client) = open(&[], &own).await;
    let discover = Ask::new("server/discover", "{}");
    assert_eq!(client.answer(&discover).await.0, 200);
    let mut entry = fixture("fx", &["--offers"]);
    entry["isolation"] = json!("session");
    let mark = gateway.log_mark();
    gateway.write_config(&configuration(&[entry]));
    gateway
        .wait_for_log_after(mark, "reload: gateway: protocol", SOON)
        .await;
    let (status, refused) = client.answer(&discover).await;
    assert_eq!(
        (status, member(&refused, "/error/code")),
        (400, json!(-32601))
    );
    // Whoever does not ask is served as before.
    let said = client.call_tool("fx__echo", r#"{"text":"x"}"#).await;
    assert_eq!(text_of(&said), "x");
    let pid = |client: ModernClient| async move {
        let said = client.call_tool("fx__pid", "{}").await;
        text_of(&said)
    };
    let other = ModernClient::new(gateway.addr());
    let (one, two) = tokio::join!(pid(client), pid(other));
    assert_ne!(one, two);
}
