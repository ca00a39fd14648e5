//! Each misbehaviour of a server raises its counter, and no other.

use serde_json::{Value, json};

use super::{SOON, Scrape, scrape, server_in, value_is, value_of};
use crate::support::client::SseClient;
use crate::support::gateway::Gateway;
use crate::support::servers::{failed_text, fixture, join, serve_ready, text_of};
use crate::support::wait;

fn calls(server: &str, outcome: &str) -> String {
    format!(r#"mcproxy_calls_total{{outcome="{outcome}",server="{server}"}}"#)
}

fn dropped(server: &str, reason: &str) -> String {
    format!(r#"mcproxy_answers_dropped_total{{reason="{reason}",server="{server}"}}"#)
}

fn of(metric: &str, server: &str) -> String {
    format!(r#"mcproxy_{metric}{{server="{server}"}}"#)
}

async fn serve(flags: &[&str]) -> (Gateway, SseClient) {
    serve_entry(fixture("a", flags)).await
}

/// With a bystander.
async fn serve_entry(entry: Value) -> (Gateway, SseClient) {
    let (gateway, client) = serve_ready(&[entry, fixture("by", &[])]).await;
    client.call_tool("by__echo", r#"{"text":"x"}"#).await;
    (gateway, client)
}

/// What is above zero of the counters of 'a', but for its state.
fn raised(scrape: &Scrape) -> Vec<String> {
    let series = scrape.counted_of_server("a").into_iter();
    let series = series.filter(|series| !series.contains("_up") && !series.contains("_starts"));
    let raised = series.filter(|series| scrape.value(series) != Some(0.0));
    raised.map(str::to_owned).collect()
}

/// The bystander answered its one call, and has nothing else to its name.
fn assert_untouched(scrape: &Scrape) {
    let expected = [
        calls("by", "answered"),
        of("server_starts_total", "by"),
        of("server_up", "by"),
    ];
    for series in scrape.counted_of_server("by") {
        let value = f64::from(u8::from(expected.iter().any(|e| e == series)));
        assert_eq!(scrape.value(series), Some(value), "{series}");
    }
}

async fn echo(client: &SseClient) {
    let text = text_of(&client.call_tool("a__echo", r#"{"text":"x"}"#).await);
    assert_eq!(text, "x");
}

#[tokio::test]
async fn answers_that_come_twice() {
    let (gateway, client) = serve(&["--twice"]).await;
    // The handshake's answers came twice too.
    let before = value_of(&gateway, &dropped("a", "duplicate")).await;
    for _ in 0..3 {
        echo(&client).await;
    }
    value_is(&gateway, &dropped("a", "duplicate"), before + 3.0).await;
    value_is(&gateway, &calls("a", "answered"), 3.0).await;
    let scrape = scrape(&gateway).await;
    let mut expected = [dropped("a", "duplicate"), calls("a", "answered")];
    expected.sort();
    assert_eq!(raised(&scrape), expected);
    assert_untouched(&scrape);
}

#[tokio::test]
async fn answers_to_what_nobody_asked() {
    let (gateway, client) = serve(&["--wrong-id"]).await;
    let before = value_of(&gateway, &dropped("a", "unknown")).await;
    echo(&client).await;
    value_is(&gateway, &dropped("a", "unknown"), before + 1.0).await;
    value_is(&gateway, &calls("a", "answered"), 1.0).await;
    assert_untouched(&scrape(&gateway).await);
}

#[tokio::test]
async fn a_call_that_times_out_and_is_answered_late() {
    let mut entry = fixture("a", &[]);
    entry["call_timeout"] = json!(1);
    let (gateway, client) = serve_entry(entry).await;
    let late = r#"{"ms":1800,"ignore_cancel":true}"#;
    let failed = failed_text(&client.call_tool("a__sleep", late).await);
    assert!(failed.contains("call_timeout"), "{failed}");
    let at_timeout = scrape(&gateway).await;
    assert_eq!(at_timeout.value(&calls("a", "timeout")), Some(1.0));
    assert_eq!(at_timeout.value(&of("calls_in_flight", "a")), Some(0.0));
    // The server may still be at it: it keeps its permit until it answers.
    assert_eq!(at_timeout.value(&of("call_permits_in_use", "a")), Some(1.0));
    value_is(&gateway, &dropped("a", "late"), 1.0).await;
    value_is(&gateway, &of("call_permits_in_use", "a"), 0.0).await;
    let scrape = scrape(&gateway).await;
    assert_eq!(
        raised(&scrape),
        [dropped("a", "late"), calls("a", "timeout")]
    );
    assert_untouched(&scrape);
}

#[tokio::test]
async fn a_call_that_is_cancelled_and_one_that_is_lost() {
    let (gateway, client) = serve(&["--hang-on", "abort"]).await;
    let id = client
        .request("tools/call", Some(r#"{"name":"a__abort","arguments":{}}"#))
        .await;
    value_is(&gateway, &of("calls_in_flight", "a"), 1.0).await;
    let params = format!(r#"{{"requestId":{id}}}"#);
    client
        .notify("notifications/cancelled", Some(&params))
        .await;
    value_is(&gateway, &calls("a", "cancelled"), 1.0).await;
    value_is(&gateway, &of("calls_in_flight", "a"), 0.0).await;
    let lost = failed_text(&client.call_tool("a__exit", r#"{"code":1}"#).await);
    assert!(lost.contains("exited with code 1"), "{lost}");
    value_is(&gateway, &calls("a", "lost"), 1.0).await;
    value_is(&gateway, &of("call_permits_in_use", "a"), 0.0).await;
    value_is(&gateway, &of("server_starts_total", "a"), 2.0).await;
    assert_untouched(&scrape(&gateway).await);
}

#[tokio::test]
async fn a_call_too_many_is_refused() {
    let (gateway, first) = serve(&["--hang-on", "abort"]).await;
    // 128 at one server, 64 in one session; the last 8 are for other clients.
    let second = join(&gateway).await;
    let third = join(&gateway).await;
    for client in [&first, &second, &third] {
        for _ in 0..64 {
            let params = r#"{"name":"a__abort","arguments":{}}"#;
            client.request("tools/call", Some(params)).await;
        }
    }
    value_is(&gateway, &of("calls_in_flight", "a"), 120.0).await;
    value_is(&gateway, "mcproxy_session_calls_in_flight", 120.0).await;
    value_is(&gateway, &calls("a", "refused"), 72.0).await;
    let fourth = join(&gateway).await;
    let busy = failed_text(&fourth.call_tool("a__echo", r#"{"text":"x"}"#).await);
    assert!(busy.contains("busy"), "{busy}");
    value_is(&gateway, &calls("a", "refused"), 73.0).await;
    assert_untouched(&scrape(&gateway).await);
}

#[tokio::test]
async fn lines_that_are_no_message_and_a_flood_on_stderr() {
    let (gateway, client) = serve(&["--garbage", "--noisy-stderr"]).await;
    let before = value_of(&gateway, &of("lines_dropped_total", "a")).await;
    echo(&client).await;
    value_is(&gateway, &of("lines_dropped_total", "a"), before + 1.0).await;
    value_of(&gateway, &of("stderr_lines_dropped_total", "a")).await;
    assert_untouched(&scrape(&gateway).await);
}

#[tokio::test]
async fn notifications_that_a_client_has_no_room_for() {
    let flags = ["--offers", "--flood-notifications", "0"];
    let (gateway, client) = serve(&flags).await;
    let set = client
        .call("logging/setLevel", Some(r#"{"level":"debug"}"#), SOON)
        .await;
    assert!(set.contains("result"), "{set}");
    client.set_reading(false);
    value_of(&gateway, &of("notifications_dropped_total", "a")).await;
    wait::until("the session to end", SOON, async || {
        (scrape(&gateway).await.value("mcproxy_sessions") == Some(0.0)).then_some(())
    })
    .await;
    server_in(&gateway, "by", "ready").await;
}
