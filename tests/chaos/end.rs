//! When the faults are over everything is as it was: as in a gateway of the same shape that nothing was done
//! to. What differs is a complaint.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{self, Instant};

use crate::house::House;
use crate::support::client::SseClient;
use crate::support::http;
use crate::support::proc;
use crate::support::puppet::KINDS;

/// Streams end, connections close and processes are reaped by then.
const SETTLED: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(100);
/// File descriptors more or less.
const SLACK: usize = 2;

/// What a gateway without clients holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    ready: u16,
    actors: BTreeMap<String, usize>,
    /// How many processes there are of each server, and how many others below.
    processes: BTreeMap<String, usize>,
    zombies: usize,
    /// Sessions, connections, calls pending, permits in use, by their own count.
    gauges: BTreeMap<String, String>,
    files: usize,
}

/// What is held in memory alone. The connection that asks is one of them.
const GAUGES: [&str; 6] = [
    "mcproxy_sessions",
    "mcproxy_session_calls_in_flight",
    "mcproxy_connections",
    "mcproxy_bodies_in_flight_bytes",
    "mcproxy_calls_in_flight",
    "mcproxy_call_permits_in_use",
];

impl Shape {
    pub(crate) async fn of(house: &mut House) -> Self {
        let alive = house.alive().await;
        let count = |kind: &str| {
            (
                kind.to_owned(),
                alive.get(kind).copied().unwrap_or_default(),
            )
        };
        let mut processes = BTreeMap::new();
        for (name, _) in house.servers() {
            *processes.entry(name).or_default() += 1;
        }
        processes.insert(String::new(), house.below().len());
        let children = proc::children(house.pid());
        let is_zombie = |pid| proc::stat(pid).is_some_and(|stat| stat.state == 'Z');
        Self {
            ready: http::get(house.addr, "/readyz").await.status,
            actors: KINDS.into_iter().map(count).collect(),
            processes,
            zombies: children.iter().filter(|child| is_zombie(child.pid)).count(),
            gauges: gauges(house).await,
            files: house.open_files().unwrap_or_default(),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        let files = other.files;
        self.files.abs_diff(files) <= SLACK
            && Self {
                files,
                ..self.clone()
            } == *other
    }
}

/// Compares a gateway that was struck with a quiet one of the same configuration; what is wrong.
pub(crate) async fn compare(house: &mut House, quiet: &mut House) -> Vec<String> {
    let mut complaints = Vec::new();
    let (struck_tools, quiet_tools) = (tools(house).await, tools(quiet).await);
    if struck_tools != quiet_tools {
        complaints.push(format!("other tools:\n  {struck_tools}\n  {quiet_tools}"));
    }
    let end = Instant::now() + SETTLED;
    let mut shapes = (Shape::of(house).await, Shape::of(quiet).await);
    while !shapes.0.is_like(&shapes.1) && Instant::now() < end {
        time::sleep(AGAIN).await;
        shapes = (Shape::of(house).await, Shape::of(quiet).await);
    }
    if !shapes.0.is_like(&shapes.1) {
        complaints.push(format!("another shape: {shapes:#?}"));
    }
    let below: Vec<_> = house.below().into_iter().map(|one| one.pid).collect();
    let mut former = house.alive_of_all();
    former.retain(|process| !below.contains(&process.pid));
    if !former.is_empty() {
        complaints.push(format!("left by an earlier life: {former:#?}"));
    }
    complaints
}

async fn gauges(house: &House) -> BTreeMap<String, String> {
    let text = http::get(house.addr, "/metrics").await.text();
    let gauges = text.lines().filter_map(|line| line.rsplit_once(' '));
    let is_held = |name: &str| GAUGES.contains(&name.split('{').next().unwrap_or_default());
    // A server that was removed may still be counted, at zero.
    let held = gauges.filter(|(name, value)| is_held(name) && *value != "0");
    held.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn tools(house: &House) -> String {
    let client = SseClient::connect(house.addr).await;
    client.initialize().await;
    let answer = client
        .call("tools/list", None, Duration::from_secs(20))
        .await;
    client.close().await;
    answer
}
