//! Rows 305 to 307: requests without a session that are held while their clients are asked.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::metrics;
use super::stage::Stage;
use crate::support::client::DEADLINE;
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::modern::{Ask, ModernClient};
use crate::support::servers::{failed_text, fixture, text_of};
use crate::support::{proc, wait};

/// What is to happen at once, on two busy cores.
const SOON: Duration = Duration::from_secs(3);
/// How many nobody comes back to.
const ABANDONED: usize = 50;

/// A server of which each call has a process of its own, so that it may ask.
fn asking() -> Value {
    let mut entry = fixture("bad", &["--offers"]);
    entry["isolation"] = "session".into();
    entry
}

fn ask() -> Ask {
    Ask::tool("bad__ask", r#"{"method":"roots/list"}"#).can(r#"{"roots":{}}"#)
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The call that goes on after what the client was shown, raw.
fn goes_on(shown: &str) -> Ask {
    let shown = read(shown);
    let state = &shown["result"]["requestState"];
    assert!(state.is_string(), "it is not asked: {shown}");
    let questions = shown["result"]["inputRequests"].as_object();
    let roots = json!({ "roots": [{ "uri": "file:///1" }] });
    let answers = questions.expect("questions").keys();
    let answers: Value = answers
        .map(|key| (key.clone(), roots.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    ask().retry(&answers.to_string(), Some(&state.to_string()))
}

/// The servers' own processes.
fn own(gateway: &Gateway) -> Vec<u32> {
    let children = gateway.children();
    let of_bad = children
        .iter()
        .filter(|child| child.command.contains("fixture-server"));
    of_bad.map(|child| child.pid).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f305_held_calls_abandoned() {
    let mut stage = Stage::open(305, &[asking()]).await;
    let client = ModernClient::new(stage.gateway.addr());
    let before = own(&stage.gateway).len();
    for _ in 0..ABANDONED {
        let (_, shown) = client.answer(&ask()).await;
        assert!(shown.contains("input_required"), "{shown}");
    }
    stage.struck(format!(
        "{ABANDONED} calls are held, with {} processes",
        own(&stage.gateway).len() - before
    ));
    let begun = Instant::now();
    let (_, shown) = client.answer(&ask()).await;
    let (_, answer) = client.answer(&goes_on(&shown)).await;
    stage.within(
        "the next one is asked and answered in",
        begun.elapsed(),
        SOON,
    );
    stage.holds(
        "with its own answer",
        text_of(&answer).contains("file:///1"),
    );
    let begun = Instant::now();
    stage.pause().await;
    stage.gateway.signal(Signal::SIGTERM);
    let status = stage.gateway.wait_exit(Duration::from_secs(15)).await;
    stage.within("a stop takes", begun.elapsed(), Duration::from_secs(12));
    stage.holds("and ends well", status.success());
    stage.keep();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f306_killed_while_held() {
    let mut stage = Stage::open(306, &[asking()]).await;
    let client = ModernClient::new(stage.gateway.addr());
    let before = own(&stage.gateway);
    let (_, shown) = client.answer(&ask()).await;
    let goes_on = goes_on(&shown);
    let mut asker = own(&stage.gateway);
    asker.retain(|pid| !before.contains(pid));
    let [asker] = asker[..] else {
        panic!("not one process more: {asker:?}");
    };
    assert!(proc::send(asker, Signal::SIGKILL));
    wait::until("it to be gone", DEADLINE, async || {
        (!own(&stage.gateway).contains(&asker)).then_some(())
    })
    .await;
    stage.struck(format!("pid {asker} is gone while its question was shown"));
    let begun = Instant::now();
    let (status, answer) = client.answer(&goes_on).await;
    stage.within("who comes again is answered in", begun.elapsed(), SOON);
    stage.holds(
        "by a result that names the server",
        status == 200 && failed_text(&answer).contains("bad"),
    );
    let (_, shown) = client.answer(&ask()).await;
    let (_, answer) = client.answer(&self::goes_on(&shown)).await;
    stage.holds(
        "the next call is asked and answered",
        text_of(&answer).contains("file:///1"),
    );
    let in_flight = ("mcproxy_calls_in_flight", &[("server", "bad")][..]);
    wait::until("no call in flight", DEADLINE, async || {
        let calls = metrics::sum(&stage.gateway, in_flight.0, in_flight.1).await;
        (calls < 0.5).then_some(())
    })
    .await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f307_gateway_killed_while_held() {
    let home = tempfile::tempdir().expect("a directory");
    let options = |options: GatewayOptions| options.home(home.path());
    let mut stage = Stage::with(307, &[asking()], &json!({}), options).await;
    let client = ModernClient::new(stage.gateway.addr());
    let (_, shown) = client.answer(&ask()).await;
    let goes_on = goes_on(&shown);
    stage.pause().await;
    let own = own(&stage.gateway);
    stage.gateway.signal(Signal::SIGKILL);
    stage.gateway.wait_exit(DEADLINE).await;
    stage.struck(format!(
        "SIGKILL to the gateway while a call was held, of {} servers",
        own.len()
    ));
    let text = super::stage::configuration(&[asking()], &json!({}));
    let next = Gateway::start(GatewayOptions::new(text).home(home.path())).await;
    stage.replace(next);
    support::both::ready(&stage.gateway).await;
    let client = ModernClient::new(stage.gateway.addr());
    let (status, answer) = client.answer(&goes_on).await;
    let error = &read(&answer)["error"];
    stage.holds(
        "the state is known to be of an earlier life: -32602, in words",
        status == 200
            && error["code"] == -32602
            && error["message"]
                .as_str()
                .is_some_and(|text| text.contains("restarted")),
    );
    let (_, shown) = client.answer(&ask()).await;
    let (_, answer) = client.answer(&self::goes_on(&shown)).await;
    stage.holds(
        "the next call is asked and answered",
        text_of(&answer).contains("file:///1"),
    );
    wait::until(
        "the servers of the first to be gone",
        DEADLINE,
        async || {
            let gone = own.iter().all(|pid| !proc::is_alive(*pid));
            gone.then_some(())
        },
    )
    .await;
    stage.resume().await;
    stage.close().await;
}
