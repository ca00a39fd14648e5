//! Catalogues: all pages, changes upstream and what of them is told downstream, and that neither a crash
//! nor a restart takes a name away or changes the order.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::Instant;

use super::{SOON, settle};
use crate::support::client::SseClient;
use crate::support::servers::{bare, fixture, join, serve, tool_names};
use crate::support::wait;

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const CHANGED: &str = "notifications/tools/list_changed";

async fn list(client: &SseClient) -> Vec<String> {
    tool_names(&client.call("tools/list", None, SOON).await)
}

async fn set_tools(client: &SseClient, server: &str, names: &[&str]) {
    let arguments = json!({ "names": names }).to_string();
    client
        .call_tool(&format!("{server}__set_tools"), &arguments)
        .await;
}

#[tokio::test]
async fn all_pages_are_read_whatever_the_cursors() {
    let tools = ["--tools", "11"];
    let own = tool_names(&bare(&tools, &[LIST]).remove(0));
    let paged = [&tools[..], &["--page-size", "3"]].concat();
    let odd = [&paged[..], &["--empty-cursor"]].concat();
    let single = [&tools[..], &["--page-size", "1"]].concat();
    let (_gateway, client) = serve(&[
        fixture("paged", &paged),
        fixture("odd", &odd),
        fixture("single", &single),
    ])
    .await;
    let under = |server: &str| -> Vec<String> {
        own.iter().map(|tool| format!("{server}__{tool}")).collect()
    };
    let wanted = [under("paged"), under("odd"), under("single")].concat();
    assert_eq!(list(&client).await, wanted);
}

#[tokio::test]
async fn a_change_upstream_is_told_to_every_client_and_listed() {
    let (gateway, one) = serve(&[fixture("a", &["--page-size", "4"]), fixture("b", &[])]).await;
    let two = join(&gateway).await;
    let before = list(&one).await;
    set_tools(&one, "a", &["new", "newer"]).await;
    for client in [&one, &two] {
        let told = client.next_notification(CHANGED, SOON).await;
        assert_eq!(told, format!(r#"{{"jsonrpc":"2.0","method":"{CHANGED}"}}"#));
        let after = list(client).await;
        assert_eq!(after.len(), before.len() + 2);
        // In its server's place, not at the end of all.
        let place = after.iter().position(|name| name == "a__newer");
        let next = place.and_then(|place| after.get(place + 1));
        assert_eq!(next.map(String::as_str), Some("b__echo"));
    }
    set_tools(&two, "a", &[]).await;
    one.next_notification(CHANGED, SOON).await;
    assert_eq!(list(&one).await, before);
    let answer = one.call_tool("a__new", "{}").await;
    assert!(answer.contains("Unknown tool"), "{answer}");
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_not_told() {
    let (_gateway, client) = serve(&[fixture("a", &["--tools", "1"])]).await;
    let before = list(&client).await;
    for _ in 0..3 {
        set_tools(&client, "a", &["tool_0"]).await;
        // Time enough for the debounce, the new list and its way here.
        client.call_tool("a__sleep", r#"{"ms":400}"#).await;
    }
    settle(&client).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
    assert_eq!(list(&client).await, before);
    // It was listening all the time.
    set_tools(&client, "a", &["tool_1"]).await;
    client.next_notification(CHANGED, SOON).await;
}

#[tokio::test]
async fn the_first_change_is_told_at_once_and_then_one_in_250_ms() {
    let (_gateway, client) = serve(&[fixture("a", &[]), fixture("b", &[])]).await;
    list(&client).await;
    let start = Instant::now();
    let mut told = 0;
    let mut number = 0;
    while number < 30 || start.elapsed() < Duration::from_secs(3) {
        number += 1;
        let server = if number % 2 == 0 { "a" } else { "b" };
        set_tools(&client, server, &[&format!("t{number}")]).await;
        client.call_tool("b__sleep", r#"{"ms":20}"#).await;
        while client.notifications().pop().is_some() {
            client.next_notification(CHANGED, SOON).await;
            told += 1;
        }
        if told == 0 {
            let waited = start.elapsed();
            assert!(
                waited < Duration::from_secs(2),
                "none of {number}: {waited:?}"
            );
        }
    }
    let most = start.elapsed().as_millis() / 250 + 1;
    assert!(told <= most, "{told} of {number} changes, {most} may be");
    assert!(
        told >= most / 4,
        "{told} of {number} changes, {most} may be"
    );
    // The last of the changes is told too.
    let last = [format!("a__t{number}"), format!("b__t{number}")];
    wait::until("the last change", SOON, async || {
        let names = list(&client).await;
        last.iter().any(|name| names.contains(name)).then_some(())
    })
    .await;
}

/// Says that its list changed more often than any debounce lasts, for ever.
#[tokio::test]
async fn a_server_that_never_stops_to_change_is_listed_all_the_same() {
    let (_gateway, client) = serve(&[fixture("a", &[])]).await;
    list(&client).await;
    let changed = r#"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n"#;
    let arguments = format!(r#"{{"stdout":"{changed}"}}"#);
    let noise = async {
        loop {
            client.call_tool("a__echo", &arguments).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let change = async {
        set_tools(&client, "a", &["late"]).await;
        client
            .next_notification(CHANGED, Duration::from_secs(2))
            .await;
    };
    tokio::select! {
        () = noise => unreachable!("it goes on for ever"),
        () = change => {}
    }
    assert!(list(&client).await.contains(&"a__late".to_owned()));
}

#[tokio::test]
async fn a_crash_takes_no_name_away_and_keeps_the_order() {
    let (gateway, client) = serve(&[
        fixture("c", &["--tools", "3", "--page-size", "2"]),
        fixture("a", &["--marker", "victim"]),
        fixture("b", &[]),
    ])
    .await;
    let before = client.call("tools/list", None, SOON).await;
    let names = tool_names(&before);
    for _ in 0..2 {
        let mark = gateway.log_mark();
        let victim = gateway.child("victim").expect("it runs");
        victim.signal(Signal::SIGKILL);
        wait::until("its end", SOON, async || (!victim.is_alive()).then_some(())).await;
        assert_eq!(list(&client).await, names);
        gateway
            .wait_for_log_after(mark, "Server 'a' started", SOON)
            .await;
        assert_eq!(list(&client).await, names);
    }
    // Parked for the last of them, if that is not in the table yet.
    client.call_tool("a__echo", "{}").await;
    assert_eq!(list(&client).await, names);
    settle(&client).await;
    assert_eq!(client.notifications(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_comes_back_with_another_list_is_told_of() {
    let (gateway, client) =
        serve(&[fixture("a", &["--marker", "victim"]), fixture("b", &[])]).await;
    let before = list(&client).await;
    set_tools(&client, "a", &["short_lived"]).await;
    client.next_notification(CHANGED, SOON).await;
    let changed = list(&client).await;
    gateway
        .child("victim")
        .expect("it runs")
        .signal(Signal::SIGKILL);
    client.next_notification(CHANGED, SOON).await;
    assert_ne!(before, changed);
    assert_eq!(list(&client).await, before);
}
