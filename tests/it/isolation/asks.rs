//! What a server asks reaches the one client that it works for, and the answer that one server, byte for byte.

use serde_json::Value;

use super::{ALL, SAMPLING, SOON, begin_ask, drive, isolated, settle};
use crate::support::both::{join_with, serve_with};
use crate::support::client::{Transport, id_of};
use crate::support::servers::text_of;
use crate::support::wait;

on_both_transports!(
    sampling_passes_both_ways_byte_for_byte,
    elicitation_passes_in_both_modes,
    each_client_is_asked_by_its_own_process,
    several_questions_are_open_at_once,
    a_question_outside_of_any_call_reaches_the_client,
    progress_of_an_answer_reaches_the_server,
);

/// Of a request of the gateway: its params, raw.
fn params_of(request: &str) -> &str {
    let (_, params) = request.split_once(r#","params":"#).expect("params");
    params.strip_suffix('}').expect("the end of a message")
}

/// Of an answer that the fixture got, what is behind its id.
fn outcome(answer: &str) -> &str {
    let (_, rest) = answer.split_once(r#""id":"#).expect("an id");
    let (_, rest) = rest.split_once(',').expect("an outcome");
    rest.strip_suffix('}').expect("the end of a message")
}

async fn sampling_passes_both_ways_byte_for_byte<T: Transport>() {
    let (_gateway, client) = serve_with::<T>(&[isolated("own", &[])], ALL).await;
    let params = r#"{ "messages":[{"role":"user","content":{"type":"x","n":1e400}}],"maxTokens":1.0,"vendor":{"\u0000":[-0.0]}}"#;
    for (id, answered) in [
        (
            "7",
            r#""result":{"role":"assistant","n":1.10,"\u0061":null}"#,
        ),
        (
            r#""mine""#,
            r#""error":{"code":-1,"message":"no","data":1.10}"#,
        ),
        (r#""1""#, r#""result":null"#),
        ("99999999999", r#""result":{ "spaces" : 1 }"#),
    ] {
        let ask = format!(r#"{{"method":"{SAMPLING}","params":{params},"id":{id}}}"#);
        let call = begin_ask(&client, "own", &ask).await;
        let request = client.next_notification(SAMPLING, SOON).await;
        assert_eq!(params_of(&request), params);
        client.respond(&request, answered).await;
        let got = text_of(&client.wait_response(call, SOON).await);
        assert_eq!(id_of(&got), id, "its own id comes back");
        assert_eq!(outcome(&got), answered);
    }
}

async fn elicitation_passes_in_both_modes<T: Transport>() {
    const CREATE: &str = "elicitation/create";
    const COMPLETE: &str = "notifications/elicitation/complete";
    let (_gateway, client) = serve_with::<T>(&[isolated("own", &[])], ALL).await;
    let form = r#"{"mode":"form","message":"?","requestedSchema":{"type":"object","properties":{"a":{"type":"string","x-vendor":1.10}},"additionalProperties":false}}"#;
    let url =
        r#"{"mode":"url","elicitationId":"e-1","url":"https://example.com/\u0061","message":"!"}"#;
    for params in [form, url] {
        let ask = format!(r#"{{"method":"{CREATE}","params":{params}}}"#);
        let call = begin_ask(&client, "own", &ask).await;
        let request = client.next_notification(CREATE, SOON).await;
        assert_eq!(params_of(&request), params);
        let answered = r#""result":{"action":"accept","content":{"a":1.10}}"#;
        client.respond(&request, answered).await;
        let got = text_of(&client.wait_response(call, SOON).await);
        assert_eq!(outcome(&got), answered);
    }
    let done = r#"{"elicitationId":"e-1","x":1.10}"#;
    let notify = format!(r#"{{"method":"{COMPLETE}","params":{done}}}"#);
    drive(&client, "own__notify", &notify).await;
    let notification = client.next_notification(COMPLETE, SOON).await;
    assert_eq!(params_of(&notification), done);
}

async fn each_client_is_asked_by_its_own_process<T: Transport>() {
    let (gateway, one) = serve_with::<T>(&[isolated("own", &[])], ALL).await;
    let two = join_with::<T>(&gateway, ALL).await;
    let mut calls = Vec::new();
    for (client, name) in [(&one, "one"), (&two, "two")] {
        // The same id from both: they are two processes.
        let ask = format!(r#"{{"method":"{SAMPLING}","params":{{"for":"{name}"}},"id":1}}"#);
        calls.push(begin_ask(client, "own", &ask).await);
    }
    for (client, name, call) in [(&two, "two", calls[1]), (&one, "one", calls[0])] {
        let request = client.next_notification(SAMPLING, SOON).await;
        assert!(
            request.contains(&format!(r#"{{"for":"{name}"}}"#)),
            "{request}"
        );
        let answered = format!(r#""result":{{"by":"{name}"}}"#);
        client.respond(&request, &answered).await;
        let got = text_of(&client.wait_response(call, SOON).await);
        assert_eq!(outcome(&got), answered);
    }
    for client in [&one, &two] {
        settle(client).await;
        assert_eq!(client.notifications(), Vec::<String>::new());
    }
}

async fn several_questions_are_open_at_once<T: Transport>() {
    let servers = [isolated("a", &[]), isolated("b", &[])];
    let (_gateway, client) = serve_with::<T>(&servers, ALL).await;
    let mut calls = Vec::new();
    for server in ["a", "b", "a", "b"] {
        let number = calls.len();
        let id = number / 2; // the same at both servers
        let ask = format!(r#"{{"method":"{SAMPLING}","params":{{"n":{number}}},"id":{id}}}"#);
        calls.push(begin_ask(&client, server, &ask).await);
    }
    let mut requests = Vec::new();
    for _ in &calls {
        requests.push(client.next_notification(SAMPLING, SOON).await);
    }
    let mut ids: Vec<&str> = requests.iter().map(|request| id_of(request)).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each has an id of its own: {requests:?}");
    for request in requests.iter().rev() {
        let answered = format!(r#""result":{}"#, params_of(request));
        client.respond(request, &answered).await;
    }
    for (number, call) in calls.into_iter().enumerate() {
        let got = text_of(&client.wait_response(call, SOON).await);
        assert_eq!(outcome(&got), format!(r#""result":{{"n":{number}}}"#));
    }
}

async fn a_question_outside_of_any_call_reaches_the_client<T: Transport>() {
    let (_gateway, client) = serve_with::<T>(&[isolated("own", &[])], ALL).await;
    let ask = format!(r#"{{"method":"{SAMPLING}","id":"late","wait":false,"after_ms":300}}"#);
    assert_eq!(drive(&client, "own__ask", &ask).await, "asked");
    let request = client.next_notification(SAMPLING, SOON).await;
    client.respond(&request, r#""result":{"n":1.10}"#).await;
    wait::until("its answer", SOON, async || {
        let answers = drive(&client, "own__answers", "{}").await;
        let answered =
            answers.contains(r#""id":"late""#) && answers.contains(r#""result":{"n":1.10}"#);
        answered.then_some(())
    })
    .await;
}

async fn progress_of_an_answer_reaches_the_server<T: Transport>() {
    let (_gateway, client) = serve_with::<T>(&[isolated("own", &[])], ALL).await;
    for token in [r#""tok""#, "5"] {
        let params = format!(r#"{{"_meta":{{"x":1.10,"progressToken":{token}}}}}"#);
        let ask = format!(r#"{{"method":"{SAMPLING}","params":{params}}}"#);
        let call = begin_ask(&client, "own", &ask).await;
        let request = client.next_notification(SAMPLING, SOON).await;
        let parsed: Value = serde_json::from_str(&request).expect("JSON");
        let given = &parsed["params"]["_meta"]["progressToken"];
        let progress = format!(r#"{{"progressToken":{given},"progress":0.50}}"#);
        client
            .notify("notifications/progress", Some(&progress))
            .await;
        let wanted = format!(r#"{{"progressToken":{token},"progress":0.50}}"#);
        wait::until("the progress", SOON, async || {
            let method = r#"{"method":"notifications/progress"}"#;
            let seen = drive(&client, "own__received", method).await;
            seen.contains(&wanted).then_some(())
        })
        .await;
        client.respond(&request, r#""result":{}"#).await;
        client.wait_response(call, SOON).await;
    }
}
