//! The same server behind the gateway, under its own names: whatever passes directly passes here.
//! With a process for each session that is everything; with one process for all it is all but what
//! asks the client, since nothing says which client is meant.

use std::net::SocketAddr;

use crate::baseline::direct;
use crate::report::{Report, differences};
use crate::suite::Suite;
use crate::targets::{Era, entry, gateway, others};

/// The scenarios that need sampling or elicitation: a server that all sessions share is told that
/// its client has neither.
pub(crate) const ASKING: [&str; 4] = [
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
    "tools-call-elicitation",
    "tools-call-sampling",
];

pub(crate) fn assert_same(behind: &Report, direct: &Report, expected: &[&str]) {
    let found = differences(direct, behind, expected);
    assert!(
        found.is_empty(),
        "behind the gateway:\n{}",
        found.join("\n")
    );
}

pub(crate) async fn assert_passes(suite: Suite, addr: SocketAddr) {
    let direct = direct(suite).await;
    assert_same(&suite.run(addr).await, &direct, &[]);
}

async fn assert_passes_alone(suite: Suite) {
    let gateway = gateway(&[entry(Era::Legacy, "session")]).await;
    assert_passes(suite, gateway.addr()).await;
}

async fn assert_passes_among_ten(suite: Suite) {
    let mut entries = others();
    entries.insert(4, entry(Era::Legacy, "session"));
    assert_eq!(entries.len(), 10);
    let gateway = gateway(&entries).await;
    assert_passes(suite, gateway.addr()).await;
}

async fn assert_passes_shared(suite: Suite) {
    let direct = direct(suite).await;
    let gateway = gateway(&[entry(Era::Legacy, "shared")]).await;
    assert_same(&suite.run(gateway.addr()).await, &direct, &ASKING);
}

#[tokio::test]
async fn alone_0_1_16() {
    assert_passes_alone(Suite::V0_1_16).await;
}

#[tokio::test]
async fn alone_2025_11_25() {
    assert_passes_alone(Suite::Of2025_11_25).await;
}

#[tokio::test]
async fn among_ten_0_1_16() {
    assert_passes_among_ten(Suite::V0_1_16).await;
}

#[tokio::test]
async fn among_ten_2025_11_25() {
    assert_passes_among_ten(Suite::Of2025_11_25).await;
}

#[tokio::test]
async fn three_at_once() {
    let (older, newer) = (Suite::V0_1_16, Suite::Of2025_11_25);
    let (older_direct, newer_direct) = (direct(older).await, direct(newer).await);
    let gateway = gateway(&[entry(Era::Legacy, "session")]).await;
    let addr = gateway.addr();
    let (one, two, three) = tokio::join!(older.run(addr), newer.run(addr), newer.run(addr));
    assert_same(&one, &older_direct, &[]);
    assert_same(&two, &newer_direct, &[]);
    assert_same(&three, &newer_direct, &[]);
}

#[tokio::test]
async fn shared_0_1_16() {
    assert_passes_shared(Suite::V0_1_16).await;
}

#[tokio::test]
async fn shared_2025_11_25() {
    assert_passes_shared(Suite::Of2025_11_25).await;
}
