//! Calls: how many a second, how long each takes, and what it costs the gateway in CPU time; then lists, large
//! bodies, and the memory that is left in use after all that.
//!
//! Bare pipe, both transports of the gateway and calls without a session take turns in each round, so that all see the same noise of the
//! machine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::Instant;

use super::memory;
use crate::Plan;
use crate::load::{self, Caller, SHAPES, Sample, Shape, median};
use crate::modern::Modern;
use crate::pipe::Pipe;
use crate::report::Report;
use crate::session::{self, Session, TOOLS};
use crate::support::client::{DEADLINE, Sse, Streamable, Transport};
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

/// One shape, once over the pipe and once through the gateway over each transport.
struct Round {
    pipe: Sample,
    sse: Through,
    mcp: Through,
    /// In MCP 2026-07-28.
    modern: Through,
}

/// Calls through the gateway.
struct Through {
    calls: Sample,
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
    Ok(Round {
        pipe: load::run(pipe, all, plan.time).await?,
        sse: through::<Sse>(plan, shape, gateway).await?,
        mcp: through::<Streamable>(plan, shape, gateway).await?,
        modern: without_session(plan, shape, gateway).await?,
    })
}

async fn through<T>(plan: &Plan, shape: &Shape, gateway: &Gateway) -> anyhow::Result<Through>
where
    T: Transport + Send + Sync + 'static,
{
    let sessions = Session::<T>::open_many(gateway.addr(), shape.sessions).await;
    let through = calls(plan, shape, gateway, &sessions).await?;
    for session in &sessions {
        session.check_nothing_extra()?;
    }
    Ok(through)
}

/// What a call of sessions over Streamable HTTP costs that gateway, in µs.
pub(crate) async fn cpu_of_calls(
    plan: &Plan,
    shape: &Shape,
    gateway: &Gateway,
) -> anyhow::Result<f64> {
    Ok(through::<Streamable>(plan, shape, gateway).await?.cpu)
}

async fn without_session(plan: &Plan, shape: &Shape, gateway: &Gateway) -> anyhow::Result<Through> {
    let client = || Arc::new(Modern::new(gateway.addr()));
    let clients: Vec<_> = (0..shape.sessions).map(|_| client()).collect();
    calls(plan, shape, gateway, &clients).await
}

async fn calls<C: Caller>(
    plan: &Plan,
    shape: &Shape,
    gateway: &Gateway,
    callers: &[Arc<C>],
) -> anyhow::Result<Through> {
    load::run(callers, shape.in_flight, WARM_UP).await?;
    let before = cpu(gateway)?;
    let calls = load::run(callers, shape.in_flight, plan.time).await?;
    let cpu = per_call(cpu(gateway)?.saturating_sub(before), &calls);
    Ok(Through { calls, cpu })
}

/// What is told of a shape: the end of its key, what it is, its unit, and how to get it from a round.
type Row<'a, R> = (&'static str, &'static str, &'static str, fn(&'a R) -> f64);

fn add_shape(report: &mut Report, shape: &Shape, rounds: &[Round]) {
    let Shape {
        name,
        sessions,
        in_flight,
    } = shape;
    let all = sessions * in_flight;
    let pipe: [Row<'_, Round>; 3] = [
        ("rate", "calls/s", "/s", |round| round.pipe.per_second()),
        ("p50", "p50", "µs", |round| round.pipe.percentile(50)),
        ("p99", "p99", "µs", |round| round.pipe.percentile(99)),
    ];
    let what = format!("{name}: bare pipe, 1 × {all}");
    add_rows(report, &format!("{name}.pipe"), &what, (rounds, &pipe));
    let sse: Vec<_> = rounds.iter().map(|round| (round, &round.sse)).collect();
    let what = format!("{name}: gateway /sse, {sessions} × {in_flight}");
    add_through(report, &format!("{name}.sse"), &what, &sse);
    let mcp: Vec<_> = rounds.iter().map(|round| (round, &round.mcp)).collect();
    let what = format!("{name}: gateway /mcp, {sessions} × {in_flight}");
    add_through(report, &format!("{name}.mcp"), &what, &mcp);
    let modern: Vec<_> = rounds.iter().map(|round| (round, &round.modern)).collect();
    let what = format!("{name}: gateway /mcp without a session, {sessions} × {in_flight}");
    add_through(report, &format!("{name}.modern"), &what, &modern);
    let ratio: [Row<'_, Round>; 1] = [(
        "ratio.cpu",
        "CPU per call ÷ that of a session's",
        "×",
        |round| round.modern.cpu / round.mcp.cpu,
    )];
    add_rows(report, &format!("{name}.modern"), &what, (rounds, &ratio));
}

fn add_through(report: &mut Report, key: &str, what: &str, rounds: &[(&Round, &Through)]) {
    let rows: [Row<'_, (&Round, &Through)>; 6] = [
        ("rate", "calls/s", "/s", |(_, seen)| seen.calls.per_second()),
        ("p50", "p50", "µs", |(_, seen)| seen.calls.percentile(50)),
        ("p99", "p99", "µs", |(_, seen)| seen.calls.percentile(99)),
        ("cpu", "the gateway's CPU per call", "µs", |(_, seen)| {
            seen.cpu
        }),
        (
            "ratio.rate",
            "calls/s ÷ bare pipe's",
            "×",
            |(round, seen)| seen.calls.per_second() / round.pipe.per_second(),
        ),
        ("ratio.p50", "p50 ÷ bare pipe's", "×", |(round, seen)| {
            seen.calls.percentile(50) / round.pipe.percentile(50)
        }),
    ];
    add_rows(report, key, what, (rounds, &rows));
}

fn add_rows<'a, R>(
    report: &mut Report,
    key: &str,
    what: &str,
    (rounds, rows): (&'a [R], &[Row<'a, R>]),
) {
    for (end, figure, unit, pick) in rows {
        let value = median(rounds.iter().map(pick).collect());
        report.add(
            &format!("{key}.{end}"),
            &format!("{what}, {figure}"),
            value,
            unit,
        );
    }
}

async fn lists(plan: &Plan, gateway: &Gateway, report: &mut Report) -> anyhow::Result<()> {
    let session = Session::<Sse>::open(gateway.addr()).await;
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
    let session = Session::<Sse>::open(gateway.addr()).await;
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
