//! Calls: how many a second, how long each takes, and what it costs the gateway in CPU time; then lists, large
//! bodies, and the memory that is left in use after all that.
//!
//! Bare pipe and gateway take turns in each round, so that both see the same noise of the machine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::Instant;

use super::memory;
use crate::Plan;
use crate::load::{self, Caller, SHAPES, Sample, Shape, median};
use crate::pipe::Pipe;
use crate::report::Report;
use crate::session::{self, Session, TOOLS};
use crate::support::client::DEADLINE;
use crate::support::gateway::Gateway;
use crate::support::proc;

/// Calls before the measured ones.
const WARM_UP: Duration = Duration::from_millis(300);

pub(crate) async fn measure(plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let gateway = session::gateway(plan).await?;
    let pipe = [Arc::new(Pipe::start(TOOLS)?)];
    let mut rounds: Vec<Vec<Round>> = SHAPES.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.rounds {
        for (shape, rounds) in SHAPES.iter().zip(&mut rounds) {
            rounds.push(round(plan, shape, &pipe, &gateway).await?);
        }
    }
    for (shape, rounds) in SHAPES.iter().zip(&rounds) {
        add_shape(report, shape, rounds);
    }
    let pss = memory::settled(gateway.pid(), plan).await?;
    report.add("memory.loaded", "PSS after c1, c16 and c64", pss, "MiB");
    lists(plan, &gateway, report).await?;
    big_echoes(plan, &gateway, report).await?;
    let pss = memory::settled(gateway.pid(), plan).await?;
    report.add("memory.big", "PSS after the 1 MiB echoes", pss, "MiB");
    session::end(gateway).await
}

/// One shape, once over the pipe and once through the gateway.
struct Round {
    pipe: Sample,
    gateway: Sample,
    /// Of the gateway, per call, in µs.
    cpu: f64,
}

async fn round(
    plan: &Plan,
    shape: &Shape,
    pipe: &[Arc<Pipe>],
    gateway: &Gateway,
) -> anyhow::Result<Round> {
    let all = shape.sessions * shape.in_flight;
    load::run(pipe, all, WARM_UP).await?;
    let bare = load::run(pipe, all, plan.time).await?;
    let sessions = Session::open_many(gateway.addr(), shape.sessions).await;
    load::run(&sessions, shape.in_flight, WARM_UP).await?;
    let before = cpu(gateway)?;
    let through = load::run(&sessions, shape.in_flight, plan.time).await?;
    let cpu = per_call(cpu(gateway)?.saturating_sub(before), &through);
    for session in &sessions {
        session.check_nothing_extra()?;
    }
    Ok(Round {
        pipe: bare,
        gateway: through,
        cpu,
    })
}

/// What is told of a shape: the end of its key, what it is, its unit, and how to get it from a round.
type Row = (&'static str, String, &'static str, fn(&Round) -> f64);

fn add_shape(report: &mut Report, shape: &Shape, rounds: &[Round]) {
    let Shape {
        name,
        sessions,
        in_flight,
    } = shape;
    let pipe = format!("bare pipe, 1 × {}", sessions * in_flight);
    let sse = format!("gateway /sse, {sessions} × {in_flight}");
    let rows: [Row; 9] = [
        ("pipe.rate", format!("{pipe}, calls/s"), "/s", |round| {
            round.pipe.per_second()
        }),
        ("pipe.p50", format!("{pipe}, p50"), "µs", |round| {
            round.pipe.percentile(50)
        }),
        ("pipe.p99", format!("{pipe}, p99"), "µs", |round| {
            round.pipe.percentile(99)
        }),
        ("sse.rate", format!("{sse}, calls/s"), "/s", |round| {
            round.gateway.per_second()
        }),
        ("sse.p50", format!("{sse}, p50"), "µs", |round| {
            round.gateway.percentile(50)
        }),
        ("sse.p99", format!("{sse}, p99"), "µs", |round| {
            round.gateway.percentile(99)
        }),
        (
            "sse.cpu",
            format!("{sse}, the gateway's CPU per call"),
            "µs",
            |round| round.cpu,
        ),
        (
            "ratio.rate",
            "calls/s, gateway ÷ bare pipe".to_owned(),
            "×",
            |round| round.gateway.per_second() / round.pipe.per_second(),
        ),
        (
            "ratio.p50",
            "p50, gateway ÷ bare pipe".to_owned(),
            "×",
            |round| round.gateway.percentile(50) / round.pipe.percentile(50),
        ),
    ];
    for (key, what, unit, pick) in rows {
        let value = median(rounds.iter().map(pick).collect());
        report.add(
            &format!("{name}.{key}"),
            &format!("{name}: {what}"),
            value,
            unit,
        );
    }
}

async fn lists(plan: &Plan, gateway: &Gateway, report: &mut Report) -> anyhow::Result<()> {
    let session = Session::open(gateway.addr()).await;
    let first = session.all_tools().await?;
    let mut latencies = Vec::new();
    let start = Instant::now();
    for _ in 0..plan.lists {
        let begin = Instant::now();
        let list = session.0.call("tools/list", None, DEADLINE).await;
        latencies.push(begin.elapsed());
        // Only the id differs.
        ensure!(body(&list) == body(&first), "two lists differ: {list:.500}");
    }
    let sample = Sample::new(start.elapsed(), latencies);
    report.add(
        "list.p50",
        "tools/list of 200 tools, p50",
        sample.percentile(50),
        "µs",
    );
    session.check_nothing_extra()
}

async fn big_echoes(plan: &Plan, gateway: &Gateway, report: &mut Report) -> anyhow::Result<()> {
    let session = Session::open(gateway.addr()).await;
    let text = "0123456789abcdef".repeat(1024 * 1024 / 16);
    for turn in 0..2 {
        load::check(&session.call(turn, &text).await?, &text)?;
    }
    let mut latencies = Vec::new();
    let before = cpu(gateway)?;
    let start = Instant::now();
    for turn in 0..plan.big_echoes {
        let begin = Instant::now();
        let answer = session.call(turn, &text).await?;
        latencies.push(begin.elapsed());
        load::check(&answer, &text)?;
    }
    let sample = Sample::new(start.elapsed(), latencies);
    let cost = per_call(cpu(gateway)?.saturating_sub(before), &sample) / 1e3;
    report.add("big.cpu", "1 MiB echo, gateway's CPU per call", cost, "ms");
    let p50 = sample.percentile(50) / 1e3;
    report.add("big.p50", "1 MiB echo, p50", p50, "ms");
    session.check_nothing_extra()
}

/// CPU time so far, of the gateway's own process.
fn cpu(gateway: &Gateway) -> anyhow::Result<Duration> {
    proc::cpu_time(gateway.pid()).context("the gateway has gone")
}

/// In µs.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of calls are far below 2^52"
)]
fn per_call(cpu: Duration, sample: &Sample) -> f64 {
    cpu.as_secs_f64() * 1e6 / sample.calls() as f64
}

/// What follows the id.
fn body(answer: &str) -> &str {
    answer
        .find("\"result\"")
        .and_then(|at| answer.get(at..))
        .unwrap_or(answer)
}
