//! `cargo bench --bench gateway`: what a call through the gateway costs, beside the same load over the bare
//! pipe of one server, and what the gateway needs in time and memory otherwise.
//!
//! The upstreams are this binary itself (`--echo-server`), so that it needs nothing else. It prints a Markdown
//! table and can write JSON. It fails only when a run is broken (an answer lost, wrong or given twice), never
//! because a figure is slow: machines differ, and the goal stands beside each figure.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

extern crate testkit as support;

mod echo;
mod goals;
mod handlers;
mod load;
mod measure;
mod modern;
mod pipe;
mod report;
mod session;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use self::measure::{crash, growth, memory, page, profiles, remote, speed, start};
use self::report::{Machine, Report};

/// Measures the gateway on this machine. Goals stand beside the figures; only a broken run fails.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Options {
    /// A short run that proves that everything works; its figures say little.
    #[arg(long)]
    quick: bool,
    /// Measure something else instead: the worst message of each kind that an actor takes. Two minutes.
    #[arg(long)]
    handlers: bool,
    /// Measure something else instead: whether anything grows over very many calls, and what 1000 streams that
    /// listen without a session take, beside 1000 idle sessions. Some minutes.
    #[arg(long)]
    long: bool,
    /// Measure something else instead: the page at `/`, in a browser, which tests/run installs. Two minutes.
    #[arg(long)]
    page: bool,
    /// So many calls of each era, with --long.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    calls: usize,
    /// Also write the figures there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Seconds per shape of load and round.
    #[arg(long, value_name = "N", default_value_t = 3.0)]
    seconds: f64,
    /// Rounds; figures are the medians.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Measure this binary instead of the one just built; it must understand the same arguments.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// cargo says this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How long and how often everything is done.
struct Plan {
    gateway: Option<PathBuf>,
    /// Per shape and round.
    time: Duration,
    rounds: usize,
    /// Whole starts of the gateway.
    starts: usize,
    /// Idle sessions to weigh.
    sessions: usize,
    /// Calls over which nothing may grow.
    calls: usize,
    /// `tools/list` requests.
    lists: usize,
    /// Echoes of 1 MiB.
    big_echoes: usize,
    /// Upstreams to kill.
    crashes: usize,
    /// How long memory must stay the same to count as settled.
    quiet: Duration,
}

impl Plan {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let full = Self {
            gateway: options.gateway.clone(),
            time: Duration::try_from_secs_f64(options.seconds).context("--seconds")?,
            rounds: options.rounds.max(1),
            starts: 5,
            sessions: if options.long { 1_000 } else { 200 },
            calls: options.calls,
            lists: 500,
            big_echoes: 100,
            crashes: 5,
            quiet: Duration::from_secs(3),
        };
        if !options.quick {
            return Ok(full);
        }
        Ok(Self {
            time: full.time.min(Duration::from_millis(500)),
            rounds: 1,
            starts: 2,
            sessions: 50,
            calls: full.calls.min(10_000),
            lists: 50,
            big_echoes: 10,
            crashes: 2,
            quiet: Duration::from_secs(1),
            ..full
        })
    }
}

fn main() -> anyhow::Result<ExitCode> {
    if let Some(tools) = echo::requested() {
        echo::serve(tools)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(offer) = handlers::server::requested() {
        handlers::server::serve(offer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::parse();
    let plan = Plan::new(&options)?;
    // One thread: the load must leave the machine to what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        if options.handlers {
            run_handlers(&plan).await
        } else if options.long {
            run_long(&plan).await
        } else if options.page {
            run_page(&plan).await
        } else {
            run(&plan).await
        }
    })?;
    io::stdout().write_all(report.markdown().as_bytes())?;
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&report.json())?;
        std::fs::write(path, json + "\n").with_context(|| path.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(plan: &Plan) -> anyhow::Result<Report> {
    let mut report = Report::new(
        Machine::look(),
        format!(
            "medians of {} rounds of {:?} per shape",
            plan.rounds, plan.time
        ),
    );
    progress("starts");
    start::measure(plan, &mut report).await?;
    progress("memory at rest");
    memory::at_rest(plan, &mut report).await?;
    memory::holder(plan, &mut report).await?;
    progress("idle sessions");
    memory::idle_sessions(plan, &mut report).await?;
    progress("calls");
    speed::measure(plan, &mut report).await?;
    progress("profiles");
    profiles::measure(plan, &mut report).await?;
    progress("remote servers");
    remote::measure(plan, &mut report).await?;
    progress("crashes");
    crash::measure(plan, &mut report).await?;
    report.machine.finish();
    Ok(report)
}

async fn run_handlers(plan: &Plan) -> anyhow::Result<Report> {
    let settings = "the most that one message of a kind took of a core".to_owned();
    let mut report = Report::new(Machine::look(), settings);
    handlers::measure(plan, &mut report).await?;
    report.machine.finish();
    Ok(report)
}

async fn run_long(plan: &Plan) -> anyhow::Result<Report> {
    let settings = format!("{} calls of each era, 16 at a time", plan.calls);
    let mut report = Report::new(Machine::look(), settings);
    progress("streams that listen");
    memory::listens(plan, &mut report).await?;
    progress("many calls");
    growth::measure(plan, &mut report).await?;
    report.machine.finish();
    Ok(report)
}

async fn run_page(plan: &Plan) -> anyhow::Result<Report> {
    let mut report = Report::new(Machine::look(), "the page, in Chromium".to_owned());
    progress("the page");
    page::measure(plan, &mut report).await?;
    report.machine.finish();
    Ok(report)
}

/// Says on stderr what is being measured.
fn progress(what: &str) {
    eprintln!("measuring: {what}");
}
