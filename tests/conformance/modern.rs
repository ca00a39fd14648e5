//! Revision 2026-07-28 behind the gateway. A server of that revision needs one process for all clients, of either
//! era: what it asks is in its results. And a server of an older revision, behind clients of this one.

use std::net::SocketAddr;

use serde_json::json;

use crate::baseline::{CUSTOM_HEADERS, SCORE_2026_07_28};
use crate::behind::assert_passes;
use crate::report::Status;
use crate::suite::Suite;
use crate::support::servers::fixture;
use crate::targets::{Era, entry, gateway, gateway_of, others};

/// The checks of headers that mirror arguments. The gateway makes them for every server.
const CUSTOM: usize = 10;

const SUITE: Suite = Suite::Of2026_07_28;

/// A scenario and a check of it.
type Point = (&'static str, &'static str);

/// Lists that change while somebody listens. The suite waits a second and a half for each.
const CHANGES: [Point; 2] = [
    (
        "server-stateless",
        "sep-2575-server-sends-prompts-list-changed-on-subscription",
    ),
    (
        "server-stateless",
        "sep-2575-server-sends-tools-list-changed-on-subscription",
    ),
];

fn is_of(complaint: &str, (scenario, check): Point) -> bool {
    complaint.starts_with(&format!("{scenario}: {check}: "))
}

async fn assert_passes_all(addr: SocketAddr) {
    assert_passes_but(addr, &[]).await;
}

/// Passes all but some, which may pass too.
async fn assert_passes_but(addr: SocketAddr, may_fail: &[Point]) {
    let report = SUITE.run(addr).await;
    let (mut complaints, all) = (report.complaints(), report.complaints().len());
    complaints.retain(|complaint| !may_fail.iter().any(|point| is_of(complaint, *point)));
    assert_eq!(complaints, [""; 0]);
    let (scenarios, checks) = SCORE_2026_07_28;
    let counted = (report.scenarios().len(), report.count(Status::Success));
    assert_eq!(counted, (scenarios + 1, checks + CUSTOM - all));
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

/// A server that changes its lists again and again is asked for them every two seconds in the end.
#[tokio::test]
async fn modern_three_at_once() {
    let gateway = gateway(&[entry(Era::Modern, "shared")]).await;
    let run = || assert_passes_but(gateway.addr(), &CHANGES);
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

/// What a server of an older revision can not be made to do behind clients of this one: the suite answers under a
/// key of its own, where the questions of such a server have none.
const NAMELESS: [Point; 2] = [
    (
        "input-required-result-basic-elicitation",
        "sep-2322-elicitation-incomplete",
    ),
    (
        "input-required-result-ignore-extra-params",
        "sep-2322-ignore-unexpected-params",
    ),
];

/// The suite waits half a second for this answer: the start of a process may take that long.
const HASTY: Point = (
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
    // Each call has a process to itself: nobody sees the lists that it changes.
    let impossible = [NAMELESS, CHANGES].concat();
    for point in &impossible {
        let is_there = complaints.iter().any(|complaint| is_of(complaint, *point));
        assert!(is_there, "{point:?} passes: take it off the list");
    }
    let is_known = |complaint: &String| {
        let known = impossible.iter().chain([&HASTY]);
        known.into_iter().any(|point| is_of(complaint, *point))
    };
    let mut new = complaints;
    new.retain(|complaint| !is_known(complaint));
    assert_eq!(new, [""; 0]);
    assert_passes(Suite::Of2025_11_25, gateway.addr()).await;
}

/// Tasks, an extension, with the server of the other tests: that of `server/` has none, nor has an SDK.
#[tokio::test]
async fn tasks() {
    let mut entries = [fixture("tasks", &["--era", "modern", "--tasks"])];
    entries[0]["prefix"] = json!("");
    let gateway = gateway(&entries).await;
    let report = SUITE.run_tasks(gateway.addr()).await;
    assert_eq!(report.complaints(), [""; 0]);
    let counted = (report.scenarios().len(), report.count(Status::Success));
    assert_eq!(counted, (10, 44));
    // Of what is told to who listens, the suite has nothing yet.
    assert_eq!(report.count(Status::Skipped), 1);
}
