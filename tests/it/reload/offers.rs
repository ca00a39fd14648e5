//! What clients are offered, as the file changes it: one line says so, the status has it, and nothing
//! else is touched.

#![cfg(test)]

use serde_json::{Value, json};

use super::{Bench, PATIENCE, lines_after, server, server_with};
use crate::support::http;
use crate::support::wait;

const LINE: &str = "reload: gateway: protocol: ";

/// As [`saved`], where the log has something to say: it may come a little later.
async fn told(bench: &Bench, gateway: &str, entries: &[String], modern: Value) -> Vec<String> {
    let mark = bench.gateway.log_mark();
    saved(bench, gateway, entries, modern).await;
    let gateway = &bench.gateway;
    gateway.wait_for_log_after(mark, LINE, PATIENCE).await;
    lines_after(gateway, mark, LINE)
}

/// Saves, and waits until the status has `modern`; what the log said of it.
async fn saved(bench: &Bench, gateway: &str, entries: &[String], modern: Value) -> Vec<String> {
    let mark = bench.gateway.log_mark();
    let servers = entries.join(",");
    let text = format!(r#"{{"gateway": {gateway}, "servers": [{servers}]}}"#);
    bench.gateway.write_config(&text);
    let what = format!("the status to have {modern}");
    wait::until(&what, PATIENCE, async || {
        (status(bench).await == modern).then_some(())
    })
    .await;
    lines_after(&bench.gateway, mark, LINE)
}

async fn status(bench: &Bench) -> Value {
    let response = http::get(bench.gateway.addr(), "/status").await;
    let mut status: Value = serde_json::from_slice(&response.body).expect("JSON");
    status["modern"].take()
}

#[tokio::test]
async fn a_save_changes_what_clients_are_offered_and_a_line_says_so() {
    let bench = Bench::start(&["one"]).await;
    let (all, none) = (
        json!({"served": true, "offered": true}),
        json!({"served": false, "offered": false}),
    );
    let held = |by: &str| json!({"served": true, "offered": false, "held_back_by": by});
    assert_eq!(status(&bench).await, all);
    let one = bench.process("one");

    let shared = vec![server("one")];
    let isolated = |name: &str| {
        let own = server_with(name, r#", "isolation": "session""#);
        [shared.clone(), vec![own]].concat()
    };
    let said = told(&bench, "{}", &isolated("browser"), held("browser")).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("its session's own 'browser'"), "{said:?}");
    // Another server is a reason as good as the first: nothing changes for clients.
    let said = saved(&bench, "{}", &isolated("shell"), held("shell")).await;
    assert_eq!(said, [""; 0]);

    let both = r#"{"protocol": "both"}"#;
    let said = told(&bench, both, &isolated("shell"), all.clone()).await;
    assert_eq!(said.len(), 1, "{said:?}");
    // What can't be used changes nothing, for as long as it is there.
    let wrong = r#"{"protocol": "always"}"#;
    let said = saved(&bench, wrong, &isolated("browser"), all.clone()).await;
    assert_eq!(said, [""; 0]);
    let legacy = r#"{"protocol": "legacy"}"#;
    let said = told(&bench, legacy, &shared, none).await;
    assert!(
        said[0].ends_with("clients are not served in 2026-07-28"),
        "{said:?}"
    );
    let said = told(&bench, "{}", &shared, all).await;
    assert!(
        said[0].ends_with("clients are offered 2026-07-28"),
        "{said:?}"
    );
    assert_eq!(bench.process("one"), one, "it was not touched");
}
