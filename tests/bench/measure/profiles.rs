//! Twenty profiles beside one, of 200 tools: what a list takes in one of them, and what the others take in
//! memory. Both gateways take turns, so that both see the same noise of the machine.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::memory;
use crate::Plan;
use crate::load::{Sample, median};
use crate::report::Report;
use crate::session::{self, TOOLS};
use crate::support::client::{DEADLINE, SseClient, SseOptions};
use crate::support::gateway::Gateway;

const MANY: usize = 20;

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let (one, many) = (open(plan, 1).await?, open(plan, MANY).await?);
    let pss = [&one, &many].map(Gateway::pid);
    let memory = memory::settled(pss[1], plan).await? - memory::settled(pss[0], plan).await?;
    let clients = [join(&one, 0).await, join(&many, MANY - 1).await];
    let mut ratios = Vec::new();
    for _ in 0..plan.rounds {
        let mut p50 = [0.0; 2];
        for (client, p50) in clients.iter().zip(&mut p50) {
            *p50 = lists(client, plan.lists).await?;
        }
        ratios.push(p50[1] / p50[0]);
    }
    let what =
        format!("tools/list, p50 in one of {MANY} profiles of 200 tools ÷ that in the only one");
    report.add("profiles.list.ratio", &what, median(ratios), "×");
    let what = format!("PSS with {MANY} profiles of 200 tools, more than with one");
    report.add("profiles.memory", &what, memory, "MiB");
    drop(clients);
    session::end(one).await?;
    session::end(many).await
}

/// A gateway with so many profiles, each without one tool of each server, all of which are ready.
async fn open(plan: &Plan, count: usize) -> anyhow::Result<Gateway> {
    let profiles = (0..count).map(|number| {
        let hidden = format!("*__tool_{:02}", number % TOOLS);
        (name(number), json!({ "tools": { "deny": [hidden] } }))
    });
    let profiles: Map<String, Value> = profiles.collect();
    let options = session::options_with(plan, &json!({ "profiles": profiles }))?;
    session::ready(options).await
}

fn name(number: usize) -> String {
    format!("p{number:02}")
}

async fn join(gateway: &Gateway, number: usize) -> SseClient {
    let options = SseOptions {
        path: &format!("/p/{}/sse", name(number)),
        ..SseOptions::default()
    };
    let client = SseClient::connect_with(gateway.addr(), &options).await;
    client.initialize().await;
    client
}

/// The p50 of so many lists, in µs.
async fn lists(client: &SseClient, count: usize) -> anyhow::Result<f64> {
    let mut latencies: Vec<Duration> = Vec::new();
    let start = Instant::now();
    for _ in 0..count {
        let begin = Instant::now();
        let list = client.call("tools/list", None, DEADLINE).await;
        latencies.push(begin.elapsed());
        let tools = session::count_tools(&list)?;
        ensure!(tools == session::UPSTREAMS * (TOOLS - 1), "{tools} tools");
    }
    Ok(Sample::new(start.elapsed(), latencies).percentile(50))
}
