//! Limits of what a session and a server have under way: calls, subscriptions, questions.

use std::time::Duration;

use serde_json::{Value, json};

use super::{BUSY, MIB, Memory};
use crate::metrics;
use crate::stage::Stage;
use crate::support::both;
use crate::support::client::{Client, DEADLINE, Sse, SseClient, Streamable, Transport};
use crate::support::fleet::{self, Answer};
use crate::support::servers::{error_code, fixture, text_of};
use crate::support::wait;

const SERVER: &[(&str, &str)] = &[("server", "bad")];
/// What a server that never answers is called with.
const HANGS: &[&str] = &["--hang-on", "abort"];
const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l11_max_calls_per_server() {
    const MOST: f64 = 8.0;
    const EACH: usize = 16;
    let settings = json!({ "max_calls_per_server": 8 });
    let entries = [fixture("bad", &[])];
    let mut stage = Stage::with("max_calls_per_server", &entries, &settings, |o| o).await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(stage.client::<Sse>().await);
    }
    let memory = Memory::watch(&stage);
    for client in &clients {
        for _ in 0..EACH {
            fleet::send(client, "bad__sleep", r#"{"ms":5000}"#).await;
        }
    }
    let all = [SERVER[0], ("outcome", "refused")];
    let least = 4.0 * 16.0 - MOST;
    let series: (&str, &[_]) = ("mcproxy_calls_total", &all);
    let refused = metrics::at_least(&stage.gateway, series, least, DEADLINE).await;
    stage.struck(format!("64 calls that take 5 s, {refused} refused"));
    let in_flight = metrics::sum(&stage.gateway, "mcproxy_calls_in_flight", SERVER).await;
    stage.at_most("calls in flight", &in_flight, &MOST);
    let asked = tokio::time::Instant::now();
    let answer = fleet::echo(&clients[0], "bad", "x").await;
    stage.within("one more is told", asked.elapsed(), SOON);
    let is_told = answer.is_error && answer.text.contains("'bad' is busy");
    stage.holds("that it is busy, and which server", is_told);
    memory.at_most(&mut stage, 2 * MIB);
    room_again(&clients[0]).await;
    stage.holds("there is room again after they are answered", true);
    for client in clients {
        client.close().await;
    }
    stage.close().await;
}

/// Waits until the server takes calls.
async fn room_again<T: Transport>(client: &Client<T>) {
    wait::until("room again", DEADLINE, async || {
        let answer = fleet::echo(client, "bad", "room").await;
        (answer.text == "room").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l12_max_calls_per_session() {
    // More than the bystanders, whose calls are of one session.
    let settings = json!({ "max_calls_per_session": 16 });
    let entries = [fixture("bad", HANGS)];
    let mut stage = Stage::with("max_calls_per_session", &entries, &settings, |o| o).await;
    let memory = Memory::watch(&stage);
    let (one, two) = (
        stage.client::<Sse>().await,
        stage.client::<Streamable>().await,
    );
    let old_way = refused(&one).await;
    let new_way = refused(&two).await;
    stage.struck(format!("64 calls that are never answered, of a session: {old_way} are told \"busy\" over HTTP+SSE, {new_way} over /mcp"));
    stage.holds("all but 16", old_way == 48 && new_way == 48);
    let other = stage.client::<Sse>().await;
    assert_eq!(fleet::echo(&other, "bad", "x").await.text, "x");
    stage.holds(
        "another session's call to the same server is answered",
        true,
    );
    memory.at_most(&mut stage, 2 * MIB);
    for client in [one, other] {
        client.close().await;
    }
    two.leave().await;
    stage.close().await;
}

/// 64 calls that hang; how many of them are told that there are too many.
async fn refused<T: Transport>(client: &Client<T>) -> usize {
    for id in 1000..1064 {
        client
            .send(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"bad__abort","arguments":{{}}}}}}"#
            ))
            .await;
    }
    let answers = wait::until("all but those that hang", DEADLINE, async || {
        let answers = client.unclaimed();
        (answers.len() >= 48).then_some(answers)
    })
    .await;
    let is_busy = |answer: &&String| {
        error_code(answer) == BUSY && answer.contains("this session has as many requests")
    };
    answers.iter().filter(is_busy).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l18_max_subscriptions_per_session() {
    const WISHES: usize = 200;
    let settings = json!({ "max_subscriptions_per_session": 10 });
    let entries = [fixture("bad", &["--offers", "--resources", "200"])];
    let name = "max_subscriptions_per_session";
    let mut stage = Stage::with(name, &entries, &settings, |options| options).await;
    let client = stage.client::<Sse>().await;
    client.call("resources/list", None, DEADLINE).await;
    let memory = Memory::watch(&stage);
    let mut refused = 0;
    for number in 0..WISHES {
        let answer = subscribe(&client, number).await;
        let is_refused = answer.contains("error");
        assert!(!is_refused || error_code(&answer) == BUSY, "{answer}");
        assert_eq!(is_refused, number >= 10, "{answer}");
        refused += usize::from(is_refused);
    }
    stage.struck(format!(
        "{WISHES} resources, {refused} subscriptions refused"
    ));
    stage.holds("from the 11th on each is told \"busy\"", true);
    let seen = text_of(&client.call_tool("bad__state", "{}").await);
    let seen: Value = serde_json::from_str(&seen).expect("JSON");
    let known = seen["subscriptions"].as_array().expect("a list").len();
    stage.at_most("subscriptions at the server", &known, &10);
    let other = stage.client::<Sse>().await;
    assert!(subscribe(&other, 100).await.contains("result"));
    stage.holds("another session has its own", true);
    memory.at_most(&mut stage, 2 * MIB);
    stage.close().await;
}

async fn subscribe(client: &SseClient, number: usize) -> String {
    let params = json!({ "uri": format!("fx://{number}") }).to_string();
    client
        .call("resources/subscribe", Some(&params), DEADLINE)
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l19_max_questions_per_session() {
    const QUESTIONS: usize = 40;
    const SAMPLING: &str = "sampling/createMessage";
    let mut own = fixture("own", &["--offers"]);
    own["isolation"] = json!("session");
    let settings = json!({ "max_questions_per_session": 4 });
    let mut stage = Stage::with("max_questions_per_session", &[own], &settings, |o| o).await;
    let client = both::join_with::<Sse>(&stage.gateway, r#"{"sampling":{}}"#).await;
    client.call_tool("own__state", "{}").await;
    let memory = Memory::watch(&stage);
    let ask = json!({ "method": SAMPLING, "params": { "messages": [] } }).to_string();
    let mut calls = Vec::new();
    for _ in 0..QUESTIONS {
        calls.push(fleet::send(&client, "own__ask", &ask).await);
    }
    // The server asks in the order of the calls.
    let mut refused = 0;
    for call in calls.split_off(4) {
        let answer = fleet::answer(&client, call).await;
        let said: Value = serde_json::from_str(&answer.text).expect("what the gateway answered");
        assert_eq!(said["error"]["code"], BUSY, "{said}");
        refused += 1;
    }
    let asked = client.take_notifications();
    stage.struck(format!(
        "{QUESTIONS} questions of a server, {refused} of them are told \"busy\""
    ));
    stage.at_most("questions before the client", &asked.len(), &4);
    client.respond(&asked[0], r#""result":{"mine":1}"#).await;
    let answer = fleet::answer(&client, calls[0]).await;
    stage.holds(
        "one that is answered is passed on",
        answer.text.contains(r#""mine":1"#),
    );
    let last = fleet::send(&client, "own__ask", &ask).await;
    let question = client.next_notification(SAMPLING, DEADLINE).await;
    client.respond(&question, r#""result":{"mine":2}"#).await;
    let Answer { text, .. } = fleet::answer(&client, last).await;
    stage.holds("and makes room for another", text.contains(r#""mine":2"#));
    memory.at_most(&mut stage, 2 * MIB);
    client.close().await;
    stage.close().await;
}
