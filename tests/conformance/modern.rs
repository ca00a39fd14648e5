//! Revision 2026-07-28 behind the gateway. A server of that revision needs one process for all clients, of either
//! era: what it asks is in its results. And a server of an older revision, behind clients of this one.

use std::net::SocketAddr;

use serde_json::json;

use crate::baseline::{CUSTOM_HEADERS, SCORE_2026_07_28};
use crate::behind::assert_passes;
use crate::report::Status;
use crate::suite::Suite;
use crate::targets::{Era, entry, gateway, gateway_of, others};

/// The checks of headers that mirror arguments. The gateway makes them for every server.
const CUSTOM: usize = 10;

const SUITE: Suite = Suite::Of2026_07_28;

async fn assert_passes_all(addr: SocketAddr) {
    let report = SUITE.run(addr).await;
    assert_eq!(report.complaints(), [""; 0]);
    let (scenarios, checks) = SCORE_2026_07_28;
    let counted = (report.scenarios().len(), report.count(Status::Success));
    assert_eq!(counted, (scenarios + 1, checks + CUSTOM));
    assert!(report.scenarios().contains(&CUSTOM_HEADERS));
}

#[tokio::test]
async fn modern_alone() {
    let gateway = gateway(&[entry(Era::Modern, "shared")]).await;
    assert_passes_all(gateway.addr()).await;
}

#[tokio::test]
async fn modern_among_ten() {
    let mut entries = others();
    entries.insert(4, entry(Era::Modern, "shared"));
    assert_eq!(entries.len(), 10);
    let gateway = gateway(&entries).await;
    assert_passes_all(gateway.addr()).await;
}

#[tokio::test]
async fn modern_three_at_once() {
    let gateway = gateway(&[entry(Era::Modern, "shared")]).await;
    let run = || assert_passes_all(gateway.addr());
    tokio::join!(run(), run(), run());
}

/// The older revisions against the same process: what it asks becomes requests to their sessions.
#[tokio::test]
async fn modern_for_older_clients() {
    let gateway = gateway(&[entry(Era::Modern, "shared")]).await;
    assert_passes(Suite::Of2025_11_25, gateway.addr()).await;
    assert_passes(Suite::V0_1_16, gateway.addr()).await;
    assert_passes_all(gateway.addr()).await;
}

/// What a server of an older revision can not be made to do behind clients of this one, and why not.
const IMPOSSIBLE: [(&str, &str); 4] = [
    // The suite answers under a key of its own, where such a server has none.
    (
        "input-required-result-basic-elicitation",
        "sep-2322-elicitation-incomplete",
    ),
    (
        "input-required-result-ignore-extra-params",
        "sep-2322-ignore-unexpected-params",
    ),
    // Each call has a process to itself: nobody sees the lists that it changes.
    (
        "server-stateless",
        "sep-2575-server-sends-prompts-list-changed-on-subscription",
    ),
    (
        "server-stateless",
        "sep-2575-server-sends-tools-list-changed-on-subscription",
    ),
];

/// The suite waits half a second for this answer: the start of a process may take that long.
const HASTY: (&str, &str) = (
    "server-stateless",
    "sep-2575-server-no-log-without-loglevel",
);

/// A process for each call and what it asks: the questions of a server with a handshake become results.
#[tokio::test]
async fn legacy_for_modern_clients() {
    let entries = [entry(Era::Legacy, "session")];
    let configuration = json!({ "gateway": { "protocol": "both" }, "servers": entries });
    let gateway = gateway_of(configuration.to_string(), &entries).await;
    let complaints = SUITE.run(gateway.addr()).await.complaints();
    let is_of = |complaint: &String, (scenario, check): (&str, &str)| {
        complaint.starts_with(&format!("{scenario}: {check}: "))
    };
    for known in IMPOSSIBLE {
        let is_there = complaints.iter().any(|complaint| is_of(complaint, known));
        assert!(is_there, "{known:?} passes: take it off the list");
    }
    let mut new = complaints;
    new.retain(|complaint| {
        ![&IMPOSSIBLE[..], &[HASTY]]
            .concat()
            .iter()
            .any(|known| is_of(complaint, *known))
    });
    assert_eq!(new, [""; 0]);
    assert_passes(Suite::Of2025_11_25, gateway.addr()).await;
}
