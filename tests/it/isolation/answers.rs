//! Questions that come to no good end: taken back, never answered, asked of a client that has gone; and which
//! stream they come on.

use serde_json::json;

use super::{ALL, SAMPLING, SOON, begin_ask, drive, isolated, settle};
use crate::support::both::serve_with;
use crate::support::client::{Transport, id_of};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::servers::{configuration, gateway, text_of};
use crate::support::streamable::{Endpoint, call_tool};
use crate::support::wait;

const CANCELLED: &str = "notifications/cancelled";

on_both_transports!(
    a_question_that_is_taken_back_is_taken_back_from_the_client,
    a_question_without_an_answer_is_an_error_in_time,
    a_call_outlives_the_question_that_it_waits_for,
    an_answer_nobody_waits_for_is_dropped,
);

async fn a_question_that_is_taken_back_is_taken_back_from_the_client<T: Transport>() {
    let (_gateway, client) = serve_with::<T>(&[isolated("own", &[])], ALL).await;
    let ask = format!(r#"{{"method":"{SAMPLING}","id":"q"}}"#);
    let call = begin_ask(&client, "own", &ask).await;
    let request = client.next_notification(SAMPLING, SOON).await;
    drive(&client, "own__cancel_ask", r#"{"id":"q"}"#).await;
    let cancelled = client.next_notification(CANCELLED, SOON).await;
    let wanted = format!(
        r#"{{"jsonrpc":"2.0","method":"{CANCELLED}","params":{{"requestId":{},"reason":"no longer \u0077anted"}}}}"#,
        id_of(&request)
    );
    assert_eq!(cancelled, wanted);
    assert_eq!(
        text_of(&client.wait_response(call, SOON).await),
        "cancelled"
    );
    // Too late: nobody gets it.
    client.respond(&request, r#""result":{}"#).await;
    settle(&client).await;
    assert_eq!(drive(&client, "own__answers", "{}").await, "[]");
}

async fn a_question_without_an_answer_is_an_error_in_time<T: Transport>() {
    let mut entry = isolated("own", &[]);
    entry["call_timeout"] = json!(1);
    let (_gateway, client) = serve_with::<T>(&[entry], ALL).await;
    let ask = format!(r#"{{"method":"{SAMPLING}","id":"q","wait":false}}"#);
    drive(&client, "own__ask", &ask).await;
    let request = client.next_notification(SAMPLING, SOON).await;
    let cancelled = client.next_notification(CANCELLED, SOON).await;
    let id = format!(r#""requestId":{}"#, id_of(&request));
    assert!(cancelled.contains(&id), "{cancelled}");
    let answers = wait::until("an error", SOON, async || {
        let answers = drive(&client, "own__answers", "{}").await;
        (answers != "[]").then_some(answers)
    })
    .await;
    assert!(
        answers.contains(r#""id":"q""#) && answers.contains(r#""error":"#),
        "{answers}"
    );
}

async fn a_call_outlives_the_question_that_it_waits_for<T: Transport>() {
    let mut entry = isolated("own", &[]);
    entry["call_timeout"] = json!(1);
    let (_gateway, client) = serve_with::<T>(&[entry], ALL).await;
    let ask = format!(r#"{{"method":"{SAMPLING}"}}"#);
    let call = begin_ask(&client, "own", &ask).await;
    let answer = client.wait_response(call, SOON).await;
    assert!(answer.contains("the client did not answer"), "{answer}");
}

async fn an_answer_nobody_waits_for_is_dropped<T: Transport>() {
    let (_gateway, client) = serve_with::<T>(&[isolated("own", &[])], ALL).await;
    let ask = format!(r#"{{"method":"{SAMPLING}"}}"#);
    let call = begin_ask(&client, "own", &ask).await;
    let request = client.next_notification(SAMPLING, SOON).await;
    client
        .respond(r#"{"id":"never-asked"}"#, r#""result":{}"#)
        .await;
    client
        .respond(r#"{"id":123456}"#, r#""error":{"code":1,"message":""}"#)
        .await;
    client.respond(&request, r#""result":{"first":1}"#).await;
    client.respond(&request, r#""result":{"second":2}"#).await;
    let got = text_of(&client.wait_response(call, SOON).await);
    assert!(got.contains("first"), "{got}");
    settle(&client).await;
    let answers = drive(&client, "own__answers", "{}").await;
    assert_eq!(answers, format!("[{got}]"));
}

/// A question that belongs to a call comes on that call's stream, any other on the general one.
#[tokio::test]
async fn a_question_comes_on_the_stream_where_it_belongs() {
    let gateway = gateway(&[isolated("own", &[])]).await;
    let mut endpoint = Endpoint::new(gateway.addr());
    endpoint.initialize("2025-06-18", ALL).await;
    let mut general = endpoint.listen().await;
    let ask = |id: &str, more: &str| format!(r#"{{"method":"{SAMPLING}","id":"{id}"{more}}}"#);
    let call = call_tool(9, "own__ask", &ask("within", ""));
    let mut post = endpoint.post(&call).await.stream();
    let request = post.expect().await.data;
    assert!(request.contains(SAMPLING), "{request}");
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#,
        id_of(&request)
    );
    endpoint.post(&answer).await.accepted();
    assert_eq!(id_of(&post.expect().await.data), "9");
    assert_eq!(post.message().await, None);

    let later = ask("outside", r#","wait":false,"after_ms":300"#);
    endpoint.call_tool("own__ask", &later).await;
    let request = general.expect().await.data;
    assert!(request.contains(SAMPLING), "{request}");
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#,
        id_of(&request)
    );
    endpoint.post(&answer).await.accepted();
}

/// What the client can do is in its session's id.
#[tokio::test]
async fn a_client_can_be_asked_after_the_gateway_was_killed() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let options = || GatewayOptions::new(configuration(&[isolated("own", &[])])).home(home.path());
    let mut gateway = Gateway::start(options()).await;
    let mut endpoint = Endpoint::new(gateway.addr());
    endpoint.initialize("2025-11-25", ALL).await;
    endpoint.call_tool("own__pid", "{}").await;
    gateway.children();
    gateway.signal(nix::sys::signal::Signal::SIGKILL);
    gateway.wait_exit(SOON).await;
    drop(gateway);
    let gateway = Gateway::start(options()).await;
    endpoint.addr = gateway.addr();
    let ask = format!(r#"{{"method":"{SAMPLING}"}}"#);
    let mut post = endpoint
        .post(&call_tool(9, "own__ask", &ask))
        .await
        .stream();
    let request = post.expect().await.data;
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":{},"result":{{"n":1.10}}}}"#,
        id_of(&request)
    );
    endpoint.post(&answer).await.accepted();
    let answer = post.expect().await.data;
    assert!(
        text_of(&answer).contains(r#""result":{"n":1.10}"#),
        "{answer}"
    );
}
